"""Read ASAM OpenLABEL JSON: what stands in the files becomes tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from dsinspect.tables.schema import CORNER_COLUMNS
from dsinspect_formats._json_sets import Reading
from dsinspect_formats._values import Box, envelope, polygon_json, real, rotated

COLUMNS = frozenset(("segmentation", "track", "attributes", *CORNER_COLUMNS))


NAN = float("nan")


def _dict(value: Any, *keys: str) -> dict[str, Any]:
    """Return the object below some keys, an empty one when there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _read(value: Any, reading: Reading) -> bool:
    top = _dict(value, "openlabel")
    if not top:
        return False
    objects, frames, streams = _dict(top, "objects"), _dict(top, "frames"), _dict(top, "streams")
    for key in ("objects", "frames"):
        if key in top and not isinstance(top[key], dict):
            reading.faulty(ValueError(f"{key} is not an object: none of its records are read"), top[key], None)
    size = _size(streams)
    is_still = not frames
    for position, (number, frame) in enumerate((frames or {"0": {"objects": objects}}).items()):
        name = _uri(_dict(frame, "frame_properties"), streams if is_still or len(frames) == 1 else {}) or f"frame_{number[:20]:>06}"
        own_size = _frame_size(_dict(frame, "frame_properties"), size)
        row = reading.gathered.add_image(name, reading.source, *own_size, split=reading.split, index=position)
        for uid, here in _dict(frame, "objects").items():
            kind = _dict(objects, uid).get("type", here.get("type") if isinstance(here, dict) else None)
            for drawn, record in _drawn(_dict(here, "object_data")):
                try:
                    _add(drawn, record, kind, uid, row, reading, track=None if is_still else uid)
                except ValueError as e:
                    reading.faulty(e, record, name)
                reading.index += 1
    return True


def _drawn(data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for kind in ("bbox", "rbbox", "poly2d", "cuboid", "point2d", "poly3d"):
        records = data.get(kind)
        for record in records if isinstance(records, list) else ():
            yield kind, record


def _uri(properties: dict[str, Any], streams: dict[str, Any]) -> str:
    for found in (properties, *_dict(properties, "streams").values(), *streams.values()):
        for own in (found, _dict(found, "stream_properties")):
            for key in ("uri", "file_name"):
                text = own.get(key) if isinstance(own, dict) else None
                if isinstance(text, str) and text:
                    return text
    return ""


def _frame_size(properties: dict[str, Any], size: tuple[float, float]) -> tuple[float, float]:
    """Return the size that a frame says it has, else that of its stream."""
    try:
        return real(properties.get("width"), "width"), real(properties.get("height"), "height")
    except ValueError:
        return size


def _size(streams: dict[str, Any]) -> tuple[float, float]:
    for stream in streams.values():
        pinhole = _dict(stream, "stream_properties", "intrinsics_pinhole")
        try:
            return real(pinhole.get("width_px"), "width_px"), real(pinhole.get("height_px"), "height_px")
        except ValueError:
            continue
    return NAN, NAN


def _add(drawn: str, record: Any, kind: Any, uid: str, row: int, reading: Reading, track: str | None) -> None:
    if drawn not in ("bbox", "rbbox", "poly2d"):
        reading.left_out[f"{drawn}s"] += 1
        reading.gathered.shapeless.add(row)
        return
    values = record.get("val") if isinstance(record, dict) else None
    if not isinstance(values, list):
        raise ValueError("val is not a list of numbers")
    numbers = [real(v, "val") for v in values]
    corners, outline = None, None
    if drawn == "poly2d":
        if record.get("mode") not in (None, "MODE_POLY2D_ABSOLUTE") or len(numbers) < 6 or len(numbers) % 2:
            raise ValueError("a poly2d in a mode that is not absolute, or of less than three points")
        box: Box = envelope(numbers)
        outline = polygon_json([numbers])
    elif len(numbers) != (4 if drawn == "bbox" else 5):
        raise ValueError(f"a {drawn} of {len(numbers)} numbers")
    else:
        x, y, w, h = numbers[:4]
        box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        if drawn == "rbbox" and numbers[4]:
            corners = rotated(box[0], box[1], w, h, math.degrees(numbers[4]), (x, y))
            box = envelope(corners)
    extra: dict[str, Any] = {}
    if reading.gathered.columns:
        named = {str(a.get("name")): a.get("val") for group in _dict(record, "attributes").values()
                 for a in (group if isinstance(group, list) else ()) if isinstance(a, dict)}
        extra = {"segmentation": outline, "track": track, "attributes": msgspec.json.encode(named) if named else None}
    named_by = kind if isinstance(kind, str) else record.get("name")  # where the file describes no objects, the box has the name
    reading.gathered.add(row, named_by if isinstance(named_by, str) else None, box, reading.index, corners=corners, extra=extra)
