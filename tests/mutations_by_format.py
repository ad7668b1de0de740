"""Which fault each format can express, and how a record is spoiled in the text of each: for mutate.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from mutate import WRITTEN, draw
from mutations_for_trainers import UNSPLIT
from read_only_sets import ONE_CLASS, WRITERS

OF_CLASSES = ("BOX007", "BOX014", "CLS001", "CLS002", "CLS004", "CLS007", "DST004", "SPL004", "SPL005")
"""Faults between classes, or in the share of one."""
NO_SIZES = ("bdd100k", "odgt", "openlabel", "visdrone", "widerface")
"""Read-only formats whose files declare no sizes of images (BDD100K's need not)."""
UNSAID: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(("IMG004", "CNV006"), NO_SIZES.__contains__), **dict.fromkeys(OF_CLASSES, ONE_CLASS.__contains__),
    "CLS004": ("visdrone", *ONE_CLASS).__contains__, "CLS007": ("visdrone", *ONE_CLASS).__contains__}  # classes are numbers there
"""Code to the read-only formats that have no words for it."""
NO_PLACE_IN_MASKS = ("BOX001", "BOX003", "BOX004", "BOX006", "BOX007", "BOX008", "BOX012", "TRN001", "TRN002", "TRN003")
"""Faults of boxes that no mask has: of no area, beyond the image, or of pixels that another object has too."""
NUMBERS = {
    "bdd100k": r'("x1": )[\d.]+', "cityscapes": r'("polygon": \[\[)[\d.]+', "createml": r'("x": ?)[\d.]+', "cvat": r'(xtl=")[\d.]+',
    "datumaro": r'("bbox": \[)[\d.]+', "dota": r"(?m)^()[\d.]+(?= )", "huggingface": r'("bbox": ?\[\[)[\d.]+',
    "kitti": r"(?m)^((?:\S+ ){4})[\d.]+", "labelbox": r'("left": )[\d.]+', "labelme": r'("points":\s*\[\s*\[\s*)[\d.]+',
    "labelstudio": r'("x": ?)[\d.]+', "mot": r"(?m)^(\d+,-?\d+,)[\d.]+", "odgt": r'("fbox": \[)[\d.]+',
    "openimages": r"(?m)^([^,\n]+,,[^,\n]+,1,)[\d.]+", "openlabel": r'("val": \[)[\d.]+',
    "supervisely": r'("exterior": \[\[)[\d.]+', "table": r"(?m)^([^,\n]+\.jpg,[^,\n]*,[^,\n]+,)[\d.]+", "via": r'("x": ?)[\d.]+',
    "visdrone": r"(?m)^()[\d.]+(?=,)", "vott": r'("left": )[\d.]+', "widerface": r"(?m)^()[1-9][\d.]*(?= [\d.]+ [\d.]+ [\d.]+ 0 0)"}
"""First number of a box in the text of each format that is none of COCO, VOC and YOLO; TFRecord has no text."""
NO_RECORDS = ("conversion.json", "config.xml", "meta.json", "labels.txt", "class-descriptions.csv")
TEXTS = (".csv", ".json", ".jsonl", ".ndjson", ".odgt", ".txt", ".xml")


def read_only_formats(code: str) -> tuple[str, ...]:
    """Return the formats without a writer in which a fault of the pictures and boxes is planted."""
    unsplit = UNSPLIT if code.startswith("SPL") else ()
    return tuple(n for n in sorted(WRITERS) if n not in unsplit and not (code in UNSAID and UNSAID[code](n))
                 and not (n == "vocmask" and code in NO_PLACE_IN_MASKS))


def texts_of(folder: Path) -> list[Path]:
    """Return the files of annotations, in order."""
    return [p for p in sorted(folder.rglob("*")) if p.suffix in TEXTS and p.name not in NO_RECORDS]


def spoil(name: str, folder: Path, value: str) -> None:
    """Put a text, or NaN, in the place of the first number of a box."""
    for path in texts_of(folder):
        text = path.read_text()
        quoted = f'"{value}"' if path.suffix in (".json", ".jsonl", ".ndjson", ".odgt") and value != "NaN" else value
        changed, n = re.subn(NUMBERS[name], lambda m, q=quoted: m[1] + q, text, count=1)  # type: ignore[misc]
        if n:
            path.write_text(changed)
            return
    raise AssertionError(f"no box in a text of {name}")


def wide(name: str, folder: Path) -> None:
    """A text where there is a number."""
    spoil(name, folder, "wide")


def not_a_number(name: str, folder: Path) -> None:
    """NaN where there is a number."""
    spoil(name, folder, "NaN")


def marked(name: str, folder: Path) -> None:
    """A byte order mark before a file of records."""
    path = texts_of(folder)[0]
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def stray(name: str, folder: Path) -> None:
    """An image that no record names, beside those of the set."""
    beside = sorted(folder.rglob("a_05*.jpg"))[0]
    pixels = np.random.default_rng(99).integers(0, 255, (120, 160, 3), np.uint8)
    beside.with_name("stray.jpg").write_bytes(draw.encode(cv2.GaussianBlur(pixels, (0, 0), 3)))


def another_size(name: str, folder: Path) -> None:
    """The image of a frame in another size than its sequence says it has."""
    path = sorted(folder.rglob("*.jpg"))[4]
    path.write_bytes(draw.encode(cv2.resize(cv2.imread(str(path)), (170, 130))))


def exchanged_sides(name: str, folder: Path) -> None:
    """Width and height of all sequences exchanged."""
    for path in folder.rglob("seqinfo.ini"):
        path.write_text(path.read_text().replace("imWidth", "w").replace("imHeight", "imWidth").replace("w=", "imHeight="))


IN_TEXT = tuple(sorted(NUMBERS))
SPOILED: Mapping[str, tuple[Callable[[str, Path], None], tuple[str, ...]]] = {
    "IMG004": (another_size, ("mot",)), "CNV006": (exchanged_sides, ("mot",)),
    "SRC001": (wide, IN_TEXT), "BOX002": (not_a_number, IN_TEXT),
    "SRC002": (stray, tuple(n for n in (*IN_TEXT, "tfrecord") if n not in ("labelme", "mot"))),  # there an image needs no record
    "SRC007": (marked, tuple(n for n in IN_TEXT if n not in ("openimages", "table")))}  # what programs write CSV with
"""Code to what is done to the files of a set, and the formats in which that is the fault."""
CARRIED = {"REC016": ("cvat", "huggingface", "labelme", "labelstudio", "via"), "CLS003": ("cvat", "mot", "openimages", "tfrecord"),
           "CLS008": WRITTEN, "REC006": ("huggingface", "table"),
           **dict.fromkeys(("REC007", "REC009", "REC010", "REC011", "REC014"), ("huggingface",))}
"""Code of a fault of COCO's records to the formats into which converting carries it."""
CONSEQUENCES = {"BOX002": {"SRC001", "REC009"}, "SRC001": {"SRC002"}, "IMG004": {"IMG014"}}
"""What else is true of it: NaN is no JSON, and no polygon's corner either; and where sizes are alike, another one is odd."""
