"""Read one Pascal VOC XML file: sizes, objects and where they stand, without building a tree."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from dsinspect.tables.schema import Problem

_NUMBERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass
class VocObject:
    """One `<object>`.

    Attributes:
        line: where it begins, from 1.
        index: its number in the file, from 0.
        name: its category, or None.
        box: xmin, ymin, xmax, ymax as they stand.
        difficult: whether it is marked difficult.
        fields: texts of `truncated`, `occluded`, `pose`.
        parts: number of `<part>` elements.
    """

    line: int
    index: int
    name: str | None
    box: tuple[float, float, float, float]
    difficult: bool
    fields: dict[str, str]
    parts: int


@dataclass
class VocFile:
    """What one XML file says.

    Attributes:
        width: declared width, px; NaN when absent.
        height: declared height, px; NaN when absent.
        depth: channels of the image, as the file says, or None.
        filename: the image it names, or None.
        database: what the image was taken from, as the file says, or None.
        objects: in their order.
        problems: what could not be read, as (line, index, text, reason).
        root: its outermost element; empty when there is none.
        is_other: it is XML of some other kind; nothing of VOC's is in it.
    """

    width: float = math.nan
    height: float = math.nan
    depth: str | None = None
    filename: str | None = None
    database: str | None = None
    objects: list[VocObject] = field(default_factory=list)
    problems: list[tuple[int, int, str, str]] = field(default_factory=list)
    root: str = ""
    is_other: bool = False

    def told(self, source: str, image: str | None, split: str | None) -> list[Problem]:
        """Return the problems as rows."""
        return [Problem("malformed-record", source, reason, text, line, index, image, split)
                for line, index, text, reason in self.problems]


class _Reader:
    """Handlers of expat that keep the texts of the few elements that matter."""

    def __init__(self, encoding: str | None) -> None:
        self.file = VocFile()
        self.path: list[str] = []
        self.text: list[str] = []
        self.object: dict[str, str] | None = None
        self.object_line = 0
        self.object_parts = 0
        self.count = 0
        self.parser = expat.ParserCreate(encoding)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text.append
        # No entity of a document's own is ever expanded, and nothing outside it is fetched.
        self.parser.EntityDeclHandler = self.refuse_entity

    @staticmethod
    def refuse_entity(*_: Any) -> None:
        raise ValueError("declares entities of its own, which are never expanded")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.path:
            self.file.root = tag
        self.path.append(tag)
        self.text.clear()
        if len(self.path) == 2 and tag == "object":
            self.object, self.object_line, self.object_parts = {}, self.parser.CurrentLineNumber, 0
        elif self.object is not None and len(self.path) == 3 and tag == "part":
            self.object_parts += 1

    def end(self, tag: str) -> None:
        text = "".join(self.text).strip()
        self.text.clear()
        depth = len(self.path)
        if self.object is not None:
            if depth == 3 or (depth == 4 and self.path[2] == "bndbox"):
                self.object.setdefault(tag if depth == 3 else f"bndbox/{tag}", text)
            if depth == 2:
                self.close_object(self.object)
                self.object = None
        elif depth == 3 and self.path[1] == "size" and tag in ("width", "height"):
            self.size(tag, text)
        elif depth == 3 and self.path[1] == "size" and tag == "depth":
            self.file.depth = text or None
        elif depth == 3 and self.path[1] == "source" and tag == "database":
            self.file.database = text or None
        elif depth == 2 and tag == "filename":
            self.file.filename = text or None
        self.path.pop()

    def size(self, tag: str, text: str) -> None:
        try:
            setattr(self.file, tag, float(text) if text else math.nan)
        except ValueError:
            line = self.parser.CurrentLineNumber
            self.file.problems.append((line, -1, text, f"<{tag}> of <size>: {text!r} is not a number"))

    def close_object(self, fields: dict[str, str]) -> None:
        index = self.count
        self.count += 1
        line = self.object_line
        if "bndbox" not in fields:
            self.file.problems.append((line, index, fields.get("name", ""), "<object> has no <bndbox>"))
            return
        values = []
        for name in _NUMBERS:
            text = fields.get(f"bndbox/{name}")
            try:
                values.append(float(text.replace(",", ".") if text else "?"))
            except ValueError:
                reason = f"<{name}> is missing" if text is None else f"<{name}>: {text!r} is not a number"
                self.file.problems.append((line, index, text or "", reason))
                return
        if "name" not in fields:
            self.file.problems.append((line, index, "", "<object> has no <name>"))
            return
        self.file.objects.append(VocObject(
            line, index, fields["name"], (values[0], values[1], values[2], values[3]),
            fields.get("difficult", "0").strip() in ("1", "true", "True"),
            {k: fields[k] for k in ("truncated", "occluded", "pose") if k in fields}, self.object_parts))


_OBJECT = re.compile(rb"<object[\s>/]")


def _read_plain(content: bytes) -> VocFile | None:
    """Read a file without comments, entities, faults or other surprises, in a quarter of the time; None of any other."""
    if b"<!" in content or b"xmlns" in content or content.count(b"<?") > content.startswith(b"<?xml"):
        return None
    starts = [m.start() for m in _OBJECT.finditer(content)]
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    found = root.findall("object")
    if len(found) != len(starts):  # lines are known only where each of them is one
        return None
    file = VocFile(root=root.tag)
    try:
        for child in root:
            if child.tag == "filename":
                file.filename = _leaf(child) or None
            elif child.tag == "size":
                for side in child:
                    if side.tag in ("width", "height"):
                        setattr(file, side.tag, float(_leaf(side) or "nan"))
                    elif side.tag == "depth":
                        file.depth = _leaf(side) or None
            elif child.tag == "source":
                for part in child:
                    if part.tag == "database":
                        file.database = _leaf(part) or None
        line, at = 1, 0
        for index, (element, start) in enumerate(zip(found, starts, strict=True)):
            line += content.count(b"\n", at, start)
            at = start
            file.objects.append(_plain_object(element, index, line))
    except _DoubtError:
        return None
    except ValueError:  # a number that is none
        return None
    return None if b"\r" in content and b"\r\n" not in content else file


class _DoubtError(Exception):
    """What the reader of faults has to look at."""


def _leaf(element: ElementTree.Element) -> str:
    if len(element):
        raise _DoubtError
    return (element.text or "").strip()


def _plain_object(element: ElementTree.Element, index: int, line: int) -> VocObject:
    box: ElementTree.Element | None = None
    name: str | None = None
    difficult, parts = "0", 0
    fields: dict[str, str] = {}
    for child in element:
        tag = child.tag
        if tag == "bndbox":
            if box is not None:
                raise _DoubtError
            box = child
        elif tag == "name":
            if name is not None:
                raise _DoubtError
            name = _leaf(child)
        elif tag == "part":
            parts += 1
        elif tag in ("truncated", "occluded", "pose"):
            fields.setdefault(tag, _leaf(child))
        elif tag == "difficult":
            if "difficult" in fields:
                raise _DoubtError
            fields["difficult"] = difficult = _leaf(child)
    if box is None or name is None:
        raise _DoubtError
    edges = [box.findtext(edge) for edge in _NUMBERS]
    if len(box) != len(edges) or None in edges:
        raise _DoubtError
    a, b, c, d = (float(e) for e in edges if e is not None)
    fields.pop("difficult", None)
    return VocObject(line, index, name, (a, b, c, d), difficult in ("1", "true", "True"), fields, parts)


def read_xml(content: bytes, encoding: str | None = None) -> VocFile:
    """Read a file; what comes before a fault is kept, and the fault is reported with its line.

    Args:
        content: of the file.
        encoding: what it is in, whatever it says itself.
    """
    quick = _read_plain(content) if encoding is None else None
    file = quick if quick is not None else _read_faults(content, encoding)
    nothing = not (file.problems or file.objects or file.filename) and math.isnan(file.width)
    if nothing and file.root.lower() not in ("", "annotation"):
        file.is_other = True
        file.problems.append((1, -1, "", f"no VOC annotation: the file is <{file.root}>, without <filename>, <size> and <object>"))
    return file


def _read_faults(content: bytes, encoding: str | None) -> VocFile:
    """Read a file of any kind with the reader that reports faults."""
    reader = _Reader(encoding)
    if not content.strip():
        reader.file.problems.append((1, -1, "", "the file is empty"))
        return reader.file
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as e:
        reader.file.problems.append((e.lineno, -1, "", f"not well-formed XML: {expat.ErrorString(e.code)}"))
    except ValueError as e:
        reader.file.problems.append((reader.parser.CurrentLineNumber, -1, "", str(e)))
    except LookupError:
        reader.file.problems.append((1, -1, "", "the encoding it declares is not known"))
    return reader.file
