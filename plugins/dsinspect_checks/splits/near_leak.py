"""SPL002 near-leak: images that look the same in two splits.

Reports groups of images that look alike as IMG009 has it, whose bytes differ, and that lie in more than one split; equal bytes
are SPL001.

Why it matters: the detector has seen the test image, only saved a little differently; its score is memory.

Example: two neighbouring frames of a video, one in train and one in val.

When to ignore: when the scenes are that alike and still independent (an assembly line).

Source of the default: as IMG009.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import Check, Findings, Result, Severity
from dsinspect.tables.columns import Columns, is_given
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._content import members_of, some
from dsinspect_checks._near import NEEDS, hash_rows, how_far, near_groups
from dsinspect_checks.images.near_duplicate import NearOptions

State = tuple[Columns, ...]


class NearLeak(Check[State, NearOptions]):
    """Images that look alike in different splits."""

    code = "SPL002"
    name = "near-leak"
    severity = Severity.WARNING
    options_type = NearOptions
    needs = NEEDS

    def map(self, batch: Batch) -> State:
        """Keep hashes and signatures."""
        return (batch.once(hash_rows),)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report one finding per group that lies in several splits, on its first path."""
        table = Columns.concat(state)
        groups = near_groups(table.take(is_given(table["split"])), self.options.closeness(), across_splits=True)
        bits = [int(g["bits"][0]) for g in groups]
        where = [some([f"{p} ({s})" for p, s in zip(g["path"], g["split"], strict=True)]) for g in groups]
        return Result(Findings.of_subjects(
            [g["path"][0] for g in groups], "{files} look alike and lie in {splits} (hashes {how}, limit {limit}, "
            "option distance)",
            {"count": [len(g) for g in groups], "splits": [" and ".join(sorted(set(g["split"]))) for g in groups],
             "limit": self.options.distance, "files": where, "bits": bits, "how": how_far(bits),
             "members": members_of(groups)},
            image=[g["path"][0] for g in groups], split=[g["split"][0] for g in groups]),
            {"groups": len(groups)})
