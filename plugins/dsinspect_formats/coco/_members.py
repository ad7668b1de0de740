"""One JSON object as text with the places of its members: set and remove them, keeping everything else."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from dsinspect_formats._editing import Box
from dsinspect_formats._json_text import decoded_at
from dsinspect_formats._splicing import extent_text, number_text

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Member:
    """A member of an object: its key, where the key starts and ends, its value, and where that starts and ends."""

    key: str
    key_start: int
    key_stop: int
    value: Any
    start: int
    stop: int


class JsonObject:
    """The text of a JSON object and the changes to it; raises ValueError when it is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.members = list(_members(text))
        self._new: dict[str, str] = {}
        self._added: dict[str, str] = {}

    def member(self, key: str) -> Member | None:
        """Return a member; of equal keys the last, as readers do."""
        return next((m for m in reversed(self.members) if m.key == key), None)

    def value(self, key: str) -> Any:
        """Return the value of a member, or None."""
        member = self.member(key)
        return None if member is None else member.value

    def written(self, key: str) -> Any:
        """Return the value that a member will have, or None."""
        text = self._new.get(key, self._added.get(key))
        return self.value(key) if text is None else json.loads(text)

    def set(self, key: str, value: Any, text: str | None = None) -> None:
        """Give a member a value; the one it has already keeps its text.

        Args:
            key: of the member, which is added at the end when it is not there.
            value: to compare with.
            text: JSON of the value.
        """
        text = json.dumps(value, ensure_ascii=self.text.isascii()) if text is None else text
        member = self.member(key)
        if member is None:
            self._added[key] = text
        elif not _same(member.value, value):
            self._new[key] = text

    def set_box(self, box: Box) -> None:
        """Write `bbox` from corners; numbers that stay keep their text."""
        member = self.member("bbox")
        if member is None:
            return
        texts = _numbers(self.text, member.start)
        x, y, w, h = (float(self.text[a:b]) for a, b in texts)
        old = [self.text[a:b] for a, b in texts]
        new = [old[0] if box[0] == x else number_text(box[0], old[0]), old[1] if box[1] == y else number_text(box[1], old[1]),
               old[2] if box[0] == x and x + w == box[2] else extent_text(box[0], box[2], old[2]),
               old[3] if box[1] == y and y + h == box[3] else extent_text(box[1], box[3], old[3])]
        if new == old:
            return
        text, at = "", member.start
        for (start, stop), number in zip(texts, new, strict=True):
            text += self.text[at:start] + number
            at = stop
        self._new["bbox"] = text + self.text[at:member.stop]

    def result(self) -> str:
        """Return the text with the changes."""
        out, at = [], 0
        for key, text in sorted(self._new.items(), key=lambda c: self._place(c[0])):
            member = self.member(key)
            if member is not None:
                out += [self.text[at:member.start], text]
                at = member.stop
        end = self.members[-1].stop if self.members else self.text.index("{") + 1
        out.append(self.text[at:end])
        between, colon = self._habits()
        for k, (key, text) in enumerate(self._added.items()):
            out.append(f"{between if self.members or k else ''}{json.dumps(key)}{colon}{text}")
        return "".join(out) + self.text[end:]

    def _place(self, key: str) -> int:
        member = self.member(key)
        return -1 if member is None else member.start

    def _habits(self) -> tuple[str, str]:
        """Return what stands between members, and between a key and its value."""
        if not self.members:
            return ", ", ": "
        last = self.members[-1]
        colon = self.text[last.key_stop:last.start]
        return self.text[self.members[-2].stop:last.key_start] if len(self.members) > 1 else ", ", colon


def record_like(model: JsonObject | None, record: dict[str, Any]) -> str:
    """Return a record as text, its members in the order and with the spaces of another one.

    Args:
        model: a record of the same list; without one all members are written in their order.
        record: members and values; those that the model lacks are left out, but for ids, boxes and names.
    """
    if model is None:
        return json.dumps({k: v for k, v in record.items() if k not in ("iscrowd", "segmentation")})
    known = [m.key for m in model.members if m.key in record]
    keys = [*known, *(k for k in record if k not in known and k not in ("area", "iscrowd", "segmentation"))]
    is_ascii = model.text.isascii()
    between, colon = model._habits()
    last = model.members[-1].stop if model.members else model.text.index("{") + 1
    first = model.members[0].key_start if model.members else last
    start = model.text.index("{")
    members = [f"{json.dumps(k)}{colon}{json.dumps(record[k], ensure_ascii=is_ascii)}" for k in dict.fromkeys(keys)]
    return model.text[start:first] + between.join(members) + model.text[last:]


def _members(text: str) -> list[Member]:
    def space(at: int) -> int:
        match = _SPACE.match(text, at)
        return match.end() if match else at

    position = space(0)
    if text[position:position + 1] != "{":
        raise ValueError("not an object")
    position = space(position + 1)
    found: list[Member] = []
    while text[position:position + 1] != "}":
        key, key_stop = _DECODER.raw_decode(text, position)
        start = space(key_stop)
        if text[start:start + 1] != ":":
            raise ValueError("a colon is expected")
        start = space(start + 1)
        value, stop = decoded_at(text, start)
        found.append(Member(key, position, key_stop, value, start, stop))
        position = space(stop)
        if text[position:position + 1] == ",":
            position = space(position + 1)
        elif text[position:position + 1] != "}":
            raise ValueError("a comma is expected")
    return found


def _numbers(text: str, start: int) -> list[tuple[int, int]]:
    """Return the places of the numbers of an array."""
    return elements_of(text, start)[0]


def elements_of(text: str, start: int) -> tuple[list[tuple[int, int]], int]:
    """Return the places of the elements of an array that begins at `start`, and that of its closing bracket."""
    found: list[tuple[int, int]] = []
    position = start + 1
    while True:
        match = _SPACE.match(text, position)
        position = match.end() if match else position
        if text[position] == "]":
            return found, position
        if text[position] == ",":
            position += 1
            continue
        _, stop = decoded_at(text, position)
        found.append((position, stop))
        position = stop


def _same(a: Any, b: Any) -> bool:
    """Say whether two values are the same in JSON, where 1 and 1.0 are and 1 and true are not."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return (type(a) is type(b) and a == b) or (isinstance(a, (int, float)) and isinstance(b, (int, float)) and a == b)
