"""IMG008 duplicate-file: the same image under several names.

Reports groups of images whose files are equal byte for byte, and whether their labels differ, or some have no boxes. Copies
in different splits are SPL001 besides.

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

NO_BOXES = 0
"""What `label_digests` gives for an image without boxes."""
OTHER_LABELS = " with different labels"
SOME_HAVE_NONE = ", but {bare} {without:~has|have} no boxes"
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
        for words, chosen in _by_labels(groups).items():
            paths = members_of(chosen)
            bare = [[p for p, labels in zip(g["path"].tolist(), g["labels"].tolist(), strict=True) if labels == NO_BOXES]
                    for g in chosen]
            values = {"bare": [some(b) for b in bare], "without": [len(b) for b in bare]} if words == SOME_HAVE_NONE else {}
            parts.append(Findings.of_subjects(
                [p[0] for p in paths], "{files} hold the same bytes" + words,
                {"count": [len(p) for p in paths], "files": [some(p) for p in paths], "conflict": int(words != ""),
                 "members": paths, **values},
                image=[p[0] for p in paths], split=[g["split"][0] for g in chosen],
                fix=Fix("unsafe", "drop-image")))
        return Result(Findings.concat(parts), {"groups": len(groups)})


def _by_labels(groups: list[Columns]) -> dict[str, list[Columns]]:
    """Return the groups by what their message says of their labels."""
    found: dict[str, list[Columns]] = {"": [], OTHER_LABELS: [], SOME_HAVE_NONE: []}
    for group in groups:
        labels = kinds_of(group["labels"])
        found["" if len(labels) == 1 else SOME_HAVE_NONE if len(labels - {NO_BOXES}) == 1 else OTHER_LABELS].append(group)
    return found
