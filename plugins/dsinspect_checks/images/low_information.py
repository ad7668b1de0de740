"""IMG013 low-information: images with next to nothing in them.

Reports an image whose grey histogram has an entropy below `min_entropy` bits of 8 and whose luma, the darkest and the
brightest 0.1 % of the pixels left out, spans less than `max_range`, unless more than `max_share` of the images are below
`min_entropy`.

Why it matters: a flat image is a failed grab of the camera, a placeholder, or a mask that got among the images.

Example: an image all of one grey: 0 bits.

When to ignore: for label maps, whose values lie close together.

Source of the default: CleanVision reports images with a normalised entropy below 0.3. Binary scans and drawings have as few
bits and all their content: on 10 real sets (5,859 images) 389 were below 3 bits, handwriting, formulas, diagrams and calm sea
with a boat; none of them spans less than a tenth of the luma, and none is reported now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import Severity, option
from dsinspect_checks.images._quality import MeasuredImage, QualityOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Options(QualityOptions, frozen=True):
    """Limits of IMG013."""

    min_entropy: Annotated[float, option("entropy of the grey histogram, bits", source="CleanVision", ge=0, le=8)] = 3.0
    max_range: Annotated[float, option("luma between the 0.1th and the 99.9th percentile from which there is content", ge=0,
                                       le=1)] = 0.1


class LowInformation(MeasuredImage[Options]):
    """Images all of nearly one luma, in a set of others."""

    code = "IMG013"
    name = "low-information"
    severity = Severity.INFO
    options_type = Options
    needs = ("entropy", "luma_low", "luma_high", "decodes", "is_truncated", "file_format", "read_error")
    column = "entropy"
    message = "Image holds little information: {measured:~.2 from limit} bits of 8 (limit {limit:~}, option min_entropy)"

    def limit(self) -> float:
        """Return `min_entropy`."""
        return self.options.min_entropy

    def beyond(self, batch: Batch, limit: float) -> NDArray[np.bool_]:
        """Return what holds less."""
        less: NDArray[np.bool_] = batch.image_columns["entropy"] < limit
        return less

    def is_fault(self, batch: Batch) -> NDArray[np.bool_]:
        """Return those all of nearly one luma."""
        images = batch.image_columns
        flat: NDArray[np.bool_] = ~(images["luma_high"] - images["luma_low"] >= self.options.max_range)
        return flat
