"""What a target has no place for is counted by its name: shapes, header lines, depths, keys that only their owner knows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from convert.sets import png
from formats.reading import put

from dsinspect.cli import main
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


def losses_of(root: Path, to: str, out: Path) -> dict[str, int]:
    assert main(["convert", str(root), "-o", str(out), "--to", to, "-q"]) == 0
    found: dict[str, int] = json.loads((out / "conversion.json").read_text())["losses"]
    return found


def test_shapes_are_asked_for_when_a_set_is_converted(tmp_path: Path) -> None:
    shape = {"label": "cat", "shape_type": "circle", "points": [[20, 20], [25, 20]], "flags": {}, "group_id": 3}
    put(tmp_path / "set", {"a.json": json.dumps({
        "version": "5.0.0", "flags": {}, "shapes": [shape], "imagePath": "a.png", "imageData": None, "imageHeight": 80,
        "imageWidth": 100}), "a.png": png(100, 80)})
    lost = losses_of(tmp_path / "set", "voc", tmp_path / "out")
    assert lost["shapes: circle (the boxes stay)"] == 1
    assert lost["attributes: group"] == 1


def test_images_of_a_file_each_have_no_ids_to_lose(tmp_path: Path) -> None:
    for k in range(4):
        put(tmp_path / "set", {f"{k}.png": png(100, 80), f"{k}.json": json.dumps({
            "version": "5.0.0", "flags": {}, "imagePath": f"{k}.png", "imageData": None, "imageHeight": 80, "imageWidth": 100,
            "shapes": [{"label": "cat", "shape_type": "rectangle", "points": [[20, 20], [25, 30]]}]})})
    assert losses_of(tmp_path / "set", "yolo", tmp_path / "out") == {}


def test_header_lines_of_dota_are_kept_in_dota_and_counted_elsewhere(tmp_path: Path) -> None:
    text = "imagesource:GoogleEarth\ngsd:0.15\n0 0 4 0 4 2 0 2 plane 0\n"
    put(tmp_path / "set", {"labelTxt/a.txt": text, "images/a.png": png(100, 80)})
    assert losses_of(tmp_path / "set", "coco", tmp_path / "coco")["header lines of label files (imagesource, gsd)"] == 1
    assert not losses_of(tmp_path / "set", "dota", tmp_path / "dota")
    assert (tmp_path / "dota/labelTxt/a.txt").read_text() == text


def test_depths_of_voc_are_kept_in_voc_and_counted_elsewhere(tmp_path: Path) -> None:
    xml = ("<annotation><filename>a.png</filename><size><width>100</width><height>80</height><depth>3</depth></size><object>"
           "<name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object></annotation>")
    put(tmp_path / "set", {"a.xml": xml, "a.png": png(100, 80)})
    assert losses_of(tmp_path / "set", "coco", tmp_path / "coco")["depths of images (<depth>)"] == 1
    assert not losses_of(tmp_path / "set", "voc", tmp_path / "voc")
    assert "<depth>3</depth>" in (tmp_path / "voc/Annotations/a.xml").read_text()


def test_what_coco_has_beyond_its_tables_is_counted(tmp_path: Path) -> None:
    document = {"info": {"year": 2017}, "licenses": [{"id": 1}, {"id": 2}], "images": [
        {"id": 1, "file_name": "a.png", "width": 100, "height": 80, "license": 1}], "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0, "score": 0.5}],
        "categories": [{"id": 1, "name": "cat", "supercategory": "", "color": "red"}]}
    put(tmp_path / "set", {"instances.json": json.dumps(document), "a.png": png(100, 80)})
    for to in ("coco", "yolo"):
        lost = losses_of(tmp_path / "set", to, tmp_path / to)
        assert {k: n for k, n in lost.items() if "COCO" in k or "unknown" in k} == {
            "COCO's info": 1, "COCO's licenses": 2, "unknown keys of images: license": 1, "unknown keys of annotations: score": 1,
            "unknown keys of categories: color": 1}


def test_names_that_are_too_long_for_cvat_are_cut_and_stay_apart(tmp_path: Path) -> None:
    names = ["c" * 64, "c" * 65, "c" * 66]
    document = {"images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}], "annotations": [
        {"id": k, "image_id": 1, "category_id": k, "bbox": [k, 2, 3, 4], "area": 12, "iscrowd": 0} for k in range(3)],
        "categories": [{"id": k, "name": name, "supercategory": ""} for k, name in enumerate(names)]}
    put(tmp_path / "set", {"instances.json": json.dumps(document), "a.png": png(100, 80)})
    lost = losses_of(tmp_path / "set", "cvat", tmp_path / "cvat")
    assert lost["class names longer than 64 characters (cut: CVAT takes none)"] == 2
    found = re.findall("<name>(.*)</name>", (tmp_path / "cvat/annotations.xml").read_text())
    assert found[0] == names[0]
    assert len(set(found)) == 3
    assert {len(name) for name in found} == {64}
