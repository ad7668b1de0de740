"""What annotations are drawn as: corners, outlines, masks and keypoints as well as boxes, on every surface."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.render.contact_sheet import Marked, tile
from dsinspect.render.drawing import draw_shape
from dsinspect.render.palette import MARK
from dsinspect.render.shapes import MAX_RING_POINTS, MAX_RINGS, Shape, class_label, shapes_of
from dsinspect.render.side_by_side import side_by_side
from dsinspect.review.server.catalog import Catalog
from dsinspect.tables.columns import Columns, objects
from dsinspect.tables.schema import CORNER_COLUMNS, annotation_columns
from dsinspect.testing.rich_set import MASK, TURNED, rich_set
from dsinspect_reports._places import Places

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
WINDOW = (0.0, 0.0, 100.0, 80.0)


def table(n: int = 1, **columns: Any) -> Columns:
    box = {"x_min": 10.0, "y_min": 10.0, "x_max": 90.0, "y_max": 70.0}
    return annotation_columns(n, **{**{c: np.full(n, v) for c, v in box.items()}, **columns})


def drawn(shape: Shape, ground: int = 128) -> np.ndarray[Any, Any]:
    pixels = np.full((80, 100, 3), ground, np.uint8)
    draw_shape(pixels, shape, WINDOW, MARK, 2)
    return (np.abs(pixels.astype(int) - np.array(MARK[::-1])).max(axis=2) < 60).astype(bool)


def test_each_kind_of_the_rich_set_is_drawn_as_what_it_is() -> None:
    _, shard = rich_set({"a.bmp": "a.bmp", "b.bmp": "b.bmp", "c.bmp": "c.bmp", "d.bmp": "d.bmp"}, Path())
    polygon, points, mask, turned, *_ = shapes_of(shard.annotation_columns, range(7))
    assert polygon.rings == ((10, 20, 30, 20, 20, 60),)
    assert points.points == (12, 20, 2, 32, 40, 1, 20, 58, 2)
    assert turned.is_rotated
    assert turned.rings == (TURNED,)
    ((left, top, *_),) = [mask.extent]
    assert (left, top) == (10, 5)
    assert MASK
    ring = np.array(mask.rings[0]).reshape(-1, 2)
    assert ring.min(axis=0).tolist() == [10.5, 5.5]
    assert ring.max(axis=0).tolist() == [13.5, 24.5]


def test_a_rotated_box_is_its_corners_not_its_envelope() -> None:
    corners = {c: np.array([v]) for c, v in zip(CORNER_COLUMNS, (50.0, 10.0, 90.0, 40.0, 50.0, 70.0, 10.0, 40.0), strict=True)}
    (shape,) = shapes_of(table(**corners), [0])
    seen = drawn(shape)
    assert not seen[10, 20:40].any(), "the envelope's upper edge"
    assert seen[8:13, 50].any(), "the upper corner"
    assert not shape.has_box
    plain = {c: np.full(1, math.nan) for c in CORNER_COLUMNS}
    assert shapes_of(table(**plain), [0])[0].has_box


def test_an_outline_is_drawn_within_its_box() -> None:
    (shape,) = shapes_of(table(segmentation=objects([b"[[50,20,80,60,20,60]]"])), [0])
    seen = drawn(shape)
    assert seen[10, 30:70].all(), "the box"
    assert seen[58:63, 50].any(), "the lower edge of the outline"


def test_a_hidden_keypoint_is_a_circle_and_an_unlabelled_one_at_the_origin_is_none() -> None:
    (shape,) = shapes_of(table(keypoints=objects([b"[30,30,2,60,40,1,0,0,0]"])), [0])
    assert len(shape.points) == 6
    seen = drawn(shape)
    assert seen[30, 30]
    assert not seen[40, 60]
    assert seen[38:43, 58:63].any()
    assert not seen[0:5, 0:5].any()


@pytest.mark.parametrize("ground", [0, 255])
@pytest.mark.parametrize("line", [1, 2])
def test_thin_lines_are_seen_on_a_ground_of_their_colour(ground: int, line: int) -> None:
    pixels = np.full((80, 100, 3), ground, np.uint8)
    draw_shape(pixels, Shape((10, 10, 90, 70), ((50, 20, 80, 60, 20, 60),)), WINDOW, (ground, ground, ground), line)
    if ground:
        assert (pixels[8:12, 40] < 128).any()
        assert (pixels[56:64, 50] < 128).any()
    else:
        assert (pixels == 0).all(), "black on black is the one that no edge helps; no class is dark"


@given(st.binary(max_size=60) | st.sampled_from([
    b"null", b"[]", b"[[]]", b"[[1]]", b"[[1,2]]", b"[[1,2,3]]", b"[[1e999,2,3,4,5,6]]", b"[1,2,3]", b'{"size":[9,9]}',
    b'{"size":[-1,4],"counts":[1]}', b'{"size":[2,2],"counts":"~"}', b'{"size":[2,2],"counts":[4]}', b"[[1e300,2,-1e300,4,5,6]]",
    b'{"size":[100000,100000],"counts":[10000000000]}', b"[" * 5000, b'[["x",1]]', b"[true]", b'{"size":[2,2],"counts":[0,4]}',
    b'{"size":["a",2],"counts":[4]}', b'{"size":[2,1e400],"counts":[4]}']))
def test_whatever_stands_there_is_drawn_or_left_out(raw: bytes) -> None:
    (shape,) = shapes_of(table(segmentation=objects([raw]), keypoints=objects([raw])), [0])
    drawn(shape)
    assert shape.has_box
    shape.record()


def test_a_polygon_of_very_many_points_looks_the_same_in_a_few() -> None:
    angle = np.linspace(0, 2 * math.pi, 100_000, endpoint=False)
    circle = np.stack([50 + 30 * np.cos(angle), 40 + 30 * np.sin(angle)], axis=1).reshape(-1)
    (shape,) = shapes_of(table(segmentation=objects([str([circle.tolist()]).encode()])), [0])
    kept = np.array(shape.rings[0]).reshape(-1, 2)
    assert len(kept) <= MAX_RING_POINTS
    assert np.abs(np.hypot(kept[:, 0] - 50, kept[:, 1] - 40) - 30).max() < 0.2
    many = str([[k, 0, k + 1, 0, k, 1] for k in range(5000)]).encode()
    assert len(shapes_of(table(segmentation=objects([many])), [0])[0].rings) == MAX_RINGS


def test_thumbnails_show_an_outline_beyond_its_box(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((400, 400, 3), np.uint8))
    image = {"file": str(tmp_path / "a.png"), "frame_width": 400.0, "frame_height": 400.0}
    far = Shape((10, 10, 40, 40), ((300, 300, 390, 300, 345, 390),))
    made = side_by_side([(image, [far], ())], 200, 200)
    assert made is not None
    shown = cv2.imdecode(np.frombuffer(made[0], np.uint8), cv2.IMREAD_COLOR)
    assert shown[150:, 150:].max() > 100, "whether box and outline fit is what there is to judge"


def test_findings_are_shown_with_what_they_are_about() -> None:
    run = inspect(Request("rotated", SAMPLES / "rotated", keep_images=True, keep_annotations=True), load_plugins())
    places = Places(run)
    found = [f for o in run.outcomes if o.code == "OBB001" for f in o.iterate()]
    assert found
    for finding in found:
        (place, *_) = places.of(finding)
        assert place.marks[0].is_rotated
    catalog = Catalog(run)
    boxes = [b for row in range(len(catalog.paths)) for b in catalog.image(row)["boxes"]]
    assert all(b["rotated"] and len(b["rings"][0]) == 8 for b in boxes)


def test_classes_that_nobody_declared_are_named_by_their_number() -> None:
    assert class_label(None, 9) == "unknown class 9"


def test_a_name_covers_no_neighbour() -> None:
    ground = np.full((200, 200, 3), 90, np.uint8)
    below = Marked((40, 80, 120, 120), "table", colour=(0, 200, 0), line=2)
    above = Marked((45, 60, 62, 77), "", colour=(0, 0, 200), line=2)
    made = tile(ground, 200, [below, above])
    plain = tile(ground, 200, [above])
    assert (made[62:75, 48:60] == plain[62:75, 48:60]).all(), "there is room elsewhere"
    crowd = [Marked((10.0 + 6 * k, 10.0, 15.0 + 6 * k, 15.0), "a long name", colour=(0, 200, 0)) for k in range(30)]
    named = tile(ground, 200, crowd).astype(int)
    assert (np.abs(named - np.array([0, 200, 0])).max(axis=2) < 5).sum() < 30 * 80 * 12, "not one upon the other"
