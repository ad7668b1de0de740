"""What rows of a YOLO set are: boxes, polygons, rotated boxes or poses; the files do not say, so it is decided, and said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from dsinspect.errors import UserError
from dsinspect.protocols.options import BaseOptions, option
from dsinspect_formats._sniffing import head_of
from dsinspect_formats._text import decode

Task = Literal["detect", "segment", "obb", "pose"]
LOOKED_AT = 200
"""Label files that are looked at, spread over the set."""
SLACK = 0.02
"""Of the image: the middles of a rectangle's diagonals lie in one place, but for the digits that were written."""
_MAJORITY = 0.9
_SOME = 0.05
_ENOUGH = 10
"""Rows of two keypoints without a visible one that chance does not make."""


class Options(BaseOptions, frozen=True):
    """How rows are read."""

    task: Annotated[Literal["", "detect", "segment", "obb", "pose"], option(
        "what rows of points are: segment (polygons), obb (rotated boxes of 4 corners) or pose (as kpt_shape or the rows say); "
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


class Kind(msgspec.Struct, frozen=True):
    """What the rows of a set are.

    Attributes:
        task: kind of rows.
        kpt_shape: number of keypoints and of values of each, for poses.
        note: how it was decided, when it was not said anywhere.
        in_doubt: whether the rows could as well be of another kind: what is wrong with their boxes may not be wrong then.
    """

    task: Task
    kpt_shape: tuple[int, int] | None = None
    note: str | None = None
    in_doubt: bool = False

    @property
    def n_pose(self) -> int | None:
        """How many numbers a row of a pose has, None where there are none."""
        return n_pose_of(self.kpt_shape)


def n_pose_of(kpt_shape: tuple[int, int] | None) -> int | None:
    """Return how many numbers a row with such keypoints has: class, box and points."""
    return 5 + kpt_shape[0] * kpt_shape[1] if kpt_shape else None


def decide(labels: Iterable[Path], task: str, kpt_shape: tuple[int, int] | None) -> Kind:
    """Return what the rows of a set are.

    Rows of as many numbers each as a class, a box and triples have, where every third number of the triples is 0, 1 or 2, are
    poses. Rows of 9 numbers are polygons of 4 points or rotated boxes: where all rows of points have 9 numbers, and nine of ten
    are parallelograms, they are rotated boxes.

    Args:
        labels: label files of the set.
        task: what the user says; empty when nothing.
        kpt_shape: what data.yaml says of keypoints.

    Raises:
        UserError: the user says that the rows are poses, and they do not say of how many keypoints.
    """
    if kpt_shape is not None:
        return Kind("pose" if task in ("", "pose") else task, kpt_shape)  # type: ignore[arg-type]
    if task in ("segment", "obb"):
        return Kind(task)  # type: ignore[arg-type]
    paths = list(labels)
    seen = _Seen()
    for path in islice(paths[::max(1, len(paths) // LOOKED_AT)], LOOKED_AT):
        for tokens in _rows(path):
            seen.take(tokens)
    if task == "pose":
        return Kind("pose", _said_to_be_poses(seen))
    if not seen.points:
        return Kind("detect")
    from dsinspect.findings.wording import counted

    if seen.are_poses:
        keypoints = (seen.usual - 5) // 3
        return Kind("pose", (keypoints, 3),
                    f"rows of points are read as poses of {counted(keypoints, 'keypoint')} (of "
                    f"{counted(seen.points, 'row')} looked at, {seen.poses:,} {'has' if seen.poses == 1 else 'have'} "
                    f"{seen.usual} numbers of which every third after the box is 0, 1 or 2; data.yaml has no kpt_shape; "
                    "--set yolo.task=segment says otherwise)")
    if task == "detect":
        return Kind("detect")
    looked = f"of {counted(seen.points, 'row')} looked at"
    if seen.polygons or seen.rectangles < _MAJORITY * seen.corners:
        note = f"rows of points are read as polygons ({looked}, {seen.rectangles:,} are rotated boxes; {_HINT})"
        doubt = seen.doubt
        return Kind("segment", None, note if not doubt else
                    f"rows of points are read as polygons, but {doubt} ({looked}): no fix of a box is safe until --set "
                    "yolo.task=segment|obb|pose says what they are", bool(doubt))
    return Kind("obb", None, f"rows of points are read as rotated boxes ({looked}, {seen.rectangles:,} are rectangles; {_HINT})")


_HINT = "--set yolo.task=segment|obb says otherwise"


def _said_to_be_poses(seen: _Seen) -> tuple[int, int] | None:
    """Return the number of keypoints and of their values by what rows there are; None where there is none at all."""
    if not seen.longer.total():
        if seen.boxes:
            raise UserError("yolo.task=pose: no annotation has keypoints (all rows are boxes of 5 numbers); leave yolo.task out")
        return None
    (n, usual), *_ = seen.longer.most_common(1)
    if usual >= _MAJORITY * seen.longer.total():
        if (n - 5) % 3 == 0 and (seen.fitting[n] * 2 >= usual or n % 2 == 0):
            return (n - 5) // 3, 3
        if n % 2 and not (n == 9 and seen.rectangles >= _MAJORITY * seen.corners):
            return (n - 5) // 2, 2
    lengths = ", ".join(f"{n}" for n, _ in seen.longer.most_common(3))
    raise UserError("yolo.task=pose: no annotation has keypoints that can be told: data.yaml has no kpt_shape, and rows of "
                    f"{lengths} numbers do not say how many there are; add kpt_shape: [number of keypoints, 2 or 3] to data.yaml")


class _Seen:
    """Counts of the rows that were looked at."""

    def __init__(self) -> None:
        self.boxes = self.corners = self.rectangles = self.polygons = 0
        self.framed = 0
        self.has_visible = False
        self.longer: Counter[int] = Counter()
        self.lengths: Counter[int] = Counter()
        self.fitting: Counter[int] = Counter()

    @property
    def points(self) -> int:
        """Number of rows of points."""
        return self.lengths.total()

    @property
    def poses(self) -> int:
        """Number of rows, as long as most, that fit as poses."""
        return self.fitting[self.usual]

    @property
    def usual(self) -> int:
        """How many numbers most rows of points have."""
        return max(self.lengths, key=lambda n: (self.lengths[n], -n))

    @property
    def are_poses(self) -> bool:
        """Say whether nearly all rows of points are poses of one number of keypoints.

        Few polygons of five points that touch edges of the image look the same, but for a 2, which no fraction is.
        """
        is_certain = self.has_visible or self.usual != 11 or self.poses >= _ENOUGH
        return self.poses >= _MAJORITY * self.points and is_certain

    @property
    def doubt(self) -> str:
        """Why rows of points may be no polygons, empty when nothing says so."""
        if (poses := self.fitting.total()) >= max(1, _SOME * self.points):
            return f"{poses:,} {_fit(poses)} (box, then x, y, 0, 1 or 2)"
        if self.usual >= 11 and self.usual % 2 and self.framed >= _MAJORITY * self.points:
            return (f"{self.framed:,} of {self.usual} numbers {_fit(self.framed)} of "
                    f"{(self.usual - 5) // 2} keypoints of 2 values as well")
        if self.corners and not self.polygons and self.rectangles * 2 >= self.corners:
            return f"{self.rectangles:,} {'is a rectangle' if self.rectangles == 1 else 'are rectangles'}"
        return ""

    def take(self, tokens: list[str]) -> None:
        """Count one row."""
        n = len(tokens)
        self.boxes += n in (5, 6)
        self.longer[n] += n > 6
        if n == 9:
            self.corners += 1
            self.rectangles += _is_parallelogram(tokens)
        elif n > 6 and n % 2:
            self.polygons += 1
        fits = n > 6 and (n - 5) % 3 == 0 and self._is_pose(tokens)
        if fits or (n > 6 and n % 2):
            self.lengths[n] += 1
            self.fitting[n] += fits
            self.framed += n >= 11 and n % 2 == 1 and _is_framed(tokens)

    def _is_pose(self, tokens: list[str]) -> bool:
        if any(t.strip("0") not in ("", ".", "1", "2", "1.", "2.") for t in tokens[7::3]):
            return False
        try:
            values = list(map(float, tokens))
        except ValueError:
            return False
        marks = values[7::3]
        if not {0.0, 1.0, 2.0}.issuperset(marks) or not (values[3] > 0 and values[4] > 0):
            return False
        self.has_visible |= 2.0 in marks
        places = [v for k, v in enumerate(values[5:]) if k % 3 < 2]
        # The outline of the whole image is all zeros and ones.
        return any(0 < v < 1 for v in places) or not any(places)


def _fit(n: int) -> str:
    return "fits as a pose" if n == 1 else "fit as poses"


def _is_framed(tokens: list[str]) -> bool:
    """Say whether the first four numbers are a box around all other points."""
    try:
        x, y, w, h, *places = map(float, tokens[1:])
    except ValueError:
        return False
    labelled = [p for p in zip(places[::2], places[1::2], strict=True) if any(p)]
    return w > 0 and h > 0 and all(abs(a - x) <= w / 2 + SLACK and abs(b - y) <= h / 2 + SLACK for a, b in labelled)


def _rows(path: Path) -> Iterable[list[str]]:
    text, _ = decode(head_of(path, 1 << 16))
    return (line.split() for line in text.split("\n"))


def _is_parallelogram(tokens: list[str]) -> bool:
    try:
        x1, y1, x2, y2, x3, y3, x4, y4 = map(float, tokens[1:])
    except ValueError:
        return False
    return abs(x1 + x3 - x2 - x4) <= SLACK and abs(y1 + y3 - y2 - y4) <= SLACK
