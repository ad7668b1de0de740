"""Each EXIF orientation: which frame boxes are in, by the declared size or by where they fit, and how they are turned."""

from __future__ import annotations

import numpy as np
import pytest

from dsinspect.geometry.affine import move_boxes
from dsinspect.geometry.exif import BY_DECLARED_SIZE, FrameVotes, declared_frames, frame_votes, orientation_matrix
from dsinspect.geometry.exif_frames import turned_upright
from dsinspect.tables.columns import Columns, objects
from dsinspect.tables.dataset import Shard
from dsinspect.tables.schema import BOX_COLUMNS, annotation_columns, boxes_xyxy, image_columns

STORED_WH = (100.0, 60.0)
ORIENTATIONS = range(1, 9)


def image(orientation: int, declared: tuple[float, float]) -> Columns:
    """Return the columns of one image that is stored with 100 x 60 px."""
    one = {"width": declared[0], "height": declared[1], "file_width": STORED_WH[0], "file_height": STORED_WH[1],
           "frame_width": STORED_WH[0], "frame_height": STORED_WH[1]}
    columns = {name: np.array([value]) for name, value in one.items()}
    return image_columns(1, path=objects(["a.jpg"])).with_columns({**columns, "orientation": np.array([float(orientation)]),
                                                                   "boxes_upright": np.array([False])})


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_declared_size_says_the_frame_where_the_two_differ(orientation: int) -> None:
    swaps = orientation >= 5
    stored, upright = (image(orientation, wh) for wh in (STORED_WH, STORED_WH[::-1]))
    assert [bool(v[0]) for v in declared_frames(stored)] == [True, not swaps]
    assert [bool(v[0]) for v in declared_frames(upright)] == [False, swaps]
    assert BY_DECLARED_SIZE.upright(stored, "px").tolist() == [not swaps]
    assert BY_DECLARED_SIZE.upright(upright, "px").tolist() == [True]
    assert BY_DECLARED_SIZE.upright(stored, "fraction").tolist() == [True]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(("right", "bottom", "stored", "upright"), [
    (100, 60, 1, 0), (100.5, 60, 1, 0), (100.6, 60, 0, 0), (60, 100, 0, 1), (60, 100.5, 0, 1), (60, 100.6, 0, 0), (60, 60, 0, 0)])
def test_boxes_vote_for_the_frame_they_fit(orientation: int, right: float, bottom: float, stored: int, upright: int) -> None:
    columns = image(orientation, (np.nan, np.nan))
    votes = frame_votes(columns, np.array([[1.0, 1, right, bottom], [0, 0, 999, 999]]), np.array([0, -1]), "px")
    assert votes == (FrameVotes(stored, upright) if orientation >= 5 else FrameVotes())


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_boxes_and_the_frame_are_turned_together(orientation: int) -> None:
    box = np.array([[10.0, 5, 30, 20]])
    own = annotation_columns(1, image_row=np.array([0]), **{c: box[:, k] for k, c in enumerate(BOX_COLUMNS)})
    turned = turned_upright(Shard(image(orientation, STORED_WH), own))
    frame = turned.images[["frame_width", "frame_height"]].to_numpy().tolist()
    assert frame == [list(STORED_WH[::-1] if orientation >= 5 else STORED_WH)]
    np.testing.assert_allclose(boxes_xyxy(turned.annotations).reshape(-1, 4),
                               move_boxes(orientation_matrix(orientation, 100, 60), box))
