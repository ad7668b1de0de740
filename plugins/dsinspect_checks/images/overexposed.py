"""IMG012 overexposed: pictures that are almost white.

Reports an image whose 5th percentile of luma (0 black, 1 white) is above `max_luma`.

Why it matters: the objects are burnt out; their boxes teach that white is an object.

Example: a picture against the sun: 95 % of its pixels are above 0.97.

When to ignore: for drawings, scans and products on white ground.

Source of the default: CleanVision's score for light images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dsinspect.protocols.checks import BaseOptions, Severity, option
from dsinspect_checks.images._quality import MeasuredImage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Options(BaseOptions, frozen=True):
    """Limits of IMG012."""

    max_luma: Annotated[float, option("5th percentile of luma, 0 to 1", source="CleanVision", ge=0, le=1)] = 0.95


class Overexposed(MeasuredImage[Options]):
    """Images whose 5th percentile of luma is above `max_luma`."""

    code = "IMG012"
    name = "overexposed"
    severity = Severity.INFO
    options_type = Options
    needs = ("luma_p5", "decodes", "is_truncated", "file_format", "read_error")
    column = "luma_p5"
    message = "is overexposed: 95 % of its pixels have a luma of {measured:.2f} or more, above {limit:g} (max_luma)"

    def limit(self) -> float:
        """Return `max_luma`."""
        return self.options.max_luma

    def beyond(self, measured: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
        """Return what is brighter."""
        return measured > limit
