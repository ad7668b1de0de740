"""Pairs of boxes: as brute force has them, and few enough where thousands lie on one another."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dsinspect.protocols.batch import Batch
from dsinspect.testing import make_batch
from dsinspect_checks.boxes._pairs import MOST_OF_IMAGE, first_alike, overlapping_pairs


def batch_of(boxes: list[tuple[int, float, float, float, float]]) -> Batch:
    """Return a batch of boxes: number of the image, then x, y, width, height."""
    images = [{"path": f"{k}.jpg", "width": 500, "height": 500} for k in range(3)]
    return make_batch(images, [{"image": f"{k}.jpg", "category": "x", "box": [x, y, x + w, y + h]} for k, x, y, w, h in boxes])


SIDES = st.floats(0.5, 60, allow_nan=False)
BOXES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40).map(float), st.integers(0, 40).map(float), SIDES, SIDES),
                 max_size=40)


@given(BOXES, st.integers(0, 3))
def test_pairs_are_those_of_brute_force(boxes: list[tuple[int, float, float, float, float]], again: int) -> None:
    boxes = [*boxes, *boxes[:again]]
    batch = batch_of(boxes)
    first = first_alike(batch)
    expected = [next((j for j in range(k) if boxes[j] == boxes[k]), -1) for k in range(len(boxes))]
    assert first.tolist() == expected
    pairs = overlapping_pairs(batch)
    own = [k for k in range(len(boxes)) if expected[k] < 0]
    wanted = {(a, b) for a in own for b in own if a < b and boxes[a][0] == boxes[b][0] and iou(boxes[a], boxes[b]) > 0.5 + 1e-9}
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert wanted <= found
    assert all(iou(boxes[a], boxes[b]) > 0.5 - 1e-9 for a, b in found)


def iou(a: tuple[int, float, float, float, float], b: tuple[int, float, float, float, float]) -> float:
    """Return the overlap of two boxes."""
    width = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    height = min(a[2] + a[4], b[2] + b[4]) - max(a[2], b[2])
    common = max(width, 0.0) * max(height, 0.0)
    return common / (a[3] * a[4] + b[3] * b[4] - common)


def test_a_pile_of_boxes_makes_few_pairs() -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    pile = [(0, *rng.uniform(10, 60, 2).tolist(), 40.0, 40.0) for _ in range(n)]
    pairs = overlapping_pairs(batch_of(pile))
    assert n < len(pairs.first) <= MOST_OF_IMAGE
    assert (first_alike(batch_of([(0, 1.0, 1.0, 9.0, 9.0)] * n)) == [-1] + [0] * (n - 1)).all()
