"""IMG009 near-duplicate: pictures that look the same.

Reports groups of images whose perceptual hashes (pHash, 64 bits) differ by at most `distance` bits and whose bytes differ;
equal bytes are IMG008. Flat pictures are left out, for their hashes mean nothing.

Why it matters: copies, resized versions and neighbouring frames of a video count as many pictures and teach one; spread
over splits they leak (SPL002).

Example: a.jpg, and the same picture saved again with another quality.

When to ignore: when augmented copies are stored on purpose.

Source of the default: 4 of 64 bits lets recompression and resizing pass as the same, and different scenes not.
"""

from __future__ import annotations

from typing import Annotated

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._content import some
from dsinspect_checks._near import NEEDS, hash_rows, near_groups

State = tuple[Columns, ...]


class Options(BaseOptions, frozen=True):
    """Limits of IMG009."""

    distance: Annotated[int, option("bits of 64 by which hashes may differ", ge=0, le=16)] = 4


class NearDuplicate(Check[State, Options]):
    """Groups of images whose perceptual hashes differ by at most `distance` bits."""

    code = "IMG009"
    name = "near-duplicate"
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
        """Report one finding per group, on its first path."""
        groups = near_groups(Columns.concat(state), self.options.distance)
        paths = [list(dict.fromkeys(g["path"])) for g in groups]
        return Result(Findings.of_subjects(
            [p[0] for p in paths], "{count} images look alike (hashes within {limit} bits, distance): {files}",
            {"count": [len(p) for p in paths], "limit": self.options.distance, "files": [some(p) for p in paths]},
            image=[p[0] for p in paths], split=[g["split"][0] for g in groups]), {"groups": len(groups)})
