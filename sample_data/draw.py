"""Draw the sample sets: one set of images with planted faults, written as COCO, VOC, YOLO and a spreadsheet.

    python sample_data/draw.py            # draws again into sample_data/, the same bytes every time

Every fault is planted by a line that also writes it into `faults.json`, which the tests hold against what is found.
Fault-free images make the set `clean`.
"""

from __future__ import annotations

import json
import shutil
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
SEED = 20_240_301
CLASSES = ["car", "person", "bicycle", "bus", "Person", "tram"]
"""Six classes of the faulty set: `bus` is rare, `Person` collides with `person`, no box is a `tram`."""
COCO_IDS = dict(zip(CLASSES, (1, 2, 3, 4, 6, 8), strict=True))
COLOURS = {"car": (60, 60, 200), "person": (80, 170, 60), "bicycle": (200, 120, 40), "bus": (40, 180, 220),
           "Person": (80, 170, 60), "tram": (160, 60, 160)}
ALL = ("coco", "voc", "yolo", "table")

Box = tuple[str, float, float, float, float]


@dataclass
class Image:
    """One image and its records.

    Attributes:
        name: file name.
        split: `train` or `val`.
        size: width and height as stored in the file, px.
        boxes: class, x_min, y_min, x_max, y_max, px.
        declared: width and height the annotation file states.
        content: bytes of the file; None when the file is to be missing.
    """

    name: str
    split: str
    size: tuple[int, int]
    boxes: list[Box] = field(default_factory=list)
    declared: tuple[int, int] = (0, 0)
    content: bytes | None = None


@dataclass
class Faults:
    """The faults planted, one per finding that is due."""

    listed: list[dict[str, Any]] = field(default_factory=list)

    def plant(self, code: str, why: str, image: str | None = None, category: str | None = None,
              formats: tuple[str, ...] = ALL) -> None:
        """Note one fault, and in which formats it can be expressed."""
        self.listed.append({"code": code, "image": image, "category": category, "why": why,
                            "formats": list(formats)})


def scene(rng: np.random.Generator, size: tuple[int, int], boxes: list[Box]) -> np.ndarray:
    """Draw a BGR image: a shaded, textured ground with one shape per box."""
    width, height = size
    coarse = rng.normal(0, 1, (5, 6, 3)).astype(np.float32)
    ground = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC) * 30 + rng.uniform(90, 160, 3).astype(np.float32)
    grain = cv2.resize(rng.normal(0, 9, (height // 2 + 1, width // 2 + 1)).astype(np.float32), size)
    image = np.clip(ground + grain[..., None], 0, 255).astype(np.uint8)
    for name, *edges in boxes:
        x_min, y_min, x_max, y_max = (round(v) for v in edges)
        colour = tuple(int(np.clip(c + rng.integers(-25, 25), 0, 255)) for c in COLOURS[name])
        if name in ("car", "bus", "tram"):
            cv2.rectangle(image, (x_min, y_min), (x_max - 1, y_max - 1), colour, -1)
            cv2.rectangle(image, (x_min + 3, y_min + 3), ((x_min + x_max) // 2, (y_min + y_max) // 2),
                          (230, 225, 215), -1)
        else:
            center, axes = ((x_min + x_max) // 2, (y_min + y_max) // 2), ((x_max - x_min) // 2, (y_max - y_min) // 2)
            cv2.ellipse(image, center, axes, 0, 0, 360, colour, -1)
            cv2.ellipse(image, center, (axes[0] // 2, axes[1] // 2), 0, 0, 360, (215, 220, 230), -1)
    return image


def encode(image: np.ndarray, suffix: str = ".jpg", quality: int = 76) -> bytes:
    """Return the bytes of an image file."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
    return cv2.imencode(suffix, image, options)[1].tobytes()


def layout(rng: np.random.Generator, size: tuple[int, int], classes: list[str]) -> list[Box]:
    """Place one box per class name on a 4 x 3 grid, jittered, without overlap."""
    width, height = size
    cells = rng.permutation(12)[:len(classes)]
    boxes = []
    for name, cell in zip(classes, cells.tolist(), strict=True):
        cell_w, cell_h = width / 4, height / 3
        w, h = cell_w * rng.uniform(0.45, 0.85), cell_h * rng.uniform(0.45, 0.85)
        x = cell % 4 * cell_w + rng.uniform(0.03, 0.97) * (cell_w - w)
        y = cell // 4 * cell_h + rng.uniform(0.03, 0.97) * (cell_h - h)
        boxes.append((name, float(round(x)), float(round(y)), float(round(x + w)), float(round(y + h))))
    return boxes


def draw_images(rng: np.random.Generator, prefix: str, split: str, sizes: list[tuple[int, int]],
             patterns: list[list[str]], backgrounds: int) -> list[Image]:
    """Draw fault-free images, one per size; the first `backgrounds` have no box."""
    drawn = []
    for k, size in enumerate(sizes):
        boxes = [] if k < backgrounds else layout(rng, size, patterns[k % len(patterns)])
        content = encode(scene(rng, size, boxes))
        drawn.append(Image(f"{prefix}_{k:02d}.jpg", split, size, boxes, size, content))
    return drawn


PATTERNS = [["car", "car", "person"], ["bicycle", "bicycle"], ["person", "bicycle", "car", "car"], ["car", "car"],
            ["person", "person"], ["bicycle", "car", "car"], ["car", "person", "bicycle"]]


def faulty(rng: np.random.Generator) -> tuple[list[Image], Faults]:
    """Draw the set with faults that COCO, VOC, YOLO and a table can all express."""
    faults = Faults()
    train_sizes = ([(192, 144)] * 20 + [(96, 72)] * 13 + [(280, 210)] * 13 + [(108, 192)] * 3 + [(256, 128)] * 4)
    val_sizes = [(192, 144)] * 8 + [(96, 72)] * 5 + [(280, 210)] * 5 + [(108, 192)] + [(256, 128)] * 2
    train = draw_images(rng, "train", "train", train_sizes, PATTERNS, 6)
    val = draw_images(rng, "val", "val", val_sizes, PATTERNS, 3)
    faults.plant("SIZ001", "images from 96 x 72 to 280 x 210")
    faults.plant("SIZ002", "portraits of 108 x 192 beside panoramas of 256 x 128")
    faults.plant("DST001", "9 images are drawn without a box")
    by_name = {p.name: p for p in (*train, *val)}

    def target(name: str) -> Image:
        return by_name[name]

    def add_box(code: str, why: str, name: str, box: Box, also: tuple[str, ...] = ALL) -> None:
        target(name).boxes.append(box)
        faults.plant(code, why, name, box[0], also)

    add_box("BOX001", "x_min = x_max", "train_07.jpg", ("car", 100, 20, 100, 60))
    add_box("BOX003", "12 px past the right edge", "train_08.jpg", ("car", 150, 100, 204, 140))
    add_box("BOX004", "wholly to the right of the image", "train_09.jpg", ("car", 300, 20, 340, 60))
    add_box("BOX005", "1 px wide", "train_10.jpg", ("car", 40, 100, 41, 130))
    faults.plant("BOX009", "1 x 30 px", "train_10.jpg", "car")
    first = target("train_11.jpg").boxes[0]
    add_box("BOX006", "the first box again", "train_11.jpg", first)
    name, *edges = target("train_12.jpg").boxes[0]
    other = "bicycle" if name != "bicycle" else "person"
    target("train_12.jpg").boxes.append((other, *edges))
    faults.plant("BOX007", f"one place, {name} and {other}", "train_12.jpg", other)
    target("train_13.jpg").boxes.append(("bus", 10, 100, 60, 140))
    for code, why in (("CLS001", "1 box"), ("CLS002", "1 box"), ("SPL005", "none in val")):
        faults.plant(code, why, None, "bus")
    target("train_14.jpg").boxes.append(("Person", 10, 100, 40, 140))
    faults.plant("CLS002", "1 box", None, "Person")
    faults.plant("CLS001", "1 box", None, "Person")
    faults.plant("SPL005", "none in val", None, "Person")
    faults.plant("CLS004", "`person` and `Person`", None, None)

    target("train_15.jpg").content = None
    faults.plant("IMG001", "no such file", "train_15.jpg", formats=("coco", "voc", "table"))
    faults.plant("SRC004", "its label file is left over", None, formats=("yolo",))
    target("train_16.jpg").content = b""
    faults.plant("IMG002", "0 bytes", "train_16.jpg")
    whole = target("train_17.jpg").content or b""
    target("train_17.jpg").content = whole[:len(whole) * 3 // 4]
    faults.plant("IMG003", "last quarter cut off", "train_17.jpg")
    target("train_18.jpg").declared = (200, 150)
    faults.plant("IMG004", "declared 200 x 150, is 192 x 144", "train_18.jpg", formats=("coco", "voc", "table"))
    rotated = target("train_19.jpg")
    rotated.content = with_orientation(rotated.content or b"", 3)
    faults.plant("IMG005", "EXIF orientation 3", "train_19.jpg")
    grey = target("train_25.jpg")
    grey.content = encode(cv2.cvtColor(scene(rng, grey.size, grey.boxes), cv2.COLOR_BGR2GRAY))
    faults.plant("IMG006", "grey among colour", "train_25.jpg")
    png = target("train_26.jpg")
    png.content = encode(scene(rng, png.size, png.boxes), ".png")
    faults.plant("IMG007", "PNG content under .jpg", "train_26.jpg")
    target("train_39.jpg").content = (target("train_39.jpg").content or b"") + b"written by a camera"
    faults.plant("IMG019", "19 bytes after the end marker", "train_39.jpg")
    group = target("train_40.jpg")
    group.boxes = [("person", 20, 20, 180, 120), *(("person", 30.0 + 50 * k, 40.0, 60.0 + 50 * k, 100.0) for k in range(3))]
    faults.plant("BOX015", "a box over three persons that have boxes", "train_40.jpg", "person")
    twin, other = target("train_41.jpg"), target("train_42.jpg")
    twin.content = encode(cv2.imdecode(np.frombuffer(other.content or b"", np.uint8), cv2.IMREAD_COLOR), quality=60)
    twin.boxes = other.boxes[:1] if len(other.boxes) > 1 else []
    faults.plant("IMG009", "train_42.jpg saved again with another quality", "train_41.jpg")
    faults.plant("DST006", "train_42.jpg without its other boxes", "train_41.jpg")
    copy_of(target("train_20.jpg"), target("train_21.jpg"))
    faults.plant("IMG008", "the same bytes as train_21.jpg", "train_20.jpg")
    copy_of(target("train_22.jpg"), target("val_05.jpg"))
    faults.plant("SPL001", "the same bytes in train and val", "train_22.jpg")
    faults.plant("IMG008", "the same bytes in train and val", "train_22.jpg")
    return [*train, *val], faults


def copy_of(source: Image, target: Image) -> None:
    """Make one image a copy of another, boxes too."""
    target.content, target.size, target.declared, target.boxes = (
        source.content, source.size, source.declared, list(source.boxes))


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Insert an EXIF segment that holds nothing but the orientation."""
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def number(value: float) -> float | int:
    """Write a whole number without a point."""
    return int(value) if float(value).is_integer() else value


def write_coco(folder: Path, drawn: list[Image], faults: Faults) -> None:
    """Write COCO JSON, with the faults that ids make possible; without a fault list, a clean set."""
    (folder / "annotations").mkdir(parents=True)
    next_id = 1
    for split in ("train", "val"):
        images, annotations = [], []
        for k, image in enumerate(p for p in drawn if p.split == split):
            write_image(folder / split, image)
            images.append({"id": k + 1, "file_name": image.name, "width": image.declared[0],
                           "height": image.declared[1]})
            for name, x_min, y_min, x_max, y_max in image.boxes:
                bbox = [number(x_min), number(y_min), number(x_max - x_min), number(y_max - y_min)]
                annotations.append({"id": next_id, "image_id": k + 1, "category_id": COCO_IDS[name], "bbox": bbox,
                                    "area": number(bbox[2] * bbox[3]), "iscrowd": 0, "segmentation": []})
                next_id += 1
        if split == "train" and faults.listed:
            plant_coco(folder, images, annotations, faults)
        used = CLASSES if faults.listed else CLASSES[:3]
        document = {"info": {"description": "dsinspect sample", "version": "1.0"}, "licenses": [], "images": images,
                    "annotations": annotations,
                    "categories": [{"id": COCO_IDS[n], "name": n, "supercategory": "road"} for n in used]}
        text = json.dumps(document, indent=1)
        (folder / "annotations" / f"instances_{split}.json").write_text(text + "\n", encoding="utf-8")


def plant_coco(folder: Path, images: list[dict[str, Any]], annotations: list[dict[str, Any]],
               faults: Faults) -> None:
    """Plant what only COCO can express."""
    coco = ("coco",)
    by_image = {i["id"]: [a for a in annotations if a["image_id"] == i["id"]] for i in images}
    images.append({**images[28], "file_name": "train_again.jpg"})
    (folder / "train" / "train_again.jpg").write_bytes(
        encode(scene(np.random.default_rng(SEED + 1), (192, 144), [])))
    images[-1].update(width=192, height=144)
    faults.plant("REC001", "id of train_28.jpg again", "train_again.jpg", formats=coco)
    images.append({**images[29], "id": 900})
    faults.plant("REC002", "train_29.jpg under a second id", images[29]["file_name"], formats=coco)
    by_image[31][0]["id"] = by_image[32][0]["id"]
    faults.plant("REC003", "one annotation id twice", images[31]["file_name"], formats=coco)
    by_image[33][0]["id"] = 0
    faults.plant("REC004", "annotation id 0", images[32]["file_name"], formats=coco)
    template = {"category_id": 1, "bbox": [5, 5, 20, 20], "area": 400, "iscrowd": 0, "segmentation": []}
    annotations.append({"id": 9001, "image_id": 4242, **template})
    faults.plant("REC005", "image id 4242", None, "car", formats=coco)
    annotations.append({"id": 9002, "image_id": 35, **template, "category_id": 99, "bbox": [1, 1, 14, 15], "area": 210})
    faults.plant("REC006", "category id 99", images[34]["file_name"], formats=coco)
    annotations.append({"id": 9003, "image_id": 36, **template, "bbox": [5, "five", 20, 20]})
    faults.plant("SRC001", "text in a number", None, formats=coco)
    crossed = by_image[38][0]
    x, y, w, h = crossed["bbox"]
    crossed["segmentation"], crossed["area"] = [[x, y, x + w, y + h, x + w, y, x, y + h]], 0
    faults.plant("REC016", "an hourglass", images[37]["file_name"], formats=coco)
    by_image[39][0]["keypoints"] = [10, 10]
    faults.plant("KPT001", "two numbers instead of triples", images[38]["file_name"], formats=coco)
    faults.plant("CLS009", "ids 1, 2, 3, 4, 6, 8: not RT-DETR's 0 to 5", None, formats=coco)
    faults.plant("CLS009", "ids 1, 2, 3, 4, 6, 8: not torchvision's 1 to 6", None, formats=coco)


def write_voc(folder: Path, drawn: list[Image], faults: Faults) -> None:
    """Write Pascal VOC XML."""
    (folder / "Annotations").mkdir(parents=True)
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    for image in drawn:
        write_image(folder / "JPEGImages", image)
        objects = "".join(
            f"\t<object>\n\t\t<name>{escape(name)}</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n"
            f"\t\t<difficult>0</difficult>\n\t\t<bndbox>\n\t\t\t<xmin>{number(box[0])}</xmin>\n"
            f"\t\t\t<ymin>{number(box[1])}</ymin>\n\t\t\t<xmax>{number(box[2])}</xmax>\n"
            f"\t\t\t<ymax>{number(box[3])}</ymax>\n\t\t</bndbox>\n\t</object>\n" for name, *box in image.boxes)
        (folder / "Annotations" / f"{Path(image.name).stem}.xml").write_text(
            f"<annotation>\n\t<folder>JPEGImages</folder>\n\t<filename>{image.name}</filename>\n\t<size>\n"
            f"\t\t<width>{image.declared[0]}</width>\n\t\t<height>{image.declared[1]}</height>\n"
            f"\t\t<depth>3</depth>\n\t</size>\n\t<segmented>0</segmented>\n{objects}</annotation>\n", encoding="utf-8")
    for split in ("train", "val"):
        stems = [Path(p.name).stem for p in drawn if p.split == split]
        (folder / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(stems) + "\n", encoding="utf-8")
    if faults.listed:
        path = folder / "Annotations" / "train_36.xml"
        path.write_text(path.read_text().replace("</annotation>", "\t<object>\n\t\t<name>car</name>\n\t\t<bndbox>\n"
                        "\t\t\t<xmin>5</xmin>\n\t\t\t<ymin>five</ymin>\n\t\t\t<xmax>25</xmax>\n\t\t\t<ymax>25</ymax>\n"
                        "\t\t</bndbox>\n\t</object>\n</annotation>"), encoding="utf-8")
        faults.plant("SRC001", "text in a number", "train_36.jpg", formats=("voc",))


def write_yolo(folder: Path, drawn: list[Image], faults: Faults) -> None:
    """Write YOLO label files; fractions are of the image as displayed."""
    for image in drawn:
        write_image(folder / "images" / image.split, image)
        width, height = image.size
        rows = "".join(
            f"{CLASSES.index(name)} {(x_min + x_max) / 2 / width:.6f} {(y_min + y_max) / 2 / height:.6f} "
            f"{(x_max - x_min) / width:.6f} {(y_max - y_min) / height:.6f}\n"
            for name, x_min, y_min, x_max, y_max in image.boxes)
        label = folder / "labels" / image.split / f"{Path(image.name).stem}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text(rows, encoding="utf-8")
    names = CLASSES if faults.listed else CLASSES[:3]
    nc = ""
    if faults.listed:
        yolo = ("yolo",)
        nc = "nc: 7\n"
        faults.plant("SRC010", "nc says 7, names has 6", None, formats=yolo)
        labels = folder / "labels" / "train"
        with (labels / "train_36.txt").open("a", encoding="utf-8") as f:
            f.write("0 0.5 0.5 0.1\n")
        faults.plant("SRC001", "a row of 4 columns", "train_36.jpg", formats=yolo)
        with (labels / "train_34.txt").open("a", encoding="utf-8") as f:
            f.write("99 0.1 0.1 0.12 0.13\n")
        faults.plant("REC006", "class 99 of 6", "train_34.jpg", formats=yolo)
        rows = (labels / "train_37.txt").read_text(encoding="utf-8").splitlines(keepends=True)
        (labels / "train_37.txt").write_text(rows[0].rstrip("\n") + " 0.87\n" + "".join(rows[1:]), encoding="utf-8")
        faults.plant("SRC011", "a confidence after a box", "train_37.jpg", formats=yolo)
        rows = (labels / "train_38.txt").read_text(encoding="utf-8").splitlines(keepends=True)
        (labels / "train_38.txt").write_text(rows[0] + "  \n" + "".join(rows[1:]), encoding="utf-8")
        faults.plant("SRC012", "two spaces on a line", "train_38.jpg", formats=yolo)
        (labels / "train_00.txt").unlink()
        faults.plant("SRC003", "an image without a label file", "train_00.jpg", formats=yolo)
        (labels / "nobody.txt").write_text("0 0.5 0.5 0.1 0.1\n", encoding="utf-8")
        faults.plant("SRC004", "a label file without an image", None, formats=yolo)
    listed = "".join(f"  {k}: {n}\n" for k, n in enumerate(names))
    (folder / "data.yaml").write_text(f"train: images/train\nval: images/val\n{nc}names:\n{listed}", encoding="utf-8")


def write_table(folder: Path, drawn: list[Image], faults: Faults) -> None:
    """Write a spreadsheet with one row a box; an image without boxes has one row with an empty box."""
    from openpyxl import Workbook

    folder.mkdir(parents=True)
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "boxes"
    sheet.append(["image", "split", "width", "height", "class", "x_min", "y_min", "x_max", "y_max", "annotator"])
    for image in drawn:
        write_image(folder / "images", image)
        for name, *box in image.boxes or [(None, None, None, None, None)]:
            sheet.append([image.name, image.split, *image.declared, name,
                          *(v if v is None else number(v) for v in box), "kim" if len(image.name) % 2 else "sam"])
    if faults.listed:
        sheet.append(["train_36.jpg", "train", 256, 128, "car", 5, "five", 25, 25, "kim"])
        faults.plant("SRC001", "text in a number", "train_36.jpg", formats=("table",))
    path = folder / "boxes.xlsx"
    workbook.save(path)
    fix_times(path)


def fix_times(path: Path) -> None:
    """Write a workbook's parts again with fixed times, so that the same drawing gives the same bytes."""
    import re

    parts = {i.filename: zipfile.ZipFile(path).read(i) for i in zipfile.ZipFile(path).infolist()}
    stamp = rb"\g<1>2024-02-29T00:00:00Z\g<2>"
    parts["docProps/core.xml"] = re.sub(rb"(<dcterms:\w+[^>]*>)[^<]*(<)", stamp, parts["docProps/core.xml"])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


def write_image(folder: Path, image: Image) -> None:
    """Write an image's file unless it is to be missing."""
    folder.mkdir(parents=True, exist_ok=True)
    if image.content is not None:
        (folder / image.name).write_bytes(image.content)


def plant_orphan(folder: Path, rng: np.random.Generator) -> None:
    """Put an image that no record names beside the others."""
    (folder / "stray.jpg").write_bytes(encode(scene(rng, (192, 144), [])))


def small_coco(folder: Path, drawn: list[Image], names: list[str]) -> None:
    """Write a COCO set of images in folders of their splits, its ids 0 to n - 1."""
    number = {name: k for k, name in enumerate(names)}
    key = 0
    for split in dict.fromkeys(p.split for p in drawn):
        own = [p for p in drawn if p.split == split]
        (folder / split).mkdir(parents=True)
        annotations = []
        for k, image in enumerate(own):
            assert image.content is not None
            (folder / split / image.name).write_bytes(image.content)
            for name, x0, y0, x1, y1 in image.boxes:
                key += 1
                annotations.append({"id": key, "image_id": k, "category_id": number[name], "iscrowd": 0,
                                    "bbox": [number_of(v) for v in (x0, y0, x1 - x0, y1 - y0)],
                                    "area": number_of((x1 - x0) * (y1 - y0))})
        document = {"images": [{"id": k, "file_name": p.name, "width": p.size[0], "height": p.size[1]} for k, p in enumerate(own)],
                    "annotations": annotations, "categories": [{"id": k, "name": n} for n, k in number.items()]}
        (folder / split / "_annotations.coco.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def number_of(value: float) -> float | int:
    """Return a whole number as one."""
    return int(value) if value == int(value) else value


def write_frames(folder: Path, faults: Faults) -> None:
    """Write frames of a film, every second one for validation, with what a tracker and a tiler leave behind."""
    rng = np.random.default_rng(SEED + 5)
    drawn = draw_images(rng, "frame", "train", [(160, 120)] * 40, PATTERNS, 0)
    for k, image in enumerate(drawn):
        image.name, image.split = f"film_mp4-{k:03d}.jpg", "val" if k % 4 == 3 else "train"
    faults.plant("SPL007", "every fourth frame of a film is in val", formats=("frames",))
    faults.plant("SPL003", "every fourth frame of a film is in val", drawn[0].name, formats=("frames",))
    for image in [p for p in drawn if p.split == "train"][:6]:
        image.boxes.append(("bus", 2.0, 2.0, 34.0, 28.0))
    faults.plant("BOX013", "one box in 6 frames, left on by a tracker", drawn[0].name, "bus", formats=("frames",))
    full = drawn[18]
    full.boxes = [("seat", float(x), float(y), x + 5.0, y + 5.0) for y in range(6, 110, 8) for x in range(6, 150, 6)][:305]
    full.boxes += [("seat", 0.0, y, 2.0, y + 5.0) for y in (6.0, 30.0, 54.0, 78.0, 102.0)]
    full.content = encode(scene(rng, full.size, [("car", *edges) for _, *edges in full.boxes]))
    faults.plant("DST005", "310 boxes", full.name, formats=("frames",))
    faults.plant("DST002", "310 boxes", full.name, formats=("frames",))
    for _ in range(5):
        faults.plant("BOX010", "2 of the usual 5 px", full.name, "seat", formats=("frames",))
        faults.plant("BOX014", "2 px at the edge of the image, left by a tiler", full.name, "seat", formats=("frames",))
    tiny = drawn[24]
    tiny.size = tiny.declared = (64, 8)
    tiny.boxes = [("car", 20.0, 1.0, 44.0, 7.0)]
    tiny.content = encode(scene(rng, tiny.size, []))
    for code in ("IMG020", "IMG014", "IMG015"):
        faults.plant(code, "64 x 8 px", tiny.name, formats=("frames",))
    drawn[30].boxes.append(("DontCare", 100.0, 2.0, 150.0, 20.0))
    faults.plant("CLS008", "a class of regions to ignore", None, "DontCare", formats=("frames",))
    for name, n in (("DontCare", "1 box"), ("bus", "6 boxes"), ("seat", "310 boxes of 1 image")):
        faults.plant("CLS002", n, None, name, formats=("frames",))
        faults.plant("SPL005", "none in val", None, name, formats=("frames",))
        if name != "seat":
            faults.plant("CLS001", n, None, name, formats=("frames",))
    small_coco(folder, drawn, ["car", "person", "bicycle", "bus", "DontCare", "seat"])


def write_rotated(folder: Path, faults: Faults) -> None:
    """Write images with rotated boxes as DOTA, one of which is no rectangle."""
    rng = np.random.default_rng(SEED + 6)
    (folder / "images").mkdir(parents=True)
    (folder / "labelTxt").mkdir()
    for k in range(4):
        image = scene(rng, (160, 120), [])
        rows = []
        for n in range(3):
            centre, half, angle = np.array([30 + 50 * n, 40 + 12 * k]), np.array([18, 8]), 0.2 + 0.35 * (n + k)
            axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            corners = centre + np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half @ axes
            if (k, n) == (2, 1):
                corners[2] += (9, -7)
            cv2.fillPoly(image, [corners.round().astype(np.int32)], (60, 60, 200))
            rows.append(" ".join(f"{v:.1f}" for v in corners.ravel()) + " ship 0\n")
        (folder / "images" / f"port_{k}.png").write_bytes(encode(image, ".png"))
        (folder / "labelTxt" / f"port_{k}.txt").write_text("".join(rows), encoding="utf-8")
    faults.plant("OBB001", "four corners that are no rectangle", "port_2.png", "ship", formats=("rotated",))
    faults.plant("CLS002", "12 boxes in 4 images", None, "ship", formats=("rotated",))


def write_tracks(folder: Path, faults: Faults) -> None:
    """Write a film of three walkers as MOT: one changes its class, one is gone for two frames, one jumps."""
    rng = np.random.default_rng(SEED + 7)
    sequence = folder / "train" / "walk"
    (sequence / "img1").mkdir(parents=True)
    (sequence / "gt").mkdir()
    rows = []
    for frame in range(1, 31):
        (sequence / "img1" / f"{frame:06d}.jpg").write_bytes(encode(scene(rng, (160, 120), [])))
        for track in (1, 2, 3):
            x, y = 8 + 4 * frame, 4 + 38 * (track - 1)
            if track == 3 and frame > 20:
                x -= 85
            if track == 2 and frame in (10, 11):
                continue
            rows.append(f"{frame},{track},{x},{y},16,30,1,{3 if track == 1 and frame > 15 else 1},1\n")
    (sequence / "gt" / "gt.txt").write_text("".join(rows), encoding="utf-8")
    (sequence / "seqinfo.ini").write_text(
        "[Sequence]\nname=walk\nimDir=img1\nframeRate=10\nseqLength=30\nimWidth=160\nimHeight=120\nimExt=.jpg\n", encoding="utf-8")
    for name in ("bicycle", "crowd", "distractor", "motorbike", "non motorized vehicle", "occluder", "occluder full",
                 "occluder on the ground", "person on vehicle", "reflection", "static person"):
        faults.plant("CLS003", "a class of MOT without a box", None, name, formats=("tracks",))
    faults.plant("CLS002", "15 boxes", None, "car", formats=("tracks",))
    faults.plant("VID001", "track 1 becomes a car", "000016.jpg", formats=("tracks",))
    faults.plant("VID002", "track 2 is gone for two frames", "000012.jpg", formats=("tracks",))
    faults.plant("VID003", "track 3 jumps 81 px back", "000021.jpg", formats=("tracks",))


def draw(out: Path) -> list[dict[str, Any]]:
    """Draw every set into `out` and return the faults planted."""
    drawn, faults = faulty(np.random.default_rng(SEED))
    writers: dict[str, Callable[[Path, list[Image], Faults], None]] = {
        "coco": write_coco, "voc": write_voc, "yolo": write_yolo, "table": write_table}
    for name, write in writers.items():
        shutil.rmtree(out / name, ignore_errors=True)
        write(out / name, drawn, faults)
    for folder in ("coco/train", "voc/JPEGImages", "table/images"):
        plant_orphan(out / folder, np.random.default_rng(SEED + 2))
    faults.plant("SRC002", "an image that no record names", "stray.jpg", formats=("coco", "voc", "table"))
    faults.plant("CLS003", "no box is a tram", None, "tram", formats=("coco", "yolo"))
    faults.plant("CLS005", "ids 1, 2, 3, 4, 6, 8", None, formats=("coco",))
    rng = np.random.default_rng(SEED + 3)
    clean = [*draw_images(rng, "train", "train", [(160, 120)] * 36, PATTERNS, 2),
             *draw_images(rng, "val", "val", [(160, 120)] * 14, PATTERNS, 1)]
    shutil.rmtree(out / "clean", ignore_errors=True)
    write_coco(out / "clean", clean, Faults())
    for name, write_small in (("frames", write_frames), ("rotated", write_rotated), ("tracks", write_tracks)):
        shutil.rmtree(out / name, ignore_errors=True)
        write_small(out / name, faults)
    listed = sorted(faults.listed, key=lambda f: (f["code"], f["image"] or "", f["category"] or "", f["formats"]))
    (out / "faults.json").write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
    (out / "README.md").write_text(readme(listed), encoding="utf-8")
    return listed


def readme(listed: list[dict[str, Any]]) -> str:
    """Return the list of faults for people."""
    rows = "".join(f"| {f['code']} | {f['image'] or ''} | {f['category'] or ''} | {f['why']} | {', '.join(f['formats'])} |\n"
                   for f in listed)
    return (
        "# Sample sets\n\n"
        "One drawn set of images with planted faults, written as COCO (`coco/`), Pascal VOC (`voc/`), YOLO (`yolo/`)\n"
        "and a spreadsheet (`table/`); and `clean/`, a COCO set without a fault. Three small sets show what only they can:\n"
        "`frames/` (COCO), frames of a film; `rotated/` (DOTA), rotated boxes; `tracks/` (MOT), tracks of a film.\n"
        "`python sample_data/draw.py` draws them again; `faults.json` is the list below for programs.\n\n"
        "    dsinspect report sample_data/coco\n\n"
        "| code | image | class | what was done | formats |\n|---|---|---|---|---|\n" + rows)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    planted = draw(target)
    checksum = zlib.crc32(b"".join(p.read_bytes() for p in sorted(target.rglob("*.jpg"))))
    print(f"{len(planted)} faults planted in {target}; images {checksum:08x}")
