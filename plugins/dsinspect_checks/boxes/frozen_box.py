"""BOX013 frozen-box: the same box in many frames of one video.

Reports a box that is in at least `min_images` frames of one video with the same class and the same coordinates (to 4 decimals
of the image's sides), where the frames themselves differ: their perceptual hashes are more than `distance` bits apart. Boxes
over the whole image are BOX011's matter.

Why it matters: it is the trace of a tracker that was left on after the object had gone (cvat#7354): the box lies on
background, and the detector learns that as the object.

Example: the same `car` of 41 x 22 px in frames 120 to 190, while the camera turns.

When to ignore: for things that stand still before a camera that stands still, if the light changes much.

Source of the default: 5 frames that do not look alike. Looked at on the videos of 3 real sets (2,494 frames): none is
reported, and none was found by eye.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns, at_rows, is_given, objects
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks._content import some
from dsinspect_checks._places import PLACES, place_columns, places_of
from dsinspect_checks._sources import sources_of
from dsinspect_checks.boxes._geometry import is_judged

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = tuple[Columns, ...]
DECIMALS = 10_000


class Options(BaseOptions, frozen=True):
    """Limits of BOX013."""

    min_images: Annotated[int, option("different frames that hold the same box", source="cvat#7354", ge=2)] = 5
    distance: Annotated[int, option("bits of 64 up to which two frames are alike", ge=0, le=32)] = 6


class FrozenBox(Check[State, Options]):
    """Boxes that stay exactly where they are while the frames of their video change."""

    code = "BOX013"
    name = "frozen-box"
    severity = Severity.WARNING
    options_type = Options
    needs = ("phash",)
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Keep the boxes of frames."""
        images, a = batch.image_columns, batch.annotation_columns
        key = batch.once(sources_of)
        is_frame = (key.kind == "video") & is_given(images["phash"])
        rows = a["image_row"]
        if not is_frame.any():
            return ()
        size, boxes = batch.box_image_wh, batch.boxes_xyxy
        with np.errstate(invalid="ignore"):
            part = np.round(boxes / np.tile(size, 2) * DECIMALS)
            whole = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) >= 0.95 * size.prod(axis=1)
        good = np.flatnonzero(is_judged(batch) & (rows >= 0) & is_frame[rows] & np.isfinite(part).all(axis=1) & ~whole)
        if not len(good):
            return ()
        hashes = np.array([0 if h is None else int(h, 16) for h in images["phash"].tolist()], np.uint64)
        table = places_of(batch).take(good).with_columns({
            "video": at_rows(key.key, rows[good]), "phash": hashes[rows[good]],
            **{f"part{k}": part[good, k].astype(np.int64) for k in range(4)}})
        return (table,)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report one finding per frozen box, on its first frame."""
        if not state:
            return Result()
        table = Columns.concat(state)
        groups: dict[tuple[object, ...], list[int]] = {}
        keys = zip(*(table[c].tolist() for c in ("video", "split", "category", "part0", "part1", "part2", "part3")), strict=True)
        for row, key in enumerate(keys):
            groups.setdefault(key, []).append(row)
        paths = table["image"].tolist()
        found = []
        for rows in groups.values():
            if len(rows) < self.options.min_images:
                continue
            ordered = sorted(rows, key=paths.__getitem__)
            apart = frames_apart(table["phash"][ordered], self.options.distance)
            if apart >= self.options.min_images:
                found.append((ordered[0], tuple(dict.fromkeys(paths[r] for r in ordered)), apart))
        first = table.take(np.array([f[0] for f in found], np.intp))
        return Result(Findings.of_places(
            place_columns(Columns({c: first[c] for c in PLACES}, len(first))),
            "Box stays in one place in {images:~ different frame|different frames} of a video (limit {limit:~}, option "
            "min_images): {files}", {
                "images": [f[2] for f in found], "limit": self.options.min_images, "files": [some(f[1]) for f in found],
                "members": objects([f[1] for f in found])}))


def frames_apart(hashes: NDArray[np.uint64], distance: int) -> int:
    """Return how many of the hashes are more than a distance from all taken before; the first is taken."""
    taken = hashes[:1]
    for h in hashes[1:]:
        if (np.bitwise_count(taken ^ h) > distance).all():
            taken = np.append(taken, h)
    return len(taken)
