"""Records of Hugging Face sets: one image with lists of boxes and classes, under the names that people give them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dsinspect.io.reading import read_regular
from dsinspect.io.spreadsheets import swallowed
from dsinspect_formats._json_files import read_json_line
from dsinspect_formats._named_images import Images
from dsinspect_formats._reading import as_json, decoded_json, json_number, shown
from dsinspect_formats._rows import Rows
from dsinspect_formats._text import decode

OBJECTS = ("objects", "annotations", "object", "labels")
BOXES = ("bbox", "bboxes", "boxes", "box")
CLASSES = ("category", "categories", "category_id", "category_ids", "class", "classes", "class_id", "class_label", "label",
           "labels", "category_name", "name", "names")
AREAS, CROWDS, OUTLINES = ("area", "areas"), ("iscrowd", "is_crowd"), ("segmentation", "segmentations", "segments")
NAN = float("nan")


def jsonl_records(text: str, rows: Rows) -> Iterator[tuple[int, Any]]:
    """Yield line number and record of each line; what is no JSON is a fault."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value, odd = read_json_line(line)
        except ValueError as e:
            rows.fault(str(e), line.strip(), number)
            continue
        if odd:
            rows.fault(odd, line.strip(), number)
        yield number, value


def csv_records(text: str, rows: Rows) -> Iterator[tuple[int, Any]]:
    """Yield line number and record of each row; cells that begin as JSON are read as JSON."""
    reader = csv.DictReader(io.StringIO(text.replace("\0", "\ufffd"), newline=""))
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            rows.fault(f"is not CSV: {e}", line=reader.line_num)
            return
        fault = swallowed([*row, *row.values()])
        if fault:
            rows.fault(fault, line=reader.line_num)
            continue
        record: dict[str, Any] = {}
        for key, value in row.items():
            record[str(key)] = value
            if isinstance(value, str) and value[:1] in ("[", "{"):
                try:
                    record[str(key)] = decoded_json(value)
                except ValueError as e:
                    rows.fault(f"{key}: {e}", value, reader.line_num)
        yield reader.line_num, record


def key_of(record: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    """Return the first of the keys that a record has."""
    return next((k for k in keys if k in record), None)


def objects_of(record: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return lists by key of an image's objects, and the key they stand under; a list of objects becomes lists.

    Raises:
        ValueError: they are neither, in words.
    """
    for key in OBJECTS:
        value = record.get(key)
        if isinstance(value, dict):
            return value, key
        if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
            keys = dict.fromkeys(k for v in value for k in v)
            return {k: [v.get(k) for v in value] for k in keys}, key
        if isinstance(value, list) and not value and key != "labels":
            return {}, key
    return dict(record), None


class Reader:
    """Adds the boxes of records to rows."""

    def __init__(self, rows: Rows, names: Mapping[int, str], boxes: str) -> None:
        self.rows, self.names, self.boxes = rows, names, boxes
        self.index = 0
        self._source: str | None = None

    def image(self, record: Any, line: int, folder: str, source: str, split: str | None, images: Images,
              name: str | None = None) -> int | None:
        """Add an image with its boxes; return its row."""
        if source != self._source:
            self._source, self.index = source, 0
        rows = self.rows
        if not isinstance(record, dict):
            rows.fault("is no object", shown(record), line, self.index)
            self.index += 1
            return None
        name = name if name is not None else record.get("file_name", record.get("image"))
        if not isinstance(name, str) or not name:
            rows.fault("has no file_name", shown(record), line, self.index)
            self.index += 1
            return None
        own = record.get("image_id")
        image_id = own if isinstance(own, int) and not isinstance(own, bool) and abs(own) < 1 << 62 else None
        row = images.add(f"{folder}/{name}" if folder else name, split, source, line, _size(record), image_id)
        try:
            found, _ = objects_of(record)
            self._objects(found, row, line, name)
        except ValueError as e:
            rows.fault(str(e), shown(record), line, self.index, image=name)
            self.index += 1
        return row

    def _objects(self, found: dict[str, Any], row: int, line: int, name: str) -> None:
        box_key = key_of(found, BOXES)
        boxes = found[box_key] if box_key else None
        if box_key is None or boxes is None:
            return
        if not isinstance(boxes, list):
            raise ValueError(f"{box_key} is no list")
        if len(boxes) == 4 and not any(isinstance(b, (list, dict)) for b in boxes):
            boxes = [boxes]  # one object without a list around it
        columns: dict[str, list[Any]] = {}
        for what, keys in (("class", CLASSES), ("area", AREAS), ("crowd", CROWDS), ("outline", OUTLINES)):
            key = key_of(found, keys)
            values = found.get(key) if key else None
            if values is None:
                continue
            values = values if isinstance(values, list) else [values] * len(boxes)
            if len(values) != len(boxes):
                raise ValueError(f"has {len(boxes)} in {box_key} and {len(values)} in {key}")
            columns[what] = values
        wants = self.rows.fields
        used = {k for keys in (BOXES, CLASSES, AREAS, CROWDS, OUTLINES) if (k := key_of(found, keys))}
        others = {k: v for k, v in found.items() if k not in used and isinstance(v, list) and len(v) == len(boxes)} if wants else {}
        for at, box in enumerate(boxes):
            try:
                edges = self._edges(box)
                number, category = self._category(columns["class"][at] if "class" in columns else None)
            except ValueError as e:
                self.rows.fault(str(e), shown(box), line, self.index, image=name)
            else:
                extra = None
                if wants:
                    outline = columns["outline"][at] if "outline" in columns else None
                    extra = {"area": _area(columns["area"][at]) if "area" in columns else None,
                             "attributes": as_json({key: v[at] for key, v in others.items()}),
                             "segmentation": as_json(outline)}
                self.rows.add(row, category, edges, self.index, line, category_id=number,
                              crowd=bool(columns["crowd"][at]) if "crowd" in columns else False, extra=extra)
            self.index += 1

    def _edges(self, box: Any) -> tuple[float, float, float, float]:
        if isinstance(box, dict):
            box = [box.get(k) for k in (("x", "y", "width", "height") if "width" in box else ("xmin", "ymin", "xmax", "ymax"))]
        if not isinstance(box, list) or len(box) != 4:
            raise ValueError("is no box of four numbers")
        a, b, c, d = map(json_number, box)
        if self.boxes == "xyxy":
            return a, b, c, d
        return (a, b, a + c, b + d) if self.boxes == "xywh" else (a - c / 2, b - d / 2, a + c / 2, b + d / 2)

    def _category(self, value: Any) -> tuple[int, str | None]:
        if isinstance(value, str):
            return -1, value or None
        if value is None:
            return -1, None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 62:
            raise ValueError(f"class {shown(value)} is neither a number nor a name")
        return value, self.names.get(value) if self.names else str(value)


def _area(value: Any) -> float | None:
    try:
        return json_number(value)
    except ValueError:
        return None  # an area that is no number is none


def _size(record: Mapping[str, Any]) -> tuple[float, float]:
    values = []
    for side in ("width", "height"):
        try:
            value = record.get(side)
            values.append(float(value) if isinstance(value, str) else json_number(value))
        except ValueError:
            values.append(NAN)
    return values[0], values[1]


def names_in_readme(root: Path) -> dict[int, str]:
    """Return class names by number that the YAML head of README.md declares (`class_label: names:`)."""
    try:
        text = decode(read_regular(root / "README.md", "yaml_mb"))[0]
    except OSError:
        return {}
    if not text.startswith("---"):
        return {}
    head = text[3:].partition("\n---")[0]
    if "&" in head and "*" in head and len(head) > 1 << 16:
        return {}  # aliases of aliases unfold to anything
    import yaml  # takes as long as reading a small set, and only these cards need it

    try:
        document = yaml.safe_load(head)
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return names_of(document)


def names_of(document: Any) -> dict[int, str]:
    """Return the names of the first class label in a document; each part is looked at once."""
    seen: set[int] = set()
    stack = [document]
    while stack:
        value = stack.pop()
        if not isinstance(value, (dict, list)) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            label = value.get("class_label", value if value.get("_type") == "ClassLabel" else None)
            names = label.get("names") if isinstance(label, dict) else None
            if isinstance(names, dict):
                return {int(k): str(v) for k, v in names.items() if str(k).isascii() and str(k).isdigit() and len(str(k)) < 10}
            if isinstance(names, list):
                return {k: str(v) for k, v in enumerate(names)}
        stack += list(value.values() if isinstance(value, dict) else value)[::-1]
    return {}
