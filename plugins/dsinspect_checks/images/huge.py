"""IMG016 huge: images too large for common readers.

Reports an image of more than `max_pixels` px.

Why it matters: Pillow warns from this size on and raises at twice it; one such image can fill a worker's memory.

Example: a satellite mosaic of 30,000 x 20,000 px.

When to ignore: when your loader reads tiles.

Source of the default: Pillow's MAX_IMAGE_PIXELS, a quarter of a gigabyte of 24-bit pixels.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity, option


class Options(BaseOptions, frozen=True):
    """Limits of IMG016."""

    max_pixels: Annotated[int, option("px, width x height", source="Pillow", ge=1)] = 89_478_485


class Huge(RowCheck[Options]):
    """Images of very many pixels."""

    code = "IMG016"
    name = "huge"
    severity = Severity.WARNING
    options_type = Options
    needs = ("file_width", "file_height")

    def find(self, batch: Batch) -> Findings:
        """Report images by the size in their header."""
        wh = batch.image_columns.stacked("file_width", "file_height")
        with np.errstate(invalid="ignore"):
            huge = wh.prod(axis=1) > self.options.max_pixels
        return Findings.of_images(
            batch, huge, "Image of {width:~} x {height:~} px is too large for common readers (limit {limit:~} px in all, "
            "option max_pixels)",
            {"width": wh[huge, 0], "height": wh[huge, 1], "limit": self.options.max_pixels})
