"""The laws of a transform: its matrix moves what its pixels move, and it changes no array of others."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.geometry.affine import move_points
from dsinspect.protocols.options import BaseOptions, describe
from dsinspect.protocols.transforms import ImageRow, Params, Transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZES_WH = ((97, 61), (61, 97), (64, 64), (200, 80))
"""Width and height of the images that a transform is held against, px."""
SIDE = 9
"""Side of the mark whose way is followed, px."""
TOLERANCE_PX = 1.0
"""How far the mark may lie from where the matrix says, px of the output: resampling blurs by less."""


def assert_transform(transform_type: type[Transform[Any]], options: BaseOptions | None = None) -> None:
    """Hold a transform against its protocol.

    The same image is planned the same way twice; parameters pickle and go into a manifest; the pixels have the planned
    size; the incoming array stays as it was; and a mark drawn into the image lands where the matrix says.

    Args:
        transform_type: the class.
        options: its options; the defaults when None.

    Raises:
        AssertionError: what is broken, in words.
    """
    name = transform_type.name
    for o in describe(transform_type.options_type):
        assert o.meaning, f"{name}.{o.name} has no meaning: Annotated[..., option(...)]"
    transform = transform_type(options)
    for width, height in SIZES_WH:
        image = ImageRow("a.png", width, height)
        plans = list(transform.plan(image))
        assert [vars(p) for p in plans] == [vars(p) for p in transform.plan(image)], f"{name}: two plans of one image differ"
        tags = [p.tag for p in plans]
        assert len(set(tags)) == len(tags), f"{name}: two outputs of one image have the tag {max(tags, key=tags.count)!r}"
        for params in plans:
            assert vars(pickle.loads(pickle.dumps(params))) == vars(params), f"{name}: parameters change when pickled"
            json.dumps(transform.manifest(params))
            for pixels in _images(width, height):
                _assert_output(transform, pixels, params)


def _images(width: int, height: int) -> list[NDArray[Any]]:
    return [np.zeros((height, width), np.uint8), np.zeros((height, width, 3), np.uint8),
            np.zeros((height, width, 4), np.uint8), np.zeros((height, width, 3), np.uint16)]


def _assert_output(transform: Transform[Any], blank: NDArray[Any], params: Params) -> None:
    name, what = transform.name, f"{blank.shape} {blank.dtype}"
    marked = blank.copy()
    height, width = blank.shape[:2]
    x, y = width // 3, height // 3
    marked[y:y + SIDE, x:x + SIDE] = np.iinfo(blank.dtype).max
    before = marked.copy()
    made = transform.apply(marked, params)
    assert np.array_equal(marked, before), f"{name}: changes the incoming array ({what})"
    if not transform.changes_pixels(params):
        assert np.array_equal(made, marked), f"{name}: says that it changes no pixels, and changes some ({what})"
    if transform.suffix is not None:
        assert transform.encode(made), f"{name}: encodes to nothing ({what})"
        return
    assert made.shape[1::-1] == (params.width, params.height), \
        f"{name}: planned {params.width} x {params.height} px and made {made.shape[1]} x {made.shape[0]} px ({what})"
    matrix = transform.matrix(params)
    if matrix is None:
        return
    assert matrix.shape == (2, 3), f"{name}: its matrix has the shape {matrix.shape}"
    corners = move_points(matrix, [[x, y], [x + SIDE, y], [x + SIDE, y + SIDE], [x, y + SIDE]])
    if (corners < 2).any() or (corners > np.array([params.width - 2, params.height - 2])).any():
        return  # cut off, in part or whole
    difference = np.abs(made.astype(np.float64) - transform.apply(blank, params).astype(np.float64))
    weight = difference.sum(axis=2) if difference.ndim == 3 else difference
    assert weight.any(), f"{name}: the mark is gone ({what})"
    ys, xs = np.indices(weight.shape)
    found = np.array([(weight * (xs + 0.5)).sum(), (weight * (ys + 0.5)).sum()]) / weight.sum()
    expected = corners.mean(axis=0)
    assert np.abs(found - expected).max() <= TOLERANCE_PX, \
        f"{name}: the mark lies at {found.round(2).tolist()} and the matrix says {expected.round(2).tolist()} ({what})"
