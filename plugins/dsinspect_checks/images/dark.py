"""IMG011 dark: pictures in which hardly anything can be seen.

Reports an image whose 99th percentile of luma (0 black, 1 white) is under `min_luma`.

Why it matters: boxes on black pixels teach that black is an object.

Example: a night shot with the lens cap on: 99 % of its pixels are below 0.05.

When to ignore: when the camera works at night and the detector is to as well.

Source of the default: CleanVision's score for dark images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dsinspect.protocols.checks import BaseOptions, Severity, option
from dsinspect_checks.images._quality import MeasuredImage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Options(BaseOptions, frozen=True):
    """Limits of IMG011."""

    min_luma: Annotated[float, option("99th percentile of luma, 0 to 1", source="CleanVision", ge=0, le=1)] = 0.32


class Dark(MeasuredImage[Options]):
    """Images whose 99th percentile of luma is under `min_luma`."""

    code = "IMG011"
    name = "dark"
    severity = Severity.INFO
    options_type = Options
    needs = ("luma_p99", "decodes", "is_truncated", "file_format", "read_error")
    column = "luma_p99"
    message = "is dark: 99 % of its pixels have a luma up to {measured:.2f}, under {limit:g} (min_luma)"

    def limit(self) -> float:
        """Return `min_luma`."""
        return self.options.min_luma

    def beyond(self, measured: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
        """Return what is darker."""
        return measured < limit
