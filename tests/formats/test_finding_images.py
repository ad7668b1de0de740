"""Which file is the image that a record names: of that name in the named folder, never another of the same name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from convert.sets import PLUGINS, png
from formats.reading import Read, put

from dsinspect.cli import main
from dsinspect.inspection.opening import open_dataset
from dsinspect.inspection.request import DatasetRequest
from dsinspect_formats._images import ImageTree


@pytest.mark.parametrize(("paths", "declared", "found"), [
    (("A/2.jpg", "B/1.jpg"), "A/1.jpg", None),  # A is there, its file is not
    (("A/2.jpg", "B/1.jpg"), "/home/kim/set/A/1.jpg", None),
    (("set/A/2.jpg", "B/1.jpg"), "A/1.jpg", None),
    (("A/2.jpg", "A/train/1.jpg", "B/1.jpg"), "A/1.jpg", "A/train/1.jpg"),  # sorted into splits later
    (("A/2.jpg", "A/x/1.jpg", "A/y/1.jpg"), "A/1.jpg", None),  # one of two
    (("B/1.jpg", "B/2.jpg"), "A/1.jpg", "B/1.jpg"),  # the folder has another name here
    (("B/1.jpg", "C/1.jpg"), "A/1.jpg", None),
    (("images/1.jpg",), "D:/work/images/1.jpg", "images/1.jpg"),
    (("images/1.jpg",), "1.jpg", "images/1.jpg"),
    (("A/1.JPG",), "A/1.jpg", "A/1.JPG"), (("A/1.JPG",), "set/A/1.jpg", "A/1.JPG"), (("B/1.JPG",), "set/A/1.jpg", "B/1.JPG"),
    (("B/1.jpg", "B/2.JPG"), "A/2.jpg", "B/2.JPG"), (("B/1.JPG", "C/1.Jpg"), "A/1.jpg", None),  # one of two
    (("A/2.jpg", "B/1.JPG"), "A/1.jpg", None), (("a/2.jpg", "B/1.JPG"), "A/1.jpg", None),  # A is there, its file is not
])
def test_the_file_that_a_record_names(paths: tuple[str, ...], declared: str, found: str | None) -> None:
    assert ImageTree(Path("set"), paths).find(declared) == found


JSON = '{"version": "5.0.0", "flags": {}, "shapes": [], "imagePath": "1.png", "imageHeight": 80, "imageWidth": 100}'
COCO = ('{"images": [{"id": 1, "file_name": "1.png", "width": 100, "height": 80}], "categories": [{"id": 1, "name": "cat"}], '
        '"annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}]}')
XML = ("<annotation><filename>1.png</filename><object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax>"
       "<ymax>4</ymax></bndbox></object></annotation>")
KITTI = "Car 0.00 0 -1.58 1 2 30 40 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n"


@pytest.mark.parametrize(("files", "folder", "other"), [
    ({"annotations/instances.json": COCO}, "images", "backup"), ({"json/1.json": JSON}, "images", "backup"),
    ({"Annotations/1.xml": XML}, "JPEGImages", "a"), ({"label_2/1.txt": KITTI}, "image_2", "b"),
    ({"labels/1.txt": "0 0.5 0.5 0.1 0.1\n", "classes.txt": "cat\n"}, "images", "b"),
    ({"annotations.csv": "image,x_min,y_min,x_max,y_max,class\nimages/1.png,1,2,30,40,cat\n"}, "images", "b")])
def test_files_of_the_same_names_in_another_folder_are_told(tmp_path: Path, files: dict[str, str], folder: str, other: str) -> None:
    put(tmp_path, {**files, f"{folder}/1.png": png(100, 80), f"{other}/1.png": png(100, 80)})
    source = open_dataset(DatasetRequest("set", tmp_path), PLUGINS)
    assert [p for ref in source.shards(9) for p in ref.load().image_columns["path"].tolist()] == [f"{folder}/1.png"]
    assert [n for n in source.info.notes if "same name" in n] == [
        f"1 image has a file of the same name in {other}/ too, not read; those in {folder}/ are (--images names another folder)"]


def test_folders_of_two_splits_are_no_namesakes(tmp_path: Path) -> None:
    put(tmp_path, {f"annotations/instances_{s}.json": COCO for s in ("train", "val")})
    put(tmp_path, {f"{s}/1.png": png(100, 80) for s in ("train", "val")})
    assert not [n for n in open_dataset(DatasetRequest("set", tmp_path), PLUGINS).info.notes if "same name" in n]


def test_a_space_after_the_suffix_is_part_of_the_name(tmp_path: Path) -> None:
    put(tmp_path / "set", {"instances.json": COCO.replace("1.png", "1.png "), "1.png ": png(100, 80)})
    assert main(["convert", str(tmp_path / "set"), "-o", str(tmp_path / "out"), "--to", "coco", "-q"]) == 0
    assert (tmp_path / "out/1.png ").is_file() or (tmp_path / "out/images/1.png ").is_file()
    found = Read("coco", tmp_path / "out").images
    assert Path(found["file"][0]).read_bytes() == png(100, 80)


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><labels><label><name>r</name></label></labels></task></meta>
<image id="0" name="x.png" width="100" height="80"><box label="r" occluded="0" xtl="1" ytl="1" xbr="20" ybr="20"/></image>
<image id="1" name="y.png" width="100" height="80"><box label="r" occluded="0" xtl="1" ytl="1" xbr="20" ybr="20"/></image>
</annotations>
"""
MANY = json.dumps({"images": [{"id": k, "file_name": f"{n}.png", "width": 100, "height": 80} for k, n in enumerate("xy", 1)],
                   "categories": [{"id": 1, "name": "cat"}], "annotations": []})


@pytest.mark.parametrize(("name", "content"), [("annotations.xml", CVAT), ("instances.json", MANY)])
def test_of_several_equal_files_the_first_is_taken(tmp_path: Path, name: str, content: str) -> None:
    put(tmp_path, {name: content, "a/x.png": png(100, 80), "a/y.png": png(100, 80), "b/x.png": png(100, 80)})
    source = open_dataset(DatasetRequest("set", tmp_path), PLUGINS)
    assert [p for ref in source.shards(9) for p in ref.load().image_columns["path"].tolist()] == ["a/x.png", "a/y.png"]
    assert [n for n in source.info.notes if "same" in n] == [
        "1 image has several files of its name with the same bytes, of which the first is read (a/x.png, not b/x.png)"]
    assert not source.info.problems or {p.kind for p in source.info.problems} == {"same-names"}


@pytest.mark.parametrize(("name", "content"), [("annotations.xml", CVAT), ("instances.json", MANY)])
def test_of_several_files_that_differ_none_is_taken(tmp_path: Path, name: str, content: str) -> None:
    put(tmp_path / "set", {name: content, "a/x.png": png(100, 80), "a/y.png": png(100, 80), "b/x.png": png(50, 40)})
    main(["report", str(tmp_path / "set"), "--no-cache", "-q", "-o", str(tmp_path / "report.json")])
    found = json.loads((tmp_path / "report.json").read_text())["findings"]
    assert [(f["code"], f["message"], f.get("fix")) for f in found if f["code"] in ("IMG001", "SRC002")] == [
        ("IMG001", "Several files of different content have the name of the image, and none is taken: a/x.png, b/x.png", None)]
