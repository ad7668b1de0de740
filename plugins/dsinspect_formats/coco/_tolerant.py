"""Read a COCO file that is cut, holds NaN, or has records of the wrong shape: element by element, keeping the rest.

Only taken when the strict decoding refused the file. Every element that cannot be used is reported with its line and index.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from dsinspect.io.limits import too_deep
from dsinspect.tables.schema import NO_POSITION, Problem
from dsinspect_formats._text import without_lone_surrogates
from dsinspect_formats.coco._records import (
    NO_BYTES,
    Annotation,
    CategoryRecord,
    Image,
    PosedAnnotation,
    name_in_url,
)

LISTS = ("images", "annotations", "categories")
LARGEST = 10**300
"""Whole numbers beyond it are no measure of anything, and a float cannot hold them."""
_SPACE = re.compile(r"[ \t\r\n]*")
_NEXT_RECORD = re.compile(r"\}\s*,\s*(?=\{)")
_NEXT_LIST = re.compile(r'"(images|annotations|categories)"\s*:\s*(?=\[)')


@dataclass
class Recovered:
    """What could be read of a file.

    Attributes:
        images: usable records, with `image_indices` their places in the list.
        annotations: usable records, with `annotation_indices` their places in the list.
        categories: usable records.
        id_types: type of each annotation's ids where it is not whole numbers: `text` or `float`.
        image_id_types: the same of images.
        category_id_types: the same of annotations' categories alone.
        problems: what could not be used.
    """

    images: list[Image] = field(default_factory=list)
    image_indices: list[int] = field(default_factory=list)
    annotations: list[PosedAnnotation] = field(default_factory=list)
    annotation_indices: list[int] = field(default_factory=list)
    categories: list[CategoryRecord] = field(default_factory=list)
    id_types: list[str] = field(default_factory=list)
    image_id_types: list[str] = field(default_factory=list)
    category_id_types: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    found_lists: set[str] = field(default_factory=set)

_PART = 1 << 16
"""Characters that are looked at at once; a value that does not end in them is read from a longer part."""
_CUT = 16
"""Characters before the end of a part in which an error may be that of the cut: an escape, a number, a word."""


class _Scanner:
    """Walks over the text of a file and hands each element of the three lists to a taker."""

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.result = Recovered()
        self.decoder = json.JSONDecoder()
        self.has_surrogates = "\\ud" in text or "\\uD" in text
        self._line_at = (0, 1)
        self._part = (0, "")
        """Where a part of the text begins, and the part."""
        self.first_fault: tuple[int, int] | None = None
        """Of the first fault of syntax that was met: where its element begins, and its number among the problems."""

    def scan(self) -> Recovered:
        """Read the whole file."""
        position = self.space(0)
        if self.text[position:position + 1] != "{":
            self.fault("the file is not a JSON object", position)
            return self.result
        position += 1
        while True:
            position = self.space(position)
            mark = self.text[position:position + 1]
            if mark == "}":
                return self.result
            if mark == ",":
                position += 1
                continue
            after = self.member(position)
            if after is None:
                following = _NEXT_LIST.search(self.text, position + 1)
                if not following:
                    return self.result
                after = following.start()
            position = after

    def member(self, position: int) -> int | None:
        """Read `"key": value` and return the position after it; None when it cannot be read."""
        try:
            key, after = self.decoder.raw_decode(self.text, position)
        except RecursionError:
            self.fault(f"JSON is nested deeper than {too_deep()} here", position)
            return None
        except ValueError as e:
            self.fault(f"not valid JSON: {self.why(e)}", min(getattr(e, "pos", position), len(self.text)))
            return None
        after = self.space(after)
        if not isinstance(key, str) or self.text[after:after + 1] != ":":
            self.fault("not valid JSON: expected a key and a colon here", after)
            return None
        after = self.space(after + 1)
        if key in LISTS and self.text[after:after + 1] == "[":
            self.result.found_lists.add(key)
            return self.elements(key, after + 1)
        if key in LISTS:
            self.problem(f"{key} is {kind_of(self.text[after:after + 1])}, not a list: none of its records are read", after,
                         NO_POSITION, self.text[after:after + 80])
        try:
            return self.decoder.raw_decode(self.text, after)[1]
        except RecursionError:
            self.fault(f"JSON is nested deeper than {too_deep()} in {key!r:.40}", after)
            return None
        except ValueError as e:
            self.fault(f"not valid JSON: {self.why(e)}", after)
            return None

    def elements(self, key: str, position: int) -> int | None:
        """Hand over the elements of a list and return the position after it."""
        take: Callable[[Any, int, int], None] = getattr(self, f"take_{key}")
        index = 0
        while True:
            position = self.space(position)
            mark = self.text[position:position + 1]
            if mark == "]":
                return position + 1
            if mark == ",":
                position += 1
                continue
            if not mark:
                self.fault(f"the file ends in the middle of {key}", position, index)
                return None
            try:
                value, after = self.value(position)
                value = without_lone_surrogates(value) if self.has_surrogates else value
            except (ValueError, RecursionError) as e:
                follows = _NEXT_RECORD.search(self.text, position + 1)
                reason = (f"JSON is nested deeper than {too_deep()} here" if isinstance(e, RecursionError)
                          else f"not valid JSON: {self.why(e)}")
                if not follows:
                    reason = f"the file ends in the middle of {key}"
                self.fault(reason, position, index, self.text[position:position + 80])
                if not follows:
                    return None
                position, index = follows.end(), index + 1
                continue
            take(value, index, position)
            position, index = after, index + 1

    def value(self, position: int) -> tuple[Any, int]:
        """Read the value at a position and return it with the position after it.

        It is read from a part of the text: for each error `json` counts the lines of all that stands before it.

        Raises:
            ValueError: it is no JSON.
            RecursionError: it is nested too deep.
        """
        size = _PART
        while True:
            start, part = self._part
            if not start <= position < start + len(part):
                start, part = self._part = position, self.text[position:position + size]
            is_last = start + len(part) >= len(self.text)
            try:
                value, after = self.decoder.raw_decode(part, position - start)
                if is_last or after < len(part):
                    return value, start + after
            except json.JSONDecodeError as e:
                if is_last or (e.pos < len(part) - _CUT and not e.msg.startswith("Unterminated string")):
                    raise
            size = size if start < position else size * 8
            self._part = (position, self.text[position:position + size])

    def take_images(self, value: Any, index: int, position: int) -> None:
        """Keep an image, or report why not."""
        try:
            number, kind = whole(value, "id")
            name = value.get("file_name")
            url = value.get("coco_url") if isinstance(value.get("coco_url"), str) else None
            if not isinstance(name, str) and (name is not None or not name_in_url(url)):
                raise ValueError(f"file_name {name!r} is not text")
            size = [optional_number(value, k) for k in ("width", "height")]
        except ValueError as e:
            self.problem(f"images: {e}", position, index, shown(value))
            return
        self.result.images.append(Image(number, name or "", size[0], size[1], url))
        self.result.image_indices.append(index)
        self.result.image_id_types.append(kind)

    def take_annotations(self, value: Any, index: int, position: int) -> None:
        """Keep an annotation, or report why not."""
        try:
            image_id, kind = whole(value, "image_id")
            category_id, category_kind = whole(value, "category_id")
            own_id, own_kind = whole(value, "id") if value.get("id") is not None else (None, "int")
            bbox = value.get("bbox")
            if not isinstance(bbox, list):
                raise ValueError("bbox is missing" if bbox is None else f"bbox {str(bbox)[:60]!r} is not a list")
            if len(bbox) != 4:
                raise ValueError(f"bbox has {len(bbox)} numbers, not 4")
            for edge in bbox:
                if isinstance(edge, bool) or not isinstance(edge, (int, float)):
                    raise ValueError(f"bbox holds {edge!r}, which is not a number")
                if isinstance(edge, int) and abs(edge) > LARGEST:
                    raise ValueError(f"bbox holds a number of {len(str(abs(edge)))} digits")
            area = optional_number(value, "area")
        except ValueError as e:
            self.problem(f"annotations: {e}", position, index, shown(value))
            return
        raw, keypoints = (NO_BYTES if k not in value else msgspec.Raw(json.dumps(value[k]).encode())
                          for k in ("segmentation", "keypoints"))
        self.result.annotations.append(PosedAnnotation(
            image_id, category_id, (float(bbox[0]), float(bbox[1]), float(bbox[2]), float(bbox[3])), own_id,
            None if area is None else float(area), flag(value, "iscrowd"), flag(value, "ignore"), raw, keypoints,
            counted if isinstance(counted := value.get("num_keypoints"), int | float) else None))
        self.result.annotation_indices.append(index)
        self.result.category_id_types.append(category_kind)
        self.result.id_types.append(next((k for k in (kind, category_kind, own_kind) if k != "int"), "int"))

    def take_categories(self, value: Any, index: int, position: int) -> None:
        """Keep a category, or report why not."""
        try:
            number, _ = whole(value, "id")
            name = value.get("name")
            if not isinstance(name, str):
                raise ValueError(f"name {name!r} is not text")
        except ValueError as e:
            self.problem(f"categories: {e}", position, index, shown(value))
            return
        above = value.get("supercategory")
        self.result.categories.append(CategoryRecord(number, name, above if isinstance(above, str) else None,
                                                     msgspec.Raw(json.dumps(value.get("keypoints")).encode())))

    def space(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        return match.end() if match else position

    def fault(self, reason: str, position: int, *place: Any) -> None:
        """Add a problem of the file's syntax."""
        if self.first_fault is None:
            self.first_fault = (position, len(self.result.problems))
        self.problem(reason, position, *place)

    def problem(self, reason: str, position: int, index: int = NO_POSITION, text: str = "") -> None:
        at, line = self._line_at
        if position < at:
            at, line = 0, 1
        line += self.text.count("\n", at, position)
        self._line_at = (position, line)
        self.result.problems.append(Problem("malformed-record", self.source, reason, text, line, index))

    @staticmethod
    def why(error: ValueError) -> str:
        return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def kind_of(mark: str) -> str:
    """Return in words what a JSON value is that begins with a character."""
    return {"{": "an object", '"': "a text", "n": "null", "t": "true", "f": "false"}.get(mark, "a number")


SHORT = 40
"""Characters of an outline that is shown as it stands."""


def shown(record: Any) -> str:
    """Return a record as JSON without a long outline, which would hide the rest of it."""
    if isinstance(record, dict):
        record = {k: "..." if k in ("segmentation", "keypoints") and len(json.dumps(v)) > SHORT else v for k, v in record.items()}
    return json.dumps(record)[:200]


def whole(record: Any, key: str) -> tuple[int, str]:
    """Return a whole number and the type it was written as: `int`, `text` or `float`.

    Raises:
        ValueError: the record is no object, lacks the key, or holds no whole number there.
    """
    if not isinstance(record, dict):
        raise ValueError(f"{str(record)[:60]!r} is not an object")
    value = record.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value, "int"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value), "float"
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,18}\s*", value):
        return int(value), "text"
    raise ValueError(f"{key} is missing" if value is None else f"{key} {value!r} is not a whole number")


def optional_number(record: dict[str, Any], key: str) -> int | float | None:
    """Return a number or None; raises ValueError for anything else."""
    value = record.get(key)
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ValueError(f"{key} is a number of {len(str(abs(value)))} digits")
        return value
    raise ValueError(f"{key} {value!r} is not a number")


def flag(record: dict[str, Any], key: str) -> int | None:
    """Return a flag as 0 or 1, or None when it is absent."""
    value = record.get(key)
    return None if value is None else int(bool(value))


def recover(text: str, source: str) -> Recovered:
    """Read what can be read of a file; what a strict parser refuses comes first, with line and column."""
    scanner = _Scanner(text, source)
    result = scanner.scan()
    strict = syntax_fault(text, source)
    if strict is None:
        return result
    fault, position = strict
    if scanner.first_fault is not None and scanner.first_fault[0] <= position:  # one error: where it is, and in which record
        met = result.problems.pop(scanner.first_fault[1])
        begins = f"; the record begins on line {met.line:,}" if met.index != NO_POSITION and met.line != fault.line else ""
        ends = f": {met.reason}" if met.reason.startswith("the file ends in the middle") else ""
        fault = replace(fault, reason=fault.reason + ends + begins, text=met.text or fault.text, index=met.index)
    result.problems.insert(0, fault)
    return result


def syntax_fault(text: str, source: str) -> tuple[Problem, int] | None:
    """Return what makes a text no JSON and its position, or None; the file may be read beyond it all the same."""
    try:
        json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as e:
        line = text[e.pos - e.colno + 1:][:200].partition("\n")[0]
        shown = line if len(line) < 200 else text[max(e.pos - 40, 0):e.pos + 40]
        is_cut = not text[e.pos:].strip() or (e.msg.startswith("Unterminated string") and '"' not in text[e.pos + 1:])
        cause = "the file ends early, it is cut off" if is_cut else f"{e.msg[:1].lower()}{e.msg[1:]}"
        return Problem("malformed-record", source, f"not valid JSON: {cause} (line {e.lineno:,}, column {e.colno:,})",
                       shown, e.lineno), e.pos
    except RecursionError:
        return Problem("malformed-record", source, f"JSON is nested deeper than {too_deep()}"), len(text)
    except ValueError:  # a number of thousands of digits: the record that holds it is reported
        return None
    return None


def fault_position(text: str) -> tuple[int, int] | None:
    """Return line and column, from 1, of what makes a text no JSON, or None."""
    try:
        json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as e:
        return e.lineno, e.colno
    except (RecursionError, ValueError):  # has no place
        return None
    return None


__all__ = ["Annotation", "Recovered", "fault_position", "recover"]
