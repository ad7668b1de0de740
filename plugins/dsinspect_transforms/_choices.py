"""How options write sizes, colours and anchors, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from dsinspect.errors import UserError

Anchor = Literal["center", "top-left", "top", "top-right", "left", "right", "bottom-left", "bottom", "bottom-right"]


def size_wh(value: int | str, where: str) -> tuple[int, int]:
    """Return width and height, px, of `640` (a square) or `640x480`; (0, 0) for nothing.

    Raises:
        UserError: another text, or a side under 1 px.
    """
    match = re.fullmatch(r"\s*(\d+)\s*(?:[xX]\s*(\d+)\s*)?", str(value))
    if not match:
        raise UserError(f"{where}={value}: write a number of px, or WIDTHxHEIGHT such as 640x480")
    width = int(match[1])
    height = width if match[2] is None else int(match[2])
    if (width == 0) != (height == 0):
        raise UserError(f"{where}={value}: both sides are at least 1 px")
    return width, height


def colour_bgr(text: str | int, where: str) -> tuple[int, int, int]:
    """Return blue, green and red, 0 to 255, of `114` (a grey), `R,G,B` or `#rrggbb`.

    Raises:
        UserError: another text.
    """
    text = str(text)
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        red, green, blue = (int(text[k:k + 2], 16) for k in (1, 3, 5))
        return blue, green, red
    parts = [p.strip() for p in text.split(",")]
    if len(parts) in (1, 3) and all(p.isdecimal() and int(p) <= 255 for p in parts):
        red, green, blue = (int(p) for p in (parts if len(parts) == 3 else parts * 3))
        return blue, green, red
    raise UserError(f"{where}={text}: write a grey (114), R,G,B (114,114,114) or #rrggbb, each 0 to 255")


def numbers(text: str | float, where: str) -> tuple[float, ...]:
    """Return one number, or three joined by commas.

    Raises:
        UserError: another text.
    """
    try:
        values = tuple(float(p) for p in str(text).split(","))
    except ValueError:
        values = ()
    if len(values) not in (1, 3) or any(v != v or abs(v) == float("inf") for v in values):
        raise UserError(f"{where}={text}: write one number, or three joined by commas, one per channel")
    return values


def placed(room: int, anchor: str, before: Sequence[str], after: Sequence[str]) -> int:
    """Return where something begins that has `room` px to spare on one axis.

    Args:
        room: px to spare; negative when the thing is larger than its place.
        anchor: name of the anchor.
        before: names of the sides at which it begins at 0 (`top`).
        after: names of the sides at which all the room comes before it (`bottom`).
    """
    words = anchor.split("-")
    if any(w in words for w in before):
        return 0
    if any(w in words for w in after):
        return room
    return room // 2


def offset(room_x: int, room_y: int, anchor: str) -> tuple[int, int]:
    """Return x and y, px, of something placed by its anchor; an odd px to spare goes right and below."""
    return placed(room_x, anchor, ("left",), ("right",)), placed(room_y, anchor, ("top",), ("bottom",))
