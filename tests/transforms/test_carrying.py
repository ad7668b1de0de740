"""What becomes of annotations where an image is cut: the limit itself stays, regions always, and areas shrink with their boxes."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from dsinspect.geometry.affine import scaling, translation
from dsinspect.geometry.annotations import Carried, Output, carry
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import Shard
from dsinspect.tables.schema import annotation_columns, image_columns

BOXES = [[0, 0, 20, 10], [6, 0, 26, 10], [15, 0, 35, 10], [40, 0, 50, 10]]
"""Px; of the window from x = 10 on, 0.5, 0.8, 1 and 1 is left."""


def cut(min_kept: float, *, is_crowd: bool = False, is_cut: bool = True, scale: float = 1.0) -> Carried:
    """Cut the 10 left-most px off an image of 100 x 80 px."""
    n, boxes = len(BOXES), np.array(BOXES, float)
    columns = {c: boxes[:, k] for k, c in enumerate(("x_min", "y_min", "x_max", "y_max"))}
    annotations = annotation_columns(
        n, image_row=np.zeros(n, int), category=objects(["cat"] * n), is_crowd=np.full(n, is_crowd),
        area=np.full(n, 100.0), **columns)
    images = image_columns(1, path=objects(["a.png"]), width=np.array([100.0]), height=np.array([80.0]))
    matrix = translation(-10, 0) if scale == 1 else scaling(scale, scale)
    return carry(Shard(images, annotations), [Output(0, matrix, (0, 0, 90, 80), is_cut=is_cut, size_wh=(90, 80))], min_kept, {})


@pytest.mark.parametrize(("min_kept", "left"), [(0.0, 4), (0.5, 4), (0.500001, 3), (0.8, 3), (0.800001, 2), (1.0, 2)])
def test_a_box_with_just_the_share_that_must_be_left_stays(min_kept: float, left: int) -> None:
    done = cut(min_kept)
    assert len(done.annotations) == done.counts["kept"] == left
    assert sum(n for what, n in done.counts.items() if what.startswith("dropped")) == 4 - left


def test_regions_stay_however_little_is_left() -> None:
    assert len(cut(1.0, is_crowd=True).annotations) == 4
    assert len(cut(1.0, is_cut=False).annotations) == 4


def test_areas_shrink_by_the_share_that_is_left() -> None:
    done = cut(0.0).annotations
    np.testing.assert_allclose(done["area"], [50, 80, 100, 100])
    np.testing.assert_allclose(done["x_min"], [0, 0, 5, 30])
    np.testing.assert_allclose(cut(0.0, is_cut=False, scale=3).annotations["area"], [900] * 4)


def carried(is_cut: bool = True, **columns: object) -> Carried:
    """Move the first box by 10 px to the left, with outlines or keypoints, out of an image that is cut at x = 0."""
    box = {c: np.array([v]) for c, v in zip(("x_min", "y_min", "x_max", "y_max"), (0.0, 0.0, 20.0, 10.0), strict=True)}
    values = {k: objects([msgspec.json.encode(v)]) for k, v in columns.items()}
    annotations = annotation_columns(1, image_row=np.zeros(1, int), category=objects(["cat"]), area=np.array([200.0]), **box)
    images = image_columns(1, path=objects(["a.png"]), width=np.array([100.0]), height=np.array([80.0]))
    return carry(Shard(images, annotations.with_columns(values)),
                 [Output(0, translation(-10, 0), (0, 0, 90, 80), is_cut=is_cut, size_wh=(90, 80))], 0.0, {})


def test_keypoints_follow_and_are_hidden_where_they_are_cut_off() -> None:
    points = [4.0, 5.0, 2.0, 16.0, 5.0, 2.0]
    assert msgspec.json.decode(carried(is_cut=False, keypoints=points).annotations["keypoints"][0]) == [-6, 5, 2, 6, 5, 2]
    done = carried(keypoints=points)
    moved = msgspec.json.decode(done.annotations["keypoints"][0])
    assert moved[2] == 0, "cut off: not labelled"
    assert moved[3:] == [6, 5, 2]
    assert not [what for what in done.counts if "keypoints" in what]
    assert carried(keypoints=[1.0, 2.0]).counts["kept without keypoints that cannot be read"] == 1


def test_the_area_of_several_outlines_shrinks_by_what_is_left_of_all() -> None:
    """4 x 10 px that are cut off, and 10 x 10 px of which all is left: not the half that is left of the box."""
    outlines = [[0.0, 0, 4, 0, 4, 10, 0, 10], [10.0, 0, 20, 0, 20, 10, 10, 10]]
    done = carried(segmentation=outlines).annotations
    np.testing.assert_allclose(done["area"], [200 * 100 / 140])
    assert msgspec.json.decode(done["segmentation"][0]) == [[0, 0, 10, 0, 10, 10, 0, 10]]
    tiny = [[10.0, 0, 10.5, 0, 10.5, 1, 10, 1]]
    np.testing.assert_allclose(carried(segmentation=tiny).annotations["area"], [200], err_msg="half a square px counts too")


def test_each_count_has_its_name() -> None:
    n = len(BOXES)
    boxes = np.array(BOXES, float)
    annotations = annotation_columns(n, image_row=np.array([0, 0, 0, -1]), category=objects(["cat"] * n),
                                     **{c: boxes[:, k] for k, c in enumerate(("x_min", "y_min", "x_max", "y_max"))})
    images = image_columns(1, path=objects(["a.png"]), width=np.array([30.0]), height=np.array([80.0]))
    lost = carry(Shard(images, annotations), [Output(0, None, (0, 0, 30, 80), is_cut=False, size_wh=(30, 80))], 0.0, {})
    assert lost.counts == {"dropped: of no known picture": 1, "dropped: the transform has no matrix": 3}
    assert list(lost.annotations.columns[:1]) != ["index"]
    images = images.with_columns({"frame_width": np.array([30.0]), "frame_height": np.array([80.0])})
    whole = Output(0, translation(0, 0), (0, 0, 30, 80), is_cut=False, size_wh=(30, 80))
    kept = carry(Shard(images, annotations), [whole], 0.0, {})
    assert kept.counts == {"dropped: of no known picture": 1, "kept": 3,
                           "kept beyond the edge of the image, as they were (only images that are cut clip boxes)": 1}
    assert kept.annotations.index.tolist() == [0, 1, 2]
    assert "index" not in kept.annotations.columns[-1:]
    nothing = carry(Shard(images, annotations), [], 0.0, {})
    assert (len(nothing.annotations), nothing.counts) == (0, {"dropped: of no known picture": 1})
