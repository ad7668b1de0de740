"""DST004 co-occurrence: classes that never appear without another.

Reports a class of at least `min_images` images in all of which another class is present as well. The matrix of classes is a
table.

Why it matters: the detector may learn the companion for the class, and finds neither where they are apart.

Example: every image of `helmet` holds a `person`.

When to ignore: when one is a part of the other.

Source of the default: from 20 images on, chance is no likely reason.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns, objects
from dsinspect.tables.dataset import DatasetInfo

State = Counter[tuple[str, str]]
"""Images by pair of classes; the pair of a class with itself counts its images."""
MAX_CLASSES = 500
"""Classes shown in the table."""


class Options(BaseOptions, frozen=True):
    """Limits of DST004."""

    min_images: Annotated[int, option("images a class must be in to be judged", ge=1)] = 20
    max_share: Annotated[float, option("share of all images from which a companion is simply everywhere", gt=0, le=1)] = 0.9


class CoOccurrence(Check[tuple[State, int], Options]):
    """Classes in all of whose images another class is present."""

    code = "DST004"
    name = "co-occurrence"
    severity = Severity.INFO
    options_type = Options

    def map(self, batch: Batch) -> tuple[State, int]:
        """Count images by pair of classes."""
        names = batch.category_codes[1]
        k = max(len(names), 1)
        image, code = batch.image_categories
        ends = np.searchsorted(image, image, "right")
        counts = ends - np.arange(len(image))
        i = np.repeat(np.arange(len(image)), counts)
        j = i + np.arange(len(i)) - np.repeat(np.cumsum(counts) - counts, counts)
        pairs, n = np.unique(code[i] * k + code[j], return_counts=True)
        state: State = Counter()
        for pair, count in zip(pairs.tolist(), n.tolist(), strict=True):
            a, b = sorted((names[pair // k], names[pair % k]))
            state[(a, b)] += count
        return state, len(batch.image_columns)

    def merge(self, a: tuple[State, int], b: tuple[State, int]) -> tuple[State, int]:
        """Add the counts."""
        return a[0] + b[0], a[1] + b[1]

    def finish(self, state: tuple[State, int], dataset: DatasetInfo) -> Result:
        """Look for constant companions."""
        pairs, images = state
        own = {a: n for (a, b), n in pairs.items() if a == b}
        rows = []
        for (a, b), n in sorted(pairs.items()):
            for name, other in ((a, b), (b, a)) if a != b else ():
                everywhere = own[other] > self.options.max_share * images
                if n == own[name] >= self.options.min_images and not everywhere:
                    rows.append((name, other, n))
        rows.sort()
        names = sorted(own)[:MAX_CLASSES]
        matrix = [[pairs.get((min(a, b), max(a, b)), 0) for b in names] for a in names]
        return Result(Findings.of_subjects(
            [f"{a} with {b}" for a, b, _ in rows], "All {images:~ image|images} of class {name} hold {other} as well (from "
            "{limit:~} images on, option min_images)",
            {"images": [r[2] for r in rows], "name": [r[0] for r in rows], "other": [r[1] for r in rows],
                            "limit": self.options.min_images}, category=[r[0] for r in rows]),
            tables={"Co-occurrence": _table(names, matrix)})


def _table(names: list[str], matrix: list[list[int]]) -> Columns:
    first = next(n for n in ("class", "class (row)", "class of the row") if n not in names)
    columns = np.array(matrix, np.int64).reshape(len(names), len(names)).T
    return Columns({first: objects(names), **dict(zip(names, columns, strict=True))})
