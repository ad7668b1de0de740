"""IMG013 low-information: pictures with next to nothing in them.

Reports an image whose grey histogram has an entropy under `min_entropy` bits of 8.

Why it matters: a flat picture is a failed grab of the camera, a placeholder, or a mask that got among the images.

Example: a picture all of one grey: 0 bits.

When to ignore: for binary scans and drawings.

Source of the default: CleanVision reports images with a normalised entropy below 0.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dsinspect.protocols.checks import BaseOptions, Severity, option
from dsinspect_checks.images._quality import MeasuredImage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Options(BaseOptions, frozen=True):
    """Limits of IMG013."""

    min_entropy: Annotated[float, option("entropy of the grey histogram, bits", source="CleanVision", ge=0, le=8)] = 3.0


class LowInformation(MeasuredImage[Options]):
    """Images whose entropy is under `min_entropy` bits."""

    code = "IMG013"
    name = "low-information"
    severity = Severity.INFO
    options_type = Options
    needs = ("entropy", "decodes", "is_truncated", "file_format", "read_error")
    column = "entropy"
    message = "holds little information: {measured:.2f} bits of 8, under {limit:g} (min_entropy)"

    def limit(self) -> float:
        """Return `min_entropy`."""
        return self.options.min_entropy

    def beyond(self, measured: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
        """Return what holds less."""
        return measured < limit
