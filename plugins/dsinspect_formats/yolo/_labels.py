"""Rows of YOLO label files: boxes, polygons, poses and oriented boxes, all as corner fractions."""

from __future__ import annotations

import errno
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.io.limits import Limits, limits, option, too_large
from dsinspect.io.reading import READ_FLAGS, require_regular
from dsinspect.tables.schema import Problem
from dsinspect_formats._cut_rows import cut_short
from dsinspect_formats._numbers import numbers
from dsinspect_formats._reading import reason_of
from dsinspect_formats._text import decode, odd_encoding
from dsinspect_formats.yolo._plain import PlainRows, is_plain, read_plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ODD = re.compile(rb"(?:\A|[\r\n])[ \t]+(?:[\r\n]|\Z)|\r(?!\n)|^[ \t]*[+-]?\d*[.eE]", re.MULTILINE)
_BLANK = re.compile(rb"(?<=[\r\n])[ \t]+(?=[\r\n])")
_TAIL = 1 << 14
"""Bytes at the end of a file that hold its last rows."""
FILES = 128
"""Label files read together: what is made on the way takes five times the memory of their rows."""


@dataclass(frozen=True)
class LabelFile:
    """A label file to read.

    Attributes:
        file: path to open.
        source: the same, relative to the root.
        image: path of the image, for problems.
        split: split of the image, for problems.
    """

    file: str
    source: str
    image: str
    split: str | None


@dataclass(frozen=True)
class Rows:
    """Rows of some label files, in columns, in the order of the files.

    Attributes:
        counts: number of rows of each file.
        category_ids: class of each row.
        edges: x_min, y_min, x_max, y_max of each row, fractions, (N, 4).
        lines: line of each row, from 1.
        indices: number of each row in its file, from 0; rows that cannot be read count.
        n_values: how many numbers each row has.
        texts: each row as it stands in the file, None for a row that was not asked for; None when none was.
        problems: rows and files that are faulty.
        odd: the bytes of each file that holds more than its rows in columns say, else None; None when not asked for.
    """

    counts: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    edges: NDArray[np.float64]
    lines: NDArray[np.int64]
    indices: NDArray[np.int64]
    n_values: NDArray[np.int64]
    texts: list[str | None] | None
    problems: list[Problem]
    odd: list[bytes | None] | None = None


@dataclass
class _Found:
    """Rows of one file while they are read line by line."""

    category_ids: list[int] = field(default_factory=list)
    edges: list[tuple[float, float, float, float]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    n_values: list[int] = field(default_factory=list)


def read_labels(labels: Sequence[LabelFile], pose: int | None = None, *, texts: bool = False, points: bool = False,
                odd: bool = False) -> Rows:
    """Read label files.

    Args:
        labels: what to read.
        pose: number of values of a pose row, when the configuration declares a pose set.
        texts: whether the rows' texts are wanted.
        points: whether the texts of rows of points are: polygons, rotated boxes and poses.
        odd: whether the bytes of odd files are wanted: those with something that is no row of numbers, with a row of white
            space, a carriage return alone, a class written with a point or an exponent, poses, or polygons of one class and box.
    """
    parts = [_read_some(labels[k:k + FILES], pose, texts=texts, points=points, odd=odd)
             for k in range(0, max(len(labels), 1), FILES)]
    if len(parts) == 1:
        return parts[0]

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(p, name) for p in parts])

    return Rows(joined("counts"), joined("category_ids"), joined("edges"), joined("lines"), joined("indices"),
                joined("n_values"), _joined_texts(parts),
                [q for p in parts for q in p.problems], [t for p in parts for t in p.odd or ()] if odd else None)


def _joined_texts(parts: Sequence[Rows]) -> list[str | None] | None:
    if all(p.texts is None for p in parts):
        return None
    return [t for p in parts for t in (p.texts or [None] * len(p.lines))]


def _read_some(labels: Sequence[LabelFile], pose: int | None, *, texts: bool, points: bool, odd: bool) -> Rows:
    problems: dict[int, list[Problem]] = {}
    contents: list[bytes] = []
    most = limits()
    for k, label in enumerate(labels):
        try:
            contents.append(_read(label.file, most))
        except OSError as e:
            contents.append(b"")
            reason = f"the label file {reason_of(e)}"
            problems[k] = [Problem("malformed-record", label.source, reason, image=label.image, split=label.split)]
    plain = [k for k, c in enumerate(contents) if c and is_plain(c)]
    plain = [k for k in plain if _cut_row(contents[k], pose) is None]
    others = {k for k, c in enumerate(contents) if c}.difference(plain)
    read = read_plain([contents[k] for k in plain], pose) if plain else None
    parts: list[tuple[NDArray[np.int64], ...]] = []
    edges: list[NDArray[np.float64]] = []
    if read is None:
        others.update(plain)
    else:
        rows, faulty = read
        others.update(plain[k] for k in faulty)
        files = np.array(plain, np.int64)[rows.files]
        parts.append((files, rows.category_ids, rows.lines, rows.indices, rows.n_values))
        edges.append(rows.edges)
        polygons = np.bincount(files, rows.is_polygon, len(labels))
        boxes = np.bincount(files, ~rows.is_polygon, len(labels))
        for k in np.flatnonzero((polygons > 0) & (boxes > 0)).tolist():
            problems.setdefault(k, []).append(_mixed(labels[k], int(boxes[k]), int(polygons[k])))
    for k in sorted(others):
        found, told = read_lines(contents[k], labels[k], pose)
        problems.setdefault(k, []).extend(told)
        files = np.full(len(found.lines), k, np.int64)
        parts.append((files, *(np.array(c, np.int64) for c in (found.category_ids, found.lines, found.indices,
                                                               found.n_values))))
        edges.append(np.array(found.edges, np.float64).reshape(-1, 4))
    empty = np.empty(0, np.int64)
    files, category_ids, lines, indices, n_values = (
        (np.concatenate(c) for c in zip(*parts, strict=True)) if parts else (empty,) * 5)
    for kind, k, reason, line in _oddities(contents, files, n_values, lines, pose):
        problems.setdefault(k, []).append(Problem(kind, labels[k].source, reason, line=line, image=labels[k].image,
                                                  split=labels[k].split))
    order = np.argsort(files, kind="stable")
    files, lines, n_values = files[order], lines[order], n_values[order]
    wanted = np.full(len(lines), texts) | (n_values > 6 if points else False)
    return Rows(np.bincount(files, minlength=len(labels)), category_ids[order],
                (np.concatenate(edges) if edges else np.empty((0, 4)))[order], lines, indices[order], n_values,
                _texts(contents, files, lines, wanted) if wanted.any() else None,
                [p for k in sorted(problems) for p in problems[k]],
                _odd(contents, others, None if read is None else read[0], plain, poses=pose is not None) if odd else None)


def _oddities(contents: Sequence[bytes], files: NDArray[np.int64], n_values: NDArray[np.int64], lines: NDArray[np.int64],
              pose: int | None) -> Iterator[tuple[str, int, str, int]]:
    """Yield what trainers mind and no row is lost by: kind of problem, number of the file, reason and first line."""
    if pose != 6 and (six := n_values == 6).any():
        rows = np.bincount(files, minlength=len(contents))
        for k, n in enumerate(np.bincount(files[six], minlength=len(contents)).tolist()):
            if n:
                reason = f"{n:,} of {rows[k]:,} rows {'has' if n == 1 else 'have'} 6 numbers"
                yield "extra-columns", k, reason, int(lines[six & (files == k)].min())
    for k, content in enumerate(contents):
        if blank := list(_BLANK.finditer(content.strip())):
            number = content[:len(content) - len(content.lstrip()) + blank[0].start()].count(b"\n") + 1
            count = "1 row holds" if len(blank) == 1 else f"{len(blank):,} rows hold"
            yield "blank-row", k, f"{count} nothing but white space", number


def _odd(contents: Sequence[bytes], others: set[int], rows: PlainRows | None, plain: Sequence[int], *,
         poses: bool) -> list[bytes | None]:
    """Return the bytes of the files that hold more than columns say, None for the others."""
    chosen = set(others) | {k for k, c in enumerate(contents) if c and (poses or _ODD.search(c))}
    if rows is not None and rows.is_polygon.any():
        keys = np.column_stack([rows.files, rows.category_ids, rows.edges])[rows.is_polygon]
        _, first, counts = np.unique(keys, axis=0, return_index=True, return_counts=True)
        files = rows.files[rows.is_polygon][first[counts > 1]]
        chosen.update(plain[f] for f in files.tolist())
    return [c if k in chosen else None for k, c in enumerate(contents)]


def read_lines(content: bytes, label: LabelFile, pose: int | None) -> tuple[_Found, list[Problem]]:
    """Read one file line by line, whatever is in it."""
    found, problems = _Found(), []
    text, encoding = decode(content)
    if encoding:
        problems.append(odd_encoding(label.source, encoding))
    polygons = index = 0
    lines = text.split("\n")
    cut = _cut_row(content, pose)
    for number, line in enumerate(lines, 1):
        tokens = line.split()
        if not tokens:
            continue
        try:
            if cut and number == len(lines):
                raise ValueError(cut)
            category, edges = read_row(tokens, pose)
        except ValueError as e:
            problems.append(Problem("malformed-record", label.source, str(e), line.strip(), number, index, label.image,
                                    label.split))
            index += 1
            continue
        polygons += len(tokens) > 6 and len(tokens) != pose
        found.category_ids.append(category)
        found.edges.append(edges)
        found.lines.append(number)
        found.indices.append(index)
        found.n_values.append(len(tokens))
        index += 1
    boxes = len(found.lines) - polygons
    if boxes and polygons:
        problems.append(_mixed(label, boxes, polygons))
    return found, problems


def _cut_row(content: bytes, pose: int | None) -> str | None:
    """Return why the last row is cut short; only rows of boxes with a score and poses have a number of values that is the same."""
    if content.endswith(b"\n"):
        return None
    tail = content[-_TAIL:].decode("latin-1").split("\n")
    return cut_short(tail[len(content) > _TAIL:], str.split, (6, *([] if pose is None else [pose])))


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
    values = numbers(tokens)
    if not values[0].is_integer() or abs(values[0]) >= 2.0**53:  # NaN and infinity are not either
        raise ValueError(f"class {tokens[0][:40]!r} is not a whole number")
    if n <= 6 or n == pose:
        x, y, w, h = values[1:5]
        return int(values[0]), (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    xs, ys = values[1::2], values[2::2]
    if any(map(math.isnan, values)):
        return int(values[0]), (math.nan,) * 4
    return int(values[0]), (min(xs), min(ys), max(xs), max(ys))


def _read(path: str, most: Limits) -> bytes:
    # A quarter of the time of Path.read_bytes; without waiting for the other end of a pipe that has a label's name.
    descriptor = os.open(path, READ_FLAGS)
    try:
        status = os.fstat(descriptor)
        require_regular(status, path)
        if status.st_size > most.label_mb << 20:
            raise too_large(path, status.st_size, "label_mb")
        chunks = []
        while chunk := os.read(descriptor, 1 << 16):
            chunks.append(chunk)
        content = b"".join(chunks)
        if len(content) > most.label_lines and (lines := content.count(b"\n")) > most.label_lines:
            raise OSError(errno.EFBIG, f"{lines:,} lines, more than the {most.label_lines:,} that are read "
                          f"({option('label_lines')})", path)
        return content
    finally:
        os.close(descriptor)


def _mixed(label: LabelFile, boxes: int, polygons: int) -> Problem:
    reason = (f"{boxes:,} box {'row' if boxes == 1 else 'rows'} and {polygons:,} polygon {'row' if polygons == 1 else 'rows'} "
              "in one file")
    return Problem("mixed-row-kinds", label.source, reason, image=label.image, split=label.split)


def _texts(contents: Sequence[bytes], files: NDArray[np.int64], lines: NDArray[np.int64],
           wanted: NDArray[np.bool_]) -> list[str | None]:
    split = {k: decode(contents[k])[0].split("\n") for k in dict.fromkeys(files[wanted].tolist())}
    return [split[k][line - 1].strip() if take else None
            for k, line, take in zip(files.tolist(), lines.tolist(), wanted.tolist(), strict=True)]
