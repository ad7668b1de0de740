"""Outlines as pycocotools takes them: which are plain polygons, and what each other one raises where a mask is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect.tables.columns import is_given

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAD = 256
"""Bytes that hold the first five numbers of an outline."""
UNSUPPORTED = "Exception: input type is not supported."
AS_BOX = "TypeError: Argument 'bb' has incorrect type (expected numpy.ndarray, got list)"


def unusual_outlines(column: NDArray[Any] | None, *, whole: bool = False) -> dict[int, Any]:
    """Return the outlines, decoded, by row, that do not begin with a polygon; nearly all do, so few are decoded.

    Args:
        column: JSON bytes, None without an outline.
        whole: ask for three points and an even number of numbers; else for five numbers, as pycocotools does.
    """
    found = {}
    rows = np.flatnonzero(is_given(column)).tolist() if column is not None else []
    outlines = column[rows].tolist() if column is not None else []
    for k, outline in zip(rows, outlines, strict=True):
        raw = bytes(outline) if whole else bytes(memoryview(outline)[:HEAD])
        end = raw.find(b"]")
        commas = raw.count(b",", 0, end if end >= 0 else HEAD)
        if not raw.startswith(b"[[") or commas < 4 or (whole and (commas < 5 or commas % 2 == 0)):
            found[k] = msgspec.json.decode(outline)
    return found


def mask_error(outline: Any) -> str:
    """Return the error of `frPyObjects` and `decode` of pycocotools 2.0 for an outline; empty when a mask comes of it."""
    if isinstance(outline, dict):
        return _error_of_counts(outline)
    if not isinstance(outline, list):
        return UNSUPPORTED
    if not outline:
        return "IndexError: list index out of range"
    first = outline[0]
    if not isinstance(first, list | dict | str):
        return f"TypeError: object of type '{type(first).__name__}' has no len()"
    if len(first) == 4:
        return AS_BOX
    if len(first) > 4:
        return ""
    if isinstance(first, dict):
        return _error_of_counts(first)
    if len(outline) > 4:
        return "ValueError: setting an array element with a sequence"
    return AS_BOX if len(outline) == 4 else UNSUPPORTED


def mask_size(outline: Any) -> tuple[int, int] | None:
    """Return height and width of the mask of a run-length code; None for polygons, whose mask is as large as the image."""
    size = outline.get("size") if isinstance(outline, dict) else None
    return (int(size[0]), int(size[1])) if isinstance(size, list) and len(size) == 2 else None


def _error_of_counts(code: dict[str, Any]) -> str:
    if "counts" not in code or "size" not in code:
        return UNSUPPORTED
    counts = code["counts"]
    if isinstance(counts, str):
        return f"ValueError: invalid literal for int() with base 10: {counts!r}"
    size = mask_size(code)
    if isinstance(counts, list) and size is not None and sum(counts) > size[0] * size[1]:
        return "ValueError: Invalid RLE mask representation"
    return ""
