"""Labelbox exports: a line of JSON for each image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from dsinspect.errors import UserError
from dsinspect.protocols.formats import Detection, Format, OpenRequest, Source
from dsinspect_formats._gathering import Box, envelope, first_reason, polygon_json, real
from dsinspect_formats._images import relative
from dsinspect_formats._json_files import all_like, first_like
from dsinspect_formats._json_sets import Reading, as_object, finish
from dsinspect_formats._text import decode, odd_encoding
from dsinspect_formats.coco._files import base_folder, split_of

COLUMNS = frozenset(("segmentation", "attributes", "labelbox:project"))
SUFFIXES = (".ndjson", ".jsonl", ".json")
_ROW = re.compile(rb'"data_row"\s*:\s*\{')
_PROJECTS = re.compile(rb'"projects"\s*:\s*\{')
NAN = float("nan")


def looks_like(ends: bytes) -> bool:
    """Say whether a file is an export of Labelbox, by its beginning and end."""
    return bool(_ROW.search(ends) and _PROJECTS.search(ends))


class Labelbox(Format):
    """Labelbox NDJSON: boxes and polygons of all projects; masks behind addresses are left out; read only."""

    name = "labelbox"

    def detect(self, root: Path) -> Detection | None:
        """Look for lines of data rows with projects."""
        found = first_like(root, looks_like, SUFFIXES)
        if found is None:
            return None
        return Detection(0.9, f"{relative(found, root) if root.is_dir() else root.name} has Labelbox's data rows")

    def open(self, request: OpenRequest) -> Source:
        """Read the files and find the images.

        Raises:
            UserError: no export of Labelbox, or none in which anything can be read.
        """
        files = all_like(request.root, looks_like, SUFFIXES)
        if not files:
            raise UserError(f"{request.root}: no Labelbox export found")
        base = base_folder(request.root)
        reading = Reading(request.columns & COLUMNS)
        for path in files:
            reading.source, reading.index = relative(path, base), 0
            reading.split = split_of(path, only=True)
            try:
                text, encoding = decode(path.read_bytes())
            except OSError as e:
                raise UserError(f"{path}: {(e.strerror or 'cannot be read').lower()}") from None
            if encoding:
                reading.gathered.problems.append(odd_encoding(reading.source, encoding))
            for line, value in _lines(text, reading):
                _read(value, line, reading)
        if not reading.gathered.declared:
            reason = first_reason(reading.gathered.problems, "the file is empty")
            raise UserError(f"{files[0]}: no data row can be read: {reason}")
        return finish("labelbox", request, base, reading, files, COLUMNS)


def _lines(text: str, reading: Reading) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as e:
            reason = "JSON is nested too deeply" if isinstance(e, RecursionError) else f"not valid JSON: {str(e)[:100]}"
            reading.gathered.faulty(reading.source, reason, line, number, split=reading.split)


def _read(value: Any, line: int, reading: Reading) -> None:
    about = value.get("data_row") if isinstance(value, dict) else None
    if not isinstance(about, dict):
        reading.gathered.faulty(reading.source, "the line has no data_row", value, line, split=reading.split)
        return
    name = next((about[k] for k in ("external_id", "global_key", "row_data") if isinstance(about.get(k), str) and about[k]), "")
    media = as_object(value.get("media_attributes"))
    try:
        width, height = (real(media[k], k) if media.get(k) is not None else NAN for k in ("width", "height"))
    except ValueError as e:
        reading.gathered.faulty(reading.source, str(e), media, line, image=name or None, split=reading.split)
        width, height = NAN, NAN
    row = reading.gathered.add_image(name, reading.source, width, height, split=reading.split, line=line,
                                     index=len(reading.gathered.declared))
    for project, record in _objects(value):
        try:
            _add(record, row, line, project, reading)
        except ValueError as e:
            reading.gathered.faulty(reading.source, str(e), record, line, reading.index, name or None, reading.split)
        reading.index += 1


def _objects(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the name of the project and each object of its labels."""
    projects = value.get("projects")
    for project in projects.values() if isinstance(projects, dict) else ():
        labels = project.get("labels") if isinstance(project, dict) else None
        for label in labels if isinstance(labels, list) else ():
            annotations = label.get("annotations") if isinstance(label, dict) else None
            records = annotations.get("objects") if isinstance(annotations, dict) else None
            for record in records if isinstance(records, list) else ():
                yield str(project.get("name") or ""), record


def _add(record: Any, row: int, line: int, project: str, reading: Reading) -> None:
    if not isinstance(record, dict):
        raise ValueError("the object is not an object of JSON")
    name = record.get("name")
    if not isinstance(name, str):
        raise ValueError("name is missing" if name is None else "name is not a text")
    outline = None
    if isinstance(record.get("bounding_box"), dict):
        x, y, w, h = (real(record["bounding_box"].get(k), k) for k in ("left", "top", "width", "height"))
        box: Box = (x, y, x + w, y + h)
    elif isinstance(record.get("polygon"), list):
        flat = [real(p.get(k) if isinstance(p, dict) else None, k) for p in record["polygon"] for k in "xy"]
        if len(flat) < 6:
            raise ValueError("polygon has less than three points")
        box, outline = envelope(flat), polygon_json([flat])
    else:
        kind = str(record.get("annotation_kind") or "objects without a box")
        reading.left_out[{"ImageSegmentationMask": "masks", "ImagePoint": "points", "ImagePolyline": "polylines"}.get(
            kind, kind[:40])] += 1
        return
    extra: dict[str, Any] = {}
    if reading.gathered.columns:
        answers = {str(c.get("name")): c.get("radio_answer", c.get("checklist_answers", c.get("text_answer")))
                   for c in record.get("classifications") or () if isinstance(c, dict)}
        extra = {"segmentation": outline, "labelbox:project": project or None,
                 "attributes": msgspec.json.encode(answers) if answers else None}
    reading.gathered.add(row, name, box, reading.index, line, extra=extra)
