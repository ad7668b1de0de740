"""REC008 missing-field: COCO annotations without a field that trainers need.

Reports annotations without `id`, `area` or `iscrowd`; one finding per file and field, with the number of annotations.

Why it matters: pycocotools stops with a KeyError at the first one, in the evaluation after the first epoch.

Example: a converter that writes no `iscrowd`.

When to ignore: when neither your trainer nor your evaluation reads the field.

Source of the default: there is no limit; users met it in cocoapi#374.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Fix, Result, Severity
from dsinspect.tables.dataset import DatasetInfo

State = Counter[tuple[str, str]]
FIELDS = {"id": "coco:has_id", "area": "coco:has_area", "iscrowd": "coco:has_iscrowd"}


class MissingField(Check[State, BaseOptions]):
    """Fields (id, area, iscrowd) that annotations lack, counted per file."""

    code = "REC008"
    name = "missing-field"
    severity = Severity.WARNING
    needs = tuple(FIELDS.values())

    def map(self, batch: Batch) -> State:
        """Count absent fields per file."""
        a = batch.annotation_columns
        sources = a["source"]
        counts: State = Counter()
        for name, column in FIELDS.items():
            absent = ~a[column]
            files, n = np.unique(sources[absent].astype(str), return_counts=True)
            counts.update({(f, name): int(k) for f, k in zip(files.tolist(), n.tolist(), strict=True)})
        return counts

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report one finding per file and field."""
        keys = sorted(state)
        return Result(Findings.of_subjects(
            [f"{file} {name}" for file, name in keys], "{count:~ annotation|annotations} of {file} {count:~has|have} no {field}",
            {"count": [state[k] for k in keys], "file": [k[0] for k in keys], "field": [k[1] for k in keys]},
            fix=Fix("safe", "set-field"), new_text=[k[1] for k in keys]))
