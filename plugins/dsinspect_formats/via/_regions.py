"""Regions of VIA: their shape attributes as boxes and polygons, and which attribute is the class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from dsinspect_formats._values import Box, envelope, real, reals_of, shown

NO_AREA = {"point": "points", "polyline": "polylines", "line": "lines"}
USUAL = ("class", "label", "name", "category", "type", "object", "species")
"""Names that the attribute of the class mostly has, the likeliest first."""


def points_of(shape: Mapping[str, Any], least: int = 3) -> list[float]:
    """Return the points of a polygon, flat; raises ValueError, in words, when they are not lists of one length."""
    xs, ys = shape.get("all_points_x"), shape.get("all_points_y")
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys) or len(xs) < least:
        raise ValueError(f"all_points_x and all_points_y are not two lists of at least {('two', 'three')[least > 2]} numbers")
    return [v for x, y in zip(xs, ys, strict=True) for v in (real(x, "all_points_x"), real(y, "all_points_y"))]


def require_line(shape: Mapping[str, Any]) -> None:
    """Raise ValueError, in words, unless a polyline has points that can be drawn: it is left out, but not what is no line."""
    flat = points_of(shape, 2)
    if not all(math.isfinite(max(part) - min(part)) for part in (flat[::2], flat[1::2])):
        raise ValueError("the polyline has no finite extent")


def closed(shape: Any, most_px: float) -> Any:
    """Return a polyline whose ends are at most so far apart as the polygon it outlines; any other shape as it is.

    Without the last point where it repeats the first. A polyline that cannot be read is an open one.
    """
    if not isinstance(shape, dict) or shape.get("name") != "polyline":
        return shape
    try:
        flat = points_of(shape)
    except ValueError:
        return shape
    if len(flat) < 8 or not math.dist(flat[:2], flat[-2:]) <= most_px:
        return shape
    end = -1 if flat[:2] == flat[-2:] else None
    return {**shape, "name": "polygon", **{k: shape[k][:end] for k in ("all_points_x", "all_points_y")}}


def box_of(shape: Any) -> Box:
    """Return the box around a region.

    Raises:
        ValueError: in words; a KeyError's subclass it is not: shapes without an area are to be sorted out before.
    """
    if not isinstance(shape, dict):
        raise ValueError("shape_attributes is missing")
    kind = shape.get("name")
    if kind == "rect":
        x, y, w, h = reals_of(shape, ("x", "y", "width", "height"))
        return x, y, x + w, y + h
    if kind == "polygon":
        return envelope(points_of(shape))
    if kind == "circle":
        x, y, r = reals_of(shape, ("cx", "cy", "r"))
        return x - r, y - r, x + r, y + r
    if kind == "ellipse":
        x, y, rx, ry = reals_of(shape, ("cx", "cy", "rx", "ry"))
        theta = real(shape.get("theta", 0), "theta")  # in radians
        angle = theta if math.isfinite(theta) else math.nan
        half_w = math.hypot(rx * math.cos(angle), ry * math.sin(angle))
        half_h = math.hypot(rx * math.sin(angle), ry * math.cos(angle))
        return x - half_w, y - half_h, x + half_w, y + half_h
    raise ValueError(f"the shape {shown(kind)[:40]!r} is not known")


def class_attribute(attributes: Iterable[Any]) -> str:
    """Return the attribute that is the class: a usual name, of these and else the one that most regions have."""
    counts: dict[str, int] = {}
    for values in attributes:
        if isinstance(values, dict):
            for k, v in values.items():
                if v.strip() if type(v) is str else class_of(v) is not None:
                    counts[k] = counts.get(k, 0) + 1
    usual = [name for name in counts if name.strip().lower() in USUAL]
    if usual:
        return max(usual, key=lambda n: (counts[n], -USUAL.index(n.strip().lower())))
    return min(counts, key=lambda n: (-counts[n], n)) if counts else ""


def class_of(value: Any) -> str | None:
    """Return the class that an attribute's value says: its text, or the options that are ticked."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, dict):
        return ", ".join(sorted(k for k, v in value.items() if v is True or v == "true")) or None
    return None
