"""IMG007 wrong-extension: content unlike the suffix.

Why it matters: OpenCV and Pillow look at the content and do not mind; TensorFlow's decoders, web servers and converters go by
the suffix and fail, or write the wrong one.

Example: a PNG saved as a.jpg.

When to ignore: when everything that reads the set looks at the content.

Source of the default: there is no limit.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity
from dsinspect.tables.columns import is_given
from dsinspect_checks.images._state import is_image

FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".jpe": "jpeg", ".mpo": "jpeg", ".png": "png", ".gif": "gif", ".bmp": "bmp",
           ".dib": "bmp", ".webp": "webp", ".tif": "tiff", ".tiff": "tiff", ".dng": "tiff", ".avif": "avif",
           ".heic": "heic", ".jp2": "jpeg2000", ".pgm": "pnm", ".ppm": "pnm", ".pbm": "pnm", ".pnm": "pnm",
           ".hdr": "hdr", ".exr": "exr"}


class WrongExtension(RowCheck[BaseOptions]):
    """Image files whose content is of another format than their suffix says."""

    code = "IMG007"
    name = "wrong-extension"
    severity = Severity.WARNING
    needs = ("file_format", "read_error")

    def find(self, batch: Batch) -> Findings:
        """Compare suffix and format."""
        suffixes = [p[p.rfind("."):].lower() for p in batch.image_columns["path"].tolist()]
        expected = np.array([FORMATS.get(s) for s in suffixes], object)
        found = batch.image_columns["file_format"]
        wrong = np.flatnonzero(is_image(batch) & is_given(expected) & (expected != found))
        return Findings.of_images(batch, wrong, "Content is {format}, but the suffix is {suffix}",
                                  {"format": found[wrong], "suffix": [suffixes[k] for k in wrong.tolist()]})
