"""Columns say the same as the pandas frames that are made of them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsinspect.tables.columns import Columns, codes_of, constant, distinct, is_constant, is_given

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
texts = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "", "ä", "c d"])), max_size=30)


def column(values: list[object]) -> np.ndarray[tuple[int, ...], np.dtype[np.object_]]:
    made = np.empty(len(values), object)
    made[:] = values
    return made


@given(texts)
def test_codes_are_those_of_pandas(values: list[str | None]) -> None:
    codes, names = codes_of(column(values))
    due, uniques = pd.factorize(column(values), use_na_sentinel=True)
    assert codes.tolist() == due.tolist()
    assert names == list(uniques)


@given(st.lists(st.integers(-2**62, 2**62), max_size=40))
def test_distinct_numbers_are_those_of_numpy(values: list[int]) -> None:
    numbers = np.array(values, np.int64)
    assert distinct(numbers).tolist() == np.unique(numbers).tolist()


@given(texts)
def test_given_is_what_pandas_does_not_miss(values: list[str | None]) -> None:
    assert is_given(column(values)).tolist() == pd.notna(pd.Series(column(values), dtype=object)).tolist()


def test_numbers_that_are_given() -> None:
    assert is_given(np.array([1.0, np.nan, np.inf])).tolist() == [True, False, True]
    assert is_given(np.array([0, 1])).all()


@given(st.lists(st.integers(0, 5), max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_rows_are_taken_as_pandas_does(numbers: list[int], start: int, stop: int) -> None:
    n = len(numbers)
    table = Columns({"number": np.array(numbers, np.int64), "text": constant("same", "object", n),
                     "none": constant(None, "object", n)}, n)
    mask = table["number"] > 2
    for rows in (slice(start, stop), mask, np.flatnonzero(mask)):
        taken = table.take(rows)
        due = table.frame.iloc[rows].reset_index(drop=True)
        assert len(taken) == len(due)
        pd.testing.assert_frame_equal(taken.frame, due)
    joined = Columns.concat([table, table.take(mask), table.take(slice(0))])
    pd.testing.assert_frame_equal(joined.frame, pd.concat([table.frame, table.frame[mask]], ignore_index=True))


@pytest.mark.parametrize(("value", "dtype", "codes"), [("a", "object", 0), (None, "object", -1), (np.nan, "float64", -1),
                                                       (3, "int64", 0)])
def test_a_constant_takes_the_memory_of_one_value(value: object, dtype: str, codes: int) -> None:
    many = constant(value, dtype, 1_000_000)
    assert is_constant(many)
    assert many.base is not None
    assert many.strides == (0,)
    assert codes_of(many)[0][:3].tolist() == [codes] * 3
    with pytest.raises(ValueError, match="read-only"):
        many[0] = value


def test_frames_and_columns_are_over_the_same_arrays() -> None:
    numbers = np.arange(5.0)
    table = Columns({"x": numbers})
    assert np.shares_memory(table.frame["x"].to_numpy(), numbers)
    assert np.shares_memory(Columns.of(table.frame)["x"], numbers)
    assert Columns.of(table) is table
    assert pickle.loads(pickle.dumps(table))["x"].tolist() == numbers.tolist()


def test_columns_without_rows_and_rows_without_columns() -> None:
    assert len(Columns({})) == 0
    assert len(Columns({}, 3).frame) == 3
    assert Columns({}, 3).records() == []
    assert Columns({"a": np.array([1, 2])}).records() == [{"a": 1}, {"a": 2}]


def test_a_check_imports_no_pandas() -> None:
    dataset = next(p for p in sorted(SAMPLES.iterdir()) if p.is_dir() and not p.name.startswith(("_", ".")))
    code = ("import sys; from dsinspect.cli import main; main(sys.argv[1:]); "
            "sys.exit(sorted(m for m in ('pandas', 'openpyxl', 'matplotlib') if m in sys.modules) or 0)")
    done = subprocess.run([sys.executable, "-c", code, "check", str(dataset), "--no-cache", "--exit-zero", "--quiet",
                           "--output-format", "json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
