"""Outlines looked at in columns: what is said of them without parsing holds for what they hold parsed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsinspect_trainers._outlines as outlines
from dsinspect.tables.columns import objects

NUMBERS = st.integers(-5, 999) | st.floats(-9, 99, allow_nan=False, width=32)
POLYGONS = st.lists(NUMBERS, max_size=9) | st.lists(NUMBERS, min_size=255, max_size=265)
COUNTS = st.lists(st.integers(0, 9), max_size=3) | st.text(max_size=3) | st.sampled_from(['"size":', {"size": 1}, '{"counts":1}'])
RLE = st.fixed_dictionaries({"size": st.just([4, 5]), "counts": COUNTS}) | st.fixed_dictionaries({"counts": COUNTS}) \
    | st.fixed_dictionaries({"size": st.just([4, 5])})
OUTLINES = st.lists(POLYGONS, max_size=3) | RLE | st.none() | NUMBERS | st.text("[], x", max_size=6) | st.lists(NUMBERS, max_size=3)


def length_of_first(outline: Any) -> int:
    """Return how many numbers the first polygon has, -1 where the outline does not begin with one."""
    return len(outline[0]) if isinstance(outline, list) and outline and isinstance(outline[0], list) else -1


@given(st.lists(OUTLINES, max_size=12), st.sampled_from([None, 1]), st.randoms(use_true_random=False), st.booleans())
def test_all_but_plain_polygons_are_unusual(held: list[Any], indent: int | None, random: Any, whole: bool) -> None:
    column = objects([None if o is None else json.dumps(o, indent=indent).encode() for o in held])
    index = list(range(len(held)))
    random.shuffle(index)
    found = outlines.outlines_in(column, np.array(index, np.int64), whole=whole)
    assert found.given.tolist() == [o is not None for o in held]
    assert all(held[k] == outline for k, outline in found.unusual.items())
    for k, outline in enumerate(held):
        n = length_of_first(outline)
        is_plain = n >= 6 and n % 2 == 0 if whole else n >= 5
        is_code = whole and isinstance(outline, dict) and {"counts", "size"} <= outline.keys()
        assert k in found.unusual or outline is None or is_plain or is_code
        assert not (k in found.unusual and is_plain and n < 255)  # above 255 numbers some are decoded to be sure


def test_polygons_of_more_than_255_parts_are_counted() -> None:
    many: list[Any] = [[[1, 2, 3, 4, 5, 6]] + [[]] * (n - 1) for n in (1, 255, 256, 257, 258, 259)]
    many += [[[1, 2]] + [[1, 2, 3, 4, 5, 6]] * (n - 1) for n in (1, 257, 258, 259)]
    column = objects([json.dumps(o).encode() for o in many])
    found = outlines.outlines_in(column, np.arange(len(many)), whole=True)
    assert sorted(found.unusual) == [6, 7, 8, 9]


@pytest.mark.parametrize("index", [[2, 0, 1], [7, 7, 0], [10**9, 3, 5], [-1, -1, -1]])
def test_any_order_of_the_file_will_do(index: list[int]) -> None:
    column = objects([b"[[1,2,3,4,5,6]]", b"[]", None])
    found = outlines.outlines_in(column, np.array(index))
    assert list(found.unusual) == [1]
    assert found.given.tolist() == [True, True, False]
