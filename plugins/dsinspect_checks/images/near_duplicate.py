"""IMG009 near-duplicate: images that look the same.

Reports groups of images whose perceptual hashes (pHash, 64 bits) differ by at most `distance` bits, which a finer signature
(the luma of 16 x 16 cells, brightness and contrast taken off) confirms: no cell differs by more than `max_difference` standard
deviations, nor by more than `max_local` times the mean difference; images made of layers or stripes must agree in more than
these. Images that differ as much as each does from eight others of the set show what the whole set has in common, and are left
out unless they are the same. Every member of a group is close to every other one. Equal
bytes are IMG008; flat images are left out, for their hashes mean nothing.

Why it matters: copies, resized versions and neighbouring frames of a video count as many images and teach one; spread over
splits they leak (SPL002).

Example: a.jpg, and the same image saved again with another quality.

When to ignore: when augmented copies are stored on purpose.

Source of the default: looked at on 10 real sets (5,859 images). 6 bits with the second signature find more than the usual 4
without it, and leave out plain seas: of 470 groups in 9 sets 468 were copies, augmented copies or neighbouring frames; of 59
in a set of chess boards 36 show one position, where the hash alone made 18 chains of up to 70 boards.
"""

from __future__ import annotations

from typing import Annotated

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._content import members_of, some
from dsinspect_checks._near import NEEDS, Closeness, hash_rows, how_far, near_groups

State = tuple[Columns, ...]


class NearOptions(BaseOptions, frozen=True):
    """Limits of IMG009, SPL002 and DST006."""

    distance: Annotated[int, option("bits of 64 by which hashes may differ", ge=0, le=16)] = 6
    max_difference: Annotated[float, option("difference of a cell of 16 x 16, standard deviations", gt=0)] = 4.0
    max_local: Annotated[float, option("ratio of the largest to the mean difference of the cells", gt=1)] = 10.0

    def closeness(self) -> Closeness:
        """Return what makes two images alike."""
        return Closeness(self.distance, self.max_difference, self.max_local)


class NearDuplicate(Check[State, NearOptions]):
    """Groups of images that look the same and differ in bytes."""

    code = "IMG009"
    name = "near-duplicate"
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
        """Report one finding per group, on its first path."""
        groups = near_groups(Columns.concat(state), self.options.closeness())
        members, bits = members_of(groups), [int(g["bits"][0]) for g in groups]
        return Result(Findings.of_subjects(
            [m[0] for m in members], "{files} look alike (hashes {how}, limit {limit}, option distance)",
            {"count": [len(m) for m in members], "limit": self.options.distance, "files": [some(m) for m in members],
             "bits": bits, "how": how_far(bits), "members": members},
            image=[m[0] for m in members], split=[g["split"][0] for g in groups]), {"groups": len(groups)})
