"""IMG020 below-trainer-size: images that a trainer leaves out for their size.

Reports an image whose shorter side is below `min_side` px.

Why it matters: Ultralytics takes such a file for a damaged one and leaves it out with all its boxes; mmdetection filters
images below 32 px (`filter_cfg.min_size`), silently.

Example: a crop of 120 x 8 px.

When to ignore: when your trainer has another limit: `--set IMG020.min_side=32` is mmdetection's.

Source of the default: Ultralytics' `verify_image` asks for more than 9 px; mmdetection#3628 for the other.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity, option
from dsinspect.tables.schema import FRAME_COLUMNS


class Options(BaseOptions, frozen=True):
    """Limits of IMG020."""

    min_side: Annotated[float, option("shorter side, px", source="Ultralytics", ge=0)] = 10.0


class BelowTrainerSize(RowCheck[Options]):
    """Images smaller than a trainer accepts."""

    code = "IMG020"
    name = "below-trainer-size"
    severity = Severity.WARNING
    options_type = Options
    wants = FRAME_COLUMNS

    def find(self, batch: Batch) -> Findings:
        """Report images by their shorter side."""
        wh = batch.image_columns.stacked("frame_width", "frame_height")
        with np.errstate(invalid="ignore"):
            small = (wh.min(axis=1, initial=np.inf) < self.options.min_side) & (wh > 0).all(axis=1)
        return Findings.of_images(
            batch, small, "Image of {width:~} x {height:~} px is too small for the trainer (limit {limit:~} px, option min_side)",
            {"width": wh[small, 0], "height": wh[small, 1], "limit": self.options.min_side})
