"""IMG010 blurry: images without any sharp edge.

Reports an image whose steepest edges are wider than `max_edge_width` px on the 256 px preview, unless more than `max_share` of
the images are like that: then the sensor is that soft. Edge width grows with blur and does not depend on contrast, so that a
smooth scene with one clear edge is sharp. Flat images (IMG013) and dark ones (IMG011) have no edges and are left out.

Why it matters: the edges of an object cannot be learnt from an image that has none, and its boxes are guesses.

Example: a camera out of focus: edges of 4 px among images with edges of 1.4.

When to ignore: when the background is blurred on purpose, or the sensor is that soft (microscopes, thermal cameras).

Source of the default: looked at on 10 real sets (5,859 images). The variance of the Laplacian, the usual measure, reported 53
of them, and 51 were sharp: pale paper, cells, sky. At an edge width of 2.4 px 27 are reported, and 24 of them are blurred or
shaken to the eye. A sharp edge is 1.4 px wide by this measure; of images blurred with a Gaussian of 3 px of the preview 83 %
are above the limit, of 4 px 96 %.
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
    """Limits of IMG010."""

    max_edge_width: Annotated[float, option("width of the steepest edges on the preview, px", gt=0)] = 2.4
    min_entropy: Annotated[float, option("bits below which an image is flat, not blurry", ge=0, le=8)] = 3.0
    min_luma: Annotated[float, option("99th percentile of luma below which it is dark, not blurry", ge=0, le=1)] = 0.32


class Blurry(MeasuredImage[Options]):
    """Images whose steepest edges are wide, in a set of sharper ones."""

    code = "IMG010"
    name = "blurry"
    severity = Severity.INFO
    options_type = Options
    needs = ("edge_width", "entropy", "luma_p99", "decodes", "is_truncated", "file_format", "read_error")
    column = "edge_width"
    message = ("Image is blurry: its steepest edges are {measured:~.1 from limit} px wide at 256 px (limit {limit:~}, option "
               "max_edge_width)")

    def limit(self) -> float:
        """Return `max_edge_width`."""
        return self.options.max_edge_width

    def beyond(self, batch: Batch, limit: float) -> NDArray[np.bool_]:
        """Return what has wider edges, and edges at all."""
        images, o = batch.image_columns, self.options
        wide: NDArray[np.bool_] = (images["edge_width"] > limit) & (images["entropy"] >= o.min_entropy) \
            & (images["luma_p99"] >= o.min_luma)
        return wide
