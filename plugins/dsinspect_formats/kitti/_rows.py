"""How KITTI's rows are recognised."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters

from dsinspect_formats._numbers import are_numbers, numbers
from dsinspect_formats._sniffing import first_lines

TWO_ROWS = 29
"""Fields from which on a line may be two rows of 15 whose line end is missing: the last number of one and the type of the next are
one field."""
LARGEST_FRACTION = 2.0
"""What an edge in fractions of the image is not beyond, whatever went wrong with it."""


def looks_like_rows(head: bytes) -> bool:
    """Say whether a file begins with a row of a type and 14 or 15 numbers, or with several such rows on one line."""
    lines = first_lines(head)
    if not lines:
        return False
    tokens = lines[0].split()
    if _are_glued(tokens):
        return True
    try:
        name, values = parsed(tokens)
    except ValueError:
        return False
    return all(v == v for v in values) and (not are_numbers([name]) or is_numbered(tokens))


def is_numbered(tokens: Sequence[str]) -> bool:
    """Say whether a row whose type is a bare number is KITTI's, and no polygon or pose of YOLO's.

    It has 15 or 16 fields: a share that is truncated, an occlusion of 0 to 3 (-1 unknown), and a box whose edges are in order and
    beyond what fractions of an image are.
    """
    if len(tokens) not in (15, 16) or not are_numbers(tokens):
        return False
    truncated, occluded, _, left, top, right, bottom = map(float, tokens[1:8])
    return (-1 <= truncated <= 1 and occluded in (-1, 0, 1, 2, 3) and left <= right and top <= bottom
            and max(right, bottom) > LARGEST_FRACTION)


def has_rows(head: bytes) -> bool:
    """Say whether a file begins with a row that can be read, or several on one line, whatever their types are called."""
    tokens = (first_lines(head) or [""])[0].split()
    try:
        return _are_glued(tokens) or bool(parsed(tokens))
    except ValueError:
        return False


def parsed(tokens: list[str], *, plain: bool = False) -> tuple[str, list[float]]:
    """Return the type of a row, which may be several words, and the 14 numbers after it, or 15 with a score.

    Raises:
        ValueError: it has another number of fields, or one that is no number, in words.
    """
    if len(tokens) < 15:
        raise ValueError(f"has {len(tokens)} fields, a row has 15, or 16 with a score")
    count = 15 if len(tokens) > 15 and are_numbers(tokens[-15:-14]) else 14
    words = tokens[:-count]
    if len(words) > 1 and any(are_numbers([word]) for word in words):
        if len(tokens) >= TWO_ROWS:
            raise ValueError(f"has {len(tokens)} fields, a row has 15, or 16 with a score: are several rows on one line?")
        raise ValueError(f"has {len(tokens)} fields and numbers in its type {' '.join(words)[:40]!r}; a row has 15 fields, or 16 "
                         "with a score (rows of KITTI's tracking are not read)")
    return " ".join(words), numbers(tokens[-count:], plain=plain)


def _are_glued(tokens: list[str]) -> bool:
    """Say whether line ends between rows are missing: a type, 13 or 14 numbers, and one with the next row's type at its end."""
    if len(tokens) < TWO_ROWS or are_numbers(tokens[:1]) or not are_numbers(tokens[1:14]):
        return False
    joint = tokens[15] if are_numbers(tokens[14:15]) else tokens[14]
    return not are_numbers([joint]) and are_numbers([joint.rstrip("_" + ascii_letters)])
