"""The IoU of outlines is that of their areas, whatever their order, and however many pairs there are."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsinspect.geometry.rle import encode_mask
from dsinspect.testing import make_batch
from dsinspect_checks.boxes import _outlines

SIZE = 64


def rectangle(box: tuple[int, int, int, int]) -> list[int]:
    x, y, width, height = box
    return [x, y, x + width, y, x + width, y + height, x, y + height]


def mask(box: tuple[int, int, int, int]) -> dict[str, list[int]]:
    x, y, width, height = box
    inside = np.zeros((SIZE, SIZE), bool)
    inside[y:y + height, x:x + width] = True
    return {"counts": encode_mask(inside), "size": [SIZE, SIZE]}


def true_iou(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    wide, high = (max(0, min(a[k] + a[k + 2], b[k] + b[k + 2]) - max(a[k], b[k])) for k in (0, 1))
    return wide * high / (a[2] * a[3] + b[2] * b[3] - wide * high)


boxes = st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(8, 40)] * 2)


@given(st.lists(st.tuples(boxes, boxes), min_size=1, max_size=6), st.booleans())
def test_outlines_agree_where_their_areas_overlap(pairs: list[tuple[tuple[int, int, int, int], ...]], as_mask: bool) -> None:
    shapes = [mask(box) if as_mask else [rectangle(box)] for pair in pairs for box in pair]
    batch = make_batch(images=[{"path": "a.jpg", "width": SIZE, "height": SIZE}], annotations=[
        {"image": "a.jpg", "category": "cat", "box": [0, 0, 9, 9], "segmentation": json.dumps(s)} for s in shapes])
    first = np.arange(0, len(shapes), 2)
    agree, swapped = (_outlines.outlines_agree(batch, *rows) for rows in ((first, first + 1), (first + 1, first)))
    assert agree.tolist() == swapped.tolist()
    for (a, b), is_one in zip(pairs, agree.tolist(), strict=True):
        if abs(true_iou(a, b) - _outlines.LEAST_IOU) > (1e-9 if as_mask else 0.1):  # lines are 1/32 of the height apart
            assert is_one == (true_iou(a, b) >= _outlines.LEAST_IOU)


def test_beyond_the_limit_of_edges_boxes_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_outlines, "MOST_EDGES", 8)
    shapes = [[rectangle((0, 0, 20, 20))], [rectangle((30, 30, 20, 20))]]
    batch = make_batch(images=[{"path": "a.jpg", "width": SIZE, "height": SIZE}], annotations=[
        {"image": "a.jpg", "category": "cat", "box": [0, 0, 9, 9], "segmentation": json.dumps(s)} for s in shapes])
    pairs = np.array([0, 0]), np.array([1, 1])
    assert _outlines.outlines_agree(batch, *pairs).tolist() == [False, True]
