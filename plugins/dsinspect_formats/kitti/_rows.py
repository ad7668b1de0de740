"""How KITTI's rows are recognised."""

from __future__ import annotations

from dsinspect_formats._numbers import are_numbers, numbers
from dsinspect_formats._sniffing import first_lines


def looks_like_rows(head: bytes) -> bool:
    """Say whether a file begins with a row of a type and 14 or 15 numbers."""
    lines = first_lines(head)
    if not lines:
        return False
    try:
        name, values = parsed(lines[0].split())
    except ValueError:
        return False
    return not are_numbers([name]) and len(name.split()) <= 5 and all(v == v for v in values)


def has_rows(head: bytes) -> bool:
    """Say whether a file begins with a row that can be read, whatever its type is called."""
    try:
        return bool(parsed((first_lines(head) or [""])[0].split()))
    except ValueError:
        return False


def parsed(tokens: list[str], *, plain: bool = False) -> tuple[str, list[float]]:
    """Return the type of a row, which may be several words, and the 14 numbers after it, or 15 with a score.

    Raises:
        ValueError: it has fewer fields, or one that is no number, in words.
    """
    if len(tokens) < 15:
        raise ValueError(f"has {len(tokens)} fields, a row has 15, or 16 with a score")
    count = 15 if len(tokens) > 15 and are_numbers(tokens[-15:-14]) else 14
    return " ".join(tokens[:-count]), numbers(tokens[-count:], plain=plain)
