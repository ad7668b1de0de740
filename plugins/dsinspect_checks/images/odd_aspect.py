"""IMG015 odd-aspect: images far longer than wide.

Reports an image whose shorter side is under `min_ratio` times the longer one.

Why it matters: resized to a square, most of it is padding, and its objects shrink to nothing.

Example: a panorama of 1200 x 90 px.

When to ignore: when panoramas are cut into tiles before training.

Source of the default: CleanVision's limit for odd aspect ratios.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity, option
from dsinspect.tables.schema import FRAME_COLUMNS


class Options(BaseOptions, frozen=True):
    """Limits of IMG015."""

    min_ratio: Annotated[float, option("ratio of the shorter to the longer side", source="CleanVision", gt=0, le=1)] = 0.35


class OddAspect(RowCheck[Options]):
    """Images many times as long as they are wide."""

    code = "IMG015"
    name = "odd-aspect"
    severity = Severity.INFO
    options_type = Options
    wants = FRAME_COLUMNS

    def find(self, batch: Batch) -> Findings:
        """Report images by the ratio of their sides."""
        wh = batch.image_columns.stacked("frame_width", "frame_height")
        with np.errstate(invalid="ignore"):
            ratio = wh.min(axis=1) / wh.max(axis=1)
            odd = ratio < self.options.min_ratio
        return Findings.of_images(
            batch, odd, "Image of {width:~} x {height:~} px is far longer than wide (ratio {ratio:~}, limit {limit:~}, option "
            "min_ratio)",
            {"width": wh[odd, 0], "height": wh[odd, 1], "ratio": ratio[odd], "limit": self.options.min_ratio})
