"""The text of a JSON file with the places of its values: set and remove them, keeping everything else."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from dsinspect_formats._splicing import number_text, removals

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_OF_ANY_SIZE = json.JSONDecoder(parse_int=float)


def decoded_at(text: str, at: int) -> tuple[Any, int]:
    """Return the JSON value that begins at a place and where it ends; in one with a number too long for Python all are floats."""
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return _OF_ANY_SIZE.raw_decode(text, at)


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


class Node:
    """A value where it stands; its parts are looked for when they are asked for."""

    __slots__ = ("_elements", "_members", "_value", "key_start", "key_stop", "start", "stop", "text")

    def __init__(self, text: str, start: int, key_start: int = -1, key_stop: int = -1) -> None:
        self.text, self.start = text, start
        self.key_start, self.key_stop = key_start, key_stop
        self._value, self.stop = decoded_at(text, start)
        self._members: dict[str, Node] | None = None
        self._elements: list[Node] | None = None

    @staticmethod
    def of(text: str) -> Node:
        """Return the value of a file; raises ValueError when it is not JSON."""
        return Node(text, _space(text, 0))

    @property
    def value(self) -> Any:
        """The value, decoded."""
        return self._value

    @property
    def raw(self) -> str:
        """The value as it is written."""
        return self.text[self.start:self.stop]

    def members(self) -> dict[str, Node]:
        """Return the members of an object, of equal keys the last; nothing of another value."""
        if self._members is None:
            self._members = dict(self._walk_members()) if isinstance(self._value, dict) else {}
        return self._members

    def elements(self) -> list[Node]:
        """Return the elements of a list; nothing of another value."""
        if self._elements is None:
            self._elements = list(self._walk_elements()) if isinstance(self._value, list) else []
        return self._elements

    def get(self, *keys: str | int) -> Node | None:
        """Return what stands below some keys and positions, or None."""
        node: Node | None = self
        for key in keys:
            if node is None:
                return None
            if isinstance(key, str):
                node = node.members().get(key)
            else:
                elements = node.elements()
                node = elements[key] if key < len(elements) else None
        return node

    def _walk_members(self) -> Iterator[tuple[str, Node]]:
        position = _space(self.text, self.start + 1)
        while self.text[position] != "}":
            key, key_stop = _DECODER.raw_decode(self.text, position)
            node = Node(self.text, _space(self.text, _space(self.text, key_stop) + 1), position, key_stop)
            yield key, node
            position = self._after(node)

    def _walk_elements(self) -> Iterator[Node]:
        position = _space(self.text, self.start + 1)
        while self.text[position] != "]":
            node = Node(self.text, position)
            yield node
            position = self._after(node)

    def _after(self, node: Node) -> int:
        position = _space(self.text, node.stop)
        return _space(self.text, position + 1) if self.text[position] == "," else position


class JsonEdits:
    """Changes to the text of a JSON file."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = Node.of(text)
        self.is_ascii = text.isascii()
        self._splices: list[tuple[int, int, str]] = []
        self._gone: dict[int, tuple[Node, set[int]]] = {}
        self._added: dict[int, tuple[Node, dict[str, str]]] = {}
        self._appended: dict[int, tuple[Node, list[Any]]] = {}

    def set(self, node: Node, value: Any) -> None:
        """Give a value another; the one it has already keeps its text, and so does the way a number is written."""
        if _same(node.value, value):
            return
        if isinstance(value, float):
            new = number_text(value, node.raw if isinstance(node.value, (int, float)) else "")
        else:
            new = self._dumped(value)
        self._splices.append((node.start, node.stop, new))

    def set_member(self, parent: Node, key: str, value: Any) -> None:
        """Give a member of an object a value; it is added at the end when it is not there."""
        node = parent.members().get(key)
        if node is not None:
            self.set(node, value)
            return
        new = number_text(value) if isinstance(value, float) else self._dumped(value)
        self._added.setdefault(parent.start, (parent, {}))[1][key] = new

    def replace(self, node: Node, text: str) -> None:
        """Give a value another text, which is JSON."""
        if text != node.raw:
            self._splices.append((node.start, node.stop, text))

    def append(self, parent: Node, value: Any) -> None:
        """Add an element at the end of a list, laid out as the last one is."""
        self._appended.setdefault(parent.start, (parent, []))[1].append(value)

    def remove(self, parent: Node, part: Node) -> None:
        """Take an element out of a list, or a member out of an object."""
        self._gone.setdefault(parent.start, (parent, set()))[1].add(part.start)

    def result(self) -> str:
        """Return the text with the changes; what lies in a removed part is not changed besides."""
        cuts: list[tuple[int, int, str]] = []
        for parent, starts in self._gone.values():
            parts = list(parent.members().values()) if isinstance(parent.value, dict) else parent.elements()
            spans = [(p.start if p.key_start < 0 else p.key_start, p.stop) for p in parts]
            dropped: Collection[int] = [k for k, p in enumerate(parts) if p.start in starts]
            cuts += [(a, b, "") for a, b, _ in removals(spans, dropped, parent.start + 1, parent.stop - 1)]
        cuts = _outermost(cuts)
        cuts = [*cuts, *self._appendages(cuts)]
        inner = [s for s in (*self._splices, *self._additions()) if not any(a <= s[0] and s[1] <= b for a, b, _ in cuts)]
        out, at = [], 0
        for start, stop, new in sorted((*cuts, *inner), key=lambda s: (s[0], s[1])):
            out += [self.text[at:start], new]
            at = stop
        return "".join(out) + self.text[at:]

    def _additions(self) -> Iterator[tuple[int, int, str]]:
        for parent, members in self._added.values():
            own = list(parent.members().values())
            between, colon = ", ", ": "
            if own:
                colon = self.text[own[-1].key_stop:own[-1].start]
                between = self.text[own[-2].stop:own[-1].key_start] if len(own) > 1 else ", "
            at = own[-1].stop if own else parent.start + 1
            new = "".join(f"{between if own or k else ''}{self._dumped(key)}{colon}{text}"
                          for k, (key, text) in enumerate(members.items()))
            yield at, at, new

    def _appendages(self, cuts: Sequence[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
        for parent, values in self._appended.values():
            own = parent.elements()
            if not own:
                texts = [self._dumped(v) for v in values]
                yield parent.start + 1, parent.start + 1, ", ".join(texts)
                continue
            last = own[-1]
            between = self.text[own[-2].stop:last.start] if len(own) > 1 else "," + self.text[parent.start + 1:last.start]
            if any(a <= last.start and last.stop <= b for a, b, _ in cuts) and len(self._gone[parent.start][1]) == len(own):
                between = ""  # all that was there goes
            for k, value in enumerate(values):
                text = self._like(last, value)
                yield last.stop, last.stop, (between or (", " if k else "")) + text

    def _like(self, model: Node, value: Any) -> str:
        """Return JSON of a value over as many lines as another takes."""
        inner = re.match(r"[{\[]\s*\n([ \t]*)", model.raw)
        if inner is None:
            return self._dumped(value)
        line = self.text.rfind("\n", 0, model.start) + 1
        base = re.match(r"[ \t]*", self.text[line:model.start])
        outer = base[0] if base else ""
        unit = inner[1].removeprefix(outer) or "  "
        return json.dumps(value, ensure_ascii=self.is_ascii, indent=unit).replace("\n", "\n" + outer)

    def _dumped(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=self.is_ascii)


def _outermost(cuts: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Return the cuts that lie in no other."""
    kept: list[tuple[int, int, str]] = []
    for cut in sorted(cuts, key=lambda c: (c[0], -c[1])):
        if not kept or cut[0] >= kept[-1][1]:
            kept.append(cut)
    return kept


def _same(a: Any, b: Any) -> bool:
    """Say whether two values are the same in JSON, where 1 and 1.0 are and 1 and true are not."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return (type(a) is type(b) and a == b) or (isinstance(a, (int, float)) and isinstance(b, (int, float)) and a == b)
