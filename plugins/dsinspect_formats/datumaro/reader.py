"""Read Datumaro's own JSON: what stands in the files becomes tables."""

from __future__ import annotations

from typing import Any

import msgspec

from dsinspect.tables.schema import CORNER_COLUMNS
from dsinspect_formats._json_sets import Reading, as_object
from dsinspect_formats._values import Box, envelope, polygon_json, real, rotated

COLUMNS = frozenset(("segmentation", "attributes", "datumaro:occluded", "datumaro:z_order", "datumaro:group", *CORNER_COLUMNS))


NAN = float("nan")


def _read(value: Any, reading: Reading) -> bool:
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list):
        return False
    labels = _labels(value)
    reading.names.update(dict.fromkeys(labels))
    for position, item in enumerate(items):
        own = as_object(item)
        image = as_object(own.get("image"))
        name = next((v for v in (image.get("path"), own.get("id")) if isinstance(v, str) and v), "")
        if not name:
            reading.faulty("the item has neither an image's path nor an id", item, index=position)
        size = image.get("size")
        try:
            height, width = (real(v, "size") for v in size) if isinstance(size, list) else (NAN, NAN)
        except ValueError as e:
            reading.faulty(e, size, name, position)
            height, width = NAN, NAN
        row = reading.gathered.add_image(name, reading.source, width, height, split=reading.split, index=position)
        records = own.get("annotations")
        for record in records if isinstance(records, list) else ():
            try:
                _add(record, row, labels, reading)
            except ValueError as e:
                reading.faulty(e, record, name)
            reading.index += 1
    return True


def _labels(value: dict[str, Any]) -> list[str]:
    try:
        return [str(label["name"]) for label in value["categories"]["label"]["labels"]]
    except (KeyError, TypeError):
        return []


def _add(record: Any, row: int, labels: list[str], reading: Reading) -> None:
    if not isinstance(record, dict):
        raise ValueError("the annotation is not an object")
    kind = record.get("type")
    attributes = as_object(record.get("attributes"))
    outline, corners = None, None
    if kind == "bbox":
        box, corners = _box(record.get("bbox"), attributes.get("rotation"))
    elif kind == "polygon":
        points = record.get("points")
        flat = [real(v, "points") for v in points] if isinstance(points, list) else []
        if len(flat) < 6 or len(flat) % 2:
            raise ValueError("points is not a list of at least three x and y")
        box, outline = envelope(flat), polygon_json([flat])
    elif kind == "mask":
        box, _ = _box(record.get("bbox"), None)
        outline = msgspec.json.encode(record["rle"]) if isinstance(record.get("rle"), dict) else None
    else:
        reading.left_out[f"{str(kind)[:40]}s"] += 1
        reading.gathered.shapeless.add(row)
        return
    number = record.get("label_id")
    name = labels[number] if type(number) is int and 0 <= number < len(labels) else None
    extra: dict[str, Any] = {}
    if reading.gathered.columns:
        others = {k: v for k, v in attributes.items() if k not in ("occluded", "rotation")}
        extra = {"segmentation": outline, "attributes": msgspec.json.encode(others) if others else None,
                 "datumaro:occluded": str(int(attributes["occluded"] is True)) if "occluded" in attributes else None,
                 "datumaro:z_order": str(record.get("z_order", 0)), "datumaro:group": str(record.get("group") or "") or None}
    reading.gathered.add(row, name, box, reading.index, corners=corners,
                         is_crowd=attributes.get("is_crowd") is True, extra=extra)


def _box(value: Any, rotation: Any) -> tuple[Box, list[float] | None]:
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError("bbox is not x, y, width and height")
    x, y, w, h = (real(v, "bbox") for v in value)
    turn = 0.0 if rotation is None else real(rotation, "rotation")
    if not turn:
        return (x, y, x + w, y + h), None
    corners = rotated(x, y, w, h, turn, (x + w / 2, y + h / 2))
    return envelope(corners), corners
