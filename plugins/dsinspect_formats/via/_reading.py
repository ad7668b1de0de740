"""Read files of VIA 1 and 2: projects and annotations in JSON, and annotations in CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from dsinspect.io.reading import read_regular
from dsinspect.tables.schema import NO_POSITION, Problem
from dsinspect_formats._json_files import read_json_file
from dsinspect_formats._reading import reason_of
from dsinspect_formats._text import decode, odd_encoding
from dsinspect_formats._values import shown


@dataclass
class ViaImage:
    """One image: its name, its regions with their line, what is said of the file, and its size, bytes."""

    name: str
    file_attributes: Any = None
    regions: list[tuple[int, Any]] = field(default_factory=list)
    line: int = NO_POSITION
    size: int | None = None


def read_file(path: Path, source: str) -> tuple[list[ViaImage], list[Problem], bool]:
    """Read a file.

    Returns:
        its images, what is wrong, and whether it was VIA's at all.
    """
    if path.suffix.lower() == ".csv":
        return _read_csv(path, source)
    value, problems = read_json_file(path, source)
    entries = entries_of(value)
    if entries is None:
        if not problems:
            problems.append(Problem("malformed-record", source, "the file is not an object of images"))
        return [], problems, False
    images = []
    for position, entry in enumerate(entries.values()):
        if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
            problems.append(Problem("malformed-record", source, "the image has no filename", shown(entry), index=position))
            images.append(ViaImage(""))
            continue
        regions = entry.get("regions")
        if not isinstance(regions, (list, dict, type(None))):
            problems.append(Problem("malformed-record", source, "regions is neither a list nor an object", shown(regions),
                                    image=entry["filename"]))
        images.append(ViaImage(entry["filename"], entry.get("file_attributes"),
                               [(NO_POSITION, r) for r in regions_of(regions)], size=_size(entry.get("size"))))
    return images, problems, True


def entries_of(value: Any) -> dict[str, Any] | None:
    """Return the images of a document by key: of a project, or of annotations alone."""
    if not isinstance(value, dict):
        return None
    entries = value.get("_via_img_metadata", value)
    return entries if isinstance(entries, dict) else None


def regions_of(regions: Any) -> list[Any]:
    """Return the regions of an image: VIA 1 has them by number, VIA 2 in a list."""
    return list(regions.values()) if isinstance(regions, dict) else regions if isinstance(regions, list) else []


def _read_csv(path: Path, source: str) -> tuple[list[ViaImage], list[Problem], bool]:
    try:
        text, encoding = decode(read_regular(path))
    except OSError as e:
        return [], [Problem("malformed-record", source, reason_of(e))], False
    problems = [odd_encoding(source, encoding)] if encoding else []
    images: dict[str, ViaImage] = {}
    for line, row in _rows(text, source, problems):
        if len(row) != 7:
            reason = f"the row has {len(row)} cells, 7 are expected"
            problems.append(Problem("malformed-record", source, reason, ",".join(row), line))
            continue
        name, size, about, count, _, shape, attributes = row
        image = images.setdefault(name, ViaImage(name, _cell(about), line=line, size=_size(_cell(size))))
        drawn = _cell(shape)
        if count.strip() == "0" or drawn == {}:
            continue
        image.regions.append((line, {"shape_attributes": drawn, "region_attributes": _cell(attributes)}))
    return list(images.values()), problems, True


def _rows(text: str, source: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text.splitlines(keepends=True))
    try:
        for number, row in enumerate(reader):
            if number and row:
                yield reader.line_num, row
    except csv.Error as e:
        problems.append(Problem("malformed-record", source, f"not valid CSV: {e}", line=reader.line_num))


def _size(value: Any) -> int | None:
    """Return the size of a file, bytes; VIA writes -1 where it does not know it."""
    return value if type(value) is int and value > 0 else None


def _cell(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
