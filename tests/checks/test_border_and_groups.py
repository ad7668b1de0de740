"""BOX014 and BOX015 at both sides of their limits."""

from __future__ import annotations

import pytest

from dsinspect.testing import make_batch
from dsinspect_checks.boxes.box_of_boxes import BoxOfBoxes
from dsinspect_checks.boxes.box_of_boxes import Options as BoxOptions
from dsinspect_checks.boxes.sliver import Options as SliverOptions
from dsinspect_checks.boxes.sliver import Sliver


@pytest.mark.parametrize(("held", "is_found"), [
    ([(0, 0, 33, 40), (33, 0, 66, 40), (66, 0, 99, 40)], True),
    ([(0, 0, 33, 24), (33, 0, 66, 24), (66, 0, 99, 24)], False),  # covers 24 % of the box
    ([(0, 0, 33, 40), (0, 0, 32, 40), (0, 0, 31, 40)], False),  # what lies on one another covers once
    ([(0, 0, 60, 60), (60, 0, 84, 25), (60, 60, 84, 85)], True),  # 6 times as large
    ([(0, 0, 60, 60), (60, 0, 83, 25), (60, 60, 83, 85)], False),  # 6.3 times
    ([(0, 0, 33, 40), (33, 0, 66, 40)], False)])
def test_a_box_of_boxes_is_full_of_boxes_of_like_size(held: list[tuple[float, ...]], is_found: bool) -> None:
    boxes = [(0.0, 0.0, 100.0, 100.0), *held]
    batch = make_batch([{"path": "a.jpg", "width": 200, "height": 200}],
                       [{"image": "a.jpg", "category": "x", "box": list(b)} for b in boxes])
    assert bool(len(BoxOfBoxes(BoxOptions()).find(batch))) is is_found


@pytest.mark.parametrize(("usual", "left", "is_found"), [
    (160, 8, True), (160, 9, False),  # an eighth would be 20 px
    (40, 5, True), (40, 6, False),  # an eighth is 5 px
    (16, 4, True), (16, 5, False)])  # max_px
def test_a_sliver_is_thin_in_px_too(usual: float, left: float, is_found: bool) -> None:
    boxes = [[20, 20, 20 + usual, 20 + usual]] * 60 + [[300 - left, 20, 300, 20 + usual]] * 2
    batch = make_batch([{"path": f"{k}.jpg", "width": 300, "height": 300} for k in range(62)],
                       [{"image": f"{k}.jpg", "category": "x", "box": b} for k, b in enumerate(boxes)])
    check = Sliver(SliverOptions())
    assert bool(len(check.finish(check.map(batch), batch.dataset).findings)) is is_found
