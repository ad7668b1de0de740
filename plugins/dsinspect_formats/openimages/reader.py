"""Read Open Images: what stands in the files becomes tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dsinspect.io.reading import read_regular
from dsinspect.io.spreadsheets import swallowed
from dsinspect.tables.schema import NO_POSITION
from dsinspect_formats._images import walk
from dsinspect_formats._named_images import Images
from dsinspect_formats._numbers import number, numbers
from dsinspect_formats._reading import as_json, split_of
from dsinspect_formats._rows import Rows
from dsinspect_formats._sniffing import head_of
from dsinspect_formats._text import decode
from dsinspect_formats.openimages._looks import NEEDED, delimiter_of

FLAGS = ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside")


COLUMNS = frozenset(("attributes",))


def _folders(split: str | None) -> tuple[str, ...]:
    return ("",) if split is None else (f"images/{split}/", f"{split}/", "images/", "")


def tables_beside(root: Path, box_paths: Sequence[str]) -> Iterator[tuple[str, bool, bytes]]:
    """Yield the tables near those of boxes: path, whether it names the classes or lists images, and content.

    One that cannot be read is left out: what it says is then unknown, as without it.
    """
    folders = {p.rpartition("/")[0] for p in box_paths}
    near = [p for p in walk(root) if p.lower().endswith(".csv") and p not in box_paths
            and (p.rpartition("/")[0] in folders or not p.count("/"))]
    for path in near:
        head = head_of(root / path).split(b"\n", 1)[0]
        is_names = "class-descriptions" in path.lower() or head.strip().lower() == b"labelname,displayname"
        if not is_names and not head.startswith(b"ImageID,Subset,"):
            continue
        with suppress(OSError):
            yield path, is_names, read_regular(root / path)


def beside(root: Path, box_paths: Sequence[str]) -> tuple[dict[str, str], dict[str, dict[str | None, str]]]:
    """Return the display names of label names, and the lists of listed images by split, from the files beside the boxes."""
    names: dict[str, str] = {}
    listed: dict[str, dict[str | None, str]] = {}
    for path, is_names, content in tables_beside(root, box_paths):
        for row in csv.reader(io.StringIO(decode(content)[0].replace("\0", ""), newline="")):
            if len(row) < 2 or row[0] in ("LabelName", "ImageID"):
                continue
            if is_names:
                names.setdefault(row[0].strip(), row[1].strip())
            else:
                listed.setdefault(row[0].strip(), {}).setdefault(split_of(f"{row[1].strip()}/x"), path)
    return names, listed


@dataclass(frozen=True)
class Header:
    """Where the columns of a file stand."""

    at: Mapping[str, int]
    delimiter: str

    @staticmethod
    def of(text: str) -> Header:
        """Read the first line."""
        line = text.split("\n", 1)[0]
        delimiter = delimiter_of(line)
        try:
            columns = next(csv.reader([line.replace("\r", "").strip("\ufeff")], delimiter=delimiter), [])
        except csv.Error:
            columns = []
        return Header({c.strip(): k for k, c in reversed(list(enumerate(columns)))}, delimiter)


def edges_of(cells: Sequence[str]) -> tuple[float, float, float, float]:
    """Return x_min, y_min, x_max, y_max of XMin, XMax, YMin, YMax; raises ValueError, in words.

    A decimal comma is read as a point.
    """
    try:
        x_min, x_max, y_min, y_max = numbers(cells)
    except ValueError:
        x_min, x_max, y_min, y_max = (number(c.strip().replace(",", ".") if c.count(",") == 1 and "." not in c else c)
                                      for c in cells)
    return x_min, y_min, x_max, y_max


def _read(text: str, source: str, split: str | None, images: Images, rows: Rows, names: Mapping[str, str],
          listed: Mapping[str, Mapping[str | None, str]]) -> None:
    header = Header.of(text)
    at = header.at
    if any(c not in at for c in NEEDED):
        rows.fault(f"lacks the column {next(c for c in NEEDED if c not in at)}")
        return
    image_at, label_at, *box_at = (at[c] for c in NEEDED)
    group_at = at.get("IsGroupOf", -1)
    said = [(c, k) for c, k in at.items() if c in FLAGS or c in ("Source", "Confidence")] if rows.fields else []
    numbered = {label: k for k, label in enumerate(dict.fromkeys(names.values()))}
    width = max(at[c] for c in NEEDED) + 1
    reader = csv.reader(io.StringIO(text.replace("\0", "\ufffd"), newline=""), delimiter=header.delimiter)
    index, line = -1, 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            rows.fault(f"is not CSV: {e}", line=reader.line_num)
            continue
        is_long, line = reader.line_num > line + 1, reader.line_num
        fault = swallowed(row) if is_long else None
        if fault:
            rows.fault(fault, header.delimiter.join(row), line, index if index >= 0 else NO_POSITION)
        if index < 0 or not any(row):
            index = max(index, 0)
            continue
        if fault:
            index += 1
            continue
        try:
            if len(row) < width:
                raise ValueError(f"has {len(row)} cells, the header has {len(at)}")
            name = row[image_at].strip()
            if not name:
                raise ValueError("names no image")
            box = edges_of([row[k] for k in box_at])
        except ValueError as e:
            rows.fault(str(e), header.delimiter.join(row), line, index)
        else:
            label = row[label_at].strip()
            category = names.get(label, label) or None
            own_split = split if split is not None or name not in listed else next(iter(listed[name]))
            extra = {"attributes": as_json({c: row[k] for c, k in said if k < len(row) and row[k]})} if said else None
            rows.add(images.row(name, own_split, source, line), category, box, index, line,
                     crowd=0 <= group_at < len(row) and row[group_at].strip() == "1",
                     category_id=numbered.get(category or "", -1), extra=extra)
        index += 1
