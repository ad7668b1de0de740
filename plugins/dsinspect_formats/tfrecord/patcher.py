"""Edit TFRecord files: an example that an edit names is written again with the lists that change; other records stay."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from dsinspect.errors import UserError
from dsinspect.io.reading import read_regular
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._editing import Change, Wanted
from dsinspect_formats._set_patching import Editor, SetPatcher, frame_of, moved_edges
from dsinspect_formats._splicing import EncodedText
from dsinspect_formats.tfrecord._records import FOOT, HEAD, Feature, fields, framed, name_of_entry, values_of, walk_records
from dsinspect_formats.tfrecord.reader import BOX, FLAGS, LABEL, TEXT, TFRecordSource, label_map_files, objects_in
from dsinspect_formats.tfrecord.writer import feature, kind_of, message, quoted

SAME = 1e-6
"""Of a side: px made of float32 and back differ by less, an edit by more."""
_OBJECT = "image/object/"
_AREA = "image/object/area"
_FIELDS = {key.rpartition("/")[2]: key for key in FLAGS.values()}


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`. `set-field` writes difficult, is_crowd or group_of.

    Features of a changed record that no edit concerns keep their bytes, and so does every record without an edit.
    """
    if len(edits):
        yield from _Patcher(own, request, edits).patches()


class _Patcher(SetPatcher):
    whole_files = False
    declares = True

    def positions(self) -> Mapping[str, Collection[tuple[str, int]]]:
        """Return the records of each image."""
        assert isinstance(self.source, TFRecordSource)
        found: dict[str, list[tuple[str, int]]] = {}
        paths = [p for ref in self.source.shards(1000) for p in ref.load().image_columns["path"].tolist()]
        for path, at in zip(paths, self.source.embedded, strict=True):
            found.setdefault(path, []).append((at.source, at.record))
        return found

    def editor(self, content: bytes, source: str) -> Editor:
        return _Editor(content, self.class_numbers(), source)

    def others(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Rename classes in the label maps."""
        for path in label_map_files(self.root, list(self.names)) if self.plan.renamed else ():
            try:
                before = read_regular(self.root / path, "yaml_mb")
            except OSError:
                continue  # the reader takes none of it either
            encoded = EncodedText.of(before, path)
            text = encoded.utf8.decode("utf-8", "surrogatepass")
            for old, new in self.plan.renamed.items():
                text = re.sub(rf"""(\b(?:display_)?name\s*:\s*)(['"]){re.escape(old)}\2""",
                              lambda m, new=new: m[1] + quoted(new), text)  # type: ignore[misc]
            yield path, before, encoded.encode(text.encode("utf-8", "surrogatepass"))


class _Record:
    """One example, its features, and the lists that change."""

    def __init__(self, data: bytes, found: dict[str, Feature], count: int) -> None:
        self.data, self.found, self.count = data, found, count
        self.lists: dict[str, list[Any]] = {}
        self.dropped: set[int] = set()

    def values(self, name: str) -> list[Any]:
        """Return the list of a feature, to be changed in place."""
        if name not in self.lists:
            self.lists[name] = self.read(name)
        return self.lists[name]

    def read(self, name: str) -> list[Any]:
        """Return the list of a feature as it will be."""
        if name in self.lists:
            return self.lists[name]
        return [self.data[v[0]:v[1]] if isinstance(v, tuple) else v for v in values_of(self.data, self.found.get(name))]

    def result(self) -> bytes:
        """Return the example with the changes."""
        if self.dropped:
            for name in self.found:
                if name.startswith(_OBJECT) and len(self.read(name)) == self.count:
                    self.lists[name] = [v for k, v in enumerate(self.read(name)) if k not in self.dropped]
        if not self.lists:
            return self.data
        entries, rest, seen = [], [], set()
        for outer in fields(self.data, 0, len(self.data)):
            if outer.number != 1 or outer.wire != 2:
                rest.append(self.data[outer.begin:outer.stop])
                continue
            for entry in fields(self.data, outer.start, outer.stop):
                own = name_of_entry(self.data, entry)
                if own is not None and own in self.lists:
                    seen.add(own)
                    kind = self.found[own].kind or kind_of(own, self.lists[own])
                    entries.append(feature(own, kind, self.lists[own]))
                else:
                    entries.append(self.data[entry.begin:entry.stop])
        entries += [feature(n, kind_of(n, v), v) for n, v in self.lists.items() if n not in seen]
        return message(1, b"".join(entries)) + b"".join(rest)


class _Editor(Editor):
    def __init__(self, content: bytes, numbers: dict[str, int], path: str) -> None:
        self.content, self.numbers, self.path = content, numbers, path
        self.spans: list[tuple[int, int]] = []
        self.first: list[int] = []
        self.records: dict[int, _Record] = {}
        self.gone: set[int] = set()
        index = 0
        try:
            for start, stop in walk_records(content):
                self.spans.append((start, stop))
                self.first.append(index)
                try:
                    index += objects_in(content, start, stop)[1]
                except ValueError:
                    index += 1  # as the reader counts
        except ValueError:
            pass  # what comes after cannot be addressed, and stays
        self.first.append(index)

    def _at(self, index: int) -> tuple[_Record, int]:
        low, high = 0, len(self.spans)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.first[middle] <= index else (low, middle)
        return self._record(low), index - self.first[low]

    def _record(self, number: int) -> _Record:
        if number not in self.records:
            start, stop = self.spans[number]
            data = self.content[start:stop]
            found, count = objects_in(data, 0, len(data))
            self.records[number] = _Record(data, found, count)
        return self.records[number]

    def drop(self, index: int) -> None:
        try:
            record, k = self._at(index)
        except ValueError:  # a record that cannot be read goes as a whole
            self.gone.add(max(n for n in range(len(self.spans)) if self.first[n] <= index))
            return
        record.dropped.add(k)

    def set_category(self, index: int, name: str) -> None:
        record, k = self._at(index)
        number = self.numbers.get(name)
        texts, labels = record.read(TEXT), record.read(LABEL)
        if not texts and number is None:
            raise UserError(f"{self.path}, object {index}: no label map gives {name!r} a number")
        if k < len(texts) and texts[k] != name.encode():
            record.values(TEXT)[k] = name.encode()
        if number is not None and k < len(labels) and labels[k] != number:
            record.values(LABEL)[k] = number

    def set_box(self, index: int, change: Change) -> None:
        record, k = self._at(index)
        x_min, y_min, x_max, y_max = (record.read(name)[k] for name in BOX)
        for name, value in zip(BOX, moved_edges((x_min, y_min, x_max, y_max), change, frame_of(change), SAME), strict=True):
            if value is not None:
                record.values(name)[k] = value

    def set_field(self, index: int, change: Change) -> None:
        name, value = change.field()
        if name not in _FIELDS or not isinstance(value, (bool, int)):
            raise change.wrong(f"set-field writes one of {', '.join(_FIELDS)}, such as difficult=1")
        self._set(index, _FIELDS[name], int(value), 0)

    def change(self, index: int, change: Change) -> None:
        if change.action != "set-area":
            super().change(index, change)
        try:
            self._set(index, _AREA, float(change.text or ""), 0.0)
        except ValueError:
            raise change.wrong(f"{change.text!r} is not a number") from None

    def _set(self, index: int, name: str, value: float, other: float) -> None:
        record, k = self._at(index)
        if not record.read(name):
            record.lists[name] = [other] * record.count
        if record.read(name)[k] != value:
            record.values(name)[k] = value

    def image(self, position: int, wanted: Wanted) -> None:
        if "drop-image" in wanted:
            self.gone.add(position)
            return
        record = self._record(position)
        if "set-image-size" in wanted:
            for name, text in zip(("image/width", "image/height"), wanted["set-image-size"].size_wh(), strict=True):
                if record.read(name) != [int(float(text))]:
                    record.lists[name] = [int(float(text))]
        if "set-path" in wanted:
            change = wanted["set-path"]
            record.lists["image/filename"] = [(change.text if change.text is not None else change.image or "").encode()]

    def result(self, *, plain: bool) -> bytes:
        out, at = [], 0
        for number, (start, stop) in enumerate(self.spans):
            if number in self.gone:
                out.append(self.content[at:start - HEAD])
            elif number in self.records and (data := self.records[number].result()) != self.content[start:stop]:
                out += (self.content[at:start - HEAD], framed(data))
            else:
                continue
            at = stop + FOOT
        return b"".join((*out, self.content[at:]))
