"""Frames of films by their names, and whether a film shows something else between two of them.

Objects that pass a fixed camera one after the other, such as waggons, look alike though no frame repeats another: between two
of them the film shows gaps and other parts. Where a camera stands still before one scene, what is between is like both.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.tables.columns import Columns, codes_of, is_given
from dsinspect_checks._sources import sources_of, stem_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERED = re.compile(r"\d{6,}")
"""Names of nothing but digits, as programs give them that cut films into frames; shorter ones number photos."""
BETWEEN = 8
"""Frames between two that are looked at, taken evenly."""


def frames_of(batch: Batch) -> Columns:
    """Return `film` and `frame` of each image: the name of the film (None for none) and the number of the frame in it."""
    sources = batch.once(sources_of)
    is_film = (sources.kind == "video") & ~np.isnan(sources.number)
    film, frame = sources.key.copy(), sources.number.copy()
    film[~is_film], frame[~is_film] = None, np.nan
    for row in np.flatnonzero(~is_film).tolist():
        stem = stem_of(batch.image_columns["path"][row])
        if _NUMBERED.fullmatch(stem):
            film[row], frame[row] = str(len(stem)), float(stem)
    return Columns({"film": film, "frame": frame})


class Films:
    """The frames of all films of a set, in order.

    Args:
        table: `film`, `frame`, and `phash`, one row per image.
        distance: bits up to which hashes are near.

    Attributes:
        places: (N,) place of each image among the frames of all films, -1 for one that is no frame.
    """

    def __init__(self, table: Columns, distance: int) -> None:
        self._distance = distance
        self.places = np.full(len(table), -1)
        codes, _ = codes_of(table["film"])
        rows = np.flatnonzero(is_given(table["film"]))
        key = np.stack([codes[rows].astype(np.float64), table["frame"][rows]], axis=1)
        frames, first, place = np.unique(key, axis=0, return_index=True, return_inverse=True)
        self.places[rows] = place.ravel()
        self._film = frames[:, 0]
        self._hashes = table["phash"][rows[first]]

    def show_others_between(self, places: NDArray[np.intp], hashes: NDArray[np.uint64], place: int, one: np.uint64) -> NDArray[
            np.bool_]:
        """Return between which images and another one their film shows more frames that look like neither than others.

        Args:
            places: (N,) of the images.
            hashes: (N,) of the images.
            place: of the other one.
            one: its hash.
        """
        result = np.zeros(len(places), bool)
        steps = np.abs(places - place)
        asked = np.flatnonzero((places >= 0) & (steps > 1)) if place >= 0 else np.empty(0, np.intp)
        asked = asked[self._film[places[asked]] == self._film[place]] if len(asked) else asked
        if not len(asked):
            return result
        low, steps = np.minimum(places[asked], place)[:, None], steps[asked, None]
        count = np.minimum(steps - 1, BETWEEN)
        nth = np.arange(BETWEEN)[None]
        between = self._hashes[low + 1 + np.minimum(nth, count - 1) * (steps - 1) // count]
        differ = (np.bitwise_count(between ^ hashes[asked, None]) > self._distance) & (
            np.bitwise_count(between ^ one) > self._distance)
        result[asked] = 2 * (differ & (nth < count)).sum(axis=1) > count[:, 0]
        return result
