"""CLS004 colliding-names: class names that mean the same.

Reports groups of class names that are equal but for case, spaces, punctuation or Unicode form, and empty names.

Why it matters: one class is trained as two; each takes the other's detections for false alarms.

Example: `Traffic light`, `traffic_light`.

When to ignore: when the names really mean different things (`C` and `c++` differ after all).

Source of the default: there is no limit; names are compared in Unicode's compatibility form, case folded.
"""

from __future__ import annotations

import unicodedata

from dsinspect.protocols.checks import BaseOptions, Findings, Fix, Result, Severity
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._counts import ClassCounts, CountsClasses


class CollidingNames(CountsClasses[BaseOptions]):
    """Class names equal but for case, spaces, punctuation or Unicode form."""

    code = "CLS004"
    name = "colliding-names"
    severity = Severity.WARNING

    def finish(self, state: ClassCounts, dataset: DatasetInfo) -> Result:
        """Group names by their plain form."""
        frame = state.by_class(dataset)
        boxes = dict(zip(frame["name"], frame["boxes"].tolist(), strict=True))
        groups: dict[str, list[str]] = {}
        for name in sorted(boxes):
            groups.setdefault(plain_form(name), []).append(name)
        empty = [n for n in boxes if not n.strip()]
        alike = [(name, max(g, key=lambda n: (boxes[n], n))) for key, g in sorted(groups.items()) if key for name in g]
        alike = [(name, kept) for name, kept in alike if name != kept]
        return Result(Findings.concat([
            Findings.of_subjects(
                [name for name, _ in alike], "Class {name!r} is {kept!r} but for case, spaces or punctuation",
                {"name": [name for name, _ in alike], "kept": [kept for _, kept in alike]},
                category=[name for name, _ in alike], fix=Fix("unsafe", "merge-category"),
                new_text=[kept for _, kept in alike]),
            Findings.of_subjects([repr(n) for n in empty], "Class name {name} is empty",
                                 {"name": [repr(n) for n in empty]})]))


def plain_form(name: str) -> str:
    """Return a name in compatibility form, case folded, letters and digits only; what has none stays as it is.

    >>> plain_form("Traffic_Light ") == plain_form("traffic light")
    True
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in folded if c.isalnum()) or folded.strip()
