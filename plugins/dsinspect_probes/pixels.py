"""`pixels`: what only all pixels in colour can tell."""

from __future__ import annotations

import numpy as np

from dsinspect.probes import Column, ImageFile, Level, Probe, Value
from dsinspect_probes._decode import UndecodableError, decode, opencv
from dsinspect_probes._header import header_of

TOLERANCE = 2
"""Grey levels by which channels may differ and still count as equal: rounding of JPEG's colour conversion."""


class PixelsProbe(Probe):
    """Whether a colour file holds a grey picture."""

    name = "pixels"
    version = 1
    level = Level.PIXELS
    columns = (Column("channels_equal", "float64", "1", "1 when a colour file's channels are equal"),)

    def measure(self, file: ImageFile) -> tuple[Value, ...]:
        """Return the flag; None for files that are not stored in colour or do not decode."""
        header = file.once(header_of)
        if header.colour not in ("rgb", "rgba"):
            return (None,)
        cv2 = opencv()
        flags = cv2.IMREAD_COLOR
        if header.format == "jpeg" and max(header.width or 0, header.height or 0) >= 512:
            flags = cv2.IMREAD_REDUCED_COLOR_4  # averaging keeps equal channels equal, and colour coloured
        try:
            pixels = decode(file, flags | cv2.IMREAD_IGNORE_ORIENTATION)
        except UndecodableError:
            return (None,)
        if pixels.ndim != 3 or pixels.shape[2] < 3:
            return (None,)
        blue, green, red = (pixels[..., k] for k in range(3))
        equal = cv2.norm(blue, green, cv2.NORM_INF) <= TOLERANCE and cv2.norm(green, red, cv2.NORM_INF) <= TOLERANCE
        return (float(np.bool_(equal)),)
