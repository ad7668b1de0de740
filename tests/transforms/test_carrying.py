"""What becomes of annotations where an image is cut: the limit itself stays, regions always, and areas shrink with their boxes."""

from __future__ import annotations

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
