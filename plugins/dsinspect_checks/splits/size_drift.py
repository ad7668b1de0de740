"""SPL006 size-drift: splits with other sizes of images or boxes.

Reports a split whose distribution of image sides, or of box sides, is more than `max_distance` away from train's
(Kolmogorov-Smirnov distance: the largest difference of the two cumulated shares).

Why it matters: a detector is tuned to the sizes it sees; on others it is measured below its skill, or above.

Example: train was resized to 640 px, test was not.

When to ignore: when test is meant to differ.

Source of the default: Deepchecks' limit for drift of image properties; splits under `min_count` are noise.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import codes_of, is_given
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.boxes._geometry import is_judged, sizes_wh

State = Counter[tuple[str, str, int]]
"""Images and boxes by kind, split and side in steps of 1/64 octave: far finer than the limit, and few distinct values."""


class Options(BaseOptions, frozen=True):
    """Limits of SPL006."""

    max_distance: Annotated[float, option("Kolmogorov-Smirnov distance", source="Deepchecks", ge=0, le=1)] = 0.2
    min_count: Annotated[int, option("images or boxes a split must have to be judged", ge=1)] = 50


class SizeDrift(Check[State, Options]):
    """Splits whose image or box sizes are not train's."""

    code = "SPL006"
    name = "size-drift"
    severity = Severity.INFO
    options_type = Options
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Count sides by split."""
        state: State = Counter()
        splits = batch.image_columns["split"]
        if not is_given(splits).any():
            return state
        wh = batch.image_columns.stacked("frame_width", "frame_height")
        _count(state, "image", splits, np.sqrt(wh.prod(axis=1)))
        good = is_judged(batch) & (batch.annotation_columns["image_row"] >= 0)
        rows = batch.annotation_columns["image_row"][good]
        _count(state, "box", splits[rows], np.sqrt(sizes_wh(batch)[good].prod(axis=1)))
        return state

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Compare every split with train."""
        rows, metrics = [], {}
        for kind in ("image", "box"):
            of: dict[str, Counter[int]] = {}
            for (k, split, side), n in state.items():
                if k == kind:
                    of.setdefault(split, Counter())[side] += n
            train = of.get("train", Counter())
            for split in sorted(of):
                if split == "train" or min(train.total(), of[split].total()) < self.options.min_count:
                    continue
                distance = kolmogorov_smirnov(train, of[split])
                metrics[f"{kind} {split}"] = round(distance, 9)
                if distance > self.options.max_distance:
                    rows.append((kind, split, distance))
        return Result(Findings.of_subjects(
            [f"{k} {s}" for k, s, _ in rows], "In {split}, {kind} sizes drift from train (distance {distance:.2f}, limit "
            "{limit:~}, option max_distance)",
            {"kind": [r[0] for r in rows], "split": [r[1] for r in rows], "distance": [r[2] for r in rows],
             "limit": self.options.max_distance}, split=[r[1] for r in rows]), {"distance": metrics})


def _count(state: State, kind: str, splits: np.ndarray[tuple[int, ...], np.dtype[np.object_]],
           side: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    codes, names = codes_of(splits)
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = np.round(np.log2(side) * 64)
    good = (codes >= 0) & np.isfinite(steps)
    pairs, n = np.unique(np.column_stack([codes[good], steps[good].astype(np.int64)]), axis=0, return_counts=True)
    for (code, step), count in zip(pairs.tolist(), n.tolist(), strict=True):
        state[(kind, str(names[code]), step)] += count


def kolmogorov_smirnov(a: Counter[int], b: Counter[int]) -> float:
    """Return the largest difference between the cumulated shares of two counted samples: 0 to 1."""
    values = sorted(set(a) | set(b))
    x = np.cumsum([a[v] for v in values]) / a.total()
    y = np.cumsum([b[v] for v in values]) / b.total()
    return float(np.abs(x - y).max())
