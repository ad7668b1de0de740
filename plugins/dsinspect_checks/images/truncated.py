"""IMG003 truncated: files whose stream ends early.

A JPEG without its end marker after the scan data, a PNG without its last chunk, a file shorter than its header says. Bytes
after the end marker are no fault of the image; they are IMG019's matter.

Why it matters: most decoders fill the rest with grey and say nothing that reaches you; boxes in the grey part teach that grey
is an object.

Example: a download that broke off: 48 of 64 KB.

When to ignore: never; fetch the file again.

Source of the default: there is no limit; users met it in yolov5#3450.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity
from dsinspect_checks.images._state import is_truncated


class Truncated(RowCheck[BaseOptions]):
    """Files whose stream ends before its end marker."""

    code = "IMG003"
    name = "truncated"
    severity = Severity.ERROR
    needs = ("is_truncated", "file_format", "read_error")

    def find(self, batch: Batch) -> Findings:
        """Report cut files."""
        cut = is_truncated(batch)
        return Findings.of_images(batch, cut, "Image is cut off: the {format} stream ends before its end marker",
                                  {"format": batch.image_columns["file_format"][cut]})
