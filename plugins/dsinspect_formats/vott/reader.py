"""Read VoTT JSON: what stands in the files becomes tables."""

from __future__ import annotations

from typing import Any

import msgspec

from dsinspect_formats._json_sets import Reading, as_object
from dsinspect_formats._values import polygon_json, real, reals_of
from dsinspect_formats.labelstudio._regions import path_of

COLUMNS = frozenset(("segmentation", "attributes"))


NAN = float("nan")


def _read(value: Any, reading: Reading) -> bool:
    if not isinstance(value, dict):
        return False
    assets = value.get("assets")
    tags = value.get("tags")
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, dict) and isinstance(tag.get("name"), str):
            reading.names.setdefault(tag["name"])
    entries = list(assets.values()) if isinstance(assets, dict) else [value] if "asset" in value else None
    if entries is None:
        return False
    for position, entry in enumerate(entries):
        asset = entry.get("asset") if isinstance(entry, dict) else None
        about = as_object(asset)
        name = next((about[k] for k in ("name", "path") if isinstance(about.get(k), str) and about[k]), "")
        if not name:
            reading.faulty("the asset has no name", entry, index=position)
        size = as_object(about.get("size"))
        try:
            width, height = (real(size[k], k) if k in size else NAN for k in ("width", "height"))
        except ValueError as e:
            reading.faulty(e, size, name, position)
            width, height = NAN, NAN
        row = reading.gathered.add_image(name, reading.source, width, height, split=reading.split, index=position,
                                         lookup=path_of(name).rpartition("/")[2])
        regions = entry.get("regions") if isinstance(entry, dict) else None
        for region in regions if isinstance(regions, list) else ():
            try:
                _add(region, row, reading)
            except ValueError as e:
                reading.faulty(e, region, name)
            reading.index += 1
    return True


def _add(region: Any, row: int, reading: Reading) -> None:
    bounds = region.get("boundingBox") if isinstance(region, dict) else None
    if not isinstance(bounds, dict):
        raise ValueError("boundingBox is missing")
    x, y, w, h = reals_of(bounds, ("left", "top", "width", "height"))
    tags = [t for t in region["tags"] if isinstance(t, str)] if isinstance(region.get("tags"), list) else []
    extra: dict[str, Any] = {}
    if reading.gathered.columns:
        extra["attributes"] = msgspec.json.encode({"tags": tags}) if len(tags) > 1 else None
        points = region.get("points")
        if region.get("type") == "POLYGON" and isinstance(points, list):
            extra["segmentation"] = polygon_json([[real(as_object(p).get(k), k) for p in points for k in "xy"]])
    reading.gathered.add(row, tags[0] if tags else None, (x, y, x + w, y + h), reading.index, extra=extra)
