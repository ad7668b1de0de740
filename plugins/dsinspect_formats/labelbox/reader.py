"""Read Labelbox exports: what stands in the files becomes tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dsinspect_formats._json_files import read_json_line
from dsinspect_formats._json_sets import Reading, as_object
from dsinspect_formats._values import Box, envelope, polygon_json, real

COLUMNS = frozenset(("segmentation", "attributes", "labelbox:project"))


NAN = float("nan")


def _lines(text: str, reading: Reading) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value, odd = read_json_line(line)
        except ValueError as e:
            reading.gathered.faulty(reading.source, f"not valid JSON: {str(e)[:100]}", line, number, split=reading.split)
            continue
        if odd:
            reading.gathered.faulty(reading.source, odd, line, number, split=reading.split)
        yield number, value


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
        reading.gathered.shapeless.add(row)
        return
    extra: dict[str, Any] = {}
    if reading.gathered.columns:
        answers = {str(c.get("name")): c.get("radio_answer", c.get("checklist_answers", c.get("text_answer")))
                   for c in record.get("classifications") or () if isinstance(c, dict)}
        extra = {"segmentation": outline, "labelbox:project": project or None,
                 "attributes": msgspec.json.encode(answers) if answers else None}
    reading.gathered.add(row, name, box, reading.index, line, extra=extra)
