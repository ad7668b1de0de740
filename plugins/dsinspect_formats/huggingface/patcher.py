"""Edit metadata.jsonl without loss: elements of the lists of an image's objects, and members of its record."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from dsinspect.errors import UserError
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._editing import Change, Wanted, any_of
from dsinspect_formats._set_patching import Editor, SetPatcher
from dsinspect_formats._splicing import EncodedText, Splice, extent_text, number_text, removals, splice, without_lines
from dsinspect_formats.coco._members import _members, elements_of
from dsinspect_formats.huggingface._looks import Options
from dsinspect_formats.huggingface._records import AREAS, BOXES, CLASSES, CROWDS, OBJECTS, key_of


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`. Names of classes that stand in README.md are renamed there, by hand."""
    if len(edits):
        yield from _Patcher(own, request, edits).patches()


class _Patcher(SetPatcher):
    whole_files = False
    declares = True

    def positions(self) -> Mapping[str, Collection[tuple[str, int]]]:
        """Return the lines of each image."""
        found: dict[str, list[tuple[str, int]]] = {}
        for reference in self.source.shards(1000):
            images = reference.load().image_columns
            for path, source, line in zip(images["path"].tolist(), images["source"].tolist(), images["line"].tolist(), strict=True):
                found.setdefault(path, []).append((source, line))
        return found

    def editor(self, content: bytes, source: str) -> Editor:
        if not source.endswith(".jsonl"):
            raise UserError(f"{source}: only metadata.jsonl can be edited; convert the set with --to huggingface first")
        options = self.request.options if isinstance(self.request.options, Options) else Options()
        if options.boxes == "cxcywh":
            raise UserError(f"{source}: boxes by their centres cannot be edited; convert the set first")
        declared = {c.name: c.category_id for c in self.source.info.categories}
        if self.plan.renamed.keys() & declared.keys():
            name = next(iter(self.plan.renamed.keys() & declared.keys()))
            raise any_of(self.changes.categories[name]).wrong("the names of classes stand in README.md; rename it there")
        return _Editor(content, source, options.boxes, declared)


class _Objects:
    """The objects of one line: a list of each column, or a list of records."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.members = {m.key: m for m in _members(text)}
        holder = next((self.members[k] for k in OBJECTS if k in self.members and isinstance(self.members[k].value, (dict, list))
                       and not _is_plain_list(self.members[k].value)), None)
        self.rows: list[dict[str, tuple[int, int]]] = []
        self.columns: dict[str, tuple[list[tuple[int, int]], int, int]] = {}
        self.outer: tuple[list[tuple[int, int]], int, int] | None = None
        if holder is not None and isinstance(holder.value, list):
            spans, closed = elements_of(text, holder.start)
            self.outer = (spans, holder.start + 1, closed)
            self.rows = [{m.key: (a + m.start, a + m.stop) for m in _members(text[a:b])} for a, b in spans]
        else:
            offset = holder.start if holder is not None else 0
            inner = _members(text[holder.start:holder.stop]) if holder is not None else _members(text)
            for member in inner:
                if isinstance(member.value, list):
                    spans, closed = elements_of(text, offset + member.start)
                    self.columns[member.key] = (spans, offset + member.start + 1, closed)
            box_key = key_of(self.columns, BOXES)
            count = len(self.columns[box_key][0]) if box_key else 0
            self.columns = {k: c for k, c in self.columns.items() if len(c[0]) == count}
            self.rows = [{k: c[0][n] for k, c in self.columns.items()} for n in range(count)]

    def removed(self, dropped: Collection[int]) -> list[Splice]:
        """Return the cuts that take objects out."""
        lists = [self.outer] if self.outer is not None else list(self.columns.values())
        return [cut for spans, opened, closed in lists for cut in removals(spans, dropped, opened, closed)]


def _is_plain_list(value: Any) -> bool:
    return isinstance(value, list) and not all(isinstance(v, dict) for v in value)


class _Editor(Editor):
    def __init__(self, content: bytes, path: str, boxes: str, numbers: Mapping[str, int]) -> None:
        self.encoded = EncodedText.of(content, path)
        self.path, self.boxes, self.numbers = path, boxes, numbers
        parts = self.encoded.utf8.decode("utf-8", "surrogatepass").split("\n")
        self.lines = [line + "\n" for line in parts[:-1]] + parts[-1:]
        self.gone: set[int] = set()
        self.dropped: dict[int, set[int]] = {}
        self.new: dict[int, dict[tuple[int, int], str]] = {}
        self._objects: dict[int, _Objects] = {}
        self.at: list[tuple[int, int]] = []
        for k, line in enumerate(self.lines):  # records as the reader counts them
            if line.strip():
                self._count(k, line)

    def _count(self, k: int, line: str) -> None:
        from dsinspect_formats._named_images import Images
        from dsinspect_formats._rows import Rows
        from dsinspect_formats.huggingface._records import Reader, jsonl_records

        rows = Rows()
        rows.file(self.path)
        reader = Reader(rows, {}, self.boxes)
        for _, record in jsonl_records(line, rows):
            reader.image(record, 1, "", self.path, None, Images())
        self.at += [(k, n) for n in range(reader.index)]

    def _of(self, index: int) -> tuple[int, _Objects, dict[str, tuple[int, int]]]:
        k, n = self.at[index]
        objects = self._line(k)
        return k, objects, objects.rows[n]

    def _line(self, k: int) -> _Objects:
        if k not in self._objects:
            self._objects[k] = _Objects(self.lines[k])
        return self._objects[k]

    def _set(self, k: int, span: tuple[int, int], value: Any) -> None:
        if json.loads(self.lines[k][span[0]:span[1]]) != value:
            self.new.setdefault(k, {})[span] = json.dumps(value, ensure_ascii=self.lines[k].isascii())

    def drop(self, index: int) -> None:
        k, n = self.at[index]
        if n >= len(self._line(k).rows):
            raise UserError(f"{self.path}, line {k + 1}: lists of different lengths; an object cannot be taken out of them")
        self.dropped.setdefault(k, set()).add(n)

    def set_category(self, index: int, name: str) -> None:
        k, objects, row = self._of(index)
        key = key_of(row, CLASSES)
        if key is None:
            raise UserError(f"{self.path}, line {k + 1}: the object has no class to change")
        old = json.loads(objects.text[row[key][0]:row[key][1]])
        value: Any = name
        if not isinstance(old, str):
            value = self.numbers.get(name, int(name) if not self.numbers and name.lstrip("-").isdigit() else None)
            if value is None:
                raise UserError(f"{self.path}, line {k + 1}: classes are numbers, and {name!r} has none")
        self._set(k, row[key], value)

    def set_box(self, index: int, change: Change) -> None:
        k, objects, row = self._of(index)
        key = key_of(row, BOXES)
        assert key is not None
        spans, _ = elements_of(objects.text, row[key][0])
        if len(spans) != 4 or objects.text[row[key][0]] != "[":
            raise change.wrong("the box is no list of four numbers")
        texts = [objects.text[a:b] for a, b in spans]
        box = change.finite_box()
        for axis in (0, 1):
            low, high = float(texts[axis]), float(texts[axis + 2])
            old_high = high if self.boxes == "xyxy" else low + high
            low_stays, high_stays = box[axis] == low, box[axis + 2] == old_high
            new = self.new.setdefault(k, {})
            if not low_stays:
                new[spans[axis]] = number_text(box[axis], texts[axis])
            if self.boxes == "xyxy" and not high_stays:
                new[spans[axis + 2]] = number_text(box[axis + 2], texts[axis + 2])
            elif self.boxes != "xyxy" and not (low_stays and high_stays):
                new[spans[axis + 2]] = extent_text(box[axis], box[axis + 2], texts[axis + 2])

    def change(self, index: int, change: Change) -> None:
        k, _, row = self._of(index)
        key = key_of(row, AREAS if change.action == "set-area" else CROWDS)
        if key is None:
            raise change.wrong("the objects of the image have no such list")
        try:
            self._set(k, row[key], float(change.text or "") if change.action == "set-area" else 1)
        except ValueError:
            raise change.wrong(f"{change.text!r} is not a number") from None

    def image(self, position: int, wanted: Wanted) -> None:
        k = position - 1
        if "drop-image" in wanted:
            self.gone.add(k)
            return
        members = self._line(k).members
        if "set-image-size" in wanted:
            for side, text in zip(("width", "height"), wanted["set-image-size"].size_wh(), strict=True):
                if side not in members:
                    raise wanted["set-image-size"].wrong(f"the record has no {side}")
                self._set(k, (members[side].start, members[side].stop), json.loads(text))
        if "set-path" in wanted:
            change = wanted["set-path"]
            folder = self.path.rpartition("/")[0]
            name = (change.text if change.text is not None else change.image or "").removeprefix(f"{folder}/" if folder else "")
            self._set(k, (members["file_name"].start, members["file_name"].stop), name)

    def result(self, *, plain: bool) -> bytes:
        lines = list(self.lines)
        for k in {*self.new, *self.dropped} - self.gone:
            text = lines[k]
            places = [0]
            for character in text:
                places.append(places[-1] + len(character.encode("utf-8", "surrogatepass")))
            cuts = self._line(k).removed(self.dropped.get(k, ()))
            covered = [(a, b) for a, b, _ in cuts]
            splices: list[Splice] = [(a, b, new.encode("utf-8", "surrogatepass")) for (a, b), new in self.new.get(k, {}).items()
                                     if not any(c <= a and b <= d for c, d in covered)] + cuts
            raw = splice(text.encode("utf-8", "surrogatepass"), [(places[a], places[b], new) for a, b, new in splices])
            lines[k] = raw.decode("utf-8", "surrogatepass")
        utf8 = without_lines(lines, self.gone).encode("utf-8", "surrogatepass")
        return EncodedText.plain(utf8) if plain else self.encoded.encode(utf8)
