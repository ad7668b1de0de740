"""Columns of findings: filled from one value or many, joined where a part lacks one, chosen by mask or position, put in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.tables.columns import codes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rows = Any
"""Which rows of a frame: a boolean mask or an array of positions."""


def kind_of(values: NDArray[Any]) -> str:
    """Return the kind of values as templates name it: `i`nteger, `f`loat or `s`tring."""
    return {"i": "i", "u": "i", "b": "i", "f": "f"}.get(values.dtype.kind, "s")


def joined(tables: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Concatenate columns; one that a part lacks is None or NaN there."""
    columns = {}
    for name in dict.fromkeys(name for t in tables for name in t):
        is_object = any(t[name].dtype.kind == "O" for t in tables if name in t)
        lacking = any(name not in t for t in tables)
        parts = [t[name] if name in t else np.full(len(t["template"]), None if is_object else np.nan,
                                                  object if is_object else np.float64) for t in tables]
        if is_object or lacking:
            parts = [p.astype(object if is_object else np.float64) for p in parts]
        columns[name] = np.concatenate(parts)
    return columns


def spread(value: Any, n: int, dtype: Any) -> NDArray[Any]:
    """Return a column of `n` rows from one value or from one a row; what is of objects is not looked into."""
    if np.dtype(dtype).kind == "O":
        if isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 1:
            return value  # tuples of one length are not taken for rows of a table
        column = np.empty(n, object)
        column[:] = value if not np.ndim(value) else list(value)
        return column
    array = np.asarray(value, dtype)
    return np.full(n, array, dtype) if array.ndim == 0 else array


def positions_of(rows: Rows, of: int) -> NDArray[np.intp]:
    """Return the positions that a mask of `of` rows, or an array of positions, chooses.

    Raises:
        ValueError: a mask has another length.
    """
    array = np.asarray(rows)
    if array.dtype != bool:
        return array.astype(np.intp)
    if array.shape != (of,):
        raise ValueError(f"a mask of shape {array.shape} for {of:,} rows")
    return np.flatnonzero(array)


def text_rank(column: NDArray[Any]) -> NDArray[np.int64]:
    """Return the place of each text in their order; None comes first."""
    codes, uniques = codes_of(column)
    order = sorted(range(len(uniques)), key=lambda k: str(uniques[k]))
    rank = np.empty(len(uniques) + 1, np.int64)
    rank[order] = np.arange(1, len(uniques) + 1)
    rank[-1] = 0  # None, which factorize codes as -1, comes first
    return rank[codes]


def has_ties(keys: Sequence[NDArray[Any]], order: NDArray[np.intp]) -> bool:
    """Say whether two rows are equal in all keys."""
    same = np.ones(len(order) - 1, bool)
    for key in keys:
        in_order = key[order]
        same &= in_order[1:] == in_order[:-1]
    return bool(same.any())
