"""CLS007 mirrored-names: classes that are each other's mirror image.

Reports pairs of class names that differ in left and right only.

Why it matters: a horizontal flip, on by default in most trainers, turns a left hand into a right one but leaves its label:
half of the images teach the wrong class.

Example: `left_hand`, `right_hand`; `turn-l`, `turn-r`.

When to ignore: when flips are off, or swap these labels (`dsinspect transform --op flip --swap-mirrored` does).

Source of the default: there is no limit; users met it in darknet#6012.
"""

from __future__ import annotations

from dsinspect.geometry.label_swap import mirrored_pairs
from dsinspect.protocols.checks import BaseOptions, Findings, Result, Severity
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._counts import ClassCounts, CountsClasses


class MirroredNames(CountsClasses[BaseOptions]):
    """Pairs of class names that differ in left and right only."""

    code = "CLS007"
    name = "mirrored-names"
    severity = Severity.INFO

    def finish(self, state: ClassCounts, dataset: DatasetInfo) -> Result:
        """Look for each name's mirror image."""
        swapped = mirrored_pairs(state.by_class(dataset)["name"].tolist())
        pairs = [(a, b) for a, b in swapped.items() if (a, b) == _left_first(a, b)]
        return Result(Findings.of_subjects(
            [f"{a} = {b}" for a, b in pairs], "Classes {left} and {right} are mirror images: a horizontal flip must swap them",
            {"left": [p[0] for p in pairs], "right": [p[1] for p in pairs]}), {"pairs": len(pairs)})


def _left_first(a: str, b: str) -> tuple[str, str]:
    """Return two names that differ in left and right only, the one with left first."""
    place = next((k for k, (x, y) in enumerate(zip(a.lower(), b.lower(), strict=False)) if x != y), 0)
    return (a, b) if a[place:place + 1].lower() == "l" else (b, a)
