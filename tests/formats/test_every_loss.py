"""Each thing an annotation can say goes through every writer: it comes back equal, or its loss is counted by name, never both.

Where another setting of the writer keeps it, the loss names that setting, and the setting does keep it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from convert.sets import png, shards_of
from formats.reading import put

from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.geometry.rle import decode_mask
from dsinspect.loader import load_plugins
from dsinspect.protocols.options import make
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, annotations_frame, images_frame
from dsinspect.testing.formats import SIZE_WH, bmp

FORMATS = load_plugins().formats
WRITERS = sorted(n for n, f in FORMATS.items() if f.writable)
BOX = (10.0, 20.0, 30.0, 60.0)
TURNED = (40.0, 10.0, 60.0, 30.0, 50.0, 40.0, 30.0, 20.0)
ENVELOPE = (30.0, 10.0, 60.0, 40.0)
SLANTED = (10.0, 20.0, 30.0, 25.0, 28.0, 60.0, 12.0, 50.0)
MASK = b'{"size":[80,100],"counts":[805,20,60,20,60,20,60,20,6935]}'
"""Four columns of 20 px from (10, 5) on."""


def polygons(value: Any) -> Any:
    """Return polygons in whole thousandths; pixels of a mask."""
    decoded = None if value is None else json.loads(bytes(value))
    if isinstance(decoded, dict):
        return decode_mask(decoded["counts"], decoded["size"]).tobytes()
    return [tuple(round(v, 3) for v in p) for p in decoded] if decoded else None


def points(value: Any) -> Any:
    return None if value is None else [round(v, 3) for v in json.loads(bytes(value))]


def word(value: Any) -> str:
    """Return a value as text, in the words for yes and no that all formats read."""
    text = str(value).lower()
    return {"true": "1", "false": "0", "1.0": "1", "0.0": "0", "nan": "none"}.get(text, text)


@dataclass(frozen=True)
class Said:
    """What one annotation says beyond box and class.

    Attributes:
        columns: its columns.
        named: what a loss of it is called.
        box: of the annotation.
        same: what makes two values equal ones.
    """

    columns: Mapping[str, Any]
    named: str
    box: tuple[float, ...] = BOX
    same: Callable[[Any], Any] = word


SAID = {
    "polygon": Said({"segmentation": b"[[10.0,20.0,30.0,20.0,20.0,60.0]]"}, "polygons", same=polygons),
    "two polygons": Said({"segmentation": b"[[10.0,20.0,20.0,20.0,15.0,60.0],[20.0,30.0,30.0,30.0,25.0,50.0]]"}, "polygons",
                         same=polygons),
    "polygon of another box": Said({"segmentation": b"[[12.0,22.0,28.0,22.0,20.0,50.0]]"}, "polygons|not the envelope",
                                   same=polygons),
    "mask": Said({"segmentation": MASK}, "masks", (10.0, 5.0, 14.0, 25.0), polygons),
    "keypoints": Said({"keypoints": b"[12,22,2,28,40,1,0,0,0]"}, "keypoints", same=points),
    "keypoints as wide as the box": Said({"keypoints": b"[10,20,2,30,60,2]"}, "keypoints", same=points),
    "rotated box": Said(dict(zip(CORNER_COLUMNS, TURNED, strict=True)), "rotat", ENVELOPE),
    "four corners": Said(dict(zip(CORNER_COLUMNS, SLANTED, strict=True)), "rotat"),
    "track": Said({"track": "7"}, "track"),
    "track by name": Said({"track": "cat-7"}, "track"),
    "attribute": Said({"attributes": b'{"colour":"red"}'}, "attributes"),
    "number as attribute": Said({"attributes": b'{"visibility":0.5}'}, "attributes"),
    "area": Said({"area": 400.0}, "areas"),
    "crowd": Said({"is_crowd": True}, "crowd"),
    "ignored": Said({"is_ignored": True}, "ignored|difficult"),
    **{f"voc:{name}": Said({f"voc:{name}": value}, f"attributes: {name}") for name, value in (
        ("truncated", "1"), ("occluded", "1"), ("pose", "Left"))},
    **{f"cvat:{name}": Said({f"cvat:{name}": value}, f"attributes: {name}|group names") for name, value in (
        ("occluded", "1"), ("z_order", "3"), ("group", "5"))},
    "group by name": Said({"labelme:group": "left pair"}, "attributes: group|group names"),
    "circle": Said({"labelme:shape": "circle"}, "shapes: circle"),
}


def said_by(annotations: Any, one: Said) -> list[Any]:
    """Return what the first annotation says of it, wherever a format keeps it: in a column, or among the attributes."""
    raw = annotations["attributes"].iat[0] if "attributes" in annotations else None
    attributes = {} if raw is None else json.loads(bytes(raw))
    found = []
    for name in one.columns:
        field_name = name.rpartition(":")[2]
        if name == "attributes":
            found.append(sorted((k, word(v)) for k, v in attributes.items() if k in json.loads(one.columns[name])))
            continue
        column = next((c for c in annotations if c == name or str(c).partition(":")[2] == field_name), None)
        value = annotations[column].iat[0] if column is not None else attributes.get(field_name)
        found.append(one.same(value))
    return found


def frames(one: Said, kind: Any, out: Path) -> tuple[DatasetInfo, Shard]:
    """Return a set of two images, the second without a box; its only annotation says it."""
    places = [kind.place(name, split) for name, split in (("000001.bmp", "train"), ("000002.bmp", "val"))]
    for place in places:
        (out / place).parent.mkdir(parents=True, exist_ok=True)
        (out / place).write_bytes(bmp(*SIZE_WH))
    images = images_frame(
        2, image_id=np.arange(1, 3), path=objects(places), declared_path=objects(places), split=objects(["train", "val"]),
        file=objects([str(out / p) for p in places]), width=np.full(2, float(SIZE_WH[0])), height=np.full(2, float(SIZE_WH[1])),
        source="said.json", index=np.arange(2))
    wide = {name: objects([v]) if isinstance(v, (bytes, str)) else np.array([v]) for name, v in one.columns.items()}
    annotations = annotations_frame(
        1, annotation_id=np.array([1]), image_id=np.array([1]), image_row=np.array([0]), index=np.array([0]), source="said.json",
        category_id=np.array([0]), category=objects(["cat"]),
        **{c: np.array([v]) for c, v in zip(("x_min", "y_min", "x_max", "y_max"), one.box, strict=True)},
        **{k: v for k, v in wide.items() if ":" not in k})
    annotations = annotations.assign(**{k: v for k, v in wide.items() if ":" in k})
    return DatasetInfo("said", out, (Category(0, "cat"),), splits=("train", "val")), Shard(images, annotations)


def through(name: str, one: Said, out: Path, settings: Mapping[str, str]) -> tuple[bool, dict[str, int]]:
    """Write and read; return whether it came back, and the losses of it."""
    kind = FORMATS[name]()
    kind.options = make(FORMATS[name].writer_options_type, settings, name)
    info, shard = frames(one, kind, out)
    lost = dict(kind.write(info, iter([shard]), out))
    read = next(s.annotations for s in shards_of(out, name) if len(s.annotations))
    assert read["category"].tolist() == ["cat"]
    if not any("not the envelope" in w for w in lost):
        np.testing.assert_allclose(read[["x_min", "y_min", "x_max", "y_max"]].to_numpy()[0], one.box, atol=5e-3)
    return said_by(read, one) == said_by(shard.annotations, one), {w: n for w, n in lost.items() if re.search(one.named, w)}


@pytest.mark.parametrize("what", SAID)
@pytest.mark.parametrize("name", WRITERS)
def test_it_comes_back_or_its_loss_is_named(name: str, what: str, tmp_path: Path) -> None:
    one = SAID[what]
    is_kept, lost = through(name, one, tmp_path / "usual", {})
    assert is_kept == (not lost), (is_kept, lost)
    assert is_kept or list(lost.values()) == [1]
    for number, (owner, setting, value) in enumerate(re.findall(r"--set (\w+)\.(\w+)=(\w+)", " ".join(lost))):
        assert owner == name
        if what == "two polygons":
            with pytest.raises(UserError, match="not exactly one polygon"):
                through(name, one, tmp_path / str(number), {setting: value})
        else:
            is_kept, lost = through(name, one, tmp_path / str(number), {setting: value})
            assert is_kept or ["stay" in w for w in lost] == [True], lost



TASK = {"id": 1, "data": {"image": "a.png"}, "predictions": [{"result": []}, {"result": []}], "annotations": [{"id": 1, "result": [
    {"type": "rectanglelabels", "from_name": "label", "to_name": "image", "original_width": 100, "original_height": 80,
     "value": {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": ["cat"]}},
    {"type": "keypointlabels", "from_name": "point", "to_name": "image", "original_width": 100, "original_height": 80,
     "value": {"x": 1, "y": 2, "width": 1, "keypointlabels": ["cat"]}}]}]}
FEW = {"box": {"name": "cat", "bounding_box": {"left": 1, "top": 2, "width": 3, "height": 4}},
       "point": {"name": "cat", "annotation_kind": "ImagePoint", "point": {"x": 1, "y": 2}}}
LEFT_OUT: dict[str, tuple[str, str, dict[str, int]]] = {
    "cvat": ("annotations.xml", '<annotations><image id="0" name="a.png" width="100" height="80"><tag label="sunny"/>'
             '<box label="cat" xtl="1" ytl="2" xbr="3" ybr="4"/><points label="cat" points="5,6"/>'
             '<points label="cat" points="7,8"/><polyline label="cat" points="1,2;3,4"/></image></annotations>',
             {"single points": 2, "polylines": 1, "image tags": 1}),
    "labelme": ("a.json", json.dumps({"version": "5", "flags": {}, "imagePath": "a.png", "imageData": None, "imageHeight": 80,
                                      "imageWidth": 100, "shapes": [
        {"label": "cat", "shape_type": k, "points": p, "flags": {}} for k, p in (
            ("rectangle", [[1, 2], [3, 4]]), ("point", [[1, 2]]), ("point", [[3, 4]]), ("linestrip", [[1, 2], [3, 4]]))]}),
        {"points": 2, "linestrips": 1}),
    "via": ("via.json", json.dumps({"a.png9": {"filename": "a.png", "size": 9, "file_attributes": {}, "regions": [
        {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}, "region_attributes": {"class": "cat"}},
        {"shape_attributes": {"name": "point", "cx": 1, "cy": 2}, "region_attributes": {"class": "cat"}}]}}), {"points": 1}),
    "labelstudio": ("tasks.json", json.dumps([TASK]), {"predictions": 2, "keypoints": 1}),
    "labelbox": ("export.ndjson", json.dumps({"data_row": {"external_id": "a.png"}, "media_attributes": {
        "width": 100, "height": 80}, "projects": {"p": {"name": "P", "labels": [{"annotations": {"objects": [
            FEW["box"], FEW["point"]]}}]}}}) + "\n", {"points": 1}),
    "datumaro": ("annotations/default.json", json.dumps({
        "info": {}, "categories": {"label": {"labels": [{"name": "cat"}]}}, "items": [{
            "id": "a", "image": {"path": "a.png", "size": [80, 100]}, "annotations": [
                {"type": "bbox", "label_id": 0, "bbox": [1, 2, 3, 4]}, {"type": "label", "label_id": 0},
                {"type": "polyline", "label_id": 0, "points": [1, 2, 3, 4]}]}]}), {"labels": 1, "polylines": 1}),
    "supervisely": ("a.png.json", json.dumps({"description": "", "tags": [], "size": {"width": 100, "height": 80}, "objects": [
        {"classTitle": "cat", "geometryType": "rectangle", "points": {"exterior": [[1, 2], [4, 6]], "interior": []}, "tags": []},
        {"classTitle": "cat", "geometryType": "polygon", "points": {"exterior": [[1, 2], [4, 6], [9, 9]], "interior": [
            [[2, 3], [3, 4], [4, 5]]]}, "tags": []},
        {"classTitle": "cat", "geometryType": "point", "points": {"exterior": [[1, 2]], "interior": []}, "tags": []}]}),
        {"points": 1, "outlines with holes": 1}),
    "openlabel": ("a.json", json.dumps({"openlabel": {"metadata": {"schema_version": "1.0.0"}, "objects": {"u": {
        "name": "u", "type": "cat", "object_data": {"bbox": [{"name": "b", "val": [20, 30, 10, 8]}], "point2d": [
            {"name": "p", "val": [1, 2]}]}}}, "streams": {"s": {"uri": "a.png"}}}}), {"point2ds": 1}),
    "bdd100k": ("labels.json", json.dumps([{"name": "a.png", "labels": [
        {"category": "car", "box2d": {"x1": 1, "y1": 2, "x2": 3, "y2": 4}}, {"category": "lane/road curb", "poly2d": [
            {"vertices": [[1, 2], [3, 4]], "types": "LL"}]}]}]), {"labels of lanes and drivable areas": 1})}


@pytest.mark.parametrize(("source", "target"), [*((s, "coco") for s in LEFT_OUT), *(("cvat", t) for t in WRITERS)])
def test_what_a_reader_leaves_out_is_among_the_losses(source: str, target: str, tmp_path: Path) -> None:
    file, text, expected = LEFT_OUT[source]
    put(tmp_path / "set", {file: text, "a.png": png(100, 80)})
    out = tmp_path / "out"
    assert main(["convert", str(tmp_path / "set"), "--format", source, "-o", str(out), "--to", target, "-q"]) == 0
    lost = json.loads((out / "conversion.json").read_text())["losses"]
    assert {w.removesuffix(" (left out by the reader)"): n for w, n in lost.items() if "left out" in w} == expected
