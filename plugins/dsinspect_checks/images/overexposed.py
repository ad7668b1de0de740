"""IMG012 overexposed: images that are almost white.

Reports an image whose 5th percentile of luma (0 black, 1 white) is above `max_luma` and in which nothing is dark (the 0.1th
percentile above `min_dip`), unless more than `max_share` of the images are above `max_luma`.

Why it matters: the objects are burnt out; their boxes teach that white is an object.

Example: a photograph against the sun: 95 % of its pixels are above 0.97.

When to ignore: for scans of empty paper and products on white ground.

Source of the default: CleanVision's score for light images. Ink on white paper and products on white ground are exposed
rightly, and have dark pixels: on 10 real sets (5,859 images) 15 were above 0.95, drawings and handwriting all of them; none is
reported now.
"""

from __future__ import annotations

from typing import Annotated

from dsinspect.protocols.checks import Severity, option
from dsinspect_checks.images._quality import BadlyExposed, QualityOptions


class Options(QualityOptions, frozen=True):
    """Limits of IMG012."""

    max_luma: Annotated[float, option("5th percentile of luma, 0 to 1", source="CleanVision", ge=0, le=1)] = 0.95
    min_dip: Annotated[float, option("0.1th percentile of luma below which something can be seen", ge=0, le=1)] = 0.6


class Overexposed(BadlyExposed[Options]):
    """Images in which nothing is dark, in a set of darker ones."""

    code = "IMG012"
    name = "overexposed"
    severity = Severity.INFO
    options_type = Options
    needs = ("luma_p5", "luma_low", "decodes", "is_truncated", "file_format", "read_error")
    column = "luma_p5"
    message = ("Image is overexposed: 95 % of its pixels have a luma of at least {measured:~.2 from limit} "
               "(limit {limit:~}, option max_luma)")
    spot, sign, limits = "luma_low", -1, ("max_luma", "min_dip")
