"""Read CrowdHuman's .odgt: what stands in the files becomes tables."""

from __future__ import annotations

from typing import Any

from dsinspect_formats._json_files import read_json_line
from dsinspect_formats._named_images import Images
from dsinspect_formats._reading import as_json, json_number, shown
from dsinspect_formats._rows import Rows

COLUMNS = frozenset(("attributes",))


def _line(line: str, line_number: int, index: int, box_key: str, split: str | None, source: str, images: Images, rows: Rows) -> int:
    """Read one image; return the index of the next box."""
    try:
        record, odd = read_json_line(line)
        if not isinstance(record, dict) or not isinstance(record.get("ID"), str) or not record["ID"]:
            raise ValueError("has no ID")
        boxes = record.get("gtboxes", [])
        if not isinstance(boxes, list):
            raise ValueError("has gtboxes that are no list")
        size = (float("nan"), float("nan"))
        if "width" in record and "height" in record:
            size = (json_number(record["width"]), json_number(record["height"]))
    except ValueError as e:
        rows.fault(str(e), line.strip(), line_number, index)
        return index + 1
    if odd:
        rows.fault(odd, line.strip(), line_number, index)
    name = record["fpath"] if isinstance(record.get("fpath"), str) else record["ID"]
    image = images.row(name, split, source, line_number, size)
    for box in boxes:
        try:
            _box(box, box_key, image, line_number, index, rows)
        except ValueError as e:
            rows.fault(str(e), shown(box), line_number, index, image=name)
        index += 1
    return index


def _box(box: Any, box_key: str, image: int, line_number: int, index: int, rows: Rows) -> None:
    if not isinstance(box, dict):
        raise ValueError("is no object")
    tag, edges = box.get("tag"), box.get(box_key)
    if not isinstance(tag, str):
        raise ValueError("has no tag")
    if not isinstance(edges, list) or len(edges) != 4:
        raise ValueError(f"has no {box_key} of four numbers")
    x, y, w, h = map(json_number, edges)
    said = box["extra"] if isinstance(box.get("extra"), dict) else {}
    own = {k: v for k, v in box.items() if k not in ("tag", box_key)}
    rows.add(image, tag, (x, y, x + w, y + h), index, line_number, ignored=tag == "mask" or said.get("ignore") == 1,
             extra={"attributes": as_json(own)} if rows.fields else None)
