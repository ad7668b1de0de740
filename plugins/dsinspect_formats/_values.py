"""Numbers of JSON and XML records as floats, points as boxes and polygons, and values and counts in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dsinspect.tables.schema import NO_POSITION, Problem

Box = tuple[float, float, float, float]
NAN_BOX: Box = (math.nan, math.nan, math.nan, math.nan)


def counted(n: int, one: str, several: str) -> str:
    """Return a count with its words.

    >>> counted(1, "file is", "files are"), counted(27980, "file is", "files are")
    ('1 file is', '27,980 files are')
    """
    return f"{n:,} {one if n == 1 else several}"


def first_reason(problems: Sequence[Problem], otherwise: str) -> str:
    """Return why a file cannot be read at all, with the line when there is one."""
    if not problems:
        return otherwise
    line = problems[0].line
    return problems[0].reason if line == NO_POSITION else f"line {line}: {problems[0].reason}"


def shown(value: Any) -> str:
    """Return a value as short text for a problem."""
    if isinstance(value, str):
        return value[:200]
    try:
        return msgspec.json.encode(value)[:200].decode("utf-8", "replace")
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError, OverflowError):
        return repr(value)[:200]


def real(value: Any, what: str) -> float:
    """Return a JSON number as float.

    Raises:
        ValueError: in words for the user: it is none.
    """
    if type(value) is float:
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{what}: the number is too large") from None
    raise ValueError(f"{what} is missing" if value is None else f"{what}: {shown(value)[:60]!r} is not a number")


def reals(values: Sequence[Any], what: str) -> list[float]:
    """Return JSON numbers as floats; raises ValueError as `real` does."""
    for value in values:
        if type(value) is not float:
            return [real(v, what) for v in values]
    return list(values)


_NUMBERS = frozenset((int, float))


def reals_of(values: Mapping[str, Any], names: Sequence[str]) -> list[float]:
    """Return members of a JSON object as floats; raises ValueError as `real` does."""
    found = [values.get(name) for name in names]
    if _NUMBERS.issuperset(map(type, found)):
        try:
            return list(map(float, found))  # type: ignore[arg-type]
        except OverflowError:
            pass
    return [real(v, name) for v, name in zip(found, names, strict=True)]


def real_texts(texts: Mapping[str, str], names: Sequence[str]) -> list[float]:
    """Return attributes as floats; raises ValueError as `real_text` does."""
    try:
        found = [texts[name] for name in names]
        joined = "".join(found)
        if joined.isascii() and "_" not in joined:
            return list(map(float, found))
    except (KeyError, ValueError):
        pass
    return [real_text(texts.get(name), name) for name in names]


def real_text(text: str | None, what: str) -> float:
    """Return a number written as text; raises ValueError, in words, when it is none."""
    try:
        if text is not None and text.isascii() and "_" not in text:
            return float(text)
    except ValueError:
        pass
    raise ValueError(f"{what} is missing" if text is None else f"{what}: {text[:60]!r} is not a number")


def envelope(points: Sequence[float]) -> Box:
    """Return the box around flat points x, y, ...; NaN when one is."""
    for p in points:
        if p != p:
            return NAN_BOX
    if len(points) == 4:  # a rectangle's
        a, b, c, d = points
        return (a if a <= c else c), (b if b <= d else d), (c if c >= a else a), (d if d >= b else b)
    xs, ys = points[::2], points[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def rotated(x: float, y: float, width: float, height: float, degrees: float, pivot: tuple[float, float]) -> list[float]:
    """Return the corners, flat, of a box turned clockwise as seen (y points down) about a point.

    Args:
        x: of the top left corner before it is turned, px.
        y: of that corner, px.
        width: px.
        height: px.
        degrees: of the turn.
        pivot: the point that stays, px.
    """
    angle = math.radians(degrees) if math.isfinite(degrees) else math.nan
    cos, sin = math.cos(angle), math.sin(angle)
    flat: list[float] = []
    for cx, cy in ((x, y), (x + width, y), (x + width, y + height), (x, y + height)):
        dx, dy = cx - pivot[0], cy - pivot[1]
        flat += (pivot[0] + cos * dx - sin * dy, pivot[1] + sin * dx + cos * dy)
    return flat


def polygon_json(polygons: Sequence[Sequence[float]]) -> bytes:
    """Return flat polygons as the `segmentation` column holds them."""
    return msgspec.json.encode(polygons)
