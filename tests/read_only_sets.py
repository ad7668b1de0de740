"""Drawn pictures written as sets of the formats that are only read: what tests/mutate.py plants its faults into."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

VISDRONE = {"car": 4, "person": 1, "sign": 11}
Pictures = Sequence[Any]


def put(folder: Path, place: str, picture: Any) -> None:
    """Write the file of a picture, unless it is to be missing."""
    path = folder / place / picture.name
    path.parent.mkdir(parents=True, exist_ok=True)
    if picture.content is not None:
        path.write_bytes(picture.content)


def text(folder: Path, name: str, content: Any) -> None:
    """Write a text, or a value as JSON."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def classes_of(pictures: Pictures) -> list[str]:
    """Return the classes, in order of their names."""
    return sorted({b[0] for p in pictures for b in p.boxes})


def sides(picture: Any) -> list[int]:
    """Return the width and height that a file declares of a picture, px."""
    return list(picture.declared or picture.size)


def xywh(box: Sequence[Any]) -> list[float]:
    """Return corner and sides of a box of a picture."""
    _, a, b, c, d = box
    return [a, b, c - a, d - b]


def ring(box: Sequence[Any]) -> list[list[float]]:
    """Return the four corners of a box of a picture."""
    _, a, b, c, d = box
    return [[a, b], [c, b], [c, d], [a, d]]


def write_bdd100k(folder: Path, pictures: Pictures) -> None:
    """Write a file of frames per split."""
    for split in ("train", "val"):
        own = [p for p in pictures if p.split == split]
        for p in own:
            put(folder, f"images/{split}", p)
        text(folder, f"labels/det_{split}.json", [{"name": p.name, "labels": [
            {"id": str(k), "category": c, "box2d": {"x1": a, "y1": b, "x2": x, "y2": y}}
            for k, (c, a, b, x, y) in enumerate(p.boxes)]} for p in own])


def write_cityscapes(folder: Path, pictures: Pictures) -> None:
    """Write a file of polygons per picture."""
    for p in pictures:
        stem, _, suffix = p.name.rpartition(".")
        if p.content is not None:
            path = folder / f"leftImg8bit/{p.split}/aachen/{stem}_leftImg8bit.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(p.content)
        text(folder, f"gtFine/{p.split}/aachen/{stem}_gtFine_polygons.json", {
            "imgHeight": sides(p)[1], "imgWidth": sides(p)[0], "objects": [{"label": b[0], "polygon": ring(b)} for b in p.boxes]})


def write_datumaro(folder: Path, pictures: Pictures) -> None:
    """Write a file of items per split."""
    names = classes_of(pictures)
    for split in ("train", "val"):
        own = [p for p in pictures if p.split == split]
        for p in own:
            put(folder, f"images/{split}", p)
        text(folder, f"annotations/{split}.json", {
            "info": {}, "categories": {"label": {"labels": [{"name": c, "parent": "", "attributes": []} for c in names]}},
            "items": [{"id": p.name.rpartition(".")[0], "image": {"path": p.name, "size": sides(p)[::-1]}, "annotations": [
                {"id": k, "type": "bbox", "label_id": names.index(b[0]), "bbox": xywh(b), "group": 0, "attributes": {}}
                for k, b in enumerate(p.boxes)]} for p in own]})


def write_labelbox(folder: Path, pictures: Pictures) -> None:
    """Write one export."""
    lines = []
    for p in pictures:
        put(folder, "", p)
        objects = [{"feature_id": f"{p.name}-{k}", "name": b[0], "annotation_kind": "ImageBoundingBox", "bounding_box": dict(
            zip(("left", "top", "width", "height"), xywh(b), strict=True))} for k, b in enumerate(p.boxes)]
        lines.append(json.dumps({"data_row": {"id": p.name, "external_id": p.name}, "media_attributes": {
            "width": sides(p)[0], "height": sides(p)[1]}, "projects": {"p": {"labels": [{"annotations": {"objects": objects}}]}}}))
    text(folder, "export.ndjson", "\n".join(lines) + "\n")


def write_odgt(folder: Path, pictures: Pictures) -> None:
    """Write a file of lines per split."""
    for split in ("train", "val"):
        own = [p for p in pictures if p.split == split]
        for p in own:
            put(folder, "Images", p)
        text(folder, f"annotation_{split}.odgt", "".join(json.dumps({"ID": p.name.rpartition(".")[0], "gtboxes": [
            {"tag": b[0], "fbox": xywh(b), "vbox": xywh(b), "hbox": xywh(b), "extra": {}} for b in p.boxes]}) + "\n" for p in own))


def write_openlabel(folder: Path, pictures: Pictures) -> None:
    """Write one file of frames."""
    objects: dict[str, Any] = {}
    frames: dict[str, Any] = {}
    for number, p in enumerate(pictures):
        put(folder, "", p)
        own = {}
        for c, a, b, x, y in p.boxes:
            key = str(len(objects))
            objects[key] = {"name": f"o{key}", "type": c}
            centred = [(a + x) / 2, (b + y) / 2, x - a, y - b]
            own[key] = {"object_data": {"bbox": [{"name": "box", "val": centred, "stream": "cam"}]}}
        frames[str(number)] = {"frame_properties": {"streams": {"cam": {"uri": p.name}}}, "objects": own}
    text(folder, "labels.json", {"openlabel": {"metadata": {"schema_version": "1.0.0"}, "objects": objects, "frames": frames}})


def write_supervisely(folder: Path, pictures: Pictures) -> None:
    """Write a folder per split, a file per picture."""
    text(folder, "meta.json", {"classes": [{"title": c, "shape": "rectangle"} for c in classes_of(pictures)], "tags": []})
    for p in pictures:
        put(folder, f"{p.split}/img", p)
        text(folder, f"{p.split}/ann/{p.name}.json", {
            "description": "", "tags": [], "size": {"height": sides(p)[1], "width": sides(p)[0]}, "objects": [
                {"id": k, "classTitle": b[0], "geometryType": "rectangle", "tags": [], "points": {
                    "exterior": [b[1:3], b[3:5]], "interior": []}} for k, b in enumerate(p.boxes)]})


def write_visdrone(folder: Path, pictures: Pictures) -> None:
    """Write a file of rows per picture."""
    numbers = {c: VISDRONE.get(c, k + 5) for k, c in enumerate(classes_of(pictures))}
    for p in pictures:
        put(folder, f"{p.split}/images", p)
        rows = [",".join(f"{v:g}" for v in xywh(b)) + f",1,{numbers[b[0]]},0,0\n" for b in p.boxes]
        text(folder, f"{p.split}/annotations/{p.name.rpartition('.')[0]}.txt", "".join(rows))


def write_vocmask(folder: Path, pictures: Pictures) -> None:
    """Write two masks per picture, in which an object lies before those that are larger."""
    names = classes_of(pictures)
    palette = [0, *range(0x200000, 0x200000 + 64 * len(names), 64)]
    text(folder, "labelmap.txt", "".join(f"{n}:{c >> 16},{c >> 8 & 255},{c & 255}::\n"
                                         for n, c in zip(("background", *names), palette, strict=True)))
    for p in pictures:
        put(folder, f"{p.split}/JPEGImages", p)
        objects, classes = (np.zeros((sides(p)[1], sides(p)[0], 3), np.uint8) for _ in range(2))
        for k, (c, *edges) in enumerate(sorted(p.boxes, key=lambda b: (b[1] - b[3]) * (b[4] - b[2])), 1):
            place = tuple(slice(round(edges[axis]), round(edges[axis + 2])) for axis in (1, 0))
            objects[place] = 8 * k, 0, 128  # BGR
            classes[place] = palette[names.index(c) + 1] & 255, palette[names.index(c) + 1] >> 8 & 255, 0x20
        for kind, mask in (("Object", objects), ("Class", classes)):
            path = folder / p.split / f"Segmentation{kind}" / f"{p.name.rpartition('.')[0]}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode(".png", mask)[1].tobytes())


def write_vott(folder: Path, pictures: Pictures) -> None:
    """Write one export."""
    assets = {}
    for p in pictures:
        put(folder, "", p)
        regions = [{"id": str(k), "type": "RECTANGLE", "tags": [b[0]], "points": [{"x": x, "y": y} for x, y in ring(b)],
                    "boundingBox": dict(zip(("left", "top", "width", "height"), xywh(b), strict=True))}
                   for k, b in enumerate(p.boxes)]
        assets[p.name] = {"regions": regions, "asset": {
            "format": "png", "id": p.name, "name": p.name, "path": f"file:{p.name}", "state": 2, "type": 1,
            "size": {"width": sides(p)[0], "height": sides(p)[1]}}}
    text(folder, "one-export.json", {"name": "one", "version": "2.2.0", "assets": assets, "tags": [
        {"name": c, "color": "#fff"} for c in classes_of(pictures)]})


def write_widerface(folder: Path, pictures: Pictures) -> None:
    """Write a file of counts and rows per split."""
    for split in ("train", "val"):
        own = [p for p in pictures if p.split == split]
        lines = []
        for p in own:
            put(folder, f"WIDER_{split}/images/0--Parade", p)
            rows = [" ".join(f"{v:g}" for v in xywh(b)) + " 0 0 0 0 0 0" for b in p.boxes] or ["0 0 0 0 0 0 0 0 0 0"]
            lines += [f"0--Parade/{p.name}", str(len(p.boxes)), *rows]
        text(folder, f"wider_face_{split}_bbx_gt.txt", "\n".join(lines) + "\n")


WRITERS: Mapping[str, Callable[[Path, Pictures], None]] = {
    name.removeprefix("write_"): function for name, function in list(globals().items()) if name.startswith("write_")}
"""What writes each format."""
ONE_CLASS = ("widerface",)
"""Formats of one class, where no conflict of classes can be planted."""
