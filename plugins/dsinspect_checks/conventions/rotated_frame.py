"""CNV005 rotated-frame: boxes of turned images that fit only one of their two frames.

Reports a set in which the boxes of at least `min_share` of the images with a swapping EXIF orientation (5 to 8) fit only the
stored frame, or only the upright one, counted over the images that can decide it. The findings of IMG005 and BOX003 on these
images are folded into this one.

Why it matters: it says which way your loader has to read all of them; the other way every box is wrong.

Example: 40 phone images of orientation 6, whose boxes fit the upright frame only.

When to ignore: when your loader reads them that way; with `--trainer` a set is not reported whose boxes fit the frame that the
trainer opens (`pixels`).

Source of the default: four fifths of the images that can decide it is no chance.
"""

from __future__ import annotations

from typing import Annotated, Literal

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Dispute, Findings, Fold, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.images._state import is_image
from dsinspect_checks.images.size_mismatch import boxes_fit

State = tuple[frozenset[str], frozenset[str]]
"""Paths of the images whose boxes fit the stored frame only, and the upright one only."""


class Options(BaseOptions, frozen=True):
    """Limits of CNV005."""

    min_share: Annotated[float, option("share of the deciding images that agree", gt=0.5, le=1)] = 0.8
    min_images: Annotated[int, option("deciding images a set must have", ge=1)] = 3
    pixels: Annotated[Literal["", "stored", "upright", "unopened"],
                      option("frame in which the trainer opens images; either is reported when empty", source="--trainer")] = ""


class RotatedFrame(Check[State, Options]):
    """Sets whose turned images have boxes in one frame only."""

    code = "CNV005"
    name = "rotated-frame"
    can_dispute = True
    severity = Severity.WARNING
    options_type = Options
    needs = (*FRAME_COLUMNS, "file_format", "read_error")

    def map(self, batch: Batch) -> State:
        """Collect the images that can decide it."""
        images = batch.image_columns
        swaps = is_image(batch) & (images["orientation"] >= 5)
        if not swaps.any():
            return frozenset(), frozenset()
        stored = images.stacked("file_width", "file_height")
        in_stored, in_upright = boxes_fit(batch, stored), boxes_fit(batch, stored[:, ::-1])
        paths = images["path"]
        return (frozenset(paths[swaps & in_stored & ~in_upright].tolist()),
                frozenset(paths[swaps & in_upright & ~in_stored].tolist()))

    def merge(self, a: State, b: State) -> State:
        """Join the sets."""
        return a[0] | b[0], a[1] | b[1]

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Decide for the whole set."""
        stored, upright = state
        frame, agreeing = ("stored", stored) if len(stored) > len(upright) else ("upright", upright)
        deciding = len(stored) + len(upright)
        decided = deciding >= self.options.min_images and len(agreeing) >= self.options.min_share * deciding
        found = decided and self.options.pixels not in (frame, "unopened")
        return Result(Findings.of_subjects(
            ["set"] if found else [], "The boxes of {agreeing:~} of {deciding:~} turned images that can decide it fit the "
            "{frame} frame only (limit {limit:.0%}, option min_share)",
            {"agreeing": len(agreeing), "deciding": deciding, "frame": frame, "limit": self.options.min_share}),
            folds=(Fold(("IMG005", "BOX003"), stored | upright),) if found else (),
            disputes=(Dispute(stored | upright),) if decided else ())
