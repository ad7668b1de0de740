"""Hugging Face, Open Images, TFRecord, Cityscapes, BDD100K, .odgt and VOC masks."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from formats.reading import JPEG, Read, detected, put

from dsinspect_formats.tfrecord._records import _own_crc32c, crc32c, framed


def lines(*records: Any) -> str:
    return "".join(json.dumps(r) + "\n" for r in records)


def test_hugging_face_image_folder(tmp_path: Path) -> None:
    root = put(tmp_path, {
        "README.md": "---\ndataset_info:\n  features:\n  - name: image\n    dtype: image\n  - name: objects\n    sequence:\n"
                     "    - name: category\n      dtype:\n        class_label:\n          names:\n            '0': cat\n"
                     "            '1': dog\n---\nText\n",
        "train/metadata.jsonl": lines(
            {"file_name": "a.jpg", "width": 100, "height": 80, "image_id": 7,
             "objects": {"bbox": [[1, 2, 3, 4], [5, 6, 7, 8.5]], "category": [0, 1], "area": [12, 59.5], "id": [4, 5]}},
            {"file_name": "b.jpg", "objects": [{"bbox": [1, 2, 3, 4], "label": "bird"}]},
            {"file_name": "c.jpg", "objects": {"bbox": [], "category": []}},
            {"file_name": "d.jpg", "objects": {"bbox": [[1, 2, 3], [1, 2, 3, 4]], "category": [0, 9]}},
            {"objects": {"bbox": [[1, 2, 3, 4]]}},
            {"file_name": "e.jpg", "objects": {"bbox": [[1, 2, 3, 4]], "category": [0, 1]}}) + "{nonsense\n",
        **{f"train/{n}.jpg": "" for n in "abcdef"}})
    assert detected(root) == "huggingface"
    read = Read("huggingface", root)
    assert read.boxes() == [("train/a.jpg", "cat", 1, 2, 4, 6), ("train/a.jpg", "dog", 5, 6, 12, 14.5),
                            ("train/b.jpg", "bird", 1, 2, 4, 6), ("train/d.jpg", None, 1, 2, 4, 6)]
    assert read.images["path"].tolist() == [f"train/{n}.jpg" for n in "abcde"]
    assert read.images["split"].tolist() == ["train"] * 5
    assert read.images["image_id"].tolist()[0] == 7
    assert read.images["width"].tolist()[0] == 100
    assert read.annotations["area"].tolist()[:2] == [12, 59.5]
    assert read.annotations["attributes"].tolist()[:2] == [b'{"id":4}', b'{"id":5}']
    assert [c.name for c in read.info.categories] == ["cat", "dog"]
    assert [f[3] for f in read.faults()][:3] == [
        "is no box of four numbers", "has no file_name", "has 1 in bbox and 2 in category"]
    assert read.faults()[3][1] == 7
    assert read.problems.loc[read.problems["kind"] == "orphan-image", "image"].tolist() == ["train/f.jpg"]
    assert "COCO" in read.info.notes[0]
    assert Read("huggingface", root, boxes="xyxy").boxes()[0][2:] == (1, 2, 3, 4)
    assert Read("huggingface", root, boxes="cxcywh").boxes()[0][2:] == (-0.5, 0, 2.5, 4)


def test_hugging_face_csv(tmp_path: Path) -> None:
    root = put(tmp_path, {
        "metadata.csv": 'file_name,objects\na.jpg,"{""bbox"": [[1,2,3,4]], ""category"": [""x""]}"\nb.jpg,"[oops"\n',
        "a.jpg": "", "b.jpg": ""})
    assert detected(root) == "huggingface"
    read = Read("huggingface", root)
    assert read.boxes() == [("a.jpg", "x", 1, 2, 4, 6)]
    assert len(read.faults()) == 1


def test_hugging_face_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    boxes = [[[1.0, 2.0, 3.0, 4.0]], [], [[5.0, 6.0, 7.0, 8.0], [0.0, 0.0, 1.0, 1.0]]]
    table = pa.table({
        "image": [{"bytes": JPEG + bytes([k]), "path": f"{k}.jpg" if k else None} for k in range(3)],
        "image_id": [10, 11, 12], "width": [100] * 3, "height": [80] * 3,
        "objects": [{"bbox": b, "category": list(range(len(b)))} for b in boxes]})
    features = {"info": {"features": {"objects": {"feature": {"category": {"_type": "ClassLabel", "names": ["cat", "dog"]}}}}}}
    (tmp_path / "set/data").mkdir(parents=True)
    parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(features)}),
                        tmp_path / "set/data/train-00000-of-00001.parquet", row_group_size=2)
    assert detected(tmp_path / "set") == "huggingface"
    read = Read("huggingface", tmp_path / "set")
    first = "train-00000-of-00001/000000.jpg"
    assert read.boxes() == [(first, "cat", 1, 2, 4, 6), ("2.jpg", "cat", 5, 6, 12, 14), ("2.jpg", "dog", 0, 0, 1, 1)]
    assert read.images["split"].tolist() == ["train"] * 3
    assert read.images["image_id"].tolist() == [10, 11, 12]
    assert [Path(f).read_bytes() for f in read.images["file"]] == [JPEG + bytes([k]) for k in range(3)]
    assert read.info.has_files
    assert Read("huggingface", tmp_path / "set", extract=False).images["file"].tolist() == [None] * 3


HEADER = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n"


def test_open_images(tmp_path: Path) -> None:
    root = put(tmp_path, {
        "annotations/oidv6-train-annotations-bbox.csv":
            HEADER + "a,xclick,/m/01,1,0.1,0.5,0.2,0.75,0,0,0,0,0\na,xclick,/m/02,1,0.25,1,0,0.5,1,0,1,0,0\n"
                     'b,,/m/03,,"0,125","0,5",0,1,,,,,\nb,xclick,/m/01,1,zero,1,0,1,0,0,0,0,0\nc,xclick\n,x,/m/01,1,0,1,0,1,0,0,0,0,0\n',
        "annotations/class-descriptions-boxable.csv": "/m/01,Cat\n/m/02,Big dog\n",
        "annotations/train-images-boxable-with-rotation.csv": "ImageID,Subset,OriginalURL\nd,train,\na,train,\n",
        "images/train/a.jpg": "", "images/train/b.jpg": "", "images/train/d.jpg": "", "images/train/e.jpg": ""})
    assert detected(root) == "openimages"
    read = Read("openimages", root)
    assert read.info.box_units == "fraction"
    assert read.boxes() == [("images/train/a.jpg", "Cat", 0.1, 0.2, 0.5, 0.75), ("images/train/a.jpg", "Big dog", 0.25, 0, 1, 0.5),
                            ("images/train/b.jpg", "/m/03", 0.125, 0, 0.5, 1)]
    assert read.annotations["is_crowd"].tolist() == [False, True, False]
    assert read.images["path"].tolist() == [f"images/train/{n}.jpg" for n in "abd"]
    assert read.images["split"].tolist() == ["train"] * 3
    assert read.images["source"].notna().all()  # a listed image without a box is annotated: as a background
    assert [(f[1], f[3]) for f in read.faults()] == [
        (5, "'zero' is not a number"), (6, "has 2 cells, the header has 13"), (7, "names no image")]
    assert read.problems.loc[read.problems["kind"] == "orphan-image", "image"].tolist() == ["images/train/e.jpg"]
    assert json.loads(read.annotations["attributes"][0])["IsOccluded"] == "0"


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def message(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def example(**features: Any) -> bytes:
    """Return a tf.train.Example; lists of floats packed, whole numbers one by one, `__` stands for a slash."""
    entries = b""
    for name, values in features.items():
        if isinstance(values[0], float):
            inner = message(2, message(1, b"".join(struct.pack("<f", v) for v in values)))
        elif isinstance(values[0], int):
            inner = message(3, b"".join(b"\x08" + varint(v) for v in values))
        else:
            inner = message(1, b"".join(message(1, v) for v in values))
        entries += message(1, message(1, name.replace("__", "/").encode()) + message(2, inner))
    return message(1, entries)


def tf_example(name: str, labels: list[int], encoded: bytes = b"") -> bytes:
    n = len(labels)
    box = {f"image__object__bbox__{e}": [v] * n for e, v in (("xmin", 0.25), ("xmax", 0.5), ("ymin", 0.125), ("ymax", 1.0)) if n}
    return example(image__filename=[name.encode()], image__width=[100], image__height=[80], image__encoded=[encoded], **box,
                   **({"image__object__class__label": labels, "image__object__difficult": [0] * (n - 1) + [1]} if n else {}))


def test_tfrecord(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    first, second, third = (framed(tf_example(f"{n}.jpg", labels, JPEG + n.encode())) for n, labels in (
        ("a", [1, 2]), ("b", []), ("c", [9])))
    third = third[:-5] + bytes([third[-5] ^ 1]) + third[-4:]
    root = put(tmp_path / "set", {"train.tfrecord": first + second + third + first[:40],
                                  "label_map.pbtxt": "item {\n id: 1\n name: 'cat'\n}\nitem { name: \"dog\" id: 2 }\n"})
    assert detected(root) == "tfrecord"
    read = Read("tfrecord", root)
    assert read.boxes() == [("a.jpg", "cat", 0.25, 0.125, 0.5, 1), ("a.jpg", "dog", 0.25, 0.125, 0.5, 1),
                            ("c.jpg", None, 0.25, 0.125, 0.5, 1)]
    assert read.ignored()[:2] == [False, True]
    assert read.images["path"].tolist() == ["a.jpg", "b.jpg", "c.jpg"]
    assert read.images["width"].tolist() == [100] * 3
    assert [Path(f).read_bytes() for f in read.images["file"]] == [JPEG + b"a", JPEG + b"b", JPEG + b"c"]
    reasons = [f[3] for f in read.faults()]
    assert len(reasons) == 2
    assert "record at byte" in reasons[0]
    assert reasons[1] == "record 2: its data has a wrong CRC32C"


def test_crc32c() -> None:
    assert _own_crc32c(b"123456789") == 0xE3069283  # RFC 3720, and the check value of CRC catalogues
    assert _own_crc32c(bytes(32)) == 0x8A9136AA
    rng = np.random.default_rng(0)
    for size in (0, 1, 4095, 4096, 5000, 65_537):
        data = rng.integers(0, 256, size, np.uint8).tobytes()
        assert _own_crc32c(data) == crc32c(data) == plain_crc(data)


def plain_crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_cityscapes(tmp_path: Path) -> None:
    shapes = [{"label": "car", "polygon": [[1, 2], [10, 2], [5, 9]]}, {"label": "persongroup", "polygon": [[0, 0], [4, 0], [4, 4]]},
              {"label": "ego vehicle", "polygon": [[0, 0], [1, 1]]}, {"label": "car", "polygon": []},
              {"label": "car", "polygon": [[1]]}]
    root = put(tmp_path, {"gtFine/train/ulm/ulm_1_2_gtFine_polygons.json": json.dumps(
        {"imgHeight": 1024, "imgWidth": 2048, "objects": shapes}), "leftImg8bit/train/ulm/ulm_1_2_leftImg8bit.png": "",
        "gtFine/train/ulm/ulm_1_2_gtFine_instanceIds.png": "", "gtFine/train/ulm/ulm_1_3_gtFine_polygons.json": "{"})
    assert detected(root) == "cityscapes"
    read = Read("cityscapes", root)
    image = "leftImg8bit/train/ulm/ulm_1_2_leftImg8bit.png"
    assert read.boxes() == [(image, "car", 1, 2, 10, 9), (image, "person", 0, 0, 4, 4), (image, "ego vehicle", 0, 0, 1, 1)]
    assert read.annotations["is_crowd"].tolist() == [False, True, False]
    assert read.ignored() == [False, False, True]
    assert json.loads(read.annotations["segmentation"][0]) == [[1, 2, 10, 2, 5, 9]]
    assert read.images["split"].tolist() == ["train", "train"]
    assert read.images["width"].tolist()[0] == 2048
    assert [f[2] for f in read.faults()] == [3, 4, -1]


def test_bdd100k(tmp_path: Path) -> None:
    box = {"x1": 1, "y1": 2, "x2": 30, "y2": 40}
    root = put(tmp_path, {"labels/det_20/det_train.json": json.dumps([
        {"name": "a.jpg", "labels": [
            {"id": "1", "category": "car", "attributes": {"occluded": True}, "box2d": box},
            {"id": "2", "category": "pedestrian", "attributes": {"crowd": True}, "box2d": box},
            {"id": "3", "category": "other vehicle", "box2d": box},
            {"id": "4", "category": "lane/single white", "poly2d": [{"vertices": [[0, 0], [1, 1]], "types": "LL"}]},
            {"category": "car", "box2d": {"x1": 1}}, {"id": 9}]},
        {"name": "b.jpg", "labels": None}]), "images/100k/train/a.jpg": "", "images/100k/train/b.jpg": ""})
    assert detected(root) == "bdd100k"
    read = Read("bdd100k", root)
    image = "images/100k/train/a.jpg"
    assert read.boxes() == [(image, n, 1, 2, 30, 40) for n in ("car", "pedestrian", "other vehicle")]
    assert read.annotations["is_crowd"].tolist() == [False, True, False]
    assert read.ignored() == [False, False, True]
    assert read.annotations["track"].tolist() == [None] * 3, "ids of single images are no tracks"
    assert len(read.images) == 2
    assert [f[3] for f in read.faults()] == ["has a box2d without y1", "has no category"]
    assert any("1 label of a lane" in n for n in read.info.notes)


def test_bdd100k_of_a_video(tmp_path: Path) -> None:
    box = {"x1": 1, "y1": 2, "x2": 30, "y2": 40}
    root = put(tmp_path, {"labels/box_track_20/train/v.json": json.dumps([
        {"name": f"v-{k}.jpg", "videoName": "v", "frameIndex": k, "labels": [{"id": "7", "category": "car", "box2d": box}]}
        for k in range(2)])})
    assert detected(root) == "bdd100k"
    assert Read("bdd100k", root).annotations["track"].tolist() == ["7", "7"]


def test_bdd100k_without_any_box(tmp_path: Path) -> None:
    """A file of images without a box is of the set, beside one with boxes and alone; another JSON file is not."""
    about = {"weather": "clear", "scene": "street", "timeofday": "night"}
    box = {"id": 1, "category": "car", "box2d": {"x1": 1, "y1": 2, "x2": 30, "y2": 40}}
    root = put(tmp_path / "set", {
        "det_train.json": json.dumps([{"name": "a.jpg", "labels": [box]}]),
        "det_val.json": json.dumps([{"name": "b.jpg", "labels": []}, {"name": "c.jpg", "labels": None}]),
        "det_test.json": json.dumps([{"name": "d.jpg", "attributes": about, "timestamp": 1000}]),
        "package.json": json.dumps({"name": "tool", "version": "1"})})
    assert detected(root) == "bdd100k"
    read = Read("bdd100k", root)
    assert sorted(zip(read.images["path"], read.images["split"], strict=True)) == [
        ("a.jpg", "train"), ("b.jpg", "val"), ("c.jpg", "val"), ("d.jpg", "test")]
    assert not read.faults()
    alone = put(tmp_path / "alone", {"a.json": json.dumps({"name": "a", "attributes": about, "frames": [
        {"timestamp": 1000, "objects": []}]})})
    assert detected(alone) == "bdd100k"
    assert Read("bdd100k", alone).images["path"].tolist() == ["a.jpg"]


def test_bdd100k_of_2018(tmp_path: Path) -> None:
    root = put(tmp_path, {f"labels/100k/val/{n}.json": json.dumps({"name": n, "frames": [{"timestamp": 10000, "objects": [
        {"category": "car", "id": 1, "attributes": {}, "box2d": {"x1": 1, "y1": 2, "x2": 30, "y2": 40}},
        {"category": "area/drivable", "id": 2, "poly2d": [[1, 2, "L"], [3, 4, "L"], [1, 4, "L"]]}]}]}) for n in "ab"})
    assert detected(root) == "bdd100k"
    assert Read("bdd100k", root).boxes() == [("a.jpg", "car", 1, 2, 30, 40), ("b.jpg", "car", 1, 2, 30, 40)]


def test_odgt(tmp_path: Path) -> None:
    boxes = [{"fbox": [1, 2, 3, 4], "vbox": [1, 2, 2, 2], "hbox": [1, 2, 1, 1], "tag": "person", "extra": {"ignore": 0}},
             {"fbox": [5, 5, 5, 5], "vbox": [5, 5, 1, 1], "tag": "person", "extra": {"ignore": 1}},
             {"fbox": [0, 0, 9, 9], "tag": "mask", "extra": {"ignore": 1}}, {"fbox": [1], "tag": "person"}]
    root = put(tmp_path, {"annotation_train.odgt": lines({"ID": "27,c9", "gtboxes": boxes}) + "{\n", "Images/27,c9.jpg": ""})
    assert detected(root) == "odgt"
    read = Read("odgt", root)
    image = "Images/27,c9.jpg"
    assert read.boxes() == [(image, "person", 1, 2, 4, 6), (image, "person", 5, 5, 10, 10), (image, "mask", 0, 0, 9, 9)]
    assert read.ignored() == [False, True, True]
    assert [f[:3] for f in read.faults()] == [("annotation_train.odgt", 1, 3), ("annotation_train.odgt", 2, 4)]
    assert Read("odgt", root, box="vbox").boxes()[0][2:] == (1, 2, 3, 4)


def voc_mask(*boxes: tuple[int, int, int, int, int]) -> bytes:
    """Return a PNG of 20 x 10 px in VOC's colours: boxes with their number, and a white border around each."""
    palette = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]
    pixels = np.zeros((10, 20, 3), np.uint8)
    for x, y, right, bottom, number in boxes:
        pixels[max(y - 1, 0):bottom + 1, max(x - 1, 0):right + 1] = (192, 224, 224)
        pixels[y:bottom, x:right] = palette[number][::-1]
    return bytes(cv2.imencode(".png", pixels)[1])


def test_voc_masks(tmp_path: Path) -> None:
    root = put(tmp_path, {
        "SegmentationObject/a.png": voc_mask((2, 1, 6, 4, 1), (10, 5, 20, 10, 2)),
        "SegmentationClass/a.png": voc_mask((2, 1, 6, 4, 3), (10, 5, 20, 10, 1)), "JPEGImages/a.jpg": "", "JPEGImages/b.jpg": "",
        "SegmentationObject/c.png": voc_mask((1, 1, 2, 2, 1))})
    assert detected(root) == "vocmask"
    read = Read("vocmask", root)
    assert read.boxes() == [("JPEGImages/a.jpg", "bird", 2, 1, 6, 4), ("JPEGImages/a.jpg", "aeroplane", 10, 5, 20, 10)]
    assert read.annotations["area"].tolist() == [12, 50]
    assert json.loads(read.annotations["segmentation"][0])["size"] == [10, 20]
    assert [f[0] for f in read.faults()] == ["SegmentationObject/c.png"]


def test_a_backslash_in_the_name_of_a_file_is_found_as_it_is_declared(tmp_path: Path) -> None:
    names = ["b\\c.png", "in\\d.png", "e\\f.png"]
    put(tmp_path, {"images/b\\c.png": "", "images/in/d.png": "", "images/x/e\\f.png": "", "images/y/e\\f.png": "",
                   "a.json": json.dumps({
                       "images": [{"id": k, "file_name": n, "width": 9, "height": 9} for k, n in enumerate(names, 1)],
                       "annotations": [], "categories": [{"id": 1, "name": "cat"}]})})
    read = Read("coco", tmp_path)
    assert read.images["path"].tolist() == ["images/b\\c.png", "images/in/d.png", "e/f.png"]
    assert read.images["file"].notna().tolist() == [True, True, False]  # two files are called e\\f.png
