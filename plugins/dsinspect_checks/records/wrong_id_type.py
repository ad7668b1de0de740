"""REC013 wrong-id-type: ids written as text or with a decimal point.

Reports annotations whose `id`, `image_id` or `category_id` is text or a float; one finding per file and type.

Why it matters: `7` and `"7"` are different keys: the annotation belongs to no image, and is lost without a word.

Example: "image_id": "7".

When to ignore: when everything that reads the file converts ids.

Source of the default: there is no limit; users met it in pylabel#6.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity
from dsinspect.tables.dataset import DatasetInfo

State = Counter[tuple[str, str]]


class WrongIdType(Check[State, BaseOptions]):
    """Files with ids that are no whole numbers."""

    code = "REC013"
    name = "wrong-id-type"
    severity = Severity.WARNING
    needs = ("coco:id_type",)

    def map(self, batch: Batch) -> State:
        """Count annotations by file and type."""
        kinds = batch.annotation_columns["coco:id_type"]
        wrong = np.flatnonzero(kinds != "int")
        sources = batch.annotation_columns["source"][wrong]
        return Counter(zip(sources.tolist(), kinds[wrong].tolist(), strict=True))

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report one finding per file and type."""
        keys = sorted(state)
        return Result(Findings.of_subjects(
            [f"{file} {kind}" for file, kind in keys], "{count:~ annotation|annotations} of {file} {count:~has|have} ids "
            "written as {type}",
            {"count": [state[k] for k in keys], "file": [k[0] for k in keys], "type": [k[1] for k in keys]}))
