"""Polygons are parsed in two ways: columns at once, and one by one where something is odd; both say the same."""

from __future__ import annotations

import json
from dataclasses import fields

import msgspec
import numpy as np
import pytest
import simdjson
from hypothesis import given
from hypothesis import strategies as st

from dsinspect_checks.records import _polygons

numbers = st.one_of(st.integers(-1000, 1000), st.floats(-1e6, 1e6, allow_nan=False).map(lambda v: round(v, 3)))
polygons = st.lists(st.lists(numbers, max_size=12), max_size=3).map(lambda p: json.dumps(p).encode())
odd = st.sampled_from([None, b"null", b"[]", b"[[]]", b"[ [ 1 , 2 ] ]", b'{"counts": [1, 2], "size": [5, 6]}', b'"x"', b"[1, 2]",
                       b'[[1, "a"]]', b"[[1e2, 2, 3, 4, 5, 6]]", b"[[[1, 2]], [1]]", b"{}", b"7"])


@given(st.lists(st.one_of(polygons, polygons, polygons, odd), max_size=12))
def test_both_ways_say_the_same(texts: list[bytes | None]) -> None:
    raws = [None if t is None else msgspec.Raw(t) for t in texts]
    fast, slow = _polygons._parse(raws, simdjson.Parser()), _polygons._parse_each(raws)
    for f in fields(fast):
        got, due = getattr(fast, f.name), getattr(slow, f.name)
        assert np.array_equal(got, due, equal_nan=got.dtype.kind == "f"), f.name


@pytest.mark.parametrize("between", [b"", b"\n  "])
def test_plain_polygons_and_masks_take_the_quick_way(between: bytes) -> None:
    texts = [b"[[1, 2.5, 3, 4, 5, 6], [7, 8]]", b"[]", b'{"size": [3, 4]}', b"[[-1.25,2,3,4e0], []]"]
    found = _polygons._scan([t.replace(b" ", b" " + between) for t in texts], simdjson.Parser())
    assert found is not None
    others, owners, lengths, flat = found
    assert others == [2]
    assert owners.tolist() == [0, 0, 3, 3]
    assert lengths.tolist() == [6, 2, 4, 0]
    assert flat.tolist() == [1, 2.5, 3, 4, 5, 6, 7, 8, -1.25, 2, 3, 4]
