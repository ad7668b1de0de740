"""How YOLO's files are recognised."""

from __future__ import annotations

import re
from pathlib import Path

from dsinspect_formats._images import is_image, stem_of
from dsinspect_formats._sniffing import head
from dsinspect_formats._text import decode
from dsinspect_formats.kitti._rows import is_numbered

_LISTED = 50
"""Lines of a list file that are looked at to recognise it."""
_NOT_LABELS = re.compile(
    r"(classes|obj|predefined_classes|(train|val|valid|test)([_-]list)?|_?readme.*|notes?|requirements|license)", re.I)


def is_label_name(path: str) -> bool:
    """Say whether a text file may be a label file, by its name."""
    return not _NOT_LABELS.fullmatch(stem_of(path))


def rows_of_head(content: bytes, *, fractions: bool = False) -> int | None:
    """Return how many rows the head of a label file has; None when its first row is not of a class and four more numbers.

    Args:
        content: of the head.
        fractions: whether these have to be about 0 to 1 as well.
    """
    rows = [line for line in decode(content)[0].split("\n") if line.strip()]
    if not rows:
        return 0
    if is_numbered(rows[0].split()):  # KITTI's, of classes by number
        return None
    try:
        values = [float(t) for t in rows[0].split()[:9]]  # a class of text after eight corners is DOTA's
    except ValueError:
        return None
    if len(values) < 4 or not values[0].is_integer() or (fractions and not all(-1 <= v <= 2 for v in values[1:])):
        return None
    return len(rows)


def lists_images(file: Path) -> bool:
    """Say whether a text file is a list of images: most of its first lines are paths of images."""
    lines = [line.strip() for line in decode(head(file))[0].splitlines()[:_LISTED] if line.strip()]
    return bool(lines) and sum(map(is_image, lines)) * 2 > len(lines)
