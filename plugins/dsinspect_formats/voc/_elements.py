"""Elements of an XML file by their byte spans, found with expat, and the splices that change them."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from dsinspect_formats._splicing import EncodedText, Splice, whole_lines
from dsinspect_formats._text import xml_text

_START_TAG = re.compile(rb"""<[^\s/>]+(?:[^"'>]|"[^"]*"|'[^']*')*>""")
_COMMENT = re.compile(r"(<!--.*?-->|<\?.*?\?>)", re.S)
_DECLARED = re.compile(rb"""(<\?xml\b[^>]*?\bencoding\s*=\s*)(["'])([A-Za-z0-9._-]+)\2""")


@dataclass
class Element:
    """An element: where it begins, where its content begins and ends, and where it ends; -1 when the file breaks off."""

    tag: str
    start: int
    inner_start: int
    inner_stop: int = -1
    stop: int = -1
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def child(self, tag: str) -> Element | None:
        """Return the first child of that name."""
        return next((c for c in self.children if c.tag == tag), None)

    def all(self, tag: str) -> list[Element]:
        """Return the children of that name."""
        return [c for c in self.children if c.tag == tag]


class XmlText:
    """The text of an XML file in UTF-8, its elements, and the changes to them."""

    def __init__(self, utf8: bytes) -> None:
        self.utf8 = utf8
        self.splices: list[Splice] = []
        self.line_end = b"\r\n" if b"\r\n" in utf8 else b"\n"
        self.root: Element | None = None
        self._open: list[Element] = []
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._refuse_entity  # as the reader: none is ever expanded
        self._parser = parser
        with contextlib.suppress(expat.ExpatError, ValueError):  # what comes before a fault can be edited
            parser.Parse(EncodedText.plain(utf8), True)  # of the same length: places hold

    @staticmethod
    def _refuse_entity(*_: Any) -> None:
        raise ValueError("declares entities of its own")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        start = self._parser.CurrentByteIndex
        match = _START_TAG.match(self.utf8, start)
        element = Element(tag, start, match.end() if match else start)
        if self._open:
            self._open[-1].children.append(element)
        elif self.root is None:
            self.root = element
        self._open.append(element)

    def _end(self, tag: str) -> None:
        element = self._open.pop()
        element.inner_stop = self._parser.CurrentByteIndex
        if self.utf8[element.inner_start - 2:element.inner_start] == b"/>":
            element.inner_stop = element.stop = element.inner_start
        else:
            element.stop = self.utf8.index(b">", element.inner_stop) + 1

    def _characters(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text

    def objects(self) -> list[Element]:
        """Return the whole `<object>` elements."""
        return [] if self.root is None else [o for o in self.root.all("object") if o.stop >= 0]

    def set_text(self, element: Element, text: str) -> None:
        """Write an element's text; white space and comments around it stay, and so does a text that is the same."""
        if element.text.strip() == text:
            return
        new = escape(text)
        if element.stop == element.inner_start:  # `<name/>`
            tag = self.utf8[element.start:element.inner_start - 2].rstrip()
            self.splices.append((element.start, element.stop, tag + f">{new}</{element.tag}>".encode()))
            return
        inner = self.utf8[element.inner_start:element.inner_stop].decode("utf-8", "surrogatepass")
        parts = _COMMENT.split(inner)  # odd ones are comments
        texts = [k for k in range(0, len(parts), 2) if parts[k].strip()]
        for k in texts[1:]:
            parts[k] = ""
        place = texts[0] if texts else 0
        old = parts[place]
        before, after = (old[:len(old) - len(old.lstrip())], old[len(old.rstrip()):]) if texts else ("", old)
        parts[place] = before + new + after
        self.splices.append((element.inner_start, element.inner_stop, "".join(parts).encode("utf-8", "surrogatepass")))

    def remove(self, element: Element) -> None:
        """Remove an element, with its lines when it stands alone on them."""
        self.splices.append((*whole_lines(self.utf8, element.start, element.stop), b""))

    def add(self, parent: Element, tags: list[tuple[str, str]], before: str | None = None) -> None:
        """Add children with texts to an element, indented as those it has.

        Args:
            parent: where to.
            tags: names and texts; a text that starts with `<` is XML.
            before: put them before the first child of that name, if there is one.
        """
        texts = [f"<{tag}>{text if text.startswith('<') else escape(text)}</{tag}>".encode() for tag, text in tags]
        at = parent.child(before) if before else None
        model = at or (parent.children[-1] if parent.children else None)
        if parent.stop == parent.inner_start:
            tag = self.utf8[parent.start:parent.inner_start - 2].rstrip()
            self.splices.append((parent.start, parent.stop, tag + b">" + b"".join(texts) + f"</{parent.tag}>".encode()))
        elif model is None:
            self.splices.append((parent.inner_start, parent.inner_start, b"".join(texts)))
        else:
            start, _ = whole_lines(self.utf8, model.start, model.stop)
            indent = self.utf8[start:model.start]
            gap = self.line_end + indent if self.utf8[start - 1:start] == b"\n" else b""
            if at is not None:
                self.splices.append((model.start, model.start, b"".join(t + gap for t in texts)))
            else:
                self.splices.append((model.stop, model.stop, b"".join(gap + t for t in texts)))


Child = tuple[str, Any]
"""Name of an element, and its text or its children."""


def add_objects(text: XmlText, root: Element, objects: list[list[Child]]) -> None:
    """Add `<object>` elements at the end of the root, indented as what it holds.

    Args:
        text: of the file.
        root: its whole root, which has children.
        objects: children of each.
    """
    utf8 = text.utf8
    model = root.children[-1]
    at = root.inner_stop
    start = utf8.rfind(b"\n", 0, at) + 1
    line = utf8.rfind(b"\n", 0, model.start) + 1
    indent = utf8[line:model.start]
    if utf8[start:at].strip() or indent.strip():  # all on one line
        text.splices.append((at, at, b"".join(_element("object", o, b"", b"", b"") for o in objects)))
        return
    unit = indent or b"\t"
    text.splices.append((start, start, b"".join(_element("object", o, indent, unit, text.line_end) for o in objects)))


def _element(tag: str, content: Any, indent: bytes, unit: bytes, end: bytes) -> bytes:
    """Return an element as lines, or without any between."""
    name = tag.encode()
    if isinstance(content, str):
        return indent + b"<" + name + b">" + escape(content).encode("utf-8", "surrogatepass") + b"</" + name + b">" + end
    inner = b"".join(_element(t, c, indent + unit, unit, end) for t, c in content)
    return indent + b"<" + name + b">" + end + inner + indent + b"</" + name + b">" + end


def encoded_xml(content: bytes, path: str, *, guessed: bool) -> EncodedText:
    """Decode an XML file as the reader does.

    Args:
        content: of the file.
        path: for errors.
        guessed: whether the reader went by the bytes, not by what the file says of itself.

    Raises:
        UserError: it could not be written back byte for byte.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return EncodedText.of(content, path)
    if guessed:
        return EncodedText.of(content, path, xml_text(content)[2])
    declared = _DECLARED.match(content)
    return EncodedText.of(content, path, declared[3].decode().lower() if declared else "utf-8")


def as_utf8(utf8: bytes) -> bytes:
    """Return an XML text that says it is UTF-8, or nothing."""
    match = _DECLARED.match(utf8)
    if not match or match[3].lower() in (b"utf-8", b"utf8"):
        return utf8
    return utf8[:match.start(3)] + b"utf-8" + utf8[match.end(3):]


def expressible(utf8: bytes, encoded: EncodedText) -> bytes:
    """Return XML with character references for what its encoding lacks."""
    if encoded.codec.startswith("utf"):
        return utf8

    def reference(c: str) -> str:
        return c if c < "\x80" or "\ud800" <= c <= "\udfff" or encoded.can_express(c) else f"&#{ord(c)};"

    return "".join(map(reference, utf8.decode("utf-8", "surrogatepass"))).encode("utf-8", "surrogatepass")
