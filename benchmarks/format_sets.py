"""Draw one set of boxes in every format: those with a writer by it, those without by the template of their files.

    python benchmarks/format_sets.py NAME OUT --images 10000 --each 10
"""

from __future__ import annotations

import argparse
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

SIDE = (640, 480)
CLASSES = tuple(f"class{k}" for k in range(1, 11))
Drawn = Iterator[tuple[str, list[tuple[str, list[float]]]]]


def boxes(images: int, each: int) -> Drawn:
    """Yield a name and the boxes (class, x, y, width, height in whole px) of each image."""
    rng = np.random.default_rng(0)
    for k in range(images):
        wh = rng.integers(6, 200, (each, 2))
        xy = (rng.random((each, 2)) * (np.array(SIDE) - wh)).astype(int)
        names = rng.integers(0, len(CLASSES), each).tolist()
        yield f"{k:06}", [(CLASSES[c], [*map(float, b)]) for c, b in zip(names, np.hstack([xy, wh]).tolist(), strict=True)]


def bmp() -> bytes:
    """Return the head of an image: all that a reader of sizes looks at."""
    return struct.pack("<2sIHHI", b"BM", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, *SIDE, 1, 24, 0, 0, 2835, 2835, 0, 0)


def put(path: Path, content: bytes | str) -> None:
    """Write a file, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def written(name: str, out: Path, images: int, each: int) -> None:
    """Write the set with the format's own writer, shard by shard."""
    from dsinspect.loader import load_plugins
    from dsinspect.tables.columns import objects
    from dsinspect.tables.dataset import Category, DatasetInfo, Shard
    from dsinspect.tables.schema import annotation_columns, image_columns

    kind = load_plugins().formats[name]()
    kind.options = kind.writer_options_type()
    drawn = list(boxes(images, each))
    paths = [kind.place(f"{stem}.bmp", "train") for stem, _ in drawn]
    for path in paths:
        put(out / path, bmp())

    def shards() -> Iterator[Shard]:
        for start in range(0, images, 256):
            part = drawn[start:start + 256]
            n = len(part)
            b = np.array([box for _, rows in part for _, box in rows])
            names = [c for _, rows in part for c, _ in rows]
            at = np.repeat(np.arange(n), each)
            yield Shard(
                image_columns(n, image_id=np.arange(start, start + n), path=paths[start:start + n], split="train",
                              declared_path=paths[start:start + n], file=[str(out / p) for p in paths[start:start + n]],
                              width=np.full(n, float(SIDE[0])), height=np.full(n, float(SIDE[1]))),
                annotation_columns(len(b), annotation_id=np.arange(start * each, start * each + len(b)), image_row=at,
                                   image_id=at + start, category=objects(names), source="boxes", index=np.arange(len(b)),
                                   category_id=np.array([CLASSES.index(c) for c in names]),
                                   x_min=b[:, 0], y_min=b[:, 1], x_max=b[:, 0] + b[:, 2], y_max=b[:, 1] + b[:, 3]))

    info = DatasetInfo("drawn", out, tuple(Category(k, c) for k, c in enumerate(CLASSES)), splits=("train",))
    kind.write(info, shards(), out)


def one_file(head: str, record: Callable[[int, str, Any], str], tail: str, name: str, joint: str = ",\n",
             folder: str = "") -> Callable[[Path, int, int], None]:
    """Return what draws a format whose images stand in one file."""
    def draw(out: Path, images: int, each: int) -> None:
        drawn = list(boxes(images, each))
        for stem, _ in drawn:
            put(out / f"{folder}{stem}.bmp", bmp())
        put(out / name, head + joint.join(record(k, stem, rows) for k, (stem, rows) in enumerate(drawn)) + tail)
    return draw


def file_each(label: Callable[[str], str], image: Callable[[str], str], text: Callable[[str, Any], str],
              **extra: str) -> Callable[[Path, int, int], None]:
    """Return what draws a format of one file per image."""
    def draw(out: Path, images: int, each: int) -> None:
        for stem, rows in boxes(images, each):
            put(out / image(stem), bmp())
            put(out / label(stem), text(stem, rows))
        for name, content in extra.items():
            put(out / name.replace("__", "."), content)
    return draw


def _ring(b: list[float]) -> list[list[float]]:
    x, y, w, h = b
    return [[x, y], [x + w, y], [x + w, y + h], [x, y + h]]


def _datumaro(k: int, stem: str, rows: Any) -> str:
    return json.dumps({"id": stem, "annotations": [
        {"id": i, "type": "bbox", "attributes": {"occluded": False}, "group": 0, "label_id": CLASSES.index(c), "z_order": 0,
         "bbox": b} for i, (c, b) in enumerate(rows)], "image": {"path": f"{stem}.bmp", "size": [SIDE[1], SIDE[0]]}})


def _labelbox(k: int, stem: str, rows: Any) -> str:
    return json.dumps({"data_row": {"id": stem, "external_id": f"{stem}.bmp"}, "media_attributes": {
        "width": SIDE[0], "height": SIDE[1]}, "projects": {"p": {"name": "one", "labels": [{"annotations": {"objects": [
            {"feature_id": f"{stem}-{i}", "name": c, "annotation_kind": "ImageBoundingBox", "classifications": [],
             "bounding_box": dict(zip(("left", "top", "width", "height"), b, strict=True))} for i, (c, b) in enumerate(rows)]}}]}}})


def _vott(k: int, stem: str, rows: Any) -> str:
    return json.dumps(stem) + ": " + json.dumps({
        "asset": {"format": "bmp", "id": stem, "name": f"{stem}.bmp", "path": f"file:{stem}.bmp", "size": {
            "width": SIDE[0], "height": SIDE[1]}, "state": 2, "type": 1},
        "regions": [{"id": f"{i}", "type": "RECTANGLE", "tags": [c], "boundingBox": {
            "left": b[0], "top": b[1], "width": b[2], "height": b[3]}, "points": [
                {"x": x, "y": y} for x, y in _ring(b)]} for i, (c, b) in enumerate(rows)], "version": "2.2.0"})


def _bdd(k: int, stem: str, rows: Any) -> str:
    return json.dumps({"name": f"{stem}.bmp", "labels": [
        {"id": str(i), "category": c, "attributes": {"occluded": False, "truncated": False},
         "box2d": {"x1": b[0], "y1": b[1], "x2": b[0] + b[2], "y2": b[1] + b[3]}} for i, (c, b) in enumerate(rows)]})


def _odgt(k: int, stem: str, rows: Any) -> str:
    return json.dumps({"ID": stem, "gtboxes": [{"tag": c, "fbox": b, "vbox": b, "hbox": b, "extra": {}} for c, b in rows]})


def _openlabel(k: int, stem: str, rows: Any) -> str:
    return f'"{k}": ' + json.dumps({"frame_properties": {"streams": {"cam": {"uri": f"{stem}.bmp"}}}, "objects": {
        str(i): {"object_data": {"bbox": [{"name": "box", "val": [b[0] + b[2] / 2, b[1] + b[3] / 2, *b[2:]], "stream": "cam"}]}}
        for i, (c, b) in enumerate(rows)}})


def _wider(k: int, stem: str, rows: Any) -> str:
    return f"{stem}.bmp\n{len(rows)}\n" + "\n".join(" ".join(str(int(v)) for v in b) + " 0 0 0 0 0 0" for _, b in rows)


def _supervisely(stem: str, rows: Any) -> str:
    return json.dumps({"description": "", "tags": [], "size": {"height": SIDE[1], "width": SIDE[0]}, "objects": [
        {"id": i, "classId": 1, "description": "", "geometryType": "rectangle", "labelerLogin": "me", "tags": [], "classTitle": c,
         "points": {"exterior": [b[:2], [b[0] + b[2], b[1] + b[3]]], "interior": []}} for i, (c, b) in enumerate(rows)]})


def _cityscapes(stem: str, rows: Any) -> str:
    return json.dumps({"imgHeight": SIDE[1], "imgWidth": SIDE[0], "objects": [{"label": c, "polygon": _ring(b)} for c, b in rows]})


def _visdrone(stem: str, rows: Any) -> str:
    return "".join(",".join(str(int(v)) for v in b) + f",1,{CLASSES.index(c) + 1},0,0\n" for c, b in rows)


def _masks(out: Path, images: int, each: int) -> None:
    for stem, rows in boxes(images, each):
        put(out / f"JPEGImages/{stem}.bmp", bmp())
        for folder in ("SegmentationObject", "SegmentationClass"):
            mask = np.zeros((SIDE[1], SIDE[0]), np.uint8)
            for k, (c, b) in enumerate(rows):
                x, y, w, h = map(int, b)
                mask[y:y + h, x:x + w] = k + 1 if folder.endswith("Object") else CLASSES.index(c) + 1
            put(out / folder / f"{stem}.png", palette_png(mask))


def voc_colours() -> list[int]:
    """Return the 256 colours of VOC's palette as 0xRRGGBB."""
    return [sum(((k >> (3 * bit + channel)) & 1) << (shift + 7 - bit) for bit in range(8)
                for channel, shift in enumerate((16, 8, 0))) for k in range(256)]


def palette_png(mask: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """Return a PNG of palette indices, as VOC's masks are."""
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = mask.shape
    rows = b"".join(b"\0" + row.tobytes() for row in mask)
    palette = b"".join(c.to_bytes(3, "big") for c in voc_colours())
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
            + chunk(b"PLTE", palette) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


_LABELS = [{"name": c, "parent": "", "attributes": []} for c in CLASSES]
_OBJECTS = {str(i): {"name": f"o{i}", "type": CLASSES[i % len(CLASSES)]} for i in range(20)}
TEMPLATES: dict[str, Callable[[Path, int, int], None]] = {
    "datumaro": one_file('{"info": {}, "categories": {"label": {"labels": ' + json.dumps(_LABELS) + ', "attributes": []}}, '
                         '"items": [\n', _datumaro, "]}", "annotations/default.json", folder="images/"),
    "labelbox": one_file("", _labelbox, "\n", "export.ndjson", "\n"),
    "vott": one_file('{"name": "one", "version": "2.2.0", "tags": ' + json.dumps([{"name": c, "color": "#fff"} for c in CLASSES])
                     + ', "assets": {\n', _vott, "}}", "one-export.json"),
    "bdd100k": one_file("[", _bdd, "]", "labels/det_train.json", folder="images/"),
    "odgt": one_file("", _odgt, "\n", "annotation_train.odgt", "\n", folder="Images/"),
    "openlabel": one_file('{"openlabel": {"metadata": {"schema_version": "1.0.0"}, "objects": ' + json.dumps(_OBJECTS)
                          + ', "frames": {\n', _openlabel, "}}}", "labels.json"),
    "widerface": one_file("", _wider, "\n", "wider_face_train_bbx_gt.txt", "\n", folder="WIDER_train/images/"),
    "supervisely": file_each(lambda s: f"ds/ann/{s}.bmp.json", lambda s: f"ds/img/{s}.bmp", _supervisely, meta__json=json.dumps(
        {"classes": [{"title": c, "shape": "rectangle"} for c in CLASSES], "tags": []})),
    "cityscapes": file_each(lambda s: f"gtFine/train/aachen/{s}_gtFine_polygons.json",
                            lambda s: f"leftImg8bit/train/aachen/{s}_leftImg8bit.bmp", _cityscapes),
    "visdrone": file_each(lambda s: f"annotations/{s}.txt", lambda s: f"images/{s}.bmp", _visdrone),
    "vocmask": _masks,
}


def draw(name: str, out: Path, images: int, each: int) -> None:
    """Draw the set in a format."""
    TEMPLATES[name](out, images, each) if name in TEMPLATES else written(name, out, images, each)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--each", type=int, default=10)
    chosen = parser.parse_args()
    draw(chosen.name, chosen.out, chosen.images, chosen.each)
