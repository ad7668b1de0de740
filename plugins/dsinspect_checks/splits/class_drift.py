"""SPL004 class-drift: splits with other shares of classes.

Reports a split whose distribution of boxes over classes is more than `max_divergence` away from train's (Jensen-Shannon
divergence, base 2: 0 for equal ones, 1 for disjoint ones). The classes that differ most are named.

Why it matters: val then measures another task than the one trained for, and early stopping picks the wrong epoch.

Example: `car` has 60 % of the boxes in train and 20 % in val.

When to ignore: when test is meant to differ (another city, another year).

Source of the default: TensorFlow Data Validation's examples warn from 0.1 on; with fewer than `min_boxes` boxes it is noise.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.checks import BaseOptions, Findings, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._counts import ClassCounts, CountsClasses


class Options(BaseOptions, frozen=True):
    """Limits of SPL004."""

    max_divergence: Annotated[float, option("Jensen-Shannon divergence, base 2", source="TFDV", ge=0, le=1)] = 0.1
    min_boxes: Annotated[int, option("boxes a split must have to be judged", ge=1)] = 50


class ClassDrift(CountsClasses[Options]):
    """Splits whose shares of classes are not train's."""

    code = "SPL004"
    name = "class-drift"
    severity = Severity.WARNING
    options_type = Options

    def finish(self, state: ClassCounts, dataset: DatasetInfo) -> Result:
        """Compare every split with train."""
        of: dict[str, Counter[str]] = {}
        for (split, name), n in state.boxes.items():
            if split is not None:
                of.setdefault(split, Counter())[name] += n
        train = of.get("train", Counter())
        rows, metrics = [], {}
        names = sorted({n for c in of.values() for n in c})
        for split in sorted(of):
            if split == "train" or min(train.total(), of[split].total()) < self.options.min_boxes:
                continue
            p = np.array([train[n] for n in names]) / train.total()
            q = np.array([of[split][n] for n in names]) / of[split].total()
            divergence = jensen_shannon(p, q)
            metrics[split] = round(divergence, 9)
            if divergence > self.options.max_divergence:
                worst = sorted(range(len(names)), key=lambda k: (-abs(p[k] - q[k]), names[k]))[:3]
                most = ", ".join(f"{names[k]} {p[k]:.0%} against {q[k]:.0%}" for k in worst)
                rows.append((split, divergence, most))
        return Result(Findings.of_subjects(
            [r[0] for r in rows], "Classes of {split} drift from train (divergence {divergence:.2f}, limit {limit:~}, option "
            "max_divergence); most: {told}",
            {"split": [r[0] for r in rows], "divergence": [r[1] for r in rows], "limit": self.options.max_divergence,
             "told": [r[2] for r in rows]}, split=[r[0] for r in rows]), {"divergence": metrics})


def jensen_shannon(p: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
                   q: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """Return the Jensen-Shannon divergence of two distributions, base 2 (Lin 1991): 0 to 1."""
    m = (p + q) / 2

    def kl(a: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
        some = a > 0
        return float((a[some] * np.log2(a[some] / m[some])).sum())

    return max((kl(p) + kl(q)) / 2, 0.0)
