"""SPL001 leak: the same image in two splits.

Reports groups of images with equal bytes that lie in more than one split, and files that two splits list.

Why it matters: the test measures memory, not skill: in one published set all test images were in train as well.

Example: train/a.jpg and val/b.jpg hold the same bytes.

When to ignore: never; drop the copy from train.

Source of the default: there is no limit; users met it in RIAWELC#2.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Fix, Result, Severity
from dsinspect.tables.columns import Columns, is_given
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._content import content_rows, groups_by, kinds_of, members_of, some, without_repeats

State = tuple[Columns, ...]


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
        table = Columns.concat(state)
        table = without_repeats(table.take(is_given(table["split"])), "hash", "path", "split")
        groups = sorted((g for g in groups_by(table, "hash") if len(kinds_of(g["split"])) > 1), key=lambda g: str(g["hash"][0]))
        groups = [_train_first(g) for g in groups]
        one_file = [g for g in groups if len(set(g["path"])) == 1]
        several = [g for g in groups if len(set(g["path"])) > 1]
        return Result(Findings.concat([
            _found(several, "{files} hold the same bytes: {splits} share an image"),
            _found(one_file, "{files} is listed in {splits}")]), {"groups": len(groups)})


def _found(groups: list[Columns], message: str) -> Findings:
    return Findings.of_subjects(
        [g["path"][0] for g in groups], message,
        {"splits": [" and ".join(sorted(set(g["split"]))) for g in groups], "files": [_where(g) for g in groups],
         "count": [len(g) for g in groups], "members": members_of(groups)},
        image=[g["path"][0] for g in groups], split=[g["split"][0] for g in groups], fix=Fix("unsafe", "drop-image"))


def _where(group: Columns) -> str:
    """Return the names of the files with their splits; the name alone where there is one."""
    splits: dict[str, list[str]] = {}
    for path, split in zip(group["path"].tolist(), group["split"].tolist(), strict=True):
        splits.setdefault(path, []).append(split)
    if len(splits) == 1:
        return next(iter(splits))
    return some([f"{path} ({' and '.join(names)})" for path, names in splits.items()])


def _train_first(group: Columns) -> Columns:
    rows = sorted(range(len(group)), key=lambda k: (group["split"][k] != "train", group["path"][k], group["split"][k]))
    return group.take(np.array(rows, np.intp))
