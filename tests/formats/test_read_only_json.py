"""Datumaro, VoTT, Labelbox, Supervisely and OpenLABEL: what they hold, what is a problem, samples, and broken files."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from format_laws import Read, assert_survives_broken_files, by_image

from dsinspect.geometry.rle import decode_mask
from dsinspect.loader import load_plugins
from dsinspect.testing import assert_format

FORMATS = load_plugins().formats
BITMAP = base64.b64encode(zlib.compress(cv2.imencode(".png", np.full((4, 6), 255, np.uint8))[1].tobytes())).decode()
DATUMARO = {"info": {}, "categories": {"label": {"labels": [{"name": "cat"}, {"name": "dog"}]}}, "items": [
    {"id": "sub/a", "image": {"path": "sub/a.jpg", "size": [80, 100]}, "annotations": [
        {"type": "bbox", "label_id": 1, "bbox": [1, 2, 10.5, 20], "attributes": {"occluded": True, "hue": "red"}, "z_order": 2},
        {"type": "bbox", "label_id": 0, "bbox": [20, 30, 40, 20], "attributes": {"rotation": 90}},
        {"type": "polygon", "label_id": 9, "points": [1, 2, 9, 2, 5, 8]}, {"type": "label", "label_id": 0},
        {"type": "bbox", "label_id": 0, "bbox": [1, 2, 3]}]},
    {"id": "b", "annotations": []}]}
VOTT = {"name": "x", "tags": [{"name": "cat"}, {"name": "dog"}], "assets": {
    "1": {"asset": {"name": "a.jpg", "path": "file:/c/a.jpg", "size": {"width": 100, "height": 80}}, "regions": [
        {"type": "RECTANGLE", "tags": ["dog", "cat"], "boundingBox": {"left": 1, "top": 2, "width": 10.5, "height": 20}},
        {"type": "POLYGON", "tags": [], "boundingBox": {"left": 1, "top": 2, "width": 8, "height": 6},
         "points": [{"x": 1, "y": 2}, {"x": 9, "y": 2}, {"x": 5, "y": 8}]},
        {"type": "RECTANGLE", "tags": ["cat"], "boundingBox": {"left": 1, "top": "2", "width": 8, "height": 6}}]}}}
LABELBOX = [{"data_row": {"external_id": "a.jpg"}, "media_attributes": {"width": 100, "height": 80}, "projects": {"p": {
    "name": "P", "labels": [{"annotations": {"objects": [
        {"name": "cat", "annotation_kind": "ImageBoundingBox", "bounding_box": {"left": 1, "top": 2, "width": 10.5, "height": 20},
         "classifications": [{"name": "hue", "text_answer": "red"}]},
        {"name": "dog", "annotation_kind": "ImagePolygon", "polygon": [{"x": 1, "y": 2}, {"x": 9, "y": 2}, {"x": 5, "y": 8}]},
        {"name": "dog", "annotation_kind": "ImagePoint", "point": {"x": 1, "y": 2}},
        {"name": "dog", "bounding_box": {"left": 1, "top": 2, "width": None, "height": 20}}]}}]}}}]
SUPERVISELY = {"description": "", "tags": [], "size": {"width": 100, "height": 80}, "objects": [
    {"classTitle": "cat", "geometryType": "rectangle", "points": {"exterior": [[11.5, 22], [1, 2]], "interior": []},
     "tags": [{"name": "hue", "value": "red"}]},
    {"classTitle": "dog", "geometryType": "polygon", "points": {"exterior": [[1, 2], [9, 2], [5, 8]], "interior": []}, "tags": []},
    {"classTitle": "dog", "geometryType": "bitmap", "bitmap": {"origin": [7, 9], "data": BITMAP}, "tags": []},
    {"classTitle": "dog", "geometryType": "point", "points": {"exterior": [[1, 2]]}, "tags": []},
    {"classTitle": "dog", "geometryType": "bitmap", "bitmap": {"origin": [7, 9], "data": "AAAA"}, "tags": []}]}
OPENLABEL = {"openlabel": {"metadata": {"schema_version": "1.0.0"}, "objects": {
    "u1": {"name": "car1", "type": "Car"}}, "streams": {"cam": {"stream_properties": {"intrinsics_pinhole": {
        "width_px": 100, "height_px": 80}}}}, "frames": {
            "0": {"frame_properties": {"streams": {"cam": {"uri": "f0.png"}}}, "objects": {"u1": {"object_data": {
                "bbox": [{"name": "b", "val": [20, 30, 10, 8]}, {"name": "c", "val": [1, 2]}],
                "rbbox": [{"name": "r", "val": [20, 30, 10, 8, 1.5707963267948966]}],
                "cuboid": [{"val": []}]}}}},
            "1": {"objects": {"u1": {"object_data": {"poly2d": [{"mode": "MODE_POLY2D_ABSOLUTE", "val": [1, 2, 9, 2, 5, 8]}]}}}}}}}
SETS: dict[str, dict[str, str]] = {
    "datumaro": {"annotations/train.json": json.dumps(DATUMARO)}, "vott": {"export.json": json.dumps(VOTT)},
    "labelbox": {"export.ndjson": "\n".join(map(json.dumps, LABELBOX)) + "\n{\n"},
    "supervisely": {"ds/ann/a.jpg.json": json.dumps(SUPERVISELY),
                    "meta.json": json.dumps({"classes": [{"title": "dog"}, {"title": "cat"}], "tags": []})},
    "openlabel": {"labels.json": json.dumps(OPENLABEL)}}
EXPECTED: dict[str, tuple[list[tuple[Any, ...]], list[str], tuple[str, ...]]] = {
    "datumaro": ([("sub/a.jpg", "dog", 1, 2, 11.5, 22), ("sub/a.jpg", "cat", 30, 20, 50, 60), ("sub/a.jpg", None, 1, 2, 9, 8)],
                 ["bbox is not x, y, width and height"], ("left out: 1 label",)),
    "vott": ([("a.jpg", "dog", 1, 2, 11.5, 22), ("a.jpg", None, 1, 2, 9, 8)], ["top: '2' is not a number"], ()),
    "labelbox": ([("a.jpg", "cat", 1, 2, 11.5, 22), ("a.jpg", "dog", 1, 2, 9, 8)],
                 ["width is missing", "not valid JSON: Input data was truncated"], ("left out: 1 point",)),
    "supervisely": ([("ds/img/a.jpg", "cat", 1, 2, 11.5, 22), ("ds/img/a.jpg", "dog", 1, 2, 9, 8),
                     ("ds/img/a.jpg", "dog", 7, 9, 13, 13)],
                    ["the data of the bitmap is not a packed PNG"], ("left out: 1 point",)),
    "openlabel": ([("f0.png", "Car", 15, 26, 25, 34), ("f0.png", "Car", 16, 25, 24, 35), ("frame_000001", "Car", 1, 2, 9, 8)],
                  ["a bbox of 2 numbers"], ("left out: 1 cuboid",))}


def put(root: Path, name: str) -> Path:
    for path, content in SETS[name].items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return root


@pytest.mark.parametrize("name", SETS)
def test_what_a_set_holds(tmp_path: Path, name: str) -> None:
    read = Read(name, put(tmp_path / name, name))
    rows, reasons, notes = EXPECTED[name]
    assert [(*r[:2], *(round(v, 9) for v in r[2:])) for r in read.rows()] == rows
    assert [r for _, r in read.told()] == reasons
    assert read.info.notes == notes
    outlines = [o for o in read.column("segmentation") if o]
    assert [p for o in outlines if isinstance(p := json.loads(o), list)] == [[[1, 2, 9, 2, 5, 8]]]
    assert_format(FORMATS[name], tmp_path / name)


@pytest.mark.parametrize("name", SETS)
def test_recognised_as_itself_alone(tmp_path: Path, name: str) -> None:
    root = put(tmp_path / name, name)
    found = {n: d.confidence for n, f in FORMATS.items() if (d := f().detect(root))}
    assert max(found, key=lambda n: found[n]) == name
    assert sorted(found.values())[:-1] == [c for c in sorted(found.values())[:-1] if c < found[name]]


@pytest.mark.parametrize("name", SETS)
def test_broken_files(tmp_path: Path, name: str) -> None:
    files = [f for f in SETS[name] if f != "meta.json"]
    opened, refused = assert_survives_broken_files(name, put(tmp_path / "set", name), files, tmp_path / "copy", 150)
    assert opened + refused == 150
    assert opened > 10


def test_more_of_each(tmp_path: Path) -> None:
    datumaro = Read("datumaro", put(tmp_path / "datumaro", "datumaro"))
    assert datumaro.images["path"].tolist() == ["sub/a.jpg", "b"]
    assert datumaro.images["split"].tolist() == ["train", "train"] or datumaro.images["split"].tolist() == [None, None]
    assert datumaro.column("datumaro:occluded")[0] == "1"
    assert json.loads(datumaro.column("attributes")[0]) == {"hue": "red"}
    assert [c.name for c in datumaro.info.categories] == ["cat", "dog"]
    np.testing.assert_allclose(datumaro.annotations.filter(like="corner").to_numpy()[1], [50, 20, 50, 60, 30, 60, 30, 20])
    assert json.loads(Read("vott", put(tmp_path / "vott", "vott")).column("attributes")[0]) == {"tags": ["dog", "cat"]}
    labelbox = Read("labelbox", put(tmp_path / "labelbox", "labelbox"))
    assert json.loads(labelbox.column("attributes")[0]) == {"hue": "red"}
    assert labelbox.told()[1][0] == 2
    supervisely = Read("supervisely", put(tmp_path / "supervisely", "supervisely"))
    assert [c.name for c in supervisely.info.categories] == ["dog", "cat"]
    mask = json.loads(supervisely.column("segmentation")[2])
    np.testing.assert_array_equal(np.argwhere(decode_mask(mask["counts"], mask["size"])).min(axis=0), [9, 7])
    assert decode_mask(mask["counts"], mask["size"]).sum() == 4 * 6
    assert Read("openlabel", put(tmp_path / "openlabel", "openlabel")).column("track") == ["u1"] * 3


def test_samples(shared_data: Path) -> None:
    tiny = shared_data / "formats_tiny/vott_json_dataset"
    for name in ("dataset", "dataset_with_meta_file"):
        read = Read("vott", tiny / name)
        assert [tuple(round(v, 9) for v in r[2:]) for r in read.rows()] == [
            (5, 10, 15, 12), (11.5, 12, 21.7, 32.5), (6.7, 10.3, 10, 15), (13.7, 20.2, 45.6, 63.6)]
        assert_format(FORMATS["vott"], tiny / name)


def test_the_same_objects_as_in_coco(shared_data: Path) -> None:
    folder = shared_data / "labelformat/object_detection"
    one, other = by_image(Read("labelbox", folder / "Labelbox"), 6), by_image(Read("coco", folder / "COCO"), 6)
    assert one == other
    assert sum(map(len, one.values())) == 16


def test_supervisely_boxes_are_turned_in_radians_about_their_centre(tmp_path: Path) -> None:
    turned = {"classTitle": "car", "geometryType": "oriented_bbox", "points": [[10, 20], [30, 28]], "angle": 1.5707963267948966}
    (tmp_path / "a.jpg.json").write_text(json.dumps({"size": {"height": 80, "width": 100}, "objects": [turned]}))
    read = Read("supervisely", tmp_path)
    np.testing.assert_allclose(np.array([r[2:] for r in read.rows()]), [(16, 14, 24, 34)], atol=1e-9)
    np.testing.assert_allclose(read.annotations.filter(like="corner").to_numpy()[0], [24, 14, 24, 34, 16, 34, 16, 14], atol=1e-9)


def test_supervisely_shapes_that_do_not_say_their_kind(tmp_path: Path) -> None:
    objects = [{"classTitle": "car", "points": {"exterior": [[4, 3], [14, 11]]}},
               {"classTitle": "tree", "points": {"exterior": [[0, 0], [9, 0], [5, 7]], "interior": []}}]
    (tmp_path / "a.jpg.json").write_text(json.dumps({"size": {"height": 20, "width": 30}, "objects": objects}))
    read = Read("supervisely", tmp_path)
    assert [r[1:] for r in read.rows()] == [("car", 4, 3, 14, 11), ("tree", 0, 0, 9, 7)]
