"""Boxes with corners of their own are judged, and fixed only where the result is a rectangle again."""

from __future__ import annotations

from dsinspect.tables.schema import CORNER_COLUMNS
from dsinspect.testing import findings_of, make_batch
from dsinspect_checks.boxes.out_of_bounds import OutOfBounds


def test_a_rotated_box_is_not_cut_at_the_edge() -> None:
    corners = dict(zip(CORNER_COLUMNS, [80.0, 40.0, 95.0, 30.0, 110.0, 45.0, 95.0, 55.0], strict=True))
    nowhere = dict.fromkeys(CORNER_COLUMNS, float("nan"))
    batch = make_batch([{"path": "a.jpg", "width": 100, "height": 80}],
                       [{"image": "a.jpg", "category": "cat", "box": [80, 30, 110, 55], **corners},
                        {"image": "a.jpg", "category": "cat", "box": [80, 10, 110, 30], **nowhere}])
    fixes = [(f.bbox_xyxy, f.fix and f.fix.action) for f in findings_of(OutOfBounds(), batch)]
    assert sorted(fixes) == [((80, 10, 110, 30), "set-box"), ((80, 30, 110, 55), None)]
