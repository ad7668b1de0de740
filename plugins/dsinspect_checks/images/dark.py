"""IMG011 dark: images in which hardly anything can be seen.

Reports an image whose 99th percentile of luma (0 black, 1 white) is below `min_luma` and in which nothing is bright (the
99.9th percentile below `max_peak`), unless more than `max_share` of the images are below `min_luma`: then the set is dark.

Why it matters: boxes on black pixels teach that black is an object.

Example: a night shot with the lens cap on: 99 % of its pixels are below 0.05.

When to ignore: when the camera works at night and the detector is to as well.

Source of the default: CleanVision's score for dark images. A white boat on a dark sea is no dark image: on 10 real sets (5,859
images) 128 were below 0.32, and 122 of them a person would keep; of the 6 that are left all are dark to the eye.
"""

from __future__ import annotations

from typing import Annotated

from dsinspect.protocols.checks import Severity, option
from dsinspect_checks.images._quality import BadlyExposed, QualityOptions


class Options(QualityOptions, frozen=True):
    """Limits of IMG011."""

    min_luma: Annotated[float, option("99th percentile of luma, 0 to 1", source="CleanVision", ge=0, le=1)] = 0.32
    max_peak: Annotated[float, option("99.9th percentile of luma from which something can be seen", ge=0, le=1)] = 0.45


class Dark(BadlyExposed[Options]):
    """Images in which nothing is bright, in a set of brighter ones."""

    code = "IMG011"
    name = "dark"
    severity = Severity.INFO
    options_type = Options
    needs = ("luma_p99", "luma_high", "decodes", "is_truncated", "file_format", "read_error")
    column = "luma_p99"
    message = ("Image is dark: 99 % of its pixels have a luma of at most {measured:~.2 from limit} "
               "(limit {limit:~}, option min_luma)")
    spot, sign, limits = "luma_high", 1, ("min_luma", "max_peak")
