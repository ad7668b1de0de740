"""IMG007 wrong-extension: content unlike the suffix.

Why it matters: OpenCV and Pillow look at the content and do not mind; TensorFlow's decoders, web servers and converters
go by the suffix and fail, or write the wrong one.

Example: a PNG saved as a.jpg.

When to ignore: when everything that reads the set looks at the content.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dsinspect.checks import BaseOptions, Batch, Findings, RowCheck, Severity
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
        suffix = pd.Series(batch.images["path"].to_numpy(), dtype=object).str.extract(r"(\.[^./]+)$")[0].str.lower()
        due = suffix.map(FORMATS).to_numpy(object)
        found = batch.images["file_format"].to_numpy()
        wrong = is_image(batch) & pd.notna(due) & (due != found)
        return Findings.of_images(batch, np.asarray(wrong, bool), "the content is {format}, the suffix says {suffix}",
                                  {"format": found[wrong], "suffix": suffix.to_numpy(object)[wrong]})
