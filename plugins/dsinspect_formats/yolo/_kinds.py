"""What rows of a YOLO set are: boxes, polygons, rotated boxes or poses; the files do not say, so it is decided, and said."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

from dsinspect.protocols.options import BaseOptions, option
from dsinspect_formats._text import decode

Task = Literal["detect", "segment", "obb", "pose"]
LOOKED_AT = 200
"""Label files that are looked at, spread over the set."""
SLACK = 0.02
"""Of the image: the middles of a rectangle's diagonals lie in one place, but for the digits that were written."""
_MAJORITY = 0.9


class Options(BaseOptions, frozen=True):
    """How rows are read."""

    task: Annotated[Literal["", "detect", "segment", "obb", "pose"], option(
        "what rows of points are: segment (polygons) or obb (rotated boxes of 4 corners); pose needs kpt_shape in data.yaml; "
        "empty to decide by kpt_shape, then by what most rows are", source="Ultralytics")] = ""


class WriterOptions(BaseOptions, frozen=True):
    """How rows are written."""

    segments: Annotated[bool, option("write polygons instead of boxes; every annotation needs exactly one")] = False
    task: Annotated[Literal["", "detect", "segment", "obb", "pose"], option(
        "kind of rows to write: boxes (detect, the same as empty), polygons (segment, as yolo.segments), 4 corners (obb) or boxes "
        "with keypoints (pose)", source="Ultralytics")] = ""

    @property
    def kind(self) -> Task:
        """The kind of rows."""
        return self.task or ("segment" if self.segments else "detect")


def decide(labels: Iterable[Path], task: str, *, has_poses: bool) -> tuple[Task, str | None]:
    """Return what the rows of a set are, and a note when it was not said anywhere.

    Rows of 9 numbers are polygons of 4 points or rotated boxes. Where all rows of points have 9 numbers, and nine of ten are
    parallelograms, they are rotated boxes.

    Args:
        labels: label files of the set.
        task: what the user says; empty when nothing.
        has_poses: whether data.yaml has `kpt_shape`.
    """
    if task:
        return task, None  # type: ignore[return-value]
    if has_poses:
        return "pose", None
    paths = list(labels)
    spread = paths[::max(1, len(paths) // LOOKED_AT)]
    corners = rectangles = polygons = 0
    for path in islice(spread, LOOKED_AT):
        for tokens in _rows(path):
            if len(tokens) == 9:
                corners += 1
                rectangles += _is_parallelogram(tokens)
            elif len(tokens) > 6 and len(tokens) % 2:
                polygons += 1
    if not corners and not polygons:
        return "detect", None
    hint = "--set yolo.task=segment|obb says otherwise"
    from dsinspect_formats._gathering import counted

    seen = counted(corners + polygons, "row", "rows")
    if polygons or rectangles < _MAJORITY * corners:
        return "segment", f"rows of points are read as polygons (of {seen} looked at, {rectangles:,} are rotated boxes; {hint})"
    return "obb", f"rows of points are read as rotated boxes (of {seen} looked at, {rectangles:,} are rectangles; {hint})"


def _rows(path: Path) -> Iterable[list[str]]:
    try:
        with path.open("rb") as file:
            text, _ = decode(file.read(1 << 16))
    except OSError:
        return ()
    return (line.split() for line in text.split("\n"))


def _is_parallelogram(tokens: list[str]) -> bool:
    try:
        x1, y1, x2, y2, x3, y3, x4, y4 = map(float, tokens[1:])
    except ValueError:
        return False
    return abs(x1 + x3 - x2 - x4) <= SLACK and abs(y1 + y3 - y2 - y4) <= SLACK
