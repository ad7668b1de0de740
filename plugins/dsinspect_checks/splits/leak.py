"""SPL001 leak: the same picture in two splits.

Reports groups of images with equal bytes that lie in more than one split.

Why it matters: the test measures memory, not skill: in one published set all test pictures were in train as well.

Example: train/a.jpg and val/b.jpg hold the same bytes.

When to ignore: never; drop the copy from train.
"""

from __future__ import annotations

import pandas as pd

from dsinspect.checks import BaseOptions, Batch, Check, Findings, Fix, Result, Severity
from dsinspect.model import DatasetInfo
from dsinspect_checks._content import content_rows, some

State = tuple[pd.DataFrame, ...]


class Leak(Check[State, BaseOptions]):
    """Images with equal bytes in different splits."""

    code = "SPL001"
    name = "leak"
    severity = Severity.ERROR
    needs = ("content_hash", "file_size")

    def map(self, batch: Batch) -> State:
        """Keep hash, path and split of every image."""
        return (batch.once(content_rows),)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report one finding per group, on the copy in train (or the first one)."""
        frame = pd.concat(state, ignore_index=True)
        frame = frame[frame["split"].notna()].drop_duplicates(["hash", "path", "split"])
        frame = frame[frame.duplicated("hash", keep=False)]
        groups = [g for _, g in frame.groupby("hash", sort=True) if g["split"].nunique() > 1]
        groups = [g.assign(late=g["split"] != "train").sort_values(["late", "path", "split"], kind="stable")
                  for g in groups]
        where = [some([f"{p} ({s})" for p, s in zip(g["path"], g["split"], strict=True)]) for g in groups]
        return Result(Findings.of_subjects(
            [g["path"].iloc[0] for g in groups], "the same bytes lie in {splits}: {files}",
            {"splits": [" and ".join(sorted(set(g["split"]))) for g in groups], "files": where,
             "count": [len(g) for g in groups]},
            image=[g["path"].iloc[0] for g in groups], split=[g["split"].iloc[0] for g in groups],
            fix=Fix("unsafe", "drop-image")), {"groups": len(groups)})
