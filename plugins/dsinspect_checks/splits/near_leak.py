"""SPL002 near-leak: pictures that look the same in two splits.

Reports groups of images whose perceptual hashes differ by at most `distance` bits, whose bytes differ, and that lie in more
than one split; equal bytes are SPL001.

Why it matters: the detector has seen the test picture, only saved a little differently; its score is memory.

Example: two neighbouring frames of a video, one in train and one in val.

When to ignore: when the scenes are that alike and still independent (an assembly line).

Source of the default: as IMG009.
"""

from __future__ import annotations

from typing import Annotated

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns, is_given
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._content import kinds_of, some
from dsinspect_checks._near import NEEDS, hash_rows, near_groups

State = tuple[Columns, ...]


class Options(BaseOptions, frozen=True):
    """Limits of SPL002."""

    distance: Annotated[int, option("bits of 64 by which hashes may differ", ge=0, le=16)] = 4


class NearLeak(Check[State, Options]):
    """Images that look alike in different splits."""

    code = "SPL002"
    name = "near-leak"
    severity = Severity.WARNING
    options_type = Options
    needs = NEEDS

    def map(self, batch: Batch) -> State:
        """Keep the hashes."""
        return (batch.once(hash_rows),)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report one finding per group that lies in several splits."""
        table = Columns.concat(state)
        table = table.take(is_given(table["split"]))
        groups = [g for g in near_groups(table, self.options.distance) if len(kinds_of(g["split"])) > 1]
        where = [some([f"{p} ({s})" for p, s in zip(g["path"], g["split"], strict=True)]) for g in groups]
        return Result(Findings.of_subjects(
            [g["path"][0] for g in groups], "{count} images in {splits} look alike (hashes within {limit} bits, "
            "distance): {files}",
            {"count": [len(g) for g in groups], "splits": [" and ".join(sorted(set(g["split"]))) for g in groups],
             "limit": self.options.distance, "files": where},
            image=[g["path"][0] for g in groups], split=[g["split"][0] for g in groups]),
            {"groups": len(groups)})
