"""One label file as Ultralytics reads it, for the few files that hold more than numbers in even rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsinspect.protocols.trainers import Trainer


@dataclass(frozen=True)
class Judged:
    """A row as the loader has it.

    Attributes:
        line: of the row, from 1, counted by line feeds.
        label: class.
        xywh: centre and size, fractions.
        rule: key of the rule that changes or drops it; empty when it is kept as it stands.
        is_kept: False for a duplicate.
    """

    line: int
    label: float
    xywh: tuple[float, float, float, float]
    rule: str = ""
    is_kept: bool = True


def judge_text(content: bytes, n_classes: int | None, trainer: Trainer, n_pose: int = 0) -> str | list[Judged]:
    """Return the key of the rule that leaves out the image, or the rows as the loader has them.

    Args:
        content: of the label file.
        n_classes: of the set; None when unknown.
        trainer: Ultralytics, of some release.
        n_pose: numbers of a pose row, 0 when the set has no poses.
    """
    try:
        text = content.decode("utf-8-sig" if trainer.at("8.4.183") else "utf-8")
    except UnicodeDecodeError:
        return "not-utf-8"
    rows, lines, blank = _rows_of(text, keep_blank=not trainer.at("8.4.165"))
    if not rows:
        return []
    has_mark = text.startswith("\ufeff")
    if any(len(r) > 6 for r in rows) and not n_pose:
        return _judge_polygons(rows, lines, n_classes, trainer, has_mark=has_mark)
    if len({len(r) for r in rows}) > 1:
        return "blank-row" if blank and len({len(r) for r in rows if r}) == 1 else "ragged-rows"
    try:
        numbers = np.array([[np.float32(float(v)) for v in r] for r in rows], np.float32)
    except ValueError:
        return "byte-order-mark" if has_mark else "not-a-number"
    if len(rows[0]) != (n_pose or 5):
        return "wrong-columns"
    fault = _fault_of(numbers, n_classes, trainer, is_pose=bool(n_pose))
    if fault:
        return fault
    return _without_repeats(numbers, lines, None, trainer)


def _rows_of(text: str, *, keep_blank: bool) -> tuple[list[list[str]], list[int], bool]:
    """Return the rows as lists of texts, the line each starts in, and whether one is blank.

    Lines end where Python's `splitlines` ends them, form feeds and the separators of Unicode included.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    start = len(text) - len(text.lstrip())
    line = text.count("\n", 0, start) + 1
    rows, lines, has_blank = [], [], False
    for part in text.strip().splitlines(keepends=True):
        body = part.splitlines()[0] if part else ""
        tokens = body.split()
        if tokens or (body and keep_blank):
            rows.append(tokens)
            lines.append(line)
            has_blank |= not tokens
        line += part.count("\n")
    return rows, lines, has_blank


def _judge_polygons(rows: list[list[str]], lines: list[int], n_classes: int | None, trainer: Trainer, *,
                    has_mark: bool) -> str | list[Judged]:
    """Judge a file that holds a polygon: then all its rows are points."""
    if trainer.at("8.4.117") and any(len(r) == 5 for r in rows):
        return "mixed-rows"
    if not all(rows):
        return "blank-row"  # the loader asks the row for its class
    points: list[NDArray[np.float32]] = []
    try:
        classes = [np.float32(float(r[0])) for r in rows]
        for r in rows:
            flat = np.array([np.float32(float(v)) for v in r[1:]], np.float32)
            if len(flat) % 2:
                return "odd-coordinates"
            points.append(flat.reshape(-1, 2))
    except ValueError:
        return "byte-order-mark" if has_mark else "not-a-number"
    if not all(len(p) for p in points):
        return "no-coordinates"
    low, high = np.array([p.min(axis=0) for p in points]), np.array([p.max(axis=0) for p in points])
    numbers = np.column_stack([np.array(classes, np.float32), (low + high) / np.float32(2), high - low])
    fault = _fault_of(numbers, n_classes, trainer)
    if fault:
        return fault
    return _without_repeats(numbers, lines, points, trainer, misread=[len(r) == 5 for r in rows])


def _fault_of(numbers: NDArray[np.float32], n_classes: int | None, trainer: Trainer, *, is_pose: bool = False) -> str:
    """Return the key of the first limit that a file breaks, or an empty text."""
    checked = numbers[:, 5:] if is_pose else numbers[:, 1:]
    if is_pose:  # x and y of each keypoint, with its visibility or without
        step = 3 if checked.shape[1] % 3 == 0 else 2
        checked = np.delete(checked, np.s_[2::3], axis=1) if step == 3 else checked
    limit = np.float32(1.01 if trainer.at("8.3.163") else 1.0)
    if not checked.max() <= limit:
        return "above-limit"
    least = numbers.min()
    if not least >= (np.float32(-0.01) if trainer.at("8.3.163") else 0):
        return "negative"
    if trainer.at("8.4.182") and least < 0 and numbers[:, 3:5].min() < 0:
        return "negative"
    if trainer.at("8.4.164") and (numbers[:, 0] % 1 != 0).any():
        return "fractional-class"
    if n_classes is not None:
        most = numbers[:, 0].max()
        if most > n_classes or (most == n_classes and trainer.at("8.3.66")):
            return "unknown-class"
    return ""


def _without_repeats(numbers: NDArray[np.float32], lines: list[int], points: list[NDArray[np.float32]] | None, trainer: Trainer,
                     misread: list[bool] | None = None) -> list[Judged]:
    """Mark the rows that repeat an earlier one, in single precision, and those that are read otherwise than they stand."""
    by_outline = points is not None and trainer.at("8.4.165")
    boxes: set[tuple[float, ...]] = set()
    outlines: set[tuple[float, bytes]] = set()
    judged = []
    for k, row in enumerate((numbers + np.float32(0)).tolist()):  # -0 becomes 0
        box, outline = tuple(row), (row[0], b"" if points is None else points[k].tobytes())
        repeats_outline = points is not None and outline in outlines
        if repeats_outline if by_outline else box in boxes:
            rule = "duplicate" if points is None or repeats_outline else "duplicate-polygon"
            judged.append(Judged(lines[k], row[0], (row[1], row[2], row[3], row[4]), rule, is_kept=False))
        else:
            rule = "mixed-rows" if misread is not None and misread[k] else "fractional-class" if row[0] % 1 else ""
            judged.append(Judged(lines[k], row[0], (row[1], row[2], row[3], row[4]), rule))
        boxes.add(box)
        outlines.add(outline)
    return judged
