"""Cells as a reviewer fills them in: boxes in any notation, whole numbers that come back as floats, texts."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from dsinspect.protocols.decisions import Box, Decision, NewBox

_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?")


def parse_box(text: str) -> list[float]:
    """Return the numbers of a text: `1, 2, 3, 4`, `1 2 3 4`, or `1,5; 2; 3; 4` with decimal commas.

    >>> parse_box("[1.5, 2, 3, 4]")
    [1.5, 2.0, 3.0, 4.0]
    >>> parse_box("1,5; 2; 3; 4")
    [1.5, 2.0, 3.0, 4.0]
    """
    text = text.strip().strip("[](){}")
    if ";" in text:
        parts = text.split(";")
    elif re.search(r",(?!\s*$)", text) and len(text.split(",")) == 4:
        parts = text.split(",")
    else:
        parts = text.split()
    parts = [p.strip().rstrip(",") for p in parts if p.strip()]
    if not all(_NUMBER.fullmatch(p) for p in parts):
        return []
    return [float(p.replace(",", ".")) for p in parts]


def box_of(text: str, cells: Sequence[Any] = ()) -> Box:
    """Return the box of a text, else of four cells.

    Raises:
        ValueError: they are not four numbers.
    """
    numbers = parse_box(text) if text else [_cell_number(c) for c in cells]
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{text[:60]!r} is not four numbers: x min, y min, x max, y max in px")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _cell_number(value: Any) -> float:
    try:
        return float(str(value).replace(",", "."))
    except ValueError:
        return math.nan


def plain(value: Any) -> str:
    """Return a cell as text: whole numbers without a decimal point, as they come back from spreadsheets.

    >>> plain(7.0), plain("'7"), plain(None)
    ('7', '7', '')
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().lstrip("'")


def whole(value: Any) -> int | None:
    """Return a cell as a whole number, or None."""
    text = plain(value)
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None


def check_value(decision: Decision, frame: tuple[float, float]) -> None:
    """Raise a ValueError unless the box of a decision has an area and lies in its image.

    Args:
        decision: with a box, or a new one.
        frame: width and height of the image, px; NaN where they are not known.
    """
    box = decision.value.bbox_xyxy if isinstance(decision.value, NewBox) else decision.value
    if not isinstance(box, tuple):
        raise ValueError(f"{decision.action}: the new box is missing: x min, y min, x max, y max in px")
    x_min, y_min, x_max, y_max = box
    if not all(map(math.isfinite, box)):
        raise ValueError(f"the box {box_text(box)} is not four finite numbers")
    if x_max <= x_min or y_max <= y_min:
        raise ValueError(f"the box {box_text(box)} has no area; expected x min, y min, x max, y max")
    width, height = frame  # NaN, which nothing is larger than, where no size is known
    if x_min < -0.5 or y_min < -0.5 or x_max > width + 0.5 or y_max > height + 0.5:
        raise ValueError(f"the box {box_text(box)} is not inside the image of {width:g} x {height:g} px")


def box_text(box: Sequence[float]) -> str:
    """Return a box as a reviewer writes it."""
    return ", ".join(f"{v:.10g}" for v in box)
