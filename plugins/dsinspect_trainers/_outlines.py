"""Outlines as pycocotools takes them: which are plain polygons, and what each other one raises where a mask is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect.tables.columns import is_constant

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 512
"""Outlines looked at together: one or two hundred thousand bytes of text, which stay in the processor's cache."""
SPREAD = 64
"""Places in the file per outline up to which a table of all places is faster than sorting."""
NONE = b"null"
OPEN, CLOSE, COMMA = b"[],"
OTHERS = np.int16(-1)
USUAL = np.int16(5)
"""Commas of the smallest polygon that is fine, in place of those of a run-length code."""
UNSUPPORTED = "Exception: input type is not supported."
AS_BOX = "TypeError: Argument 'bb' has incorrect type (expected numpy.ndarray, got list)"


@dataclass(frozen=True)
class Outlines:
    """What the loaders ask of outlines before any is parsed.

    Attributes:
        given: mask of the annotations that have one.
        unusual: the outlines, decoded, by row, that do not begin with a polygon; nearly all do, so few are decoded.
    """

    given: NDArray[np.bool_]
    unusual: Mapping[int, Any]


def outlines_in(column: NDArray[Any], index: NDArray[np.int64], *, whole: bool = False,
                among: NDArray[np.bool_] | None = None) -> Outlines:
    """Look at outlines.

    Args:
        column: JSON bytes, None without an outline; views of the file's content.
        index: place of each in the file: they are looked at in that order, which takes half the time of any other.
        whole: ask for three points and an even number of numbers, or a run-length code with `counts` and `size`; else for five
            numbers, as pycocotools does.
        among: mask of the annotations whose outlines are made masks of, where those of others do not matter.
    """
    n = len(column)
    if not n or (is_constant(column) and column[0] is None):
        return Outlines(np.zeros(n, bool), {})
    given = np.ones(n, bool)
    order = _sorting(index)
    commas = np.empty(n, np.int16)
    for begin in range(0, n, CHUNK):
        rows = order[begin:begin + CHUNK]
        chunk = column[rows].tolist()
        try:
            commas[rows] = _commas(chunk)
        except TypeError:  # an annotation without an outline among them
            commas[rows], given[rows] = _commas([NONE if o is None else o for o in chunk]), [o is not None for o in chunk]
    asked = given if among is None else given & among
    for k in np.flatnonzero(asked & (commas == OTHERS)).tolist():
        outline = bytes(column[k])
        if not outline.startswith(b"{"):  # a run-length code
            commas[k] = _commas_of_first(outline.translate(None, b" \t\r\n"))
        elif whole and _is_code(outline):
            commas[k] = USUAL
    is_unusual = asked & ((commas < 5) | (commas % 2 == 0) if whole else commas < 4)
    return Outlines(given, {k: msgspec.json.decode(column[k]) for k in np.flatnonzero(is_unusual).tolist()})


def _sorting(index: NDArray[np.int64]) -> NDArray[np.int32 | np.int64]:
    """Return the rows in the order of the file; where its places are all different, without sorting."""
    n = len(index)
    if int(index.min()) >= 0 and int(index.max()) < SPREAD * n:
        rows = np.full(int(index.max()) + 1, -1, np.int32)
        rows[index] = np.arange(n, dtype=np.int32)
        found = rows[rows >= 0]
        if len(found) == n:
            return found
    return np.argsort(index, kind="stable")


def _commas(outlines: list[Any]) -> NDArray[np.int16]:
    """Return the number of commas, modulo 256, in each outline of one polygon, and OTHERS for one that is not that plain."""
    text = b"".join(outlines)
    characters, n = np.frombuffer(text, np.uint8), len(outlines)
    lengths = np.fromiter(map(len, outlines), np.int64, n)
    stops = lengths.cumsum()
    starts = stops - lengths
    commas = np.add.reduceat((characters == COMMA).view(np.uint8), starts, dtype=np.uint8)
    second = characters[np.minimum(starts + 1, len(characters) - 1)]
    plain = (characters[starts] == OPEN) & (second == OPEN) & (characters[stops - 2] == CLOSE)
    others = (~plain).nonzero()[0]
    is_close = characters == CLOSE
    ends = np.count_nonzero(is_close)
    of_others = 0
    for start, stop in zip(starts[others].tolist(), stops[others].tolist(), strict=True):
        of_others += text.count(b"]", start, stop)
    # Each that begins [[ and ends ]] has two ends of lists at least: one polygon, where together they have no more.
    if ends - of_others != 2 * (n - len(others)):
        closes = np.add.reduceat(is_close.view(np.uint8), starts, dtype=np.uint8)
        if ends != closes.sum(dtype=np.int64):  # more than 255 in one
            return np.full(n, OTHERS)
        plain &= closes == 2
    return np.where(plain, commas, OTHERS)


def _is_code(outline: bytes) -> bool:
    """Say whether an object is sure to have `counts` and `size`: their names end in a colon nowhere but as keys."""
    return outline.count(b"{") == 1 and b'"counts":' in outline and b'"size":' in outline


def _commas_of_first(outline: bytes) -> int:
    """Return the number of commas in the first polygon, as `_commas` does; OTHERS where it does not begin with one."""
    return outline.count(b",", 0, outline.find(b"]")) % 256 if outline.startswith(b"[[") else int(OTHERS)


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
