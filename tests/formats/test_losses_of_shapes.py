"""Circles and ellipses become boxes where the target has no other shapes: counted, by what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import annotations_frame, images_frame
from dsinspect_formats._writing import Losses


def test_shapes_that_become_boxes_are_counted() -> None:
    images = images_frame(1, path=["a.jpg"], width=np.array([9.0]), height=np.array([9.0]))
    shapes = ["rectangle", "circle", "circle", "ellipse", None]
    annotations = annotations_frame(5, image_row=np.zeros(5, int), category=["cat"] * 5, **{
        c: np.arange(5.0) for c in ("x_min", "y_min")}, **{c: np.arange(5.0) + 1 for c in ("x_max", "y_max")},
        **{"labelme:shape": shapes})
    losses = Losses(DatasetInfo("labelme", Path()), ())
    losses.take(Shard(images, annotations))
    assert dict(losses.result()) == {"shapes: circle (the boxes stay)": 2, "shapes: ellipse (the boxes stay)": 1}
    kept = Losses(DatasetInfo("labelme", Path()), ("shape",))
    kept.take(Shard(images, annotations))
    assert not kept.result()
