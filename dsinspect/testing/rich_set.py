"""One small set that holds everything the tables can: what a format cannot keep of it, its writer has to name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from dsinspect.protocols.formats import Format
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, annotations_frame, images_frame
from dsinspect.testing.formats import SIZE_WH, bmp

CATEGORIES = (Category(1, "cat", "animal"), Category(2, "dog", "animal"), Category(5, "traffic light"), Category(9, "unused"))
IMAGES = {"a.bmp": "train", "b.bmp": "train", "c.bmp": "val", "d.bmp": "val"}
TURNED = (40.0, 10.0, 60.0, 30.0, 50.0, 40.0, 30.0, 20.0)
"""A rectangle turned by 45 degrees, corner by corner."""
MASK = b'{"size":[80,100],"counts":[805,20,60,20,60,20,60,20,6935]}'
"""Four columns of 20 px from (10, 5) on."""


def rich_set(places: Mapping[str, str], root: Path) -> tuple[DatasetInfo, Shard]:
    """Return a set of four images, one without boxes: a polygon, a mask, keypoints, a rotated box, a crowd, an ignored box.

    Args:
        places: where each of `IMAGES` is.
        root: of the set.
    """
    n = len(IMAGES)
    images = images_frame(
        n, image_id=np.arange(11, 11 + n), path=objects(list(places.values())), declared_path=objects(list(places.values())),
        file=objects([str(root / p) for p in places.values()]), split=objects(list(IMAGES.values())),
        width=np.full(n, float(SIZE_WH[0])), height=np.full(n, float(SIZE_WH[1])), source="rich.json", index=np.arange(n))
    boxes = np.array([(10, 20, 30, 60), (12, 20, 32, 58), (10, 5, 14, 25), (30, 10, 60, 40), (50, 50, 80, 70), (0, 0, 100, 80),
                      (12.5, 7.25, 90, 33)], float)
    corners = np.full((7, 8), np.nan)
    corners[3] = TURNED
    annotations = annotations_frame(
        7, annotation_id=np.arange(101, 108), image_id=np.array([11, 11, 12, 12, 12, 13, 13]),
        image_row=np.array([0, 0, 1, 1, 1, 2, 2]), index=np.arange(7), source="rich.json",
        category_id=np.array([1, 2, 1, 5, 2, 1, 2]),
        category=objects(["cat", "dog", "cat", "traffic light", "dog", "cat", "dog"]),
        is_crowd=np.array([False] * 5 + [True, False]), is_ignored=np.array([False] * 6 + [True]),
        **{c: boxes[:, k] for k, c in enumerate(("x_min", "y_min", "x_max", "y_max"))},
        segmentation=objects([b"[[10.0,20.0,30.0,20.0,20.0,60.0]]", None, MASK, None, None, None, None]),
        keypoints=objects([None, b"[12,20,2,32,40,1,20,58,2]", None, None, None, None, None]),
        track=objects([None, None, None, None, "7", None, None]),
        attributes=objects([b'{"colour":"red"}', None, None, None, b'{"truncated":0.5}', None, None]),
        area=np.array([400.0, np.nan, 80.0, np.nan, np.nan, np.nan, np.nan]),
        **{c: corners[:, k] for k, c in enumerate(CORNER_COLUMNS)})
    return DatasetInfo("rich", root, CATEGORIES, splits=("train", "val")), Shard(images, annotations)


def write_rich_set(format_type: type[Format], out: Path) -> Mapping[str, int]:
    """Write the set in a format, images and all, and return what its writer says is lost."""
    kind = format_type()
    kind.options = format_type.writer_options_type()
    places = {path: kind.place(path, split) for path, split in IMAGES.items()}
    for place in places.values():
        (out / place).parent.mkdir(parents=True, exist_ok=True)
        (out / place).write_bytes(bmp(*SIZE_WH))
    info, shard = rich_set(places, out)
    return kind.write(info, iter([shard]), out)


def losses_of(format_type: type[Format]) -> Mapping[str, int]:
    """Return what a format cannot keep of the set, by name."""
    with TemporaryDirectory() as folder:
        return write_rich_set(format_type, Path(folder))
