"""Edit MOT sets without loss: values of the rows of `gt/gt.txt`, and names in `gt/labels.txt`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dsinspect.io.reading import is_regular, read_regular
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._editing import Change, any_of
from dsinspect_formats._set_patching import Editor, SetPatcher, TextRows
from dsinspect_formats._splicing import EncodedText, extent_text, number_text, without_lines
from dsinspect_formats.mot._looks import Options

FIELDS = {"confidence": 6, "conf": 6, "visibility": 8}


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`. `set-field` writes the confidence or the visibility.

    A class that is renamed is renamed in `gt/labels.txt`; one that is dropped or merged stays there, for its number is a place.
    """
    if len(edits):
        yield from _Patcher(own, request, edits).patches()


class _Patcher(SetPatcher):
    whole_files = False
    declares = True

    def editor(self, content: bytes, source: str) -> Editor:
        options = self.request.options if isinstance(self.request.options, Options) else Options()
        return _Editor(content, source, options.base, self.class_numbers())

    def others(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Write sizes into `seqinfo.ini`, and rename classes where they stand."""
        yield from self._sizes()
        if self.plan.renamed:
            yield from self._names()

    def _sizes(self) -> Iterator[tuple[str, bytes, bytes]]:
        wanted: dict[str, Change] = {}
        for path, one in self.changes.images.items():
            if "set-image-size" in one and "drop-image" not in one:
                change = one["set-image-size"]
                for source in self.sources_of[path]:
                    first = wanted.setdefault(f"{source.removesuffix('gt/gt.txt')}seqinfo.ini", change)
                    if first.size_wh() != change.size_wh():
                        raise change.wrong("all frames of a sequence have one size, and another edit wants another one")
        for path, change in sorted(wanted.items()):
            before = read_regular(self.root / path, "yaml_mb") if is_regular(self.root / path) else b""
            after = before
            for key, text in zip((b"imWidth", b"imHeight"), change.size_wh(), strict=True):
                after, count = re.subn(rb"(?mi)^(" + key + rb"\s*=\s*)[^\s]+", rb"\g<1>" + text.encode(), after)
                if not count:
                    raise change.wrong(f"{path} has no {key.decode()}")
            yield path, before, after

    def _names(self) -> Iterator[tuple[str, bytes, bytes]]:
        files = {f"{source.removesuffix('gt.txt')}labels.txt" for source in self.names}
        found = [f for f in sorted(files) if is_regular(self.root / f)]
        if not found:
            name = next(iter(self.plan.renamed))
            raise any_of(self.changes.categories[name]).wrong("the set has MOT's classes, and no gt/labels.txt to rename one in")
        for path in found:
            before = read_regular(self.root / path, "yaml_mb")
            encoded = EncodedText.of(before, path)
            lines = encoded.utf8.decode("utf-8", "surrogatepass").splitlines(keepends=True)
            lines = [line.replace(line.strip(), self.plan.renamed[line.strip()]) if line.strip() in self.plan.renamed else line
                     for line in lines]
            yield path, before, encoded.encode(without_lines(lines, ()).encode("utf-8", "surrogatepass"))


class _Editor(Editor):
    def __init__(self, content: bytes, path: str, base: int, numbers: dict[str, int]) -> None:
        self.rows = TextRows(content, path, r"[^,\s]+(?:[^,\n\r]*[^,\s])?", lambda line: bool(line.strip()))
        self.base, self.numbers = base, numbers
        self._change: Change | None = None

    def drop(self, index: int) -> None:
        self.rows.drop(index)

    def set_category(self, index: int, name: str) -> None:
        tokens = self.rows.tokens(index)
        number = self.numbers[name]
        if len(tokens) < 8:
            self.rows.append(index, f"{',1' if len(tokens) == 6 else ''},{number}")
        elif float(tokens[7]) != number:
            self.rows.replace(index, 7, 7, str(number))

    def set_box(self, index: int, change: Change) -> None:
        self._change = change
        box = change.finite_box()
        for axis in (0, 1):
            tokens = self.rows.tokens(index)
            start, extent = float(tokens[2 + axis]), float(tokens[4 + axis])
            old = start - self.base
            low, high = box[axis], box[axis + 2]
            low_stays, high_stays = low == old, high == old + extent
            if not low_stays:
                self.rows.replace(index, 2 + axis, 2 + axis, number_text(low + self.base, tokens[2 + axis]))
            if not (low_stays and high_stays):
                self.rows.replace(index, 4 + axis, 4 + axis, extent_text(low, high, tokens[4 + axis]))

    def set_field(self, index: int, change: Change) -> None:
        name, value = change.field()
        at = FIELDS.get(name)
        tokens = self.rows.tokens(index)
        if at is None or isinstance(value, bool) or not isinstance(value, (int, float)) or at >= len(tokens):
            raise change.wrong("set-field writes a confidence or visibility that the row has, such as confidence=0")
        if float(tokens[at]) != value:
            self.rows.replace(index, at, at, number_text(value, tokens[at]))

    def result(self, *, plain: bool) -> bytes:
        return self.rows.result(self._change, plain=plain)
