"""The boxes of tracks in the order of their frames, over all shards."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import Check, Findings, O, Result
from dsinspect.tables.columns import Columns, at_rows, codes_of, is_given, objects
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._places import PLACES, places_of
from dsinspect_checks._sources import last_number, sources_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = tuple[Columns, ...]


class Tracks(msgspec.Struct, frozen=True):
    """Boxes sorted by track and frame.

    Attributes:
        table: places of the boxes, `frame` (number of the frame, or of the image in the order of paths), `track` and `video`.
        track: number of each box's track, from 0.
        is_next: which boxes have the box before them in the same track.
        step: of each box, the frames since the box before it in units of its video's commonest step; 0 for the first ones.
    """

    table: Columns
    track: NDArray[np.int64]
    is_next: NDArray[np.bool_]
    step: NDArray[np.float64]


def tracked_boxes(batch: Batch) -> Columns:
    """Return places, video, frame and track of the boxes that have one; ask with `batch.once`."""
    a, images = batch.annotation_columns, batch.image_columns
    rows = np.flatnonzero(is_given(a["track"]) & (a["image_row"] >= 0))
    sources = batch.once(sources_of)
    paths = images["path"].tolist()
    videos = objects([key or path.rpartition("/")[0] for key, path in zip(sources.key.tolist(), paths, strict=True)])
    frames = np.array([last_number(p) for p in paths], np.float64)
    image_row = a["image_row"][rows]
    return places_of(batch).take(rows).with_columns({
        "track": a["track"][rows], "video": at_rows(videos, image_row), "frame": at_rows(frames, image_row)})


class TrackCheck(Check[State, O]):
    """A check of whole tracks; a subclass judges them when all are known."""

    @abstractmethod
    def judge(self, tracks: Tracks) -> Findings:
        """Return what is wrong with the tracks of the set."""

    def map(self, batch: Batch) -> State:
        """Keep the boxes with a track."""
        table = batch.once(tracked_boxes)
        return (table,) if len(table) else ()

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Sort the boxes of each track by frame, and judge."""
        if not state:
            return Result()
        tracks = in_order(Columns.concat(state))
        return Result(self.judge(tracks), {"tracks": int(tracks.track.max(initial=-1)) + 1})


def in_order(table: Columns) -> Tracks:
    """Sort boxes by video, track and frame; frames without a number count in the order of their paths."""
    videos = _ranks(table["video"])
    frames = table["frame"].copy()
    paths = _ranks(table["image"])
    for video in np.unique(videos[np.isnan(frames)]):
        own = videos == video
        frames[own] = np.unique(paths[own], return_inverse=True)[1]
    key = videos * (int(_ranks(table["track"]).max(initial=0)) + 1) + _ranks(table["track"])
    order = np.lexsort((table["index"], paths, frames, key))
    key, frames, videos = key[order], frames[order], videos[order]
    is_next = np.append(False, key[1:] == key[:-1]) if len(key) else np.zeros(0, bool)
    gap = np.append(0.0, np.diff(frames))
    step = np.zeros(len(key))
    for video in np.unique(videos):
        own = np.flatnonzero(videos == video)
        gaps = np.diff(np.unique(frames[own]))
        values, times = np.unique(gaps, return_counts=True)
        unit = float(values[np.argmax(times)]) if len(values) else 1.0
        step[own] = gap[own] / unit
    step[~is_next] = 0
    sorted_table = table.take(order).with_columns({"frame": frames})
    return Tracks(sorted_table, np.cumsum(np.append(True, key[1:] != key[:-1])) - 1 if len(key) else key, is_next, step)


def places(table: Columns, rows: NDArray[np.intp]) -> Columns:
    """Return the columns of some rows that say where a finding is."""
    chosen = table.take(rows)
    return Columns({c: chosen[c] for c in PLACES}, len(chosen))


def _ranks(column: NDArray[np.object_]) -> NDArray[np.int64]:
    codes, names = codes_of(column)
    rank = np.empty(len(names) + 1, np.int64)
    rank[sorted(range(len(names)), key=lambda k: str(names[k]))] = np.arange(len(names))
    rank[-1] = len(names)
    return rank[codes]
