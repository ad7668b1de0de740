"""Decode images with OpenCV: the fixed preview that all quality measures use, and all pixels.

OpenCV is imported when the first image is decoded, so that everything else works where it cannot be imported.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.errors import PluginError, UserError
from dsinspect.io.image_codec import start_opencv
from dsinspect.io.limits import limits, option
from dsinspect.protocols.probes import ImageFile
from dsinspect_probes._header import header_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

PREVIEW_SIDE = 256
"""Longer side of the preview, px."""


@functools.cache
def opencv() -> Any:
    """Import OpenCV.

    Raises:
        PluginError: it cannot be imported; the message names the two ways out.
    """
    try:
        start_opencv()
    except UserError as e:
        raise PluginError(f"plugin 'probes': {e}; until then images are not decoded") from None
    import cv2

    return cv2


class UndecodableError(Exception):
    """The decoder gives nothing; its text says why."""


def small_bgr_of(file: ImageFile) -> NDArray[np.uint8]:
    """Return the image in colour, 8 bits, stored orientation, JPEG at 1/2, 1/4 or 1/8.

    The codec shrinks as far as leaves the longer side at 256 px or more. One decoding serves all measures: of a JPEG most
    of the time goes into its Huffman code, which every scale and grey needs alike. The factor depends on the header
    alone, so that nothing depends on what else is measured.

    Returns:
        (H, W, 3) BGR.

    Raises:
        UndecodableError: the decoder gives nothing.
        PluginError: OpenCV cannot be imported.
    """
    cv2 = opencv()
    header = file.once(header_of)
    side = max(header.width or 0, header.height or 0)
    flags = cv2.IMREAD_COLOR
    if header.format == "jpeg":
        for factor, flag in ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2)):
            if side // factor >= PREVIEW_SIDE:
                flags = flag
                break
    pixels = decode(file, flags | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels.ndim == 2:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    return np.asarray(pixels, np.uint8)


def preview_of(file: ImageFile) -> NDArray[np.uint8]:
    """Return the preview: 8-bit grey (BT.601 luma), stored orientation, longer side at most 256 px.

    Shrunk to less than a half it is area-averaged; up to a half, which is all that is left after the codec's own
    shrinking, bilinear interpolation sees every pixel as well and takes a fifth of the time.

    Raises:
        UndecodableError: the decoder gives nothing.
        PluginError: OpenCV cannot be imported.
    """
    cv2 = opencv()
    grey = cv2.cvtColor(file.once(small_bgr_of), cv2.COLOR_BGR2GRAY)
    longer = max(grey.shape)
    if longer > PREVIEW_SIDE:
        scale = PREVIEW_SIDE / longer
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR)
    return np.asarray(grey, np.uint8)


def decode(file: ImageFile, flags: int) -> NDArray[Any]:
    """Decode a file from its bytes.

    Raises:
        UndecodableError: it is no image, too large, or the decoder gives nothing.
    """
    cv2 = opencv()
    header = file.once(header_of)
    if header.format is None:
        raise UndecodableError("not an image: the file is empty" if not file.head else "not an image by its first bytes")
    if (header.width or 0) * (header.height or 0) > (most := limits().pixels):
        raise UndecodableError(f"{header.width:,} x {header.height:,} px is more than is decoded ({most:,} px, "
                               f"{option('pixels')})")
    if header.format in ("jpeg", "png", "bmp", "gif") and not (header.width and header.height):
        raise UndecodableError("the header gives no size")
    try:
        pixels = cv2.imdecode(np.frombuffer(file.content, np.uint8), flags)
    except (cv2.error, MemoryError, SystemError) as e:
        raise UndecodableError(f"the decoder failed: {str(e).splitlines()[0][:120]}") from None
    if pixels is None or pixels.size == 0:
        raise UndecodableError("the decoder gives nothing")
    array: NDArray[Any] = pixels
    return array
