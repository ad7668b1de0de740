"""Plant each fault of the catalogue in clean sets, and see whether exactly it is found.

    python tests/mutate.py          # prints recall and false alarms per check, as docs/verification.md shows them

A mutation changes a drawn, fault-free set before or after it is written as COCO, VOC or YOLO, and says which findings
are due. Whatever else is found at warning or above is a false alarm, unless the mutation names it as a consequence
(a class with a single box is rare *and* missing from a split: both are true).
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from by_path import module_at

from dsinspect.config import Config
from dsinspect.conversion.pipeline import ConvertRequest, convert
from dsinspect.findings.severity import Severity
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import Plugins, load_plugins
from dsinspect.protocols.run import Run
from dsinspect.protocols.trainers import chosen_trainer

FORMATS = ("coco", "voc", "yolo")
WRITTEN = ("createml", "cvat", "dota", "huggingface", "kitti", "labelme", "labelstudio", "mot", "openimages", "table", "tfrecord",
           "via")
"""Formats that a drawn set is converted to."""
UNSAID: dict[str, tuple[str, ...]] = {
    "IMG001": ("dota", "kitti"),  # the name of an image that is not there is not in its label file
    "IMG004": ("createml", "dota", "kitti", "labelstudio", "mot", "openimages", "tfrecord", "via"),  # none, or the file's
    "CNV005": ("openimages", "tfrecord"),  # boxes are fractions of either frame
    "CNV006": ("createml", "dota", "kitti", "mot", "openimages", "tfrecord", "via"),
    **dict.fromkeys(("BOX013", "SPL003", "SPL007"), ("mot",))}  # frames are named by their numbers, and not by a video
"""What a format has no words for, or what converting a set puts right."""


draw = module_at("sample_data/draw.py", "sample_data_draw")

ANYWHERE = "*"
Due = tuple[str, str | None]
"""Code, and the name of the image's file or None for a finding about something else."""


@dataclass
class Planted:
    """A drawn set on its way to disk.

    Attributes:
        pictures: the pictures with their boxes.
        rng: random choices come from here.
        due: findings that must be there.
        consequences: codes that may be found as well, because they are true.
        after: steps to take once the set is written; each gets its folder.
        options: settings of the run, `CODE.option=value`.
        trainer: `NAME@RELEASE` of the trainer that the run asks, if any.
        format: in which the set is written.
    """

    pictures: list[Any]
    rng: np.random.Generator
    due: list[Due] = field(default_factory=list)
    consequences: set[str] = field(default_factory=set)
    after: list[Callable[[Path], None]] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    trainer: str | None = None
    format: str = ""

    def pick(self, split: str = "train", at_least: int = 1) -> Any:
        """Return a picture of a split with at least so many boxes."""
        fit = [p for p in self.pictures if p.split == split and len(p.boxes) >= at_least]
        return fit[int(self.rng.integers(len(fit)))]


Mutation = Callable[[Planted], None]


def clean_set(seed: int) -> list[Any]:
    """Draw a fault-free set: 50 pictures of 160 x 120 px, three classes, two splits; the caller may change it."""
    return [replace(p, boxes=list(p.boxes)) for p in _drawn(seed)]


@lru_cache(maxsize=4)
def _drawn(seed: int) -> tuple[Any, ...]:
    """Draw once what hundreds of tests begin with."""
    rng = np.random.default_rng(seed)
    return (*draw.draw_images(rng, "a", "train", [(160, 120)] * 36, draw.PATTERNS, 2),
            *draw.draw_images(rng, "b", "val", [(160, 120)] * 14, draw.PATTERNS, 1))


def write(name: str, folder: Path, pictures: list[Any]) -> None:
    """Write pictures as a set of a format."""
    from mutations_of_sets import write_dota, write_mot
    from read_only_sets import WRITERS as READ_ONLY

    others = {**READ_ONLY, "mot": write_mot, "dota": write_dota}
    if name in others:
        others[name](folder, pictures)
    else:
        {"coco": draw.write_coco, "voc": draw.write_voc, "yolo": draw.write_yolo}[name](folder, pictures, draw.Faults())


def run_planted(code: str, name: str, seed: int, folder: Path, plugins: Plugins) -> tuple[Run, Planted]:
    """Plant one fault in one format and inspect the result."""
    planted = Planted(clean_set(seed), np.random.default_rng([seed, 1]), format=name)
    mutation, _ = every_mutation()[code]
    mutation(planted)
    excuse(planted, code)
    write(name, folder, planted.pictures)
    for step in planted.after:
        step(folder)
    return inspected(folder, planted, plugins), planted


def excuse(planted: Planted, code: str = "") -> None:
    """Name what else is true of a set of a format."""
    if planted.format == "visdrone":
        planted.consequences |= {"CLS003", "CLS008"}  # of its twelve classes, one of which is no object, three are used
    if planted.format == "vocmask" and code in ("IMG004", "CNV006"):
        planted.consequences.add("REC014")  # a size is that of a mask there
    if code == "BOX001":
        planted.consequences |= {"dota": {"OBB001"}, "cityscapes": {"REC016"}}.get(planted.format, set())  # no area, no shape
    if code == "IMG001":  # an image that is not there is called as its record says: without suffix, or as Cityscapes names them
        ending = {"odgt": "", "cityscapes": ".png"}.get(planted.format)
        planted.due = [(c, n if n is None or ending is None else f"{Path(n).stem}{ending}") for c, n in planted.due]


def run_spoiled(code: str, name: str, seed: int, folder: Path, plugins: Plugins) -> tuple[Run, Planted]:
    """Write a set in a format, spoil its files and inspect the result; the finding is due wherever."""
    from mutations_by_format import CONSEQUENCES, SPOILED

    planted = Planted(clean_set(seed), np.random.default_rng([seed, 1]), format=name)
    excuse(planted)
    if name in WRITTEN:
        drawn = folder.with_name(f"{folder.name}-drawn")
        write("coco", drawn, planted.pictures)
        convert(ConvertRequest(str(drawn), drawn, out=folder, to=name), plugins)
        (folder / "conversion.json").unlink()
    else:
        write(name, folder, planted.pictures)
    SPOILED[code][0](name, folder)
    planted.due.append((code, ANYWHERE))
    planted.consequences |= CONSEQUENCES.get(code, set())
    return inspected(folder, planted, plugins), planted


def inspected(folder: Path, planted: Planted, plugins: Plugins) -> Run:
    """Inspect a set with the settings and the trainer of its mutation."""
    trainer = None if planted.trainer is None else chosen_trainer(planted.trainer, plugins.trainers)
    return inspect(Request("set", folder, Config().overlay(settings=planted.options), trainer=trainer), plugins)


def written_formats(code: str) -> tuple[str, ...]:
    """Return the formats in which a fault is planted by converting a set that has it: all that can say it.

    A fault that is put into a file after the set is written is one of that format.
    """
    return tuple(n for n in WRITTEN if n not in UNSAID.get(code, ())) if is_drawn(code) else ()


def is_drawn(code: str) -> bool:
    """Say whether a fault is one of the pictures and their boxes, and not of a file that is changed once it is written."""
    planted = Planted(clean_set(0), np.random.default_rng([0, 1]))
    every_mutation()[code][0](planted)
    return not planted.after


def run_converted(code: str, name: str, seed: int, folder: Path, plugins: Plugins) -> tuple[Run, Planted]:
    """Plant one fault, write the set, convert it to a format and inspect the result."""
    planted = Planted(clean_set(seed), np.random.default_rng([seed, 1]), format=name)
    mutation, formats = every_mutation()[code]
    mutation(planted)
    if name == "mot":
        number(planted)
    drawn = folder.with_name(f"{folder.name}-drawn")
    write("coco" if "coco" in formats else "voc", drawn, planted.pictures)
    for step in planted.after:
        step(drawn)
    convert(ConvertRequest(str(drawn), drawn, out=folder, to=name), plugins)
    (folder / "conversion.json").unlink()
    excuse(planted, code)
    return inspected(folder, planted, plugins), planted


def number(planted: Planted) -> None:
    """Name each picture by the number of a frame, as MOT does."""
    names = {p.name: f"{k:06}.jpg" for k, p in enumerate(planted.pictures, 1)}
    for picture in planted.pictures:
        picture.name = names[picture.name]
    planted.due = [(code, name if name is None else names[name]) for code, name in planted.due]


def outcome_of(code: str, run: Run, planted: Planted) -> tuple[int, int, list[str]]:
    """Return how many findings were due, how many of them were found, and the false alarms in words."""
    found = Counter((f.code, f.image.rpartition("/")[2].replace("_leftImg8bit", "") if f.image else None)  # as Cityscapes names it
                    for o in run.outcomes for f in o.iterate())
    if any(image == ANYWHERE for _, image in planted.due):
        found = Counter({(code, ANYWHERE): n for (code, _), n in found.items() if code == planted.due[0][0]})
    due = Counter(planted.due)
    hit = sum((due & found).values())
    excused = {code, *planted.consequences}
    alarms = [f"{f.code} {f.message}" for o in run.outcomes for f in o.iterate()
              if f.severity.rank >= Severity.WARNING.rank and f.code not in excused]
    extra = {k: n for k, n in (found - due).items() if k[0] == code}
    alarms += [f"{k[0]} on {k[1]} ({n} too many)" for k, n in extra.items()]
    return due.total(), hit, alarms


# ---------------------------------------------------------------- boxes


def add_box(planted: Planted, code: str, box: tuple[float, float, float, float], category: str = "car") -> None:
    """Add a box to some picture; a finding is due there."""
    picture = planted.pick()
    picture.boxes.append((category, *box))
    planted.due.append((code, picture.name))


def no_area(p: Planted) -> None:
    x = float(p.rng.integers(5, 150))
    add_box(p, "BOX001", (x, 10, x, 50))


def out_of_bounds(p: Planted) -> None:
    past = float(p.rng.integers(3, 30))
    add_box(p, "BOX003", (120, 2, 160 + past, 40))


def outside(p: Planted) -> None:
    add_box(p, "BOX004", (170 + float(p.rng.integers(1, 90)), 10, 300, 50))


def tiny(p: Planted) -> None:
    add_box(p, "BOX005", (30, 2, 31, 18))


def duplicate(p: Planted) -> None:
    picture = p.pick()
    picture.boxes.append(picture.boxes[0])
    p.due.append(("BOX006", picture.name))


def conflict(p: Planted) -> None:
    picture = p.pick()
    name, *edges = picture.boxes[0]
    picture.boxes.append(("person" if name != "person" else "bicycle", *edges))
    p.due.append(("BOX007", picture.name))


def near_duplicate(p: Planted) -> None:
    picture = p.pick()
    picture.boxes += [("car", 2.0, 2.0, 62.0, 62.0), ("car", 2.0, 2.0, 64.0, 62.0)]
    p.due.append(("BOX008", picture.name))


def extreme_aspect(p: Planted) -> None:
    add_box(p, "BOX009", (2, 2, 152, 6))


def whole_image(p: Planted) -> None:
    add_box(p, "BOX011", (0, 0, 160, 120))


# ---------------------------------------------------------------- image files


def change_file(p: Planted, code: str, change: Callable[[bytes, Any], bytes | None]) -> None:
    """Change the bytes of some picture's file; a finding is due there."""
    picture = p.pick()
    picture.content = change(picture.content, picture)
    p.due.append((code, picture.name))


def redraw(picture: Any, seed: int = 5) -> np.ndarray:
    pixels: np.ndarray = draw.scene(np.random.default_rng(seed), picture.size, picture.boxes)
    return pixels


def missing(p: Planted) -> None:
    change_file(p, "IMG001", lambda content, picture: None)


def undecodable(p: Planted) -> None:
    change_file(p, "IMG002", lambda content, picture: p.rng.bytes(900))


def truncated(p: Planted) -> None:
    part = p.rng.uniform(0.4, 0.95)
    change_file(p, "IMG003", lambda content, picture: content[:int(len(content) * part)])


def size_mismatch(p: Planted) -> None:
    picture = p.pick()
    picture.declared = (170, 130)
    p.due.append(("IMG004", picture.name))


def rotated(p: Planted) -> None:
    change_file(p, "IMG005", lambda content, picture: draw.with_orientation(content, 3))


def grey(p: Planted) -> None:
    change_file(p, "IMG006", lambda content, picture: draw.encode(cv2.cvtColor(redraw(picture), cv2.COLOR_BGR2GRAY)))


def wrong_extension(p: Planted) -> None:
    change_file(p, "IMG007", lambda content, picture: draw.encode(redraw(picture), ".png"))


def duplicate_file(p: Planted) -> None:
    a, b = [q for q in p.pictures if q.split == "train" and q.boxes][:2]
    draw.copy_of(b, a)
    p.due.append(("IMG008", a.name))


def near_duplicate_file(p: Planted) -> None:
    a, b = [q for q in p.pictures if q.split == "train" and q.boxes][:2]
    pixels = cv2.imdecode(np.frombuffer(b.content, np.uint8), cv2.IMREAD_COLOR)
    draw.copy_of(b, a)
    a.content = draw.encode(pixels, quality=70)
    p.due.append(("IMG009", a.name))


def dark(p: Planted) -> None:
    change_file(p, "IMG011", lambda content, picture: draw.encode((redraw(picture) * 0.1).astype(np.uint8)))


def overexposed(p: Planted) -> None:
    change_file(p, "IMG012", lambda content, picture: draw.encode((249 + redraw(picture) * 0.02).astype(np.uint8)))


def flat(p: Planted) -> None:
    change_file(p, "IMG013", lambda content, picture: draw.encode(np.full((120, 160, 3), 120, np.uint8)))


# ---------------------------------------------------------------- sources and records


def text_in_a_number(p: Planted) -> None:
    picture = p.pick()
    picture.boxes[0] = (*picture.boxes[0][:2], 987654.0, *picture.boxes[0][3:])

    def spoil(folder: Path) -> None:
        for path in [*folder.rglob("*.xml"), *folder.rglob("*.json")]:
            text = path.read_text()
            width = int(987654 - picture.boxes[0][1])
            path.write_text(text.replace("987654", "wide").replace(str(width), '"wide"'))
        for path in folder.rglob(f"labels/**/{Path(picture.name).stem}.txt"):
            lines = path.read_text().splitlines()
            lines[0] = "0 0.5 wide 0.1 0.1"
            path.write_text("\n".join(lines) + "\n")

        p.due.append(("SRC001", None if (folder / "annotations").exists() else picture.name))

    p.after.append(spoil)


def orphan_image(p: Planted) -> None:
    def add(folder: Path) -> None:
        beside = next(folder.rglob("a_05.jpg"))
        beside.with_name("stray.jpg").write_bytes(draw.encode(redraw(p.pictures[0], 99)))

    p.after.append(add)
    p.due.append(("SRC002", "stray.jpg"))


def missing_label(p: Planted) -> None:
    p.after.append(lambda folder: next(folder.rglob("labels/train/a_06.txt")).unlink())
    p.due.append(("SRC003", "a_06.jpg"))


def orphan_label(p: Planted) -> None:
    p.after.append(lambda folder: (folder / "labels/train/none.txt").write_text("0 0.5 0.5 0.1 0.1\n"))
    p.due.append(("SRC004", None))


def byte_order_mark(p: Planted) -> None:
    def mark(folder: Path) -> None:
        path = next(iter([*folder.rglob("a_06.txt"), *folder.rglob("instances_train.json")]))
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    p.after.append(mark)
    p.due.append(("SRC007", None))


def code_in_config(p: Planted) -> None:
    def add(folder: Path) -> None:
        with (folder / "data.yaml").open("a") as f:
            f.write("download: |\n  import os; os.system('true')\n")

    p.after.append(add)
    p.due.append(("SRC008", None))


def wrong_class_count(p: Planted) -> None:
    def add(folder: Path) -> None:
        with (folder / "data.yaml").open("a") as f:
            f.write("nc: 9\n")

    p.after.append(add)
    p.due.append(("SRC010", None))


def change_coco(p: Planted, change: Callable[[dict[str, Any]], list[Due]], split: str = "train") -> None:
    """Change the written JSON; `change` returns the findings due."""
    def step(folder: Path) -> None:
        path = folder / "annotations" / f"instances_{split}.json"
        document = json.loads(path.read_text())
        p.due.extend(change(document))
        path.write_text(json.dumps(document, indent=1))

    p.after.append(step)


def image_name(document: dict[str, Any], annotation: dict[str, Any]) -> str:
    return next(i["file_name"] for i in document["images"] if i["id"] == annotation["image_id"])


def duplicate_annotation_id(p: Planted) -> None:
    def change(d: dict[str, Any]) -> list[Due]:
        d["annotations"][4]["id"] = d["annotations"][3]["id"]
        return [("REC003", image_name(d, d["annotations"][4]))]

    change_coco(p, change)


def zero_annotation_id(p: Planted) -> None:
    def change(d: dict[str, Any]) -> list[Due]:
        d["annotations"][7]["id"] = 0
        return [("REC004", image_name(d, d["annotations"][7]))]

    change_coco(p, change)


def duplicate_image_path(p: Planted) -> None:
    def change(d: dict[str, Any]) -> list[Due]:
        d["images"].append({**d["images"][5], "id": 777})
        return [("REC002", d["images"][5]["file_name"])]

    p.consequences |= {"IMG008"}
    change_coco(p, change)


def unknown_image(p: Planted) -> None:
    def change(d: dict[str, Any]) -> list[Due]:
        d["annotations"].append({**d["annotations"][0], "id": 8888, "image_id": 7777})
        return [("REC005", None)]

    change_coco(p, change)


def unknown_category(p: Planted) -> None:
    def coco(d: dict[str, Any]) -> list[Due]:
        d["annotations"][5]["category_id"] = 99
        return [("REC006", image_name(d, d["annotations"][5]))]

    def step(folder: Path) -> None:
        if (folder / "annotations").exists():
            change_coco(p, coco)
            p.after.pop()(folder)
            return
        path = next(folder.rglob("labels/train/a_06.txt"))
        path.write_text("99 0.05 0.05 0.06 0.07\n" + path.read_text())
        p.due.append(("REC006", "a_06.jpg"))

    p.after.append(step)


def wrong_area(p: Planted) -> None:
    def change(d: dict[str, Any]) -> list[Due]:
        d["annotations"][9]["area"] *= 3
        return [("REC007", image_name(d, d["annotations"][9]))]

    change_coco(p, change)


def four_value_polygon(p: Planted) -> None:
    def change(d: dict[str, Any]) -> list[Due]:
        x, y, w, h = d["annotations"][9]["bbox"]
        d["annotations"][9]["segmentation"] = [[x, y, x + w, y + h]]
        return [("REC010", image_name(d, d["annotations"][9]))]

    p.consequences |= {"REC007", "REC009", "REC011"}
    change_coco(p, change)


def odd_polygon(p: Planted) -> None:
    def change(d: dict[str, Any]) -> list[Due]:
        x, y, w, h = d["annotations"][9]["bbox"]
        d["annotations"][9]["segmentation"] = [[x, y, x + w, y, x + w, y + h, x]]
        return [("REC009", image_name(d, d["annotations"][9]))]

    p.consequences |= {"REC007", "REC011"}
    change_coco(p, change)


# ---------------------------------------------------------------- classes, splits, distribution


def rare_class(p: Planted) -> None:
    p.options.append("CLS001.max_ratio=20")
    p.pick().boxes.append(("bus", 2.0, 2.0, 22.0, 22.0))
    p.due.append(("CLS001", None))
    p.consequences |= {"CLS002", "SPL005", "CLS006", "CLS003", "CLS005", "REC006", "SRC010"}


def leak(p: Planted) -> None:
    a = next(q for q in p.pictures if q.split == "train" and q.boxes)
    b = next(q for q in p.pictures if q.split == "val" and q.boxes)
    draw.copy_of(b, a)
    p.due.append(("SPL001", a.name))
    p.consequences |= {"IMG008"}


def backgrounds(p: Planted) -> None:
    for picture in p.pictures:
        if picture.split == "train" and picture.name < "a_08":
            picture.boxes = []
    p.due.append(("DST001", None))


MUTATIONS: dict[str, tuple[Mutation, tuple[str, ...]]] = {
    "BOX001": (no_area, FORMATS), "BOX003": (out_of_bounds, FORMATS), "BOX004": (outside, FORMATS),
    "BOX005": (tiny, FORMATS), "BOX006": (duplicate, FORMATS), "BOX007": (conflict, FORMATS),
    "BOX008": (near_duplicate, FORMATS), "BOX009": (extreme_aspect, FORMATS), "BOX011": (whole_image, FORMATS),
    "IMG001": (missing, ("coco", "voc")), "IMG002": (undecodable, FORMATS), "IMG003": (truncated, FORMATS),
    "IMG004": (size_mismatch, ("coco", "voc")), "IMG005": (rotated, FORMATS), "IMG006": (grey, FORMATS),
    "IMG007": (wrong_extension, FORMATS), "IMG008": (duplicate_file, FORMATS),
    "IMG009": (near_duplicate_file, FORMATS), "IMG011": (dark, FORMATS), "IMG012": (overexposed, FORMATS),
    "IMG013": (flat, FORMATS),
    "SRC001": (text_in_a_number, FORMATS), "SRC002": (orphan_image, ("coco", "voc")),
    "SRC003": (missing_label, ("yolo",)), "SRC004": (orphan_label, ("yolo",)),
    "SRC007": (byte_order_mark, ("coco", "yolo")), "SRC008": (code_in_config, ("yolo",)),
    "SRC010": (wrong_class_count, ("yolo",)),
    "REC002": (duplicate_image_path, ("coco",)), "REC003": (duplicate_annotation_id, ("coco",)),
    "REC004": (zero_annotation_id, ("coco",)), "REC005": (unknown_image, ("coco",)),
    "REC006": (unknown_category, ("coco", "yolo")), "REC007": (wrong_area, ("coco",)),
    "REC009": (odd_polygon, ("coco",)), "REC010": (four_value_polygon, ("coco",)),
    "CLS001": (rare_class, ("voc",)), "SPL001": (leak, FORMATS), "DST001": (backgrounds, FORMATS),
}
"""Code to its mutation and the formats that can express it."""


def every_mutation() -> dict[str, tuple[Mutation, tuple[str, ...]]]:
    """Return the mutations of this file, of mutations_of_sets.py and of mutations_for_trainers.py, by code."""
    from mutations_for_trainers import FOR_TRAINERS
    from mutations_of_sets import MORE

    return dict(sorted({**MUTATIONS, **MORE, **FOR_TRAINERS}.items()))


Planting = Callable[[str, str, int, Path, Plugins], tuple[Run, Planted]]


def plantings(code: str) -> list[tuple[Planting, str]]:
    """Return how a fault is planted in each format that can express it: drawn, converted, shaped, or spoiled afterwards."""
    from mutations_by_format import CARRIED, SPOILED, read_only_formats
    from mutations_of_shapes import run_shaped, shaped_formats

    formats = every_mutation()[code][1]
    runs: list[tuple[Planting, str]] = [(run_planted, n) for n in formats]
    if is_drawn(code):
        runs += [(run_planted, n) for n in read_only_formats(code) if n not in formats]
        runs += [(run_converted, n) for n in written_formats(code)]
    runs += [(run_converted, n) for n in CARRIED.get(code, ())]
    runs += [(run_shaped, n) for n in shaped_formats(code)]
    return runs + [(run_spoiled, n) for n in SPOILED[code][1] if n not in formats] if code in SPOILED else runs


def table(seeds: int = 3) -> str:
    """Return the Markdown table of recall and false alarms per check over some seeds."""
    plugins = load_plugins()
    lines = ["| check | formats | planted | found | recall | false alarms |", "|---|---|---|---|---|---|"]
    for code, (_, formats) in every_mutation().items():
        due = hit = alarms = 0
        runs = plantings(code)
        for plant, name in runs:
            for seed in range(seeds if name in formats else 1):
                with tempfile.TemporaryDirectory() as folder:
                    run, planted = plant(code, name, seed, Path(folder) / "set", plugins)
                wanted, found, wrong = outcome_of(code, run, planted)
                due, hit, alarms = due + wanted, hit + found, alarms + len(wrong)
        names = dict.fromkeys(name for _, name in runs)
        lines.append(f"| {code} | {', '.join(names)} | {due} | {hit} | {hit / max(due, 1):.2f} | {alarms} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
