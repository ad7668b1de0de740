"""IMG019 trailing-bytes: JPEG files with bytes after their end marker.

Reports a JPEG that does not end with its end-of-image marker, though it has one. The image itself is whole.

Why it matters: Ultralytics takes such a file for a damaged one and writes it again in its place, at quality 100: the original
is changed, and through hard links (before 8.4.167) every other copy of the dataset as well.

Example: 12 bytes of a camera's or a download tool's own after the marker.

When to ignore: when no trainer may write to the images (`dsinspect convert` copies them).

Source of the default: no byte may follow the marker; Ultralytics' `verify_image` looks at the last two bytes of the file.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity
from dsinspect_checks.images._state import is_image


class TrailingBytes(RowCheck[BaseOptions]):
    """JPEG files that go on after their end marker."""

    code = "IMG019"
    name = "trailing-bytes"
    severity = Severity.WARNING
    needs = ("trailing_bytes", "file_format", "read_error")

    def find(self, batch: Batch) -> Findings:
        """Report files by the bytes after their end marker."""
        after = batch.image_columns["trailing_bytes"]
        with np.errstate(invalid="ignore"):
            more = is_image(batch) & (after > 0)
        return Findings.of_images(batch, more, "{bytes:~ byte follows|bytes follow} the end marker of the JPEG (limit {limit})",
                                  {"bytes": after[more].astype(np.int64), "limit": 0}, fix=Fix("unsafe", "cut-trailing-bytes"),
                                  new_text=after[more].astype(np.int64))
