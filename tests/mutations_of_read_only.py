"""Faults of classes, outlines and files, put into sets of the formats that are only read, and MOT's: for mutate.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
from mutate import Planted, write

Outline = list[list[float]]


def documents(folder: Path, pattern: str, change: Callable[[Any], None]) -> None:
    """Change the JSON of all files of a pattern; of `.ndjson` each line."""
    paths = sorted(folder.glob(pattern))
    assert paths, pattern
    for path in paths:
        values = [json.loads(line) for line in path.read_text().splitlines()] if path.suffix == ".ndjson" else [
            json.loads(path.read_text())]
        for value in values:
            change(value)
        path.write_text("\n".join(json.dumps(v) for v in values))


# ---------------------------------------------------------------- outlines that cross themselves


def bdd100k_outline(frames: Any, name: str, ring: Outline) -> None:
    """Give the first label of an image an outline."""
    for frame in frames:
        if frame["name"] == name:
            frame["labels"][0]["poly2d"] = [{"vertices": ring, "types": "LLLL", "closed": True}]


def cityscapes_outline(document: Any, name: str, ring: Outline) -> None:
    """Change the first polygon."""
    document["objects"][0]["polygon"] = ring


def datumaro_outline(document: Any, name: str, ring: Outline) -> None:
    """Make the first box of an item a polygon."""
    for item in document["items"]:
        if item["image"]["path"] == name:
            item["annotations"][0].update(type="polygon", points=[v for p in ring for v in p])


def labelbox_outline(row: Any, name: str, ring: Outline) -> None:
    """Make the first box of an image a polygon."""
    if row["data_row"]["external_id"] == name:
        first = row["projects"]["p"]["labels"][0]["annotations"]["objects"][0]
        del first["bounding_box"]
        first.update(annotation_kind="ImagePolygon", polygon=[{"x": x, "y": y} for x, y in ring])


def openlabel_outline(document: Any, name: str, ring: Outline) -> None:
    """Make the first box of a frame a polygon."""
    for frame in document["openlabel"]["frames"].values():
        if frame["frame_properties"]["streams"]["cam"]["uri"] == name:
            next(iter(frame["objects"].values()))["object_data"] = {"poly2d": [{
                "name": "outline", "val": [v for p in ring for v in p], "mode": "MODE_POLY2D_ABSOLUTE", "closed": True}]}


def supervisely_outline(document: Any, name: str, ring: Outline) -> None:
    """Make the first rectangle a polygon."""
    document["objects"][0].update(geometryType="polygon", points={"exterior": ring, "interior": []})


def vott_outline(document: Any, name: str, ring: Outline) -> None:
    """Make the first region of an image a polygon."""
    document["assets"][name]["regions"][0].update(type="POLYGON", points=[{"x": x, "y": y} for x, y in ring])


OUTLINES: Mapping[str, tuple[str, Callable[[Any, str, Outline], None]]] = {
    "bdd100k": ("labels/*.json", bdd100k_outline), "cityscapes": ("gtFine/*/*/{stem}_*.json", cityscapes_outline),
    "datumaro": ("annotations/*.json", datumaro_outline), "labelbox": ("export.ndjson", labelbox_outline),
    "openlabel": ("labels.json", openlabel_outline), "supervisely": ("*/ann/{stem}.*", supervisely_outline),
    "vott": ("one-export.json", vott_outline)}
"""Where the outlines are in each format, and what puts one there."""


def crossing(planted: Planted, code: str, folder: Path) -> None:
    """Write a set in which the outline of an object crosses itself."""
    picture = planted.pick()
    write(planted.format, folder, planted.pictures)
    _, a, b, c, d = picture.boxes[0]
    pattern, change = OUTLINES[planted.format]
    documents(folder, pattern.format(stem=Path(picture.name).stem),
              lambda document: change(document, picture.name, [[a, b], [c, d], [c, b], [a, d]]))
    planted.due.append((code, picture.name))


# ---------------------------------------------------------------- classes


def ignored_class(planted: Planted, code: str, folder: Path) -> None:
    """Write a set of which a class is called as regions are that are no objects."""
    for picture in planted.pictures:
        picture.boxes = [("DontCare" if b[0] == "bicycle" else b[0], *b[1:]) for b in picture.boxes]
    write(planted.format, folder, planted.pictures)
    planted.due.append((code, None))


def add_class(document: Any) -> None:
    """Declare one class more."""
    if "assets" in document:
        document["tags"].append({"name": "tram", "color": "#fff"})
    elif "classes" in document:
        document["classes"].append({"title": "tram", "shape": "rectangle"})
    else:
        document["categories"]["label"]["labels"].append({"name": "tram", "parent": "", "attributes": []})


DECLARED = {"datumaro": "annotations/*.json", "supervisely": "meta.json", "vott": "one-export.json"}
"""Where the classes are in JSON."""


def unused_class(planted: Planted, code: str, folder: Path) -> None:
    """Declare a class that no object has."""
    write(planted.format, folder, planted.pictures)
    if planted.format == "vocmask":
        with (folder / "labelmap.txt").open("a") as file:
            file.write("tram:10,20,30::\n")
    else:
        documents(folder, DECLARED[planted.format], add_class)
    planted.due.append((code, None))


def undeclared_class(planted: Planted, code: str, folder: Path) -> None:
    """Give an object the number, or colour, of no class."""
    picture = planted.pick()
    write(planted.format, folder, planted.pictures)
    stem = Path(picture.name).stem
    if planted.format == "datumaro":
        def change(document: Any) -> None:
            for item in document["items"]:
                if item["id"] == stem:
                    item["annotations"][0]["label_id"] = 99

        documents(folder, DECLARED["datumaro"], change)
    elif planted.format == "vocmask":
        path = folder / picture.split / "SegmentationClass" / f"{stem}.png"
        mask = cv2.imread(str(path))
        largest = min(picture.boxes, key=lambda b: (b[1] - b[3]) * (b[4] - b[2]))
        x_min, y_min, x_max, y_max = (round(v) for v in largest[1:])
        mask[y_min:y_max, x_min:x_max] = 9, 8, 7
        cv2.imwrite(str(path), mask)
    else:
        path = next(folder.rglob("gt.txt" if planted.format == "mot" else f"{stem}.txt"))
        rows = path.read_text().splitlines()
        at = 9 if planted.format == "mot" else 0
        values = rows[at].split(",")
        values[-2 if planted.format == "mot" else 5] = "99"
        path.write_text("\n".join([*rows[:at], ",".join(values), *rows[at + 1:]]) + "\n")
    planted.due.append((code, "000010.jpg" if planted.format == "mot" else picture.name))
    planted.consequences |= {"CLS003", "VID001"} if planted.format == "mot" else set()  # no class is another one


# ---------------------------------------------------------------- masks


def no_mask(planted: Planted, code: str, folder: Path) -> None:
    """Put a text in the place of a mask."""
    picture = planted.pick()
    write("vocmask", folder, planted.pictures)
    (folder / picture.split / "SegmentationObject" / f"{Path(picture.name).stem}.png").write_text("no mask")
    planted.due.append((code, picture.name))


def mask_of_another_size(planted: Planted, code: str, folder: Path) -> None:
    """Write the masks of an image in another size than it has."""
    picture = planted.pick()
    picture.declared = (170, 130)
    write("vocmask", folder, planted.pictures)
    planted.due += [(code, picture.name)] * len(picture.boxes)
    planted.consequences.add("IMG004")


PUT: Mapping[str, tuple[Callable[[Planted, str, Path], None], tuple[str, ...]]] = {
    "REC016": (crossing, tuple(OUTLINES)), "CLS003": (unused_class, (*DECLARED, "vocmask")),
    "CLS008": (ignored_class, (*OUTLINES, "odgt", "vocmask")),
    "REC006": (undeclared_class, ("datumaro", "mot", "visdrone", "vocmask")), "REC014": (mask_of_another_size, ("vocmask",)),
    "SRC001": (no_mask, ("vocmask",))}
"""Code to what writes a set with the fault, and the formats in which it does."""
