"""Rows of many plain label files at once: numbers only, every row of a length that is clear; all in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import simdjson

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PLAIN = b"0123456789+-.eE \t\r\n"
_COMMAS = bytes.maketrans(b" \t\r\n", b",,,,")
_LARGEST_CLASS = 2.0**53  # beyond it a float is no exact whole number


@dataclass(frozen=True)
class PlainRows:
    """Rows of some label files in columns; `files` holds for each row the number of its file, from 0."""

    files: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    edges: NDArray[np.float64]
    lines: NDArray[np.int64]
    indices: NDArray[np.int64]
    n_values: NDArray[np.int64]
    is_polygon: NDArray[np.bool_]


def is_plain(content: bytes) -> bool:
    """Say whether a file holds nothing but characters of decimal numbers and white space."""
    return not content.translate(None, _PLAIN)


def read_plain(contents: Sequence[bytes], pose: int | None) -> tuple[PlainRows, list[int]] | None:
    """Read files for which `is_plain` holds.

    Args:
        contents: of each file.
        pose: number of values of a pose row, when the configuration declares a pose set.

    Returns:
        The rows of the files that are without a fault, and the numbers of the files that are not and have to be read
        line by line; None when a text is no number, which does not say whose.
    """
    joined = b"\n".join(contents) + b"\n"
    characters = np.frombuffer(joined, np.uint8)
    is_space = characters <= 32
    is_space_before = np.empty_like(is_space)
    is_space_before[0] = True
    is_space_before[1:] = is_space[:-1]
    token_starts = np.flatnonzero(~is_space & is_space_before)
    line_ends = np.flatnonzero(characters == 10)
    n_values = np.bincount(np.searchsorted(line_ends, token_starts), minlength=len(line_ends))
    try:
        values = numbers_of(joined, characters[~(is_space & is_space_before)], len(token_starts))
    except ValueError:
        return None
    n_lines = np.array([c.count(b"\n") + 1 for c in contents], np.int64)
    first_lines = np.cumsum(n_lines) - n_lines
    rows = np.flatnonzero(n_values)
    files = np.repeat(np.arange(len(contents)), n_lines)[rows]
    lines = rows - first_lines[files] + 1
    n_values = n_values[rows]
    starts = np.cumsum(n_values) - n_values
    is_box = (n_values == 5) | (n_values == 6) | (n_values == (-1 if pose is None else pose))
    is_polygon = (n_values > 6) & (n_values % 2 == 1) & ~is_box
    classes = values[starts]
    good = (is_box | is_polygon) & (n_values >= 5) & (classes == np.floor(classes)) & (np.abs(classes) < _LARGEST_CLASS)
    faulty = np.unique(files[~good])
    keep = ~np.isin(files, faulty)
    rows_before = np.searchsorted(files, files)  # rows are in the order of the files
    edges = np.empty((len(rows), 4))
    boxes = starts[is_box & keep]
    x, y, w, h = (values[boxes + k] for k in (1, 2, 3, 4))
    with np.errstate(all="ignore"):  # 1e999 is a number to a trainer too
        edges[is_box & keep] = np.column_stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    polygons = is_polygon & keep
    if polygons.any():
        edges[polygons] = _envelopes(values, starts[polygons], n_values[polygons])
    indices = np.arange(len(rows)) - rows_before
    whole = np.where(keep, classes, 0).astype(np.int64)
    return PlainRows(files[keep], whole[keep], edges[keep], lines[keep], indices[keep], n_values[keep],
                     is_polygon[keep]), [int(f) for f in faulty]


def numbers_of(text: bytes, squeezed: NDArray[np.uint8], count: int) -> NDArray[np.float64]:
    """Return the numbers of a text.

    Args:
        text: numbers and white space.
        squeezed: its characters with one white space between numbers.
        count: of the numbers.

    Raises:
        ValueError: a text is no number.
    """
    listed = b"[" + squeezed.tobytes().strip().translate(_COMMAS) + b"]"
    try:
        parsed = simdjson.Parser().parse(listed)
        values = np.frombuffer(parsed.as_buffer(of_type="d") if isinstance(parsed, simdjson.Array) else b"", np.float64)
    except (ValueError, TypeError, RuntimeError):  # `.5`, `+1`, `1.` and `007` are numbers to a trainer, but not in JSON
        values = np.empty(0)
    return values if len(values) == count else np.fromiter(map(float, text.split()), np.float64, count)


def _envelopes(values: NDArray[np.float64], starts: NDArray[np.int64], n_values: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the envelopes of rows of a class and points, (N, 4)."""
    n_points = (n_values - 1) // 2
    first = np.cumsum(n_points) - n_points
    xs = np.repeat(starts + 1 - 2 * first, n_points) + 2 * np.arange(n_points.sum())
    x, y = values[xs], values[xs + 1]
    return np.column_stack([np.minimum.reduceat(x, first), np.minimum.reduceat(y, first),
                            np.maximum.reduceat(x, first), np.maximum.reduceat(y, first)])
