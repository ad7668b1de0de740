"""Edit DOTA sets without loss: corners, class and difficulty of the rows of label files."""

from __future__ import annotations

from collections.abc import Iterator

from dsinspect.errors import UserError
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._editing import Change
from dsinspect_formats._set_patching import Editor, SetPatcher, TextRows
from dsinspect_formats._splicing import number_text
from dsinspect_formats.dota._rows import is_header
from dsinspect_formats.dota.reader import is_upright


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`. `set-field` writes the difficulty, such as difficulty=1.

    Of rotated boxes, corners beyond the new box are moved to its edge; they cannot be made to fill a larger one.
    """
    if len(edits):
        yield from _Patcher(own, request, edits).patches()


class _Patcher(SetPatcher):
    def editor(self, content: bytes, source: str) -> Editor:
        return _Editor(content, source)


class _Editor(Editor):
    def __init__(self, content: bytes, path: str) -> None:
        self.rows = TextRows(content, path, r"\S+", lambda line: bool(line.strip()) and not is_header(line))
        self.path = path
        self._change: Change | None = None

    def drop(self, index: int) -> None:
        self.rows.drop(index)

    def set_category(self, index: int, name: str) -> None:
        if len(name.split()) != 1:
            raise UserError(f"{self.path}: DOTA's classes are one word, and {name!r} is not; write - for spaces")
        self.rows.replace(index, 8, 8, name)

    def set_box(self, index: int, change: Change) -> None:
        self._change = change
        tokens = self.rows.tokens(index)
        values = [float(t) for t in tokens[:8]]
        new = change.finite_box()
        old = (min(values[0::2]), min(values[1::2]), max(values[0::2]), max(values[1::2]))
        if new == old:
            return
        upright = is_upright(values)
        if not upright and (new[0] < old[0] or new[1] < old[1] or new[2] > old[2] or new[3] > old[3]):
            raise change.wrong("the box is rotated, and cannot be made to fill a larger upright one")
        for k, value in enumerate(values):
            low, high = new[k % 2], new[k % 2 + 2]
            moved = (low if value == old[k % 2] else high) if upright else min(max(value, low), high)
            if moved != value:
                self.rows.replace(index, k, k, number_text(moved, tokens[k]))

    def set_field(self, index: int, change: Change) -> None:
        self._change = change
        name, value = change.field()
        if name != "difficulty" or isinstance(value, bool) or not isinstance(value, (int, float)):
            raise change.wrong("set-field writes the difficulty, such as difficulty=1")
        tokens = self.rows.tokens(index)
        if len(tokens) == 9:
            self.rows.append(index, f" {number_text(value)}")
        elif float(tokens[9]) != value:
            self.rows.replace(index, 9, 9, number_text(value, tokens[9]))

    def result(self, *, plain: bool) -> bytes:
        return self.rows.result(self._change, plain=plain)
