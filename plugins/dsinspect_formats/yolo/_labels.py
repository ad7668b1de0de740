"""Rows of YOLO label files: boxes, polygons, poses and oriented boxes, all as corner fractions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dsinspect.model import Problem
from dsinspect_formats._text import decode, odd_encoding


@dataclass
class Rows:
    """Rows of some label files, in columns.

    Attributes:
        category_ids: class of each row.
        edges: x_min, y_min, x_max, y_max of each row, fractions.
        lines: line of each row, from 1.
        indices: number of each row in its file, from 0.
        n_values: how many numbers each row has.
        texts: each row as it stands in the file.
        problems: rows and files that are faulty.
    """

    category_ids: list[int] = field(default_factory=list)
    edges: list[tuple[float, float, float, float]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    n_values: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_label(file: str, source: str, image: str, split: str | None, kpt_shape: tuple[int, int] | None,
               into: Rows) -> None:
    """Append the rows of a label file.

    Args:
        file: path to open.
        source: the same, relative to the root.
        image: path of the image, for problems.
        split: split of the image, for problems.
        kpt_shape: number of keypoints and of values per keypoint, when the configuration declares a pose set.
        into: where rows and problems go.
    """
    try:
        content = Path(file).read_bytes()
    except OSError as e:
        reason = f"the label file cannot be read: {(e.strerror or 'error').lower()}"
        into.problems.append(Problem("malformed-record", source, reason, image=image, split=split))
        return
    text, encoding = ("", None) if not content else decode(content)
    if encoding:
        into.problems.append(odd_encoding(source, encoding))
    pose = 5 + kpt_shape[0] * kpt_shape[1] if kpt_shape else None
    boxes = polygons = index = 0
    for number, line in enumerate(text.split("\n"), 1):
        tokens = line.split()
        if not tokens:
            continue
        try:
            category, edges = read_row(tokens, pose)
        except ValueError as e:
            into.problems.append(Problem("malformed-record", source, str(e), line.strip(), number, index, image, split))
            index += 1
            continue
        is_polygon = len(tokens) > 6 and len(tokens) != pose
        polygons += is_polygon
        boxes += not is_polygon
        into.category_ids.append(category)
        into.edges.append(edges)
        into.lines.append(number)
        into.indices.append(index)
        into.n_values.append(len(tokens))
        into.texts.append(line.strip())
        index += 1
    if boxes and polygons:
        reason = f"{boxes} box rows and {polygons} polygon rows in one file"
        into.problems.append(Problem("mixed-row-kinds", source, reason, image=image, split=split))


def read_row(tokens: Sequence[str], pose: int | None) -> tuple[int, tuple[float, float, float, float]]:
    """Return class and corners of one row.

    Raises:
        ValueError: in words for the user: wrong number of columns, or something that is no number.
    """
    n = len(tokens)
    if n < 5:
        raise ValueError(f"has {n} columns, a row has 5 (class, centre x, centre y, width, height)")
    if n > 6 and n % 2 == 0 and n != pose:
        raise ValueError(f"has {n} columns: neither a box (5) nor class and points (an odd number)")
    values = []
    for token in tokens:
        try:
            values.append(float(token))
        except ValueError:
            raise ValueError(f"{token!r} is not a number") from None
    if not values[0].is_integer():  # NaN and infinity are not either
        raise ValueError(f"class {tokens[0]!r} is not a whole number")
    if n <= 6 or n == pose:
        x, y, w, h = values[1:5]
        return int(values[0]), (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    xs, ys = values[1::2], values[2::2]
    if any(map(math.isnan, values)):
        return int(values[0]), (math.nan,) * 4
    return int(values[0]), (min(xs), min(ys), max(xs), max(ys))
