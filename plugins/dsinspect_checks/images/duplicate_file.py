"""IMG008 duplicate-file: the same image under several names.

Reports groups of images whose files are equal byte for byte, and whether their labels differ. Copies in different splits are
SPL001 besides.

Why it matters: the image counts several times; where the labels differ, at least one copy teaches something wrong.

Example: IMG_1.jpg and IMG_1 (1).jpg.

When to ignore: when images are repeated on purpose to balance classes.

Source of the default: there is no limit.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Fix, Result, Severity
from dsinspect.tables.columns import Columns, codes_of
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._content import (
    content_rows,
    groups_by,
    in_order,
    kinds_of,
    members_of,
    some,
    without_repeats,
)

State = tuple[Columns, ...]


class DuplicateFile(Check[State, BaseOptions]):
    """Groups of images with equal bytes."""

    code = "IMG008"
    name = "duplicate-file"
    severity = Severity.WARNING
    needs = ("content_hash", "file_size")

    def map(self, batch: Batch) -> State:
        """Keep hash, path and labels of every image."""
        return (batch.once(content_rows),)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report one finding per group, on its first path."""
        table = Columns.concat(state)
        codes, _ = codes_of(table["hash"])
        table = table.take(np.bincount(codes)[codes] > 1) if len(codes) else table
        table = without_repeats(table, "hash", "path")  # one file in two records is REC002
        groups = groups_by(in_order(table, "path"), "hash")
        parts = []
        for conflict in (False, True):
            chosen = [g for g in groups if (len(kinds_of(g["labels"])) > 1) == conflict]
            paths = members_of(chosen)
            parts.append(Findings.of_subjects(
                [p[0] for p in paths], "{files} hold the same bytes" + (" with different labels" if conflict else ""),
                {"count": [len(p) for p in paths], "files": [some(p) for p in paths], "conflict": int(conflict),
                 "members": paths},
                image=[p[0] for p in paths], split=[g["split"][0] for g in chosen],
                fix=Fix("unsafe", "drop-image")))
        return Result(Findings.concat(parts), {"groups": len(groups)})
