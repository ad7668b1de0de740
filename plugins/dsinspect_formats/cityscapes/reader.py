"""Read Cityscapes: what stands in the files becomes tables."""

from __future__ import annotations

from typing import Any

from dsinspect_formats._label_files import Entry
from dsinspect_formats._reading import as_json, json_number, shown
from dsinspect_formats._rows import Rows

COLUMNS = frozenset(("segmentation",))


NOT_EVALUATED = frozenset((
    "unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic", "ground", "parking", "rail track",
    "guard rail", "bridge", "tunnel", "polegroup", "caravan", "trailer", "license plate"))
"""`ignoreInEval` of cityscapesscripts/helpers/labels.py."""


def _scene(path: str) -> str:
    """Return the name of a scene: city, sequence and frame, without what the kind of file adds."""
    name = path.rpartition("/")[2].partition(".")[0]
    for end in ("_polygons", "_gtFine", "_gtCoarse", "_leftImg8bit"):
        name = name.removesuffix(end)
    return name


def read(content: bytes, image: int, entry: Entry, rows: Rows) -> tuple[float, float] | None:
    """Read a file of polygons."""
    document = rows.json(content)
    if document is None:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("objects"), list):
        rows.fault("holds no list of objects")
        return None
    for index, record in enumerate(document["objects"]):
        try:
            label, points = _object(record)
        except ValueError as e:
            rows.fault(str(e), shown(record), index=index)
            continue
        if record.get("deleted"):
            continue
        xs, ys = points[0::2], points[1::2]
        is_group = label.endswith("group") and label != "polegroup"
        rows.add(image, label.removesuffix("group") if is_group else label, (min(xs), min(ys), max(xs), max(ys)), index,
                 crowd=is_group, ignored=label in NOT_EVALUATED,
                 extra={"segmentation": as_json([points])} if rows.fields else None)
    try:
        return json_number(document.get("imgWidth")), json_number(document.get("imgHeight"))
    except ValueError:
        return None


def _object(record: Any) -> tuple[str, list[float]]:
    if not isinstance(record, dict):
        raise ValueError("is no object")
    label, polygon = record.get("label"), record.get("polygon")
    if not isinstance(label, str):
        raise ValueError("has no label")
    if not isinstance(polygon, list) or not polygon:
        raise ValueError("has no polygon")
    points: list[float] = []
    for point in polygon:
        if not isinstance(point, list) or len(point) != 2:
            raise ValueError(f"has the point {shown(point)}, which is not x and y")
        points += (json_number(point[0]), json_number(point[1]))
    return label, points
