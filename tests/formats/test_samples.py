"""Samples that nobody here made: the truth they state, and the same objects in several formats."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from formats.reading import FORMATS, Read, detected

from dsinspect.protocols.formats import OpenRequest
from dsinspect.testing import assert_format

SAMPLES = [
    # folder, format, images, boxes by class
    ("formats_tiny/kitti_dataset/kitti_detection", "kitti", 2, {"Truck": 1, "Van": 4}),
    ("labelformat/object_detection/KITTI", "kitti", 2, None),
    ("formats_tiny/dota_dataset", "dota", 3, {"label_0": 2, "label_1": 2}),
    ("formats_tiny/roboflow_dataset/yolo_obb", "dota", 3, {"label_0": 2, "label_1": 2}),
    ("formats_tiny/mot_dataset", "mot", 2, {"label_2": 2}),
    ("formats_tiny/widerface_dataset", "widerface", 3, {"face": 6}),
    ("formats_tiny/open_images_dataset/v6", "openimages", 4, {"Generic label #0": 1, "Generic label #3": 1}),
    ("rop_metrics/gts/openimages_format", "openimages", 100, None),
    ("rop_metrics/gts/tfrecord_format", "tfrecord", 100, None),
    ("formats_tiny/tf_detection_api_dataset", "tfrecord", 3, {"label_2": 1, "label_3": 2}),
    ("formats_tiny/roboflow_dataset/tfrecord", "tfrecord", 3, {"label_0": 2, "label_1": 2}),
    ("rop_metrics/gts/cvat_format", "cvat", 100, None),
    ("rop_metrics/gts/labelme_format", "labelme", 25, None),
    ("sharks/sharks-tiny-createml", "createml", 10, {"shark": 40, "primary": 10, "fish": 10}),
    ("sharks/sharks-tiny-coco", "coco", 10, {"shark": 40, "primary": 10, "fish": 10}),
    ("sharks/sharks-tiny-yolov9", "yolo", 10, {"shark": 40, "primary": 10, "fish": 10}),
    ("labelformat/object_detection/COCO", "coco", 2, None),
    ("labelformat/object_detection/Labelbox", "labelbox", 2, None),
    ("labelformat/object_detection/PascalVOC", "voc", 2, None),
    ("labelformat/object_detection/YOLOv8", "yolo", 2, None),
    ("formats_tiny/vott_csv_dataset/dataset", "table", 4, {"helmet": 3, "person": 2}),
    ("formats_tiny/vott_json_dataset/dataset_with_meta_file", "vott", 3, None),
    ("formats_tiny/cvat_dataset/for_images", "cvat", 2, None),
    ("formats_tiny/cvat_dataset/for_video", "cvat", 4, None),
    ("formats_tiny/roboflow_dataset/createml", "createml", 3, {"label_0": 2, "label_1": 2}),
    ("formats_tiny/roboflow_dataset/voc", "voc", 3, {"label_0": 2, "label_1": 2}),
    ("formats_tiny/yolo_dataset/yolo", "yolo", 1, {"label_2": 1, "label_4": 1}),
]


@pytest.mark.parametrize(("folder", "name", "images", "classes"), SAMPLES)
def test_truth(shared_data: Path, folder: str, name: str, images: int, classes: dict[str, int] | None) -> None:
    root = shared_data / folder
    assert detected(root) == name
    read = Read(name, root)
    assert len(read.images) == images
    assert read.faults() == []
    if classes is not None:
        assert Counter(n for n in read.annotations["category"] if n is not None) == classes
    assert_format(FORMATS[name], root)


def in_px(name: str, root: Path, sizes: dict[str, tuple[float, float]], digits: int) -> list[tuple[Any, ...]]:
    """Return stem of the image, class and box, px, of each annotation, sorted."""
    source = FORMATS[name]().open(OpenRequest(root))
    found = []
    for ref in source.shards(1000):
        shard = ref.load()
        stems = [PurePosixPath(p).stem for p in shard.images["path"]]
        a = shard.annotations
        for row, category, *box in zip(a["image_row"], a["category"], a["x_min"], a["y_min"], a["x_max"], a["y_max"], strict=True):
            w, h = sizes[stems[row]] if source.info.box_units == "fraction" else (1.0, 1.0)
            found.append((stems[row], category, *(round(v * s, digits) + 0.0 for v, s in zip(box, (w, h, w, h), strict=True))))
    return sorted(found)


@pytest.mark.parametrize("name", ["openimages", "tfrecord"])
def test_the_same_hundred_images(shared_data: Path, name: str) -> None:
    """Open Images has ten decimals and TFRecord float32: both come back to VOC's whole px within 0.01."""
    gts = shared_data / "rop_metrics" / "gts"
    voc = Read("voc", gts / "pascalvoc_format")
    sizes = {PurePosixPath(p).stem: (w, h) for p, w, h in zip(
        voc.images["path"], voc.images["width"], voc.images["height"], strict=True)}
    truth = in_px("voc", gts / "pascalvoc_format", sizes, 2)
    assert len(truth) == 273
    found = in_px(name, gts / f"{name}_format", sizes, 2)
    assert [(f[0], f[1]) for f in found] == [(t[0], t[1]) for t in truth]
    np.testing.assert_allclose([f[2:] for f in found], [t[2:] for t in truth], atol=0.01)


def test_the_same_two_images(shared_data: Path) -> None:
    root = shared_data / "labelformat/object_detection"
    kitti = in_px("kitti", root / "KITTI", {}, 1)
    assert len(kitti) == 16
    assert kitti == in_px("voc", root / "PascalVOC", {}, 1)


@pytest.mark.parametrize("other", ["voc", "coco"])
def test_the_same_three_images(shared_data: Path, other: str) -> None:
    """Roboflow's exports of one set: float32 fractions come back to whole px within 0.001."""
    root = shared_data / "formats_tiny/roboflow_dataset"
    sizes = {"train_001": (10.0, 5.0), "train_002": (10.0, 5.0), "val_001": (10.0, 5.0)}
    record = in_px("tfrecord", root / "tfrecord", sizes, 3)
    other_rows = in_px(other, root / other, sizes, 3)
    assert record == other_rows
