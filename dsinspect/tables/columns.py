"""Records as NumPy columns, and the same as a pandas frame for whoever asks.

Importing pandas takes a third of the time of a warm check, so the engine and the checks of this project work on columns;
a plugin that likes frames asks for `batch.annotations` and pandas is imported then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


class Columns:
    """Columns of one length, by name. Never change an array in place: tables share them.

    >>> table = Columns({"width": np.array([640.0, 480.0])})
    >>> len(table), table["width"].max()
    (2, np.float64(640.0))
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]], rows: int | None = None) -> None:
        """Take columns as they are.

        Args:
            columns: arrays of one length.
            rows: that length, where there may be no column.
        """
        self._columns = dict(columns)
        self._rows = rows if rows is not None else len(next(iter(self._columns.values()), ()))
        self._frame: pd.DataFrame | None = None

    @classmethod
    def of(cls, table: Columns | pd.DataFrame) -> Columns:
        """Return the columns of a frame; columns are returned as they are."""
        if isinstance(table, Columns):
            return table
        if not hasattr(table, "iloc"):
            raise TypeError(f"a table is a pandas frame or Columns, not {type(table).__name__}")
        names = list(map(str, table.columns))
        if len(set(names)) < len(names):  # a frame may have two columns of one name
            names = [n if n not in names[:k] else f"{n} ({k + 1})" for k, n in enumerate(names)]
        made = cls({n: table.iloc[:, k].to_numpy() for k, n in enumerate(names)}, len(table))
        made._frame = table
        return made

    @classmethod
    def concat(cls, tables: Iterable[Columns]) -> Columns:
        """Join rows; every table must have the columns of the first."""
        tables = list(tables)
        if len(tables) == 1:
            return tables[0]
        rows = sum(map(len, tables))
        return cls({name: _joined([t[name] for t in tables], rows) for name in tables[0]}, rows)

    @property
    def frame(self) -> pd.DataFrame:
        """The same as a pandas frame with a plain RangeIndex, made once and without copying."""
        if self._frame is None:
            import pandas as pd

            # An explicit dtype keeps pandas 3 from turning object columns of text into its `str` type.
            series = {name: pd.Series(values, dtype=values.dtype, copy=False) for name, values in self._columns.items()}
            self._frame = pd.DataFrame(series, index=pd.RangeIndex(self._rows), copy=False)
        return self._frame

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name]

    def get(self, name: str) -> NDArray[Any] | None:
        """Return a column, or None when there is none of that name."""
        return self._columns.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __getstate__(self) -> dict[str, Any]:
        return {"_columns": self._columns, "_rows": self._rows, "_frame": None}

    def stacked(self, *names: str) -> NDArray[np.float64]:
        """Return number columns side by side: (N, len(names)) float64."""
        return np.stack([self._columns[n].astype(np.float64, copy=False) for n in names]).T

    def take(self, rows: NDArray[Any] | slice) -> Columns:
        """Return the rows of a mask, of positions, or of a slice (which copies nothing)."""
        count = len(range(*rows.indices(self._rows))) if isinstance(rows, slice) else \
            int(np.count_nonzero(rows)) if rows.dtype == bool else len(rows)
        return Columns({name: np.broadcast_to(values[:1], (count,)) if is_constant(values) else values[rows]
                        for name, values in self._columns.items()}, count)

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries of plain Python values."""
        return [dict(zip(self._columns, row, strict=True))
                for row in zip(*(c.tolist() for c in self._columns.values()), strict=True)]

    def with_columns(self, columns: Mapping[str, NDArray[Any]]) -> Columns:
        """Return a table with columns added or replaced."""
        return Columns({**self._columns, **columns}, self._rows)


Table: TypeAlias = "Columns | pd.DataFrame"


def _joined(parts: list[NDArray[Any]], rows: int) -> NDArray[Any]:
    first = next((p for p in parts if len(p)), parts[0])
    if all(not len(p) or (is_constant(p) and p[0] is first[0]) for p in parts) and first.dtype.kind == "O" and rows:
        return np.broadcast_to(first[:1], (rows,))
    return np.concatenate(parts)


def objects(values: Sequence[Any]) -> NDArray[Any]:
    """Return a column of objects."""
    return np.fromiter(values, object, len(values))  # assigned as a list, NumPy looks into each that has a buffer


def at_rows(values: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return the values at some rows; None, or NaN among numbers, where the row is -1."""
    missing = np.nan if values.dtype.kind == "f" else None
    if not len(values) or (is_constant(values) and not is_given(values[:1])[0]):
        return constant(missing, values.dtype, len(rows))
    taken: NDArray[Any] = values[rows]  # a copy
    taken[rows < 0] = missing
    return taken


def constant(value: Any, dtype: Any, n: int) -> NDArray[Any]:
    """Return a read-only column of one value that takes the memory of one."""
    single = np.empty(1, dtype)
    single[0] = value
    return np.broadcast_to(single, (n,))


def is_constant(column: NDArray[Any]) -> bool:
    """Say whether a column was made by `constant` (or has one row)."""
    return len(column) > 0 and (column.strides == (0,) or len(column) == 1)


def distinct(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the distinct whole numbers in order; sorting takes a third of the time of `numpy.unique`."""
    in_order = np.sort(numbers)
    return in_order[np.append(True, in_order[1:] != in_order[:-1])] if len(in_order) else in_order


def is_given(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the mask of what is neither None nor NaN."""
    if column.dtype.kind == "f":
        there: NDArray[np.bool_] = ~np.isnan(column)
        return there
    if column.dtype.kind != "O":
        return np.ones(len(column), bool)
    given: NDArray[np.bool_] = np.array([v is not None and v == v for v in column.tolist()], bool)
    return given


def codes_of(column: NDArray[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    """Return a number for each value, -1 for None and NaN, and the values the numbers stand for, as first seen.

    >>> codes_of(np.array(["b", None, "a", "b"], object))
    (array([ 0, -1,  1,  0]), ['b', 'a'])
    """
    if is_constant(column):
        value = column[0]
        is_missing = value is None or value != value
        return constant(-1 if is_missing else 0, "int64", len(column)), [] if is_missing else [value]
    values = column.tolist()
    distinct = dict.fromkeys(values)
    names = [v for v in distinct if v is not None and v == v]
    number = dict.fromkeys(distinct, -1)
    number.update((name, k) for k, name in enumerate(names))
    return np.fromiter(map(number.__getitem__, values), np.intp, len(values)), names
