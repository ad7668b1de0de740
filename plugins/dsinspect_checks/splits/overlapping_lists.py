"""SPL008 overlapping-lists: images that the lists of two splits name.

Reports each list of a split that names images which the list of an earlier split names too; each of them counts in the
first one only (train before val before test).

Why it matters: what is trained on is tested on, and the figures of the test mean nothing.

Example: ImageSets/Main/val.txt names 59 images that ImageSets/Main/train.txt names.

When to ignore: never; take the lines out of one of the lists.

Source of the default: none; there is no limit.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._content import some

State = tuple[tuple[str, str, str, str], ...]
"""List, what is wrong, image and split of each line."""


class OverlappingLists(Check[State, BaseOptions]):
    """Images that the lists of two splits name."""

    code = "SPL008"
    name = "overlapping-lists"
    severity = Severity.ERROR

    def map(self, batch: Batch) -> State:
        """Keep the lines that name an image a second time."""
        p = batch.problem_columns
        rows = p["kind"] == "overlapping-lists"
        return tuple(zip(*(p[c][rows].tolist() for c in ("source", "reason", "image", "split")), strict=True))

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report one finding per pair of lists."""
        pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for source, reason, image, split in sorted(state):
            pairs.setdefault((source, reason.partition(" lists it too")[0]), []).append((image, split))
        images = [[i for i, _ in found] for found in pairs.values()]
        return Result(Findings.of_subjects(
            [f"{a} {b}" for a, b in pairs], "{count} of the images in {list} {are} in {first} too: {files}",
            {"list": [a for a, _ in pairs], "first": [b for _, b in pairs], "count": [len(i) for i in images],
             "are": ["is" if len(i) == 1 else "are" for i in images], "files": [some(i, 3) for i in images]},
            image=[i[0] for i in images], split=[found[0][1] for found in pairs.values()]), {"pairs": len(pairs)})
