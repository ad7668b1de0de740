"""`preview`: whether the file decodes, and measures of quality on one fixed preview."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.probes import Column, ImageFile, Level, Probe, Value
from dsinspect_probes._decode import UndecodableError, opencv, preview_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class PreviewProbe(Probe):
    """Decodability, brightness, contrast, sharpness, entropy and a perceptual hash, on a 256 px grey preview."""

    name = "preview"
    version = 3
    level = Level.PREVIEW
    columns = (
        Column("decodes", "float64", "1", "1 when the decoder gives pixels"),
        Column("decode_error", "object", "", "why it gives none"),
        Column("luma_p5", "float64", "1", "5th percentile of luma, 0 to 1"),
        Column("luma_p95", "float64", "1", "95th percentile of luma, 0 to 1"),
        Column("luma_p99", "float64", "1", "99th percentile of luma, 0 to 1"),
        Column("contrast", "float64", "1", "standard deviation of luma, 0 to 0.5"),
        Column("sharpness", "float64", "1", "variance of the Laplacian, grey levels squared"),
        Column("entropy", "float64", "bit", "Shannon entropy of the grey histogram, 0 to 8"),
        Column("phash", "object", "", "64-bit perceptual hash (DCT), hex"),
    )

    def measure(self, file: ImageFile) -> tuple[Value, ...]:
        """Return the measures; None for all but the first two when it does not decode."""
        try:
            grey = preview_of(file)
        except UndecodableError as e:
            return (0.0, str(e), *(None,) * 7)
        cv2 = opencv()
        histogram = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel().astype(np.int64)
        n = grey.size
        p5, p95, p99 = (np.searchsorted(np.cumsum(histogram), [math.ceil(q * n) for q in (0.05, 0.95, 0.99)]) / 255).tolist()
        share = histogram[histogram > 0] / n
        _, spread = cv2.meanStdDev(grey)
        laplacian = cv2.Laplacian(grey, cv2.CV_16S)
        # Whole numbers of up to 1020: both sums are exact, and take a tenth of meanStdDev.
        variance = cv2.norm(laplacian, cv2.NORM_L2SQR) / n - (cv2.sumElems(laplacian)[0] / n) ** 2
        return (1.0, None, p5, p95, p99, round(float(spread[0, 0]) / 255, 6), round(variance, 4),
                round(float(-(share * np.log2(share)).sum()) + 0.0, 6), perceptual_hash(grey))


def perceptual_hash(grey: NDArray[np.uint8]) -> str:
    """Return a 64-bit perceptual hash as 16 hex digits.

    The picture is averaged to 32 x 32 px; of its discrete cosine transform the 8 x 8 lowest frequencies but the
    constant one are compared with their median (pHash, Zauner 2010).

    Args:
        grey: (H, W) uint8.
    """
    cv2 = opencv()
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].ravel()
    bits = low > np.sort(low[1:])[31]  # the median of 63
    return np.packbits(bits).tobytes().hex()
