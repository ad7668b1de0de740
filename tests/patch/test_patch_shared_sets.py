"""Edits that change nothing give no patch, on every set that nobody here made; dropping takes out just what it names."""

from __future__ import annotations

from pathlib import Path

import pytest
from rewriting import Read, patches, rewritten

SETS = [
    ("voc", "bccd"), ("voc", "chess_voc"), ("voc", "rop_metrics/gts/pascalvoc_format"),
    ("voc", "rop_metrics/gts/imagenet_format"), ("voc", "labelformat/object_detection/PascalVOC"),
    ("voc", "formats_tiny/roboflow_dataset/voc"),
    ("coco", "rbc_coco"), ("coco", "rop_metrics/gts/coco_format_v1"), ("coco", "rop_metrics/gts/coco_format_v2"),
    ("coco", "sharks/sharks-tiny-coco"), ("coco", "labelformat/object_detection/COCO"),
    ("coco", "formats_tiny/roboflow_dataset/coco"), ("coco", "formats_tiny/coco_dataset/coco_instances"),
    ("yolo", "rop_metrics/gts/yolo_format"), ("yolo", "sharks/sharks-tiny-yolov9"),
    ("yolo", "labelformat/object_detection/YOLOv8"), ("yolo", "formats_tiny/roboflow_dataset/yolo"),
    *(("yolo", f"formats_tiny/yolo_dataset/{name}") for name in (
        "yolo", "yolov8_detection", "yolov8_detection_with_list_of_imgs", "yolov8_detection_with_subset_txt",
        "yolov8_oriented_boxes", "yolov8_pose", "yolov8_segmentation")),
    ("table", "rop_metrics/gts/openimages_format"),
    ("openimages", "rop_metrics/gts/openimages_format"), ("openimages", "formats_tiny/open_images_dataset/v6"),
    ("tfrecord", "rop_metrics/gts/tfrecord_format"), ("tfrecord", "formats_tiny/roboflow_dataset/tfrecord"),
    ("kitti", "formats_tiny/kitti_dataset/kitti_detection"), ("kitti", "labelformat/object_detection/KITTI"),
    ("dota", "formats_tiny/dota_dataset"), ("dota", "formats_tiny/roboflow_dataset/yolo_obb"), ("mot", "formats_tiny/mot_dataset"),
]


def folder_of(shared_data: Path, name: str) -> Path:
    root = shared_data / name
    if not root.is_dir():
        pytest.skip(f"{name} is not there")
    return root


@pytest.mark.parametrize(("format_name", "name"), SETS)
def test_what_is_set_to_itself_stays(shared_data: Path, format_name: str, name: str) -> None:
    root = folder_of(shared_data, name)
    changes = Read(format_name, root).same_again()
    assert changes
    assert patches(format_name, root, *changes) == {}
    assert patches(format_name, root) == {}


@pytest.mark.parametrize(("format_name", "name"), SETS)
def test_dropping_every_third_annotation(shared_data: Path, format_name: str, name: str, tmp_path: Path) -> None:
    root = folder_of(shared_data, name)
    before = Read(format_name, root)
    at = list(dict.fromkeys(before.rows("source", "index")))
    gone = set(at[::3])
    to = rewritten(format_name, root, tmp_path / "to",
                   *({"action": "drop-annotation", "source": s, "index": k} for s, k in gone))
    after = Read(format_name, to)
    kept = [row[2:] for row in before.rows("source", "index", "source", "category", "x_min", "y_min", "x_max", "y_max")
            if row[:2] not in gone]
    assert after.rows() == kept
    if format_name != "openimages":  # an image without a box is in none of its files
        assert after.paths() == before.paths()


@pytest.mark.parametrize(("format_name", "name"), SETS)
def test_renaming_every_category_and_back(shared_data: Path, format_name: str, name: str, tmp_path: Path) -> None:
    root = folder_of(shared_data, name)
    before = Read(format_name, root)
    names = sorted({n for n in before.names() if n is not None})
    new = "{}-&-<more>" if format_name == "dota" else "{} & <more>"
    if not before.info.categories and format_name == "yolo":
        pytest.skip("the set holds no class names")
    there = rewritten(format_name, root, tmp_path / "there", *(
        {"action": "rename-category", "category": n, "text": new.format(n)} for n in names))
    renamed = Read(format_name, there)
    assert renamed.names() == [n if n is None else new.format(n) for n in before.names()]
    assert renamed.boxes() == before.boxes()
    back = rewritten(format_name, there, tmp_path / "back", *(
        {"action": "rename-category", "category": new.format(n), "text": n} for n in names))
    assert Read(format_name, back).rows() == before.rows()
