"""LVIS and Objects365: dialects of COCO with names in URLs, images in patch folders, and classes that are not exhaustive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from formats.reading import FORMATS, Read, detected, put

from dsinspect.cli import main
from dsinspect.protocols.formats import OpenRequest

LVIS: dict[str, Any] = {
    "info": {"version": "v1"},
    "images": [
        {"id": 391895, "width": 640, "height": 360, "coco_url": "http://images.cocodataset.org/train2017/000000391895.jpg",
         "neg_category_ids": [3, 5], "not_exhaustive_category_ids": [1]},
        {"id": 7, "width": 640, "height": 360, "coco_url": "http://images.cocodataset.org/val2017/000000000007.jpg",
         "neg_category_ids": [], "not_exhaustive_category_ids": []}],
    "annotations": [
        {"id": 1, "image_id": 391895, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "segmentation": [[1, 2, 4, 2, 4, 6]]},
        {"id": 2, "image_id": 7, "category_id": 3, "bbox": [5, 5, 5, 5], "area": 25, "segmentation": [[5, 5, 9, 5, 9, 9]]}],
    "categories": [{"id": k, "name": n, "synset": f"{n}.n.01", "frequency": "r"} for k, n in ((1, "aerosol_can"), (3, "apple"))]}


def test_lvis(tmp_path: Path) -> None:
    root = put(tmp_path, {"lvis_v1_train.json": json.dumps(LVIS), "train2017/000000391895.jpg": "", "val2017/000000000007.jpg": ""})
    assert detected(root) == "coco"
    read = Read("coco", root)
    assert read.boxes() == [("train2017/000000391895.jpg", "aerosol_can", 1, 2, 4, 6),
                            ("val2017/000000000007.jpg", "apple", 5, 5, 10, 10)]
    assert read.images["file"].notna().all()
    assert len(read.problems) == 0


def test_what_lvis_says_of_images_is_among_the_losses(tmp_path: Path) -> None:
    root = put(tmp_path / "set", {"lvis_v1_train.json": json.dumps(LVIS)})
    assert main(["convert", str(root), "-o", str(tmp_path / "out"), "--to", "coco", "-q"]) == 0
    lost = json.loads((tmp_path / "out/conversion.json").read_text())["losses"]
    assert {k: n for k, n in lost.items() if "keys of images" in k} == {
        "keys of images: coco_url": 2, "keys of images: neg_category_ids": 2, "keys of images: not_exhaustive_category_ids": 2}


def test_classes_that_are_not_exhaustive_are_kept(tmp_path: Path) -> None:
    root = put(tmp_path, {"lvis_v1_train.json": json.dumps(LVIS)})
    asked = frozenset({"coco:neg_category_ids", "coco:not_exhaustive_category_ids"})
    images = FORMATS["coco"]().open(OpenRequest(root, columns=asked)).shards(10)[0].load().image_columns
    assert [json.loads(bytes(memoryview(v))) for v in images["coco:neg_category_ids"]] == [[3, 5], []]
    assert [json.loads(bytes(memoryview(v))) for v in images["coco:not_exhaustive_category_ids"]] == [[1], []]


def test_an_image_without_a_name_or_url_is_a_problem(tmp_path: Path) -> None:
    broken = {**LVIS, "images": [LVIS["images"][0], {"id": 7, "coco_url": "not a url"}]}
    read = Read("coco", put(tmp_path, {"lvis_v1_train.json": json.dumps(broken)}))
    assert read.images["path"].tolist() == ["train2017/000000391895.jpg"]
    assert [f[3] for f in read.faults()] == ["images: file_name None is not text"]


def test_objects365(tmp_path: Path) -> None:
    document = {"images": [{"id": 420917, "width": 10, "height": 10, "file_name": "images/v1/patch8/objects365_v1_00420917.jpg"}],
                "annotations": [{"id": 1, "image_id": 420917, "category_id": 1, "bbox": [1, 2, 3, 4], "isfake": 0, "iscrowd": 0,
                                 "isreflected": 0, "area": 12}], "categories": [{"id": 1, "name": "Person"}]}
    root = put(tmp_path, {"annotations/zhiyuan_objv2_train.json": json.dumps(document),
                          "train/patch8/objects365_v1_00420917.jpg": "", "train/patch9/objects365_v1_00420918.jpg": ""})
    assert detected(root) == "coco"
    read = Read("coco", root)
    assert read.boxes() == [("train/patch8/objects365_v1_00420917.jpg", "Person", 1, 2, 4, 6)]
    assert read.images["file"].notna().all()
