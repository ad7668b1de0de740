"""Read BDD100K: what stands in the files becomes tables."""

from __future__ import annotations

from typing import Any

from dsinspect_formats._images import is_image
from dsinspect_formats._named_images import Images
from dsinspect_formats._reading import as_json, json_number, shown
from dsinspect_formats._rows import Rows

COLUMNS = frozenset(("attributes", "segmentation", "track"))


IGNORED = frozenset(("other person", "other vehicle", "trailer"))
"""Categories that BDD100K's own evaluation leaves out."""


_NO_OBJECTS = ("lane", "area", "drivable area")


def _document(document: Any, source: str, split: str | None, images: Images, rows: Rows) -> int:
    """Read a document: a list of frames, `{"frames": [...]}`, or one image; return how many labels are no objects."""
    frames = document
    if isinstance(document, dict):
        frames = document.get("frames")
        if isinstance(document.get("name"), str) and not (
                isinstance(frames, list) and frames and isinstance(frames[0], dict) and "name" in frames[0]):
            frames = [document]
    if not isinstance(frames, list):
        rows.fault("holds no list of images")
        return 0
    left_out = index = 0
    for frame in frames:
        if not isinstance(frame, dict) or not isinstance(frame.get("name"), str):
            rows.fault("has no name", shown(frame), index=index)
            index += 1
            continue
        name = frame["name"] if is_image(frame["name"]) else f"{frame['name']}.jpg"
        video = frame.get("videoName", frame.get("video_name"))
        if isinstance(video, str) and video and "/" not in name:
            name = f"{video}/{name}"
        size = _mapping(frame.get("size"))
        try:
            wh = (json_number(size["width"]), json_number(size["height"]))
        except (KeyError, ValueError):
            wh = (float("nan"), float("nan"))
        in_video = bool(video) or isinstance(frame.get("frameIndex"), int)
        image = images.row(name, split, source, size=wh)
        for label in _labels(frame):
            try:
                left_out += _label(label, image, index, rows, in_video=in_video)
            except ValueError as e:
                rows.fault(str(e), shown(label), index=index, image=name)
            index += 1
    return left_out


def _labels(frame: dict[str, Any]) -> list[Any]:
    labels = frame.get("labels")
    if labels is None and isinstance(frame.get("frames"), list):
        labels = [o for f in frame["frames"] if isinstance(f, dict) and isinstance(f.get("objects"), list) for o in f["objects"]]
    return labels if isinstance(labels, list) else []


def _label(label: Any, image: int, index: int, rows: Rows, *, in_video: bool) -> int:
    """Add a label, or return 1 when it is no object; raises ValueError, in words.

    Its id is that of a track in a frame of a video only: labels of single images count from 0 in each of them.
    """
    if not isinstance(label, dict) or not isinstance(label.get("category"), str):
        raise ValueError("has no category")
    category, box, outline = label["category"], label.get("box2d"), label.get("poly2d")
    if box is None and (outline is not None or category.startswith(_NO_OBJECTS)) and category.partition("/")[0] in _NO_OBJECTS:
        return 1
    points = _outline(outline)
    if isinstance(box, dict):
        try:
            edges = (json_number(box["x1"]), json_number(box["y1"]), json_number(box["x2"]), json_number(box["y2"]))
        except KeyError as e:
            raise ValueError(f"has a box2d without {e.args[0]}") from None
    elif points:
        flat = [v for polygon in points for v in polygon]
        edges = (min(flat[0::2]), min(flat[1::2]), max(flat[0::2]), max(flat[1::2]))
    else:
        raise ValueError("has neither box2d nor poly2d")
    attributes = _mapping(label.get("attributes"))
    extra = None
    if rows.fields:
        extra = {"attributes": as_json(attributes), "segmentation": as_json(points) if points else None,
                 "track": str(label["id"]) if in_video and isinstance(label.get("id"), (str, int)) else None}
    rows.add(image, category, edges, index, crowd=attributes.get("crowd") is True, ignored=category in IGNORED, extra=extra)
    return 0


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _outline(outline: Any) -> list[list[float]]:
    """Return the polygons of a poly2d, flat; curves count as their points."""
    if not isinstance(outline, list):
        return []
    parts = [p.get("vertices") if isinstance(p, dict) else None for p in outline]
    if outline and isinstance(outline[0], list):  # 2018: one polygon of [x, y, kind]
        parts = [outline]
    found = [[json_number(v) for point in part if isinstance(point, list) and len(point) >= 2 for v in point[:2]]
             for part in parts if isinstance(part, list) and len(part) >= 3]
    return [p for p in found if len(p) >= 6]
