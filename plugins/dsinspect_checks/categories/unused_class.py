"""CLS003 unused-class: declared classes without a box.

Why it matters: the network gets an output that is never trained; evaluation averages over a class that has no truth.

Example: `tram` in the list of names, and no box of it.

When to ignore: when the class list is shared with other sets. Roboflow's placeholder, a category 0 with supercategory "none"
that carries the project's name, is reported as info only; so is a class that tags of whole images use (CVAT).

Source of the default: there is no limit.
"""

from __future__ import annotations

from dsinspect.protocols.checks import BaseOptions, Findings, Fix, Result, Severity
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._counts import ClassCounts, CountsClasses


class UnusedClass(CountsClasses[BaseOptions]):
    """Declared classes without a box."""

    code = "CLS003"
    name = "unused-class"
    severity = Severity.WARNING

    def finish(self, state: ClassCounts, dataset: DatasetInfo) -> Result:
        """Report declared names that no box has."""
        frame = state.by_class(dataset)
        unused = set(frame["name"][frame["boxes"] == 0])
        others = {c.supercategory for c in dataset.categories}
        holders = {c.name for c in dataset.categories
                   if c.category_id == 0 and c.supercategory == "none" and (c.name in others or len(others) > 1)}
        uses = {p.text: p.reason for p in dataset.problems if p.kind == "image-tags"}
        tagged = sorted(n for n in unused - holders if n in uses)
        plain = sorted(unused - holders - set(tagged))
        return Result(Findings.concat([
            Findings.of_subjects(plain, "Class {name} is declared and has no box", {"name": plain}, category=plain,
                                 fix=Fix("unsafe", "drop-category")),
            Findings.of_subjects(tagged, "Class {name} has no box; it is {use}", {"name": tagged, "use": [uses[n] for n in tagged]},
                                 category=tagged, severity=Severity.INFO),
            Findings.of_subjects(sorted(unused & holders), "Class {name} has no box: it is the placeholder that Roboflow "
                                 "writes as category 0", {"name": sorted(unused & holders)},
                                 category=sorted(unused & holders), severity=Severity.INFO)]))
