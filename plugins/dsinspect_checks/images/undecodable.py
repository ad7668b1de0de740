"""IMG002 undecodable: files that are no image, or that the decoder gives nothing for.

A file that cannot be opened, is empty, is no image by its first bytes, or whose decoding fails. A stream that ends early is
IMG003.

Why it matters: cv2.imread returns None, and the traceback comes hours later from somewhere else.

Example: a.jpg of 0 bytes; an HTML error page saved as a.jpg; a folder named a.jpg.

When to ignore: when your trainer reads a format that OpenCV does not.

Source of the default: there is no limit.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity
from dsinspect.tables.columns import is_given
from dsinspect_checks.images._state import MISSING, is_image, is_truncated


class Undecodable(RowCheck[BaseOptions]):
    """Files that are no image, or that do not decode."""

    code = "IMG002"
    name = "undecodable"
    severity = Severity.ERROR
    needs = ("file_format", "read_error")
    wants = ("decodes", "decode_error", "is_truncated")

    def find(self, batch: Batch) -> Findings:
        """Report files by what went wrong first: opening, the first bytes, decoding."""
        images = batch.image_columns
        fix = Fix("unsafe", "drop-image")
        has_file = is_given(images["file"])
        error = images["read_error"]
        closed = has_file & is_given(error) & (error != MISSING)
        parts = [Findings.of_images(batch, closed, "Image cannot be opened: {reason}",
                                    {"reason": error[closed]}, fix=fix)]
        alien = has_file & ~is_given(error) & ~is_image(batch)
        if "decodes" in images:
            why = images["decode_error"]
            parts.append(Findings.of_images(batch, alien, "Image cannot be decoded: {reason}", {"reason": why[alien]}, fix=fix))
            failed = is_image(batch) & (images["decodes"] == 0) & ~is_truncated(batch)
            parts.append(Findings.of_images(batch, failed, "Image cannot be decoded: {reason}", {"reason": why[failed]}, fix=fix))
        else:
            parts.append(Findings.of_images(batch, alien, "File is not an image by its first bytes", fix=fix))
        return Findings.concat(parts)
