"""Read Supervisely projects: what stands in the files becomes tables."""

from __future__ import annotations

import binascii
import math
import zlib
from pathlib import Path
from typing import Any

import msgspec

from dsinspect.errors import UserError
from dsinspect.io.reading import is_regular, read_regular
from dsinspect.tables.schema import CORNER_COLUMNS
from dsinspect_formats._json_files import read_json
from dsinspect_formats._json_sets import Reading, as_object
from dsinspect_formats._mask_images import mask_in_image
from dsinspect_formats._splits import split_of_folders
from dsinspect_formats._values import Box, envelope, polygon_json, real, reals, rotated

COLUMNS = frozenset(("segmentation", "attributes", "supervisely:shape", *CORNER_COLUMNS))
MOST_BYTES = 1 << 26
"""Of the PNG of a bitmap, once it is unpacked."""


class _Reader:
    """Reads annotations; classes are those of meta.json."""

    def __init__(self, meta: Path) -> None:
        self._names: list[str] = []
        try:
            value = read_json(read_regular(meta, "yaml_mb"), "")[0] if meta.name == "meta.json" and is_regular(meta) else {}
            self._names = [str(c["title"]) for c in value.get("classes", [])]
        except (OSError, KeyError, TypeError, AttributeError):
            raise UserError(f"{meta}: is not a list of classes; save it again or take it away") from None

    def read(self, value: Any, reading: Reading) -> bool:
        """Read one file."""
        reading.names.update(dict.fromkeys(self._names))
        objects = value.get("objects") if isinstance(value, dict) else None
        if not isinstance(objects, list):
            return False
        reading.split = split_of_folders(reading.source)
        name = reading.source.rpartition("/")[2].removesuffix(".json")
        size = as_object(value.get("size"))
        try:
            width, height = (real(size.get(k), k) for k in ("width", "height"))
        except ValueError as e:
            reading.faulty(e, size, name, 0)
            width, height = float("nan"), float("nan")
        folder = reading.source.rpartition("/")[0]
        beside = f"{folder.removesuffix('ann')}img/{name}" if folder.endswith("ann") else name
        row = reading.gathered.add_image(name, reading.source, width, height, split=reading.split, index=0, lookup=beside)
        for record in objects:
            try:
                _add(record, row, (width, height), reading)
            except ValueError as e:
                reading.faulty(e, record, name)
            reading.index += 1
        return True


def _add(record: Any, row: int, size_wh: tuple[float, float], reading: Reading) -> None:
    if not isinstance(record, dict):
        raise ValueError("the object is not an object of JSON")
    title = record.get("classTitle")
    if not isinstance(title, str):
        raise ValueError("classTitle is missing" if title is None else "classTitle is not a text")
    kind = record.get("geometryType") or record.get("shape") or _kind_of(record)
    outline, corners = None, None
    wants_outline = "segmentation" in reading.gathered.columns
    if kind in ("rectangle", "polygon", "oriented_bbox"):
        points = record.get("points") or as_object(record.get("geometry")).get("points")
        exterior = points if isinstance(points, list) else as_object(points).get("exterior")
        flat = reals([v for p in exterior for v in _pair(p)], "points") if isinstance(exterior, list) else []
        if len(flat) < (6 if kind == "polygon" else 4):
            raise ValueError("points has no exterior of enough points")
        box = envelope(flat)
        if kind == "oriented_bbox" and (angle := real(record.get("angle", 0), "angle")):  # radians, clockwise, about the centre
            x, y, right, bottom = box
            corners = rotated(x, y, right - x, bottom - y, math.degrees(angle), ((x + right) / 2, (y + bottom) / 2))
            box = envelope(corners)
        if kind == "polygon" and as_object(points).get("interior"):
            reading.not_read["outlines with holes"] += 1
        elif kind == "polygon":
            outline = polygon_json([flat])
    elif kind == "bitmap":
        box = _bitmap_box(record.get("bitmap"))
        try:
            outline = _bitmap_outline(record["bitmap"], box, size_wh) if wants_outline else None
        except ValueError as e:
            reading.faulty(e, title)  # its box is known all the same
    else:
        reading.left_out[f"{str(kind)[:40]}s"] += 1
        reading.gathered.shapeless.add(row)
        return
    extra: dict[str, Any] = {}
    if reading.gathered.columns:
        tags = {str(t.get("name")): t.get("value") for t in record.get("tags") or () if isinstance(t, dict)}
        extra = {"segmentation": outline, "supervisely:shape": kind, "attributes": msgspec.json.encode(tags) if tags else None}
    reading.gathered.add(row, title, box, reading.index, corners=corners, extra=extra)


def _kind_of(record: dict[str, Any]) -> str | None:
    """Return the kind of a shape that does not say it, as hand-made files have: two points are a rectangle, more a polygon."""
    if isinstance(record.get("bitmap"), dict):
        return "bitmap"
    exterior = as_object(record.get("points")).get("exterior")
    return None if not isinstance(exterior, list) else "rectangle" if len(exterior) == 2 else "polygon"


def _pair(point: Any) -> list[Any]:
    if not isinstance(point, list) or len(point) != 2:
        raise ValueError("points holds what is not x and y")
    return point


def _bitmap_box(bitmap: Any) -> Box:
    """Return the box of a mask: from its origin on, as large as the PNG inside says."""
    origin = bitmap.get("origin") if isinstance(bitmap, dict) else None
    if not isinstance(bitmap, dict) or not isinstance(origin, list) or len(origin) != 2:
        raise ValueError("bitmap has no origin")
    try:
        packed = binascii.a2b_base64(bitmap.get("data") or "")
        head = zlib.decompressobj().decompress(packed, 32)
    except (TypeError, ValueError, zlib.error):
        raise ValueError("the data of the bitmap is not a packed PNG") from None
    if head[:8] != b"\x89PNG\r\n\x1a\n" or len(head) < 24:
        raise ValueError("the data of the bitmap is not a packed PNG")
    x, y = (real(v, "origin") for v in origin)
    return x, y, x + int.from_bytes(head[16:20], "big"), y + int.from_bytes(head[20:24], "big")


def _bitmap_outline(bitmap: dict[str, Any], box: Box, size_wh: tuple[float, float]) -> bytes | None:
    """Return a mask in COCO's runs; raises ValueError, in words, when its PNG cannot be read or lies outside the image."""
    inside = zlib.decompressobj()
    try:
        content = inside.decompress(binascii.a2b_base64(bitmap.get("data") or ""), MOST_BYTES)
    except zlib.error:
        raise ValueError("the data of the bitmap is not a packed PNG") from None
    if inside.unconsumed_tail:
        raise ValueError(f"the data of the bitmap holds more than {MOST_BYTES:,} bytes")
    return mask_in_image(content, box, size_wh)
