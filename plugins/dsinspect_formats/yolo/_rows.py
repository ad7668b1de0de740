"""One row of a YOLO label file as text: set its class and box, keeping the text of what stays."""

from __future__ import annotations

import re

from dsinspect_formats._editing import Change
from dsinspect_formats._set_patching import SAME
from dsinspect_formats.yolo._labels import read_row

_TOKEN = re.compile(r"\S+")


def set_class(line: str, number: int) -> str:
    """Return a row with another class."""
    match = _TOKEN.search(line)
    if match is None or float(match[0]) == number:
        return line
    return f"{line[:match.start()]}{number}{line[match.end():]}"


def box_only(line: str, pose: int | None) -> str:
    """Return a polygon row as a box row; other rows as they are."""
    tokens = line.split()
    if len(tokens) <= 6 or len(tokens) == pose:
        return line
    _, (x_min, y_min, x_max, y_max) = read_row(tokens, pose)
    texts = [tokens[0], *(repr(v) for v in ((x_min + x_max) / 2, (y_min + y_max) / 2, x_max - x_min, y_max - y_min))]
    stripped = line.strip()
    at = line.index(stripped)
    return line[:at] + " ".join(texts) + line[at + len(stripped):]


def new_row(number: int, change: Change, pose: int | None, *, is_polygon: bool) -> str:
    """Return the row of a new box.

    Args:
        number: of the class.
        change: with the box, px, and the size of the image.
        pose: tokens of a row with keypoints, which are all written as not labelled; None in sets without.
        is_polygon: write the corners, in a file of polygons.

    Raises:
        UserError: the size of the image is unknown.
    """
    width, height = change.frame_wh
    if not (width > 0 and height > 0):
        raise change.wrong("the size of the image is not known, and YOLO writes fractions of it")
    box = change.new_box()
    x_min, y_min, x_max, y_max = box
    px = ((x_min, y_min, x_max, y_min, x_max, y_max, x_min, y_max) if is_polygon and pose is None else
          ((x_min + x_max) / 2, (y_min + y_max) / 2, x_max - x_min, y_max - y_min))
    values = [v / (width, height)[k % 2] for k, v in enumerate(px)]
    return " ".join([str(number), *map(repr, values), *["0"] * (0 if pose is None else pose - 5)])


def set_box(line: str, change: Change, pose: int | None) -> str:
    """Return a row with another box; of polygons, what lies beyond the new box is moved to its edge.

    Raises:
        UserError: the size of the image is unknown, or a polygon would have to grow.
    """
    matches = list(_TOKEN.finditer(line))
    tokens = [m[0] for m in matches]
    wh = change.frame_wh
    if not all(side > 0 for side in wh):
        raise change.wrong("the size of the image is not known, and YOLO writes fractions of it")
    old = read_row(tokens, pose)[1]
    box = change.finite_box()
    edges = [new / side for new, side in zip(box, (*wh, *wh), strict=True)]
    same = [abs(a - b) <= SAME for a, b in zip(old, edges, strict=True)]
    edges = [a if s else b for a, b, s in zip(old, edges, same, strict=True)]
    if all(same):
        return line
    if len(tokens) <= 6 or len(tokens) == pose:
        for axis in (0, 1):
            low, high = edges[axis], edges[axis + 2]
            if not (same[axis] and same[axis + 2]):
                tokens[1 + axis], tokens[3 + axis] = repr((low + high) / 2), repr(high - low)
    else:
        if any(new < of for new, of in zip(edges[:2], old[:2], strict=True)) or any(
                new > of for new, of in zip(edges[2:], old[2:], strict=True)):
            raise change.wrong("the row is a polygon, which cannot grow to a box; add drop-polygon to make it a box")
        for k in range(1, len(tokens)):
            axis = (k - 1) % 2
            value = min(max(float(tokens[k]), edges[axis]), edges[axis + 2])
            if value != float(tokens[k]):
                tokens[k] = repr(value)
    out, at = "", 0
    for match, token in zip(matches, tokens, strict=True):
        out += line[at:match.start()] + token
        at = match.end()
    return out + line[at:]
