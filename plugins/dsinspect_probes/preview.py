"""`preview`: whether the file decodes, and measures of quality on one fixed preview."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.probes import Column, ImageFile, Level, Probe, Value
from dsinspect_probes._decode import UndecodableError, opencv, preview_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


SOFT = 300.0
"""Sharpness from which edges are not measured: no image of 5,859 looked at had soft edges and a sharpness above it."""
BLACK = 8
"""Grey level up to which pixels are no content: the bars of letterboxing and the corners of turned images."""
QUANTILES = (0.001, 0.05, 0.95, 0.99, 0.999)


class PreviewProbe(Probe):
    """Decodability, brightness, contrast, sharpness, entropy and two signatures, on a 256 px grey preview."""

    name = "preview"
    version = 4
    level = Level.PREVIEW
    columns = (
        Column("decodes", "float64", "1", "1 when the decoder gives pixels"),
        Column("decode_error", "object", "", "why it gives none"),
        Column("luma_low", "float64", "1", "0.1th percentile of luma, 0 to 1"),
        Column("luma_p5", "float64", "1", "5th percentile of luma, 0 to 1"),
        Column("luma_p95", "float64", "1", "95th percentile of luma, 0 to 1"),
        Column("luma_p99", "float64", "1", "99th percentile of luma, 0 to 1"),
        Column("luma_high", "float64", "1", "99.9th percentile of luma, 0 to 1"),
        Column("contrast", "float64", "1", "standard deviation of luma, 0 to 0.5"),
        Column("sharpness", "float64", "1", "variance of the Laplacian, grey levels squared"),
        Column("edge_width", "float64", "px", f"width of the steepest edges; measured below a sharpness of {SOFT:g}"),
        Column("entropy", "float64", "bit", "Shannon entropy of the grey histogram, 0 to 8"),
        Column("phash", "object", "", "64-bit perceptual hash (DCT), hex"),
        Column("signature", "object", "", "mean luma of 16 x 16 cells, 8 bits each, base64"),
    )

    def measure(self, file: ImageFile) -> tuple[Value, ...]:
        """Return the measures; None for all but the first two when it does not decode."""
        try:
            grey = preview_of(file)
        except UndecodableError as e:
            return (0.0, str(e), *(None,) * (len(self.columns) - 2))
        cv2 = opencv()
        histogram = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel().astype(np.int64)
        n = grey.size
        luma = (np.searchsorted(np.cumsum(histogram), [math.ceil(q * n) for q in QUANTILES]) / 255).tolist()
        share = histogram[histogram > 0] / n
        _, spread = cv2.meanStdDev(grey)
        laplacian = cv2.Laplacian(grey, cv2.CV_16S)
        # Whole numbers of up to 1020: both sums are exact, and take a tenth of meanStdDev.
        variance = cv2.norm(laplacian, cv2.NORM_L2SQR) / n - (cv2.sumElems(laplacian)[0] / n) ** 2
        width = edge_width(grey) if variance < SOFT else None
        return (1.0, None, *luma, round(float(spread[0, 0]) / 255, 6), round(variance, 4), width,
                round(float(-(share * np.log2(share)).sum()) + 0.0, 6), perceptual_hash(grey), signature(grey))


def edge_width(grey: NDArray[np.uint8]) -> float | None:
    """Return how wide the steepest edges are, px; it grows with blur, and does not depend on contrast.

    An edge blurred by a Gaussian of s px has a slope in proportion to 1 / s and a curvature in proportion to 1 / s^2, so
    their ratio is s but for a factor of about 1.6. Both are taken where only 0.5 % of the content is beyond them, after a
    Gaussian of 1 px has taken off noise and the blocks of JPEG; a sharp edge is 1.4 px wide then. Bars and corners that are
    black to the border are no content.

    Args:
        grey: (H, W) uint8.

    Returns:
        None where four fifths of the image are no content.
    """
    cv2 = opencv()
    height, width = grey.shape
    content = cv2.threshold(grey, BLACK, 1, cv2.THRESH_BINARY)[1]
    for corner in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)):
        if content[corner[::-1]] == 0:
            cv2.floodFill(content, None, corner, 2)
    content = cv2.erode(np.asarray(content != 2, np.uint8), np.ones((11, 11), np.uint8))
    content = np.ascontiguousarray(content[::2, ::2])  # every fourth pixel is enough
    n = cv2.countNonZero(content)
    if n < content.size // 5:
        return None
    smooth = cv2.GaussianBlur(np.left_shift(grey, 4, dtype=np.int16), (0, 0), 1.0)
    slope = cv2.max(*(cv2.absdiff(cv2.Sobel(smooth, cv2.CV_16S, *axes), 0) for axes in ((1, 0), (0, 1))))
    bend = cv2.absdiff(cv2.Laplacian(smooth, cv2.CV_16S), 0)

    def top(values: NDArray[np.int16], step: int) -> int:
        """Return what all but 0.5 % of the content reach, in whole steps; above 2,048 of them all is alike."""
        some = np.ascontiguousarray(values[::2, ::2]).view(np.uint16)
        counts = cv2.calcHist([some], [0], content, [2048], [0, 2048 * step]).ravel()
        return step * int(np.searchsorted(np.cumsum(counts), n - n // 200))

    return round(top(slope, 4) / 8 / max(top(bend, 2), 1), 4)


def signature(grey: NDArray[np.uint8]) -> str:
    """Return the mean luma of 16 x 16 cells, 8 bits each, as base64.

    Args:
        grey: (H, W) uint8.
    """
    return base64.b64encode(opencv().resize(grey, (16, 16), interpolation=opencv().INTER_AREA).tobytes()).decode()


def perceptual_hash(grey: NDArray[np.uint8]) -> str:
    """Return a 64-bit perceptual hash as 16 hex digits.

    The image is averaged to 32 x 32 px; of its discrete cosine transform the 8 x 8 lowest frequencies but the
    constant one are compared with their median (pHash, Zauner 2010).

    Args:
        grey: (H, W) uint8.
    """
    cv2 = opencv()
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].ravel()
    bits = low > np.sort(low[1:])[31]  # the median of 63
    return np.packbits(bits).tobytes().hex()
