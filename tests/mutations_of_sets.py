"""Mutations that change a set as a whole, or that need another writer: the second half of the catalogue for mutate.py."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mutate import FORMATS, Due, Mutation, Planted, add_box, change_coco, change_file, draw, image_name, redraw

XYXY = tuple[float, float, float, float]


def not_finite(p: Planted) -> None:
    picture = p.pick()
    stem = Path(picture.name).stem

    def step(folder: Path) -> None:
        xml, label, coco = (folder / "Annotations" / f"{stem}.xml", next(folder.rglob(f"{stem}.txt"), None),
                            folder / "annotations" / "instances_train.json")
        if coco.exists():
            document = json.loads(coco.read_text())
            number = next(i["id"] for i in document["images"] if i["file_name"] == picture.name)
            next(a for a in document["annotations"] if a["image_id"] == number)["bbox"][0] = float("nan")
            coco.write_text(json.dumps(document))
        elif xml.exists():
            text = xml.read_text()
            at = text.index("<xmin>")
            xml.write_text(text[:at] + "<xmin>nan" + text[text.index("</xmin>"):])
        elif label:
            rows = label.read_text().split("\n")
            label.write_text("\n".join([rows[0].split()[0] + " nan 0.5 0.1 0.1", *rows[1:]]))

    p.after.append(step)
    p.due.append(("BOX002", picture.name))


def size_outlier(p: Planted) -> None:
    add_box(p, "BOX010", (2, 2, 5, 5))


def crowded(p: Planted) -> None:
    picture = p.pick()
    picture.boxes = [("car", 10.0 + 4 * k, 10.0, 50.0 + 4 * k, 50.0) for k in range(6)]
    p.due.append(("BOX012", picture.name))


def ambiguous_stem(p: Planted) -> None:
    picture = p.pick()

    def step(folder: Path) -> None:
        path = next(folder.rglob(picture.name))
        path.with_suffix(".png").write_bytes(draw.encode(redraw(picture, 77), ".png"))
        p.due.append(("SRC005", path.with_suffix(".png").name))

    p.after.append(step)


def backslash(p: Planted) -> None:
    def change(d: dict[str, Any]) -> list[Due]:
        d["images"][4]["file_name"] = "train\\" + d["images"][4]["file_name"]
        return [("SRC006", d["images"][4]["file_name"].rpartition("\\")[2])]

    change_coco(p, change)


def stale_cache(p: Planted) -> None:
    def step(folder: Path) -> None:
        cache = folder / "labels" / "train.cache"
        cache.write_bytes(b"x")
        os.utime(cache, (1_000_000, 1_000_000))
        p.due.append(("SRC009", None))

    p.after.append(step)


def duplicate_image_id(p: Planted) -> None:
    def change(d: dict[str, Any]) -> list[Due]:
        gone = d["images"][6]["id"]
        d["images"][6]["id"] = d["images"][5]["id"]
        d["annotations"] = [a for a in d["annotations"] if a["image_id"] != gone]
        return [("REC001", d["images"][6]["file_name"])]

    change_coco(p, change)


def missing_fields(p: Planted) -> None:
    def change(d: dict[str, Any]) -> list[Due]:
        del d["annotations"][3]["iscrowd"]
        del d["annotations"][4]["area"]
        return [("REC008", None), ("REC008", None)]

    change_coco(p, change)


def annotation_change(code: str, change: Callable[[dict[str, Any]], None], *consequences: str, image: bool = True) -> Mutation:
    """Return a mutation of one COCO annotation."""
    def mutation(p: Planted) -> None:
        def step(d: dict[str, Any]) -> list[Due]:
            a = d["annotations"][int(p.rng.integers(len(d["annotations"])))]
            name = image_name(d, a)
            change(a)
            return [(code, name if image else None)]

        p.consequences |= set(consequences)
        change_coco(p, step)

    return mutation


def moved_polygon(a: dict[str, Any]) -> None:
    x, y, w, h = a["bbox"]
    a["segmentation"] = [[x, y, x + w + 9, y, x + w + 9, y + h, x, y + h]]
    a["area"] = (w + 9) * h


def text_id(a: dict[str, Any]) -> None:
    a["image_id"] = str(a["image_id"])


def wrong_mask(a: dict[str, Any]) -> None:
    a.update(segmentation={"counts": [0, 19200], "size": [160, 120]})


def plain_crowd(a: dict[str, Any]) -> None:
    a["iscrowd"] = 1


def mixed_rows(p: Planted) -> None:
    picture = p.pick()

    def step(folder: Path) -> None:
        with next(folder.rglob(f"{Path(picture.name).stem}.txt")).open("a") as f:
            f.write("0 0.02 0.02 0.2 0.02 0.2 0.2\n")

    p.after.append(step)
    p.due.append(("REC012", picture.name))


def new_class(code: str, name: str, boxes: int, *consequences: str) -> Mutation:
    """Return a mutation that gives boxes a class that is not in the clean set; formats of names only."""
    def mutation(p: Planted) -> None:
        for picture in [q for q in p.pictures if q.boxes][:boxes]:
            picture.boxes[0] = (name, *picture.boxes[0][1:])
        p.due.append((code, None))
        p.consequences |= set(consequences)

    return mutation


def unused_class(p: Planted) -> None:
    def step(folder: Path) -> None:
        for path in folder.rglob("instances_*.json"):
            d = json.loads(path.read_text())
            d["categories"].append({"id": 4, "name": "tram", "supercategory": "road"})
            path.write_text(json.dumps(d))
        if (folder / "data.yaml").exists():
            with (folder / "data.yaml").open("a") as f:
                f.write("  3: tram\n")

    p.after.append(step)
    p.due.append(("CLS003", None))


def id_gap(p: Planted) -> None:
    def step(folder: Path) -> None:
        for path in folder.rglob("instances_*.json"):
            d = json.loads(path.read_text())
            for thing in (*d["categories"], *d["annotations"]):
                key = "id" if "name" in thing else "category_id"
                thing[key] = 7 if thing[key] == 3 else thing[key]
            path.write_text(json.dumps(d))

    p.after.append(step)
    p.due.append(("CLS005", None))


def other_classes(p: Planted) -> None:
    def change(d: dict[str, Any]) -> list[Due]:
        d["categories"][1]["name"], d["categories"][0]["name"] = d["categories"][0]["name"], d["categories"][1]["name"]
        return [("CLS006", None)]

    p.consequences |= {"SPL004"}
    change_coco(p, change, "val")


def mirrored(p: Planted) -> None:
    for picture in p.pictures:
        picture.boxes = [(f"{'left' if k % 2 else 'right'}_wheel" if b[0] == "car" else b[0], *b[1:])
                         for k, b in enumerate(picture.boxes)]
    p.due.append(("CLS007", None))
    p.consequences |= {"SPL004"}


def blurry(p: Planted) -> None:
    change_file(p, "IMG010", lambda content, picture: draw.encode(cv2.GaussianBlur(redraw(picture), (0, 0), 9)))


def odd_size(p: Planted) -> None:
    _resize_one(p, "IMG014", (480, 360))


def odd_aspect(p: Planted) -> None:
    _resize_one(p, "IMG015", (480, 90), "IMG014")


def _resize_one(p: Planted, code: str, size: tuple[int, int], *consequences: str) -> None:
    picture = p.pick()
    picture.boxes = [("car", 4.0, 4.0, 44.0, 44.0)]
    picture.size = picture.declared = size
    picture.content = draw.encode(draw.scene(np.random.default_rng(8), size, picture.boxes))
    p.due.append((code, picture.name))
    p.consequences |= set(consequences)


def huge(p: Planted) -> None:
    p.options.append("IMG016.max_pixels=100000")
    _resize_one(p, "IMG016", (480, 360), "IMG014")


def animated(p: Planted) -> None:
    frame = (b"\x21\xf9\x04\0\0\0\0\0" b"\x2c\0\0\0\0\xa0\0\x78\0\0" b"\x08\x04\0\x01\x04\x04\0")
    gif = b"GIF89a\xa0\0\x78\0\xf0\0\0\0\0\0\xff\xff\xff" + frame * 2 + b"\x3b"
    change_file(p, "IMG017", lambda content, picture: gif)
    p.consequences |= {"IMG007", "IMG002", "IMG006"}


def grey_in_colour(p: Planted) -> None:
    def grey(content: bytes, picture: Any) -> bytes:
        flat = cv2.cvtColor(redraw(picture), cv2.COLOR_BGR2GRAY)
        return bytes(draw.encode(cv2.cvtColor(flat, cv2.COLOR_GRAY2BGR)))

    change_file(p, "IMG018", grey)


def rescale(p: Planted, factors: Callable[[int, Any], tuple[float, float]]) -> None:
    """Draw every picture anew in another size, with its boxes."""
    for k, picture in enumerate(p.pictures):
        fx, fy = factors(k, picture)
        w, h = picture.size
        picture.size = picture.declared = (round(w * fx), round(h * fy))
        picture.boxes = [(n, round(a * fx), round(b * fy), round(c * fx), round(d * fy)) for n, a, b, c, d in picture.boxes]
        picture.content = draw.encode(draw.scene(np.random.default_rng(k + 900), picture.size, picture.boxes))


def size_spread(p: Planted) -> None:
    rescale(p, lambda k, q: (1.0, 1.0) if k % 2 else (3.0, 3.0))
    p.due.append(("SIZ001", None))


def aspect_spread(p: Planted) -> None:
    rescale(p, lambda k, q: (1.0, 1.0) if k % 2 else (0.75, 1.33))
    p.due.append(("SIZ002", None))


def small_objects(p: Planted) -> None:
    for picture in p.pictures:
        picture.boxes = [(n, a, b, a + 3, b + 3) for n, a, b, _, _ in picture.boxes]
    p.options.append("SIZ003.imgsz=320")
    p.due.append(("SIZ003", None))
    p.consequences |= {"BOX005"}


def wrong_anchors(p: Planted) -> None:
    p.options += ["SIZ004.anchors=2,2 3,3", "SIZ004.min_boxes=20"]
    p.due.append(("SIZ004", None))


def many_boxes(p: Planted) -> None:
    picture = p.pick()
    picture.boxes = [("car", 2 + 20.0 * (k % 7), 2 + 20.0 * (k // 7), 18 + 20.0 * (k % 7), 18 + 20.0 * (k // 7))
                     for k in range(28)]
    p.due.append(("DST002", picture.name))


def centred(p: Planted) -> None:
    for picture in p.pictures:
        picture.boxes = [(n, 60.0 + k * 4, 40.0, 90.0 + k * 4, 70.0 + k * 5) for k, (n, *_) in enumerate(picture.boxes)]
    p.options.append("DST003.min_boxes=50")
    p.due.append(("DST003", None))
    p.consequences |= {"BOX007", "BOX008", "BOX012"}


def companions(p: Planted) -> None:
    n = 0
    for k, picture in enumerate(p.pictures):
        names = [b[0] for b in picture.boxes]
        if "bicycle" in names:  # never without a person, now and then without a car
            wanted = ["bicycle", "person", *(["car"] if k % 2 else [])]
            picture.boxes = draw.layout(p.rng, picture.size, wanted)
            picture.content = draw.encode(draw.scene(np.random.default_rng(k + 500), picture.size, picture.boxes))
            n += 1
    p.options += [f"DST004.min_images={n}"]
    p.due.append(("DST004", None))
    p.consequences |= {"SPL004"}


def near_leak(p: Planted) -> None:
    a = next(q for q in p.pictures if q.split == "train" and q.boxes)
    b = next(q for q in p.pictures if q.split == "val" and q.boxes)
    pixels = cv2.imdecode(np.frombuffer(b.content, np.uint8), cv2.IMREAD_COLOR)
    draw.copy_of(b, a)
    a.content = draw.encode(pixels, quality=70)
    p.due.append(("SPL002", a.name))
    p.consequences |= {"IMG009"}


def video(p: Planted) -> None:
    for k, picture in enumerate([next(q for q in p.pictures if q.split == s) for s in ("train", "val")]):
        picture.name = f"clip_mp4-{k + 10}.jpg"
    p.due.append(("SPL003", "clip_mp4-10.jpg"))


def overlapping_lists(p: Planted) -> None:
    def step(folder: Path) -> None:
        lists = folder / "ImageSets" / "Main"
        first = (lists / "train.txt").read_text().splitlines()[0]
        with (lists / "val.txt").open("a") as file:
            file.write(f"{first}\n")
        p.due.append(("SPL008", f"{first}.jpg"))

    p.after.append(step)


def class_drift(p: Planted) -> None:
    for picture in p.pictures:
        if picture.split == "val":
            picture.boxes = [("bicycle" if k or b[0] != "person" else b[0], *b[1:]) for k, b in enumerate(picture.boxes)]
            picture.boxes += [("car", 150.0, 110.0, 158.0, 118.0)] if picture.boxes and picture.name.endswith("05.jpg") else []
    p.options.append("SPL004.min_boxes=20")
    p.due.append(("SPL004", None))


def class_missing(p: Planted) -> None:
    for picture in p.pictures:
        if picture.split == "val":
            picture.boxes = [("car" if b[0] == "bicycle" else b[0], *b[1:]) for b in picture.boxes]
    p.due.append(("SPL005", None))
    p.consequences |= {"SPL004"}


def size_drift(p: Planted) -> None:
    rescale(p, lambda k, q: (1.5, 1.5) if q.split == "val" else (1.0, 1.0))
    p.options.append("SPL006.min_count=10")
    p.due += [("SPL006", None), ("SPL006", None)]


def one_based(p: Planted) -> None:
    for k, picture in enumerate(p.pictures):
        picture.boxes = [(n, max(a, 1.0), max(b, 1.0), c, d) for n, a, b, c, d in picture.boxes]
        if picture.boxes and k % 5 == 0:
            n, _, b, c, d = picture.boxes[0]
            picture.boxes[0] = (n, 1.0, b, min(c, 60.0) + 2, d)
        if picture.boxes and k % 5 == 1:
            n, a, b, _, d = picture.boxes[0]
            picture.boxes[0] = (n, a, b, 160.0, d)
    def own(folder: Path) -> None:
        for path in folder.rglob("*.xml"):
            text = path.read_text()
            path.write_text(text.replace("\t<size>", "\t<source><database>The VOC2007 Database</database></source>\n\t<size>"))

    p.after.append(own)
    p.due.append(("CNV001", None))
    p.consequences |= {"BOX007", "BOX008"}


def corners_as_size(p: Planted) -> None:
    def step(folder: Path) -> None:
        for path in folder.rglob("instances_*.json"):
            d = json.loads(path.read_text())
            for a in d["annotations"]:
                x, y, w, h = a["bbox"]
                a["bbox"] = [x, y, x + w, y + h]
                a["area"] = (x + w) * (y + h)
            path.write_text(json.dumps(d))

    p.after.append(step)
    p.due.append(("CNV002", None))
    p.consequences |= {"BOX008", "BOX007"}


def half_off(p: Planted) -> None:
    def coco(folder: Path) -> None:
        for path in folder.rglob("instances_*.json"):
            d = json.loads(path.read_text())
            for a in d["annotations"]:
                x, y, w, h = a["bbox"]
                a["bbox"] = [x + w / 2, y + h / 2, w, h]
            path.write_text(json.dumps(d))

    def yolo(folder: Path) -> None:
        for path in folder.rglob("labels/*/*.txt"):
            rows = [r.split() for r in path.read_text().splitlines()]
            path.write_text("".join(f"{c} {float(x) - float(w) / 2} {float(y) - float(h) / 2} {w} {h}\n" for c, x, y, w, h in rows))

    p.after.append(coco if p.format == "coco" else yolo)
    p.due.append(("CNV007", None))


def pixels_as_fractions(p: Planted) -> None:
    def step(folder: Path) -> None:
        for path in folder.rglob("labels/*/*.txt"):
            rows = [r.split() for r in path.read_text().splitlines()]
            path.write_text("".join(f"{c} {float(x) * 160} {float(y) * 120} {float(w) * 160} {float(h) * 120}\n"
                                    for c, x, y, w, h in rows))

    p.after.append(step)
    p.due.append(("CNV003", None))


def one_based_classes(p: Planted) -> None:
    def step(folder: Path) -> None:
        for path in folder.rglob("labels/*/*.txt"):
            rows = [r.split(maxsplit=1) for r in path.read_text().splitlines()]
            path.write_text("".join(f"{int(c) + 1} {rest}\n" for c, rest in rows))

    p.after.append(step)
    p.due.append(("CNV004", None))
    p.consequences |= {"CLS003", "CLS002", "SPL004", "SPL005"}


def rotated_frame(p: Planted) -> None:
    for picture in [q for q in p.pictures if q.split == "train" and q.boxes][:4]:
        picture.content = draw.with_orientation(picture.content, 6)
        picture.declared = (120, 160)
        picture.boxes = [("car", 10.0, 100.0, 60.0, 155.0)]
    p.due.append(("CNV005", None))
    p.consequences |= {"SIZ002"}


def swapped_size(p: Planted) -> None:
    for picture in p.pictures:
        picture.declared = picture.declared[::-1]
    p.due.append(("CNV006", None))

def label_rows(p: Planted, code: str, change: Callable[[list[str]], list[str]], at_least: int = 2) -> None:
    """Change the rows of one YOLO label file; a finding is due on its image."""
    picture = p.pick(at_least=at_least)

    def step(folder: Path) -> None:
        path = next(folder.rglob(f"{Path(picture.name).stem}.txt"))
        path.write_text("".join(change(path.read_text().splitlines(keepends=True))))

    p.after.append(step)
    p.due.append((code, picture.name))


def sixth_number(p: Planted) -> None:
    label_rows(p, "SRC011", lambda rows: [rows[0].rstrip("\n") + " 0.87\n", *rows[1:]])


def blank_row(p: Planted) -> None:
    label_rows(p, "SRC012", lambda rows: [rows[0], "  \n", *rows[1:]])


def trailing_bytes(p: Planted) -> None:
    change_file(p, "IMG019", lambda content, picture: content + b"made by a camera")


def too_small(p: Planted) -> None:
    picture = p.pick()
    picture.boxes = [("car", 20.0, 1.0, 44.0, 7.0)]
    picture.size = picture.declared = (64, 8)
    picture.content = draw.encode(draw.scene(np.random.default_rng(8), picture.size, []))
    p.due.append(("IMG020", picture.name))


def frozen_box(p: Planted) -> None:
    frames = [q for q in p.pictures if q.split == "train" and q.boxes][:8]
    for k, picture in enumerate(frames):
        picture.name = f"clip_mp4-{k:02d}.jpg"
        picture.boxes.append(("car", 2.0, 2.0, 34.0, 28.0))
    p.due.append(("BOX013", "clip_mp4-00.jpg"))
    p.consequences |= {"BOX007", "BOX008", "BOX012"}


def sliver(p: Planted) -> None:
    p.options.append("BOX014.min_boxes=20")
    add_box(p, "BOX014", (157, 20, 160, 50))


def box_of_boxes(p: Planted) -> None:
    picture = p.pick()
    held = [("car", 15.0 + 35 * k, 20.0, 40.0 + 35 * k, 85.0) for k in range(3)]
    picture.boxes = [("car", 10.0, 10.0, 120.0, 100.0), *held]
    p.due.append(("BOX015", picture.name))


def hourglass(p: Planted) -> None:
    picture = p.pick()

    def coco(d: dict[str, Any]) -> list[Due]:
        number = next(i["id"] for i in d["images"] if i["file_name"] == picture.name)
        a = next(a for a in d["annotations"] if a["image_id"] == number)
        x, y, w, h = a["bbox"]
        a["segmentation"] = [[x, y, x + w, y + h, x + w, y, x, y + h]]
        return [("REC016", picture.name)]

    def step(folder: Path) -> None:
        if (folder / "annotations").exists():
            change_coco(p, coco)
            p.after.pop()(folder)
            return
        path = next(folder.rglob(f"{Path(picture.name).stem}.txt"))
        rows = []
        for k, (c, *numbers) in enumerate(row.split() for row in path.read_text().splitlines()):
            x, y, w, h = map(float, numbers)
            left, top, right, bottom = x - w / 2, y - h / 2, x + w / 2, y + h / 2
            corners = (left, top, right, top, right, bottom, left, bottom)
            if k == 0:
                corners = (left, top, right, bottom, right, top, left, bottom)
            rows.append(" ".join([c, *map(str, corners)]))
        path.write_text("\n".join(rows) + "\n")
        p.due.append(("REC016", picture.name))

    p.after.append(step)
    p.consequences |= {"REC007", "REC012"}


def ignore_class(p: Planted) -> None:
    def step(folder: Path) -> None:
        for path in [*folder.rglob("*.json"), *folder.rglob("*.yaml"), *folder.rglob("*.xml")]:
            path.write_text(path.read_text().replace("bicycle", "DontCare"))

    p.after.append(step)
    p.due.append(("CLS008", None))


def raw_ids(p: Planted) -> None:
    def change(d: dict[str, Any]) -> list[Due]:
        d["categories"].reverse()
        return [("CLS009", None)]

    p.options.append("CLS009.trainer=yolox")
    p.consequences |= {"CLS006"}
    change_coco(p, change)


def over_capacity(p: Planted) -> None:
    p.options.append("DST005.max_objects=20")
    many_boxes(p)
    p.due[:] = [("DST005", name) for _, name in p.due]


def inconsistent_twins(p: Planted) -> None:
    a = next(q for q in p.pictures if q.split == "train" and len(q.boxes) >= 3)
    b = next(q for q in p.pictures if q.split == "train" and q.boxes and q is not a)
    draw.copy_of(a, b)
    b.content = draw.encode(cv2.imdecode(np.frombuffer(a.content, np.uint8), cv2.IMREAD_COLOR), quality=70)
    b.boxes = b.boxes[:1]
    p.due.append(("DST006", b.name))
    p.consequences |= {"IMG009"}


def neighbours(p: Planted) -> None:
    for split, first in (("train", 0), ("val", 1)):
        for k, picture in enumerate(q for q in p.pictures if q.split == split):
            picture.name = f"clip_mp4-{2 * k + first:03d}.jpg"
    p.due.append(("SPL007", None))
    p.consequences |= {"SPL003"}


def few_numbers(a: dict[str, Any]) -> None:
    a["keypoints"] = [10, 10]


def faulty_keypoints(p: Planted) -> None:
    """Give COCO one annotation of a fraction of a point, YOLO a point in each row of which one has a visibility of 5."""
    coco = annotation_change("KPT001", few_numbers)
    before = len(p.after)
    coco(p)
    of_coco = p.after[before:]
    del p.after[before:]
    picture = p.pick()

    def step(folder: Path) -> None:
        config = next(folder.rglob("data.yaml"), None)
        if config is None:
            for change in of_coco:
                change(folder)
            return
        config.write_text(config.read_text() + "kpt_shape: [1, 3]\nflip_idx: [0]\n")
        for path in sorted(folder.rglob("labels/**/*.txt")):
            rows = [row.split() for row in path.read_text().splitlines()]
            path.write_text("".join(" ".join([*row, row[1], row[2], "5" if path.stem == Path(picture.name).stem and not k else "2"])
                                    + "\n" for k, row in enumerate(rows)))
        p.due.append(("KPT001", picture.name))

    p.after.append(step)


def write_mot(folder: Path, pictures: list[Any]) -> None:
    """Write the pictures with boxes as one sequence of MOT with one track: the first box of each, at one place."""
    rows = []
    for k, picture in enumerate([q for q in pictures if q.boxes], 1):
        (folder / "train" / "seq" / "img1").mkdir(parents=True, exist_ok=True)
        (folder / "train" / "seq" / "img1" / f"{k:06d}.jpg").write_bytes(picture.content)
        rows.append(f"{k},1,{40 + k},30,40,30,1,1,1")
    (folder / "train" / "seq" / "gt").mkdir()
    (folder / "train" / "seq" / "gt" / "gt.txt").write_text("\n".join(rows) + "\n")
    (folder / "train" / "seq" / "seqinfo.ini").write_text(
        f"[Sequence]\nname=seq\nimDir=img1\nframeRate=30\nseqLength={len(rows)}\nimWidth=160\nimHeight=120\nimExt=.jpg\n")


def write_dota(folder: Path, pictures: list[Any]) -> None:
    """Write the pictures as DOTA: every box by its four corners."""
    for picture in pictures:
        (folder / picture.split / "images").mkdir(parents=True, exist_ok=True)
        (folder / picture.split / "labelTxt").mkdir(parents=True, exist_ok=True)
        (folder / picture.split / "images" / picture.name).write_bytes(picture.content)
        rows = [f"{a} {b} {c} {b} {c} {d} {a} {d} {name} 0\n" for name, a, b, c, d in picture.boxes]
        (folder / picture.split / "labelTxt" / f"{Path(picture.name).stem}.txt").write_text("".join(rows))


def track_change(code: str, change: Callable[[list[str]], int]) -> Mutation:
    """Return a mutation of the rows of a MOT file; `change` returns the frame on which a finding is due."""
    def mutation(p: Planted) -> None:
        def step(folder: Path) -> None:
            path = next(folder.rglob("gt.txt"))
            rows = path.read_text().splitlines()
            p.due.append((code, f"{change(rows):06d}.jpg"))
            path.write_text("\n".join(rows) + "\n")

        p.after.append(step)
        p.consequences |= {"CLS001", "CLS002", "CLS003", "SPL004"}  # of MOT's 13 classes one is used

    return mutation


def other_class(rows: list[str]) -> int:
    rows[20:] = [r.removesuffix("1,1") + "3,1" for r in rows[20:]]
    return 21


def left_out(rows: list[str]) -> int:
    del rows[9:11]
    return 12


def jump(rows: list[str]) -> int:
    for k in range(20, len(rows)):
        rows[k] = rows[k].replace(",30,40,30,", ",100,8,8,").replace(f",1,{41 + k},", ",1,2,")
    return 21


def trapezium(p: Planted) -> None:
    picture = p.pick()

    def step(folder: Path) -> None:
        path = next(folder.rglob(f"{Path(picture.name).stem}.txt"))
        rows = path.read_text().splitlines()
        numbers = rows[0].split()
        numbers[4] = str(float(numbers[4]) - 12)
        numbers[0] = str(float(numbers[0]) + 9)
        path.write_text("\n".join([" ".join(numbers), *rows[1:]]) + "\n")
        p.due.append(("OBB001", picture.name))

    p.after.append(step)


MORE: dict[str, tuple[Mutation, tuple[str, ...]]] = {
    "BOX002": (not_finite, FORMATS), "BOX010": (size_outlier, FORMATS), "BOX012": (crowded, FORMATS),
    "SRC005": (ambiguous_stem, ("yolo",)), "SRC006": (backslash, ("coco",)), "SRC009": (stale_cache, ("yolo",)),
    "REC001": (duplicate_image_id, ("coco",)), "REC008": (missing_fields, ("coco",)),
    "REC011": (annotation_change("REC011", moved_polygon), ("coco",)), "REC012": (mixed_rows, ("yolo",)),
    "REC013": (annotation_change("REC013", text_id, image=False), ("coco",)),
    "REC014": (annotation_change("REC014", wrong_mask), ("coco",)),
    "REC015": (annotation_change("REC015", plain_crowd, image=False), ("coco",)),
    "CLS002": (new_class("CLS002", "bus", 1, "SPL005", "CLS001"), ("voc",)), "CLS003": (unused_class, ("coco", "yolo")),
    "CLS004": (new_class("CLS004", "Car", 25, "SPL004", "SPL005", "CLS002"), ("voc",)), "CLS005": (id_gap, ("coco",)),
    "CLS006": (other_classes, ("coco",)), "CLS007": (mirrored, ("voc",)),
    "IMG010": (blurry, FORMATS), "IMG014": (odd_size, FORMATS), "IMG015": (odd_aspect, FORMATS), "IMG016": (huge, FORMATS),
    "IMG017": (animated, FORMATS), "IMG018": (grey_in_colour, FORMATS),
    "SIZ001": (size_spread, FORMATS), "SIZ002": (aspect_spread, FORMATS), "SIZ003": (small_objects, FORMATS),
    "SIZ004": (wrong_anchors, FORMATS), "DST002": (many_boxes, FORMATS), "DST003": (centred, FORMATS),
    "DST004": (companions, FORMATS), "SPL002": (near_leak, FORMATS), "SPL003": (video, FORMATS),
    "SPL008": (overlapping_lists, ("voc",)),
    "SPL004": (class_drift, FORMATS), "SPL005": (class_missing, FORMATS), "SPL006": (size_drift, FORMATS),
    "CNV001": (one_based, ("voc",)), "CNV002": (corners_as_size, ("coco",)),
    "CNV003": (pixels_as_fractions, ("yolo",)), "CNV004": (one_based_classes, ("yolo",)),
    "SRC011": (sixth_number, ("yolo",)), "SRC012": (blank_row, ("yolo",)), "IMG019": (trailing_bytes, FORMATS),
    "IMG020": (too_small, FORMATS), "BOX013": (frozen_box, FORMATS), "BOX014": (sliver, FORMATS), "BOX015": (box_of_boxes, FORMATS),
    "REC016": (hourglass, ("coco", "yolo")), "CLS008": (ignore_class, FORMATS), "CLS009": (raw_ids, ("coco",)),
    "DST005": (over_capacity, FORMATS), "DST006": (inconsistent_twins, FORMATS), "SPL007": (neighbours, FORMATS),
    "KPT001": (faulty_keypoints, ("coco", "yolo")), "OBB001": (trapezium, ("dota",)),
    "VID001": (track_change("VID001", other_class), ("mot",)), "VID002": (track_change("VID002", left_out), ("mot",)),
    "VID003": (track_change("VID003", jump), ("mot",)),
    "CNV005": (rotated_frame, ("coco", "voc")), "CNV006": (swapped_size, ("coco", "voc")),
    "CNV007": (half_off, ("coco", "yolo")),
}
"""Code to its mutation and the formats that can express it."""
