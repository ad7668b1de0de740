"""Edit KITTI sets without loss: fields of the rows of label files."""

from __future__ import annotations

from collections.abc import Iterator

from dsinspect.errors import UserError
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._editing import Change
from dsinspect_formats._set_patching import Editor, SetPatcher, TextRows, moved_edges
from dsinspect_formats._splicing import number_text
from dsinspect_formats.kitti._rows import parsed
from dsinspect_formats.kitti.reader import FIELDS


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`. `set-field` writes one of KITTI's fields, such as occluded=1."""
    if len(edits):
        yield from _Patcher(own, request, edits).patches()


class _Patcher(SetPatcher):
    def editor(self, content: bytes, source: str) -> Editor:
        return _Editor(content, source)


class _Editor(Editor):
    def __init__(self, content: bytes, path: str) -> None:
        self.rows = TextRows(content, path, r"\S+", lambda line: bool(line.strip()))
        self.path = path
        self._change: Change | None = None

    def drop(self, index: int) -> None:
        self.rows.drop(index)

    def _words(self, index: int) -> int:
        """Return how many tokens the type has."""
        tokens = self.rows.tokens(index)
        return len(tokens) - len(parsed(tokens)[1])

    def set_category(self, index: int, name: str) -> None:
        if " ".join(name.split()) != name or not name:
            raise UserError(f"{self.path}: the type {name!r} cannot be written among fields that white space separates")
        self.rows.replace(index, 0, self._words(index) - 1, name)

    def set_box(self, index: int, change: Change) -> None:
        self._change = change
        values = parsed(self.rows.tokens(index))[1]
        old = (values[3], values[4], values[5], values[6])
        first = self._words(index) + 3
        for k, value in enumerate(moved_edges(old, change)):
            if value is not None:
                token = self.rows.tokens(index)[first + k]
                self.rows.replace(index, first + k, first + k, number_text(value, token))

    def set_field(self, index: int, change: Change) -> None:
        name, value = change.field()
        words = self._words(index)
        if name not in FIELDS[1:15] or isinstance(value, bool) or not isinstance(value, (int, float)):
            raise change.wrong(f"set-field writes a number into one of {', '.join(FIELDS[1:15])}")
        at = words - 1 + FIELDS.index(name)
        token = self.rows.tokens(index)[at]
        if float(token) != value:
            self.rows.replace(index, at, at, number_text(value, token))

    def result(self, *, plain: bool) -> bytes:
        return self.rows.result(self._change, plain=plain)
