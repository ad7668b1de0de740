"""Faults of tracks, rotated boxes and keypoints in the formats beside MOT, DOTA, COCO and YOLO that have them: for mutate.py."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mutate import Planted, clean_set, excuse, inspected, write
from mutations_of_read_only import PUT
from mutations_of_sets import write_dota
from read_only_sets import VISDRONE, WRITERS, text

from dsinspect.config import Config
from dsinspect.conversion.pipeline import ConvertRequest, convert
from dsinspect.loader import Plugins
from dsinspect.protocols.run import Run

Row = tuple[int, str, tuple[float, float, float, float]]
"""Number of a frame from 0, class, and x, y, width and height of the one box of the one track there."""


def frames_of(planted: Planted) -> list[bytes]:
    """Return the images of the frames."""
    return [p.content for p in planted.pictures if p.boxes]


def rows_of(frames: int) -> list[Row]:
    """Return a track without a fault: an object that moves by a pixel a frame."""
    return [(k, "car", (40.0 + k, 30.0, 40.0, 30.0)) for k in range(frames)]


# ---------------------------------------------------------------- tracks: rows in, the frame on which a finding is due out


def other_class(rows: list[Row]) -> int:
    """Another class from some frame on."""
    rows[20:] = [(k, "person", box) for k, _, box in rows[20:]]
    return 20


def left_out(rows: list[Row]) -> int:
    """Two frames without the object."""
    del rows[9:11]
    return 11


def jump(rows: list[Row]) -> int:
    """The object elsewhere from some frame on."""
    rows[20:] = [(k, c, (k - 18.0, 100.0, 8.0, 8.0)) for k, c, _ in rows[20:]]
    return 20


OF_TRACKS: Mapping[str, Callable[[list[Row]], int]] = {"VID001": other_class, "VID002": left_out, "VID003": jump}


def place(folder: Path, path: str, content: bytes) -> str:
    """Write the image of a frame and return its name."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file.name


def bdd100k_tracks(folder: Path, frames: Sequence[bytes], rows: Sequence[Row]) -> list[str]:
    """Write a file of frames of a video, whose labels have the ids of their tracks."""
    names = [place(folder, f"images/train/seq/seq-{k + 1:07}.jpg", content) for k, content in enumerate(frames)]
    own = {k: [{"id": "7", "category": c, "box2d": {"x1": x, "y1": y, "x2": x + w, "y2": y + h}}] for k, c, (x, y, w, h) in rows}
    text(folder, "labels/box_track_train.json", [
        {"name": name, "videoName": "seq", "frameIndex": k, "labels": own.get(k, [])} for k, name in enumerate(names)])
    return names


def cvat_tracks(folder: Path, frames: Sequence[bytes], rows: Sequence[Row]) -> list[str]:
    """Write CVAT XML for video; a track that changes its class is two of one number, for each has one label.

    The names of frames are CVAT's own, whatever the files of their images end in.
    """
    names = [Path(place(folder, f"images/frame_{k:06}.jpg", content)).with_suffix(".PNG").name for k, content in enumerate(frames)]
    class_at = {k: c for k, c, _ in rows}
    tracks = []
    for label in dict.fromkeys(class_at.values()):
        boxes = []
        for k, c, (x, y, w, h) in rows:
            edges = f'xtl="{x}" ytl="{y}" xbr="{x + w}" ybr="{y + h}" occluded="0"></box>'
            if c == label:
                boxes.append(f'<box frame="{k}" keyframe="1" outside="0" {edges}')
                if k + 1 < len(frames) and class_at.get(k + 1) != label:
                    boxes.append(f'<box frame="{k + 1}" keyframe="1" outside="1" {edges}')
        tracks.append(f'<track id="7" label="{label}" source="manual">{"".join(boxes)}</track>')
    labels = "".join(f"<label><name>{c}</name></label>" for c in dict.fromkeys(class_at.values()))
    text(folder, "annotations.xml", f"<annotations><version>1.1</version><meta><task><id>1</id><size>{len(frames)}</size>"
         f"<mode>interpolation</mode><start_frame>0</start_frame><stop_frame>{len(frames) - 1}</stop_frame>"
         f"<labels>{labels}</labels><original_size><width>160</width><height>120</height></original_size></task></meta>"
         f"{''.join(tracks)}</annotations>")
    return names


def openlabel_tracks(folder: Path, frames: Sequence[bytes], rows: Sequence[Row]) -> list[str]:
    """Write one file of frames, which share an object."""
    names = [place(folder, f"frame_{k + 1:04}.jpg", content) for k, content in enumerate(frames)]
    own = {k: {"7": {"object_data": {"bbox": [{"name": "box", "val": [x + w / 2, y + h / 2, w, h]}]}}}
           for k, _, (x, y, w, h) in rows}
    text(folder, "labels.json", {"openlabel": {
        "metadata": {"schema_version": "1.0.0"}, "objects": {"7": {"name": "o7", "type": "car"}}, "frames": {
            str(k): {"frame_properties": {"streams": {"cam": {"uri": name}}}, "objects": own.get(k, {})}
            for k, name in enumerate(names)}}})
    return names


def visdrone_tracks(folder: Path, frames: Sequence[bytes], rows: Sequence[Row]) -> list[str]:
    """Write a file of rows of a sequence."""
    names = [place(folder, f"sequences/seq/{k + 1:07}.jpg", content) for k, content in enumerate(frames)]
    text(folder, "annotations/seq.txt", "".join(
        f"{k + 1},7,{x:g},{y:g},{w:g},{h:g},1,{VISDRONE[c]},0,0\n" for k, c, (x, y, w, h) in rows))
    return names


TRACKED = {"bdd100k": bdd100k_tracks, "cvat": cvat_tracks, "openlabel": openlabel_tracks, "visdrone": visdrone_tracks}
"""What writes a track in each format that has them, beside MOT."""


def plant_track(planted: Planted, code: str, folder: Path, plugins: Plugins) -> None:
    """Write one track with a fault."""
    frames = frames_of(planted)
    rows = rows_of(len(frames))
    at = OF_TRACKS[code](rows)
    names = TRACKED[planted.format](folder, frames, rows)
    planted.due.append((code, names[at]))


# ---------------------------------------------------------------- rotated boxes

BEYOND = (115.0, 45.0, 50.0, 30.0, 45.0)
"""x, y, width, height and degrees about the centre of a box with a corner 5 % of the width beyond an image of 160 x 120 px."""
TRAPEZIUM = (10.0, 10.0, 60.0, 10.0, 45.0, 50.0, 10.0, 50.0)


def corners_of(x: float, y: float, w: float, h: float, degrees: float) -> list[float]:
    """Return the corners of a box turned about its centre."""
    turn = math.radians(degrees)
    centre = np.array((x + w / 2, y + h / 2))
    corners = np.array(((-w, -h), (w, -h), (w, h), (-w, h))) / 2 @ np.array(
        ((math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))))
    return [round(float(v), 4) for v in (centre + corners).ravel()]


def by_conversion(planted: Planted, picked: Mapping[str, str], folder: Path, plugins: Plugins) -> None:
    """Write a DOTA set with rotated boxes and convert it."""
    drawn = folder.with_name(f"{folder.name}-drawn")
    write_dota(drawn, planted.pictures)
    for what, name in picked.items():
        path = next(drawn.rglob(f"{Path(name).stem}.txt"))
        corners = corners_of(*BEYOND) if what == "beyond" else TRAPEZIUM
        path.write_text(f"{path.read_text()}{' '.join(map(str, corners))} car 0\n")
    settings = ["yolo.task=obb"] if planted.format == "yolo" else []
    convert(ConvertRequest(str(drawn), drawn, Config().overlay(settings=settings), out=folder, to=planted.format), plugins)
    (folder / "conversion.json").unlink()


def datumaro_box(document: Any, name: str) -> None:
    """Add the rotated box to an item."""
    x, y, w, h, degrees = BEYOND
    for item in document["items"]:
        if item["image"]["path"] == name:
            item["annotations"].append({"id": 99, "type": "bbox", "label_id": 1, "bbox": [x, y, w, h], "group": 0,
                                        "attributes": {"rotation": degrees}})


def supervisely_box(document: Any, name: str) -> None:
    """Add the rotated box to an image."""
    x, y, w, h, degrees = BEYOND
    document["objects"].append({"id": 99, "classTitle": "car", "geometryType": "oriented_bbox", "angle": math.radians(degrees),
                                "tags": [], "points": {"exterior": [[x, y], [x + w, y + h]], "interior": []}})


def openlabel_box(document: Any, name: str) -> None:
    """Add the rotated box to a frame."""
    x, y, w, h, degrees = BEYOND
    document["openlabel"]["objects"]["999"] = {"name": "o999", "type": "car"}
    for frame in document["openlabel"]["frames"].values():
        if frame["frame_properties"]["streams"]["cam"]["uri"] == name:
            frame["objects"]["999"] = {"object_data": {"rbbox": [{"name": "box", "val": [
                x + w / 2, y + h / 2, w, h, math.radians(degrees)]}]}}


TURNED: Mapping[str, tuple[str, Callable[[Any, str], None]]] = {
    "datumaro": ("annotations/*.json", datumaro_box), "openlabel": ("labels.json", openlabel_box),
    "supervisely": ("*/ann/{name}.json", supervisely_box)}
"""Where the boxes are in a format that is only read, and what adds a rotated one there."""


def plant_corners(planted: Planted, code: str, folder: Path, plugins: Plugins) -> None:
    """Write a set with a rotated box that leaves the image and, where a format has free corners, with one that is no rectangle."""
    first, second = [p.name for p in planted.pictures if p.split == "train" and len(p.boxes) == 2][:2]
    picked = {"beyond": first, **({"trapezium": second} if planted.format in ("labelme", "yolo") else {})}
    planted.due += [(code, name) for name in picked.values()]
    planted.consequences.add("BOX003")
    if planted.format not in TURNED:
        by_conversion(planted, picked, folder, plugins)
        return
    WRITERS[planted.format](folder, planted.pictures)
    pattern, add = TURNED[planted.format]
    for path in sorted(folder.glob(pattern.format(name=first))):
        document = json.loads(path.read_text())
        add(document, first)
        path.write_text(json.dumps(document))


# ---------------------------------------------------------------- keypoints


def plant_points(planted: Planted, code: str, folder: Path, plugins: Plugins) -> None:
    """Convert a COCO set in which every object has three points: one object has two, one a point beyond the image."""
    drawn = folder.with_name(f"{folder.name}-drawn")
    write("coco", drawn, planted.pictures)
    for path in sorted(drawn.rglob("instances_*.json")):
        document = json.loads(path.read_text())
        names = {i["id"]: i["file_name"] for i in document["images"]}
        for k, a in enumerate(document["annotations"]):
            x, y, w, h = a["bbox"]
            if k == 9 and "train" in path.name:
                w = a["bbox"][2] = 165 - x  # the box is that around the points
                a["area"] = w * h
                planted.due.append((code, names[a["image_id"]].rpartition("/")[2]))
            a["keypoints"] = [x, y, 2, x + w, y + h, 2, x + w / 2, y + h / 2, 2]
            a["num_keypoints"] = 3
            if k == 4 and "train" in path.name:
                a["keypoints"], a["num_keypoints"] = a["keypoints"][:6], 2
                planted.due.append((code, names[a["image_id"]].rpartition("/")[2]))
        path.write_text(json.dumps(document))
    convert(ConvertRequest(str(drawn), drawn, out=folder, to=planted.format), plugins)
    (folder / "conversion.json").unlink()
    assert re.search(r"<points [^>]*points=", (folder / "annotations.xml").read_text())
    planted.consequences.add("BOX003")


SHAPED: Mapping[str, tuple[Callable[[Planted, str, Path, Plugins], None], tuple[str, ...]]] = {
    "VID001": (plant_track, tuple(n for n in sorted(TRACKED) if n != "openlabel")),  # there an object has one type in all frames
    "VID002": (plant_track, tuple(sorted(TRACKED))), "VID003": (plant_track, tuple(sorted(TRACKED))),
    "OBB001": (plant_corners, ("cvat", "labelme", "labelstudio", "yolo", *sorted(TURNED))),
    "KPT001": (plant_points, ("cvat",))}
"""Code to what writes a set with the fault, and the formats in which it does; PUT has those of classes, outlines and files."""


def shaped_formats(code: str) -> tuple[str, ...]:
    """Return the formats in which a fault is planted by what writes a set of its own for it."""
    return tuple(sorted({*(SHAPED[code][1] if code in SHAPED else ()), *(PUT[code][1] if code in PUT else ())}))


def run_shaped(code: str, name: str, seed: int, folder: Path, plugins: Plugins) -> tuple[Run, Planted]:
    """Write a set with a fault of tracks, rotated boxes or keypoints, or of classes or outlines, and inspect the result."""
    planted = Planted(clean_set(seed), np.random.default_rng([seed, 1]), format=name)
    if code in PUT:
        PUT[code][0](planted, code, folder)
    else:
        SHAPED[code][0](planted, code, folder, plugins)
    excuse(planted)
    return inspected(folder, planted, plugins), planted
