"""`pixels`: what the colours of an image show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsinspect.protocols.probes import Column, ImageFile, Level, Probe, Value
from dsinspect_probes._decode import UndecodableError, opencv, small_bgr_of
from dsinspect_probes._header import header_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOLERANCE = 2
"""Grey levels by which channels may differ and still count as equal: rounding of JPEG's colour conversion."""


class PixelsProbe(Probe):
    """Whether a colour file holds a grey image."""

    name = "pixels"
    version = 2
    level = Level.PREVIEW
    columns = (Column("channels_equal", "float64", "1", "1 when a colour file's channels are equal"),)

    def measure(self, file: ImageFile) -> tuple[Value, ...]:
        """Return the flag; None for files that are not stored in colour or do not decode."""
        header = file.once(header_of)
        if header.colour not in ("rgb", "rgba"):
            return (None,)
        try:
            pixels = file.once(small_bgr_of)  # averaging keeps equal channels equal, and colour coloured
        except UndecodableError:
            return (None,)
        return (float(is_grey(pixels[::8, ::8]) and is_grey(pixels)),)  # of most images a 64th is enough


def is_grey(bgr: NDArray[np.uint8]) -> bool:
    """Say whether the channels of (H, W, 3) pixels are equal within the tolerance."""
    cv2 = opencv()
    blue, green, red = cv2.split(bgr)
    return bool(cv2.norm(blue, green, cv2.NORM_INF) <= TOLERANCE and cv2.norm(green, red, cv2.NORM_INF) <= TOLERANCE)
