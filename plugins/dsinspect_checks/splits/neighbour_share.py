"""SPL007 neighbour-share: val and test made of the neighbours of train.

Reports a split in which more than `max_share` of the images that are frames of a video have a neighbour in train: a frame at
most `reach` steps before or after. A step is the commonest distance of that video's frame numbers. SPL003 names the videos.

Why it matters: neighbouring frames are nearly the same image, so val measures memory; it was 78 % and 91 % of val in two
published sets (HULKs#2831, OCTRON#89).

Example: every fifth frame of each video went to val.

When to ignore: never for a number that is reported; `dsinspect split` splits by video.

Source of the default: by chance a few frames at the cuts are neighbours; 5 % are no chance.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns, codes_of, is_given
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._sources import sources_of

State = tuple[Columns, ...]


class Options(BaseOptions, frozen=True):
    """Limits of SPL007."""

    max_share: Annotated[float, option("share of frames with a neighbour in train", ge=0, le=1)] = 0.05
    reach: Annotated[int, option("steps between neighbours", ge=1)] = 1
    min_images: Annotated[int, option("frames a split must have to be judged", ge=1)] = 10


class NeighbourShare(Check[State, Options]):
    """Splits whose frames have their neighbours in train."""

    code = "SPL007"
    name = "neighbour-share"
    severity = Severity.ERROR
    options_type = Options

    def map(self, batch: Batch) -> State:
        """Keep video, number and split of every frame."""
        sources, splits = batch.once(sources_of), batch.image_columns["split"]
        frames = np.flatnonzero((sources.kind == "video") & ~np.isnan(sources.number) & is_given(splits))
        if not len(frames):
            return ()
        return (Columns({"video": sources.key[frames], "number": sources.number[frames], "split": splits[frames]}),)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Look for each frame's neighbours in train."""
        if not state:
            return Result()
        table = Columns.concat(state)
        codes, _ = codes_of(table["video"])
        has_neighbour = np.zeros(len(table), bool)
        in_train = table["split"] == "train"
        order = np.lexsort((table["number"], codes))
        for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
            numbers = table["number"][rows]
            train = np.unique(numbers[in_train[rows]])
            gaps = np.diff(np.unique(numbers))
            if not len(train) or not len(gaps):
                continue
            values, times = np.unique(gaps, return_counts=True)
            reach = values[np.argmax(times)] * self.options.reach
            place = np.searchsorted(train, numbers)
            before, after = train[np.maximum(place - 1, 0)], train[np.minimum(place, len(train) - 1)]
            has_neighbour[rows] = np.minimum(np.abs(numbers - before), np.abs(after - numbers)) <= reach
        rows_of = []
        metrics = {}
        for split in sorted(set(table["split"].tolist()) - {"train"}):
            own = table["split"] == split
            n, near = int(own.sum()), int((own & has_neighbour).sum())
            metrics[split] = round(near / n, 9)
            if n >= self.options.min_images and near > self.options.max_share * n:
                rows_of.append((split, n, near))
        return Result(Findings.of_subjects(
            [r[0] for r in rows_of], "{near:~} of {images:~ frame|frames} of {split} ({share:.0%}) {near:~has its|have their} "
            "neighbour in train (limit {limit:.0%}, option max_share)",
            {"near": [r[2] for r in rows_of], "images": [r[1] for r in rows_of], "split": [r[0] for r in rows_of],
             "share": [r[2] / r[1] for r in rows_of], "limit": self.options.max_share}, split=[r[0] for r in rows_of]),
            {"share": metrics})
