"""Edits applied to a set whose records stand in files of rows: what all such patches share, and rows of tokens."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from dsinspect.io.reading import read_regular
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch, Source
from dsinspect_formats._editing import Box, CategoryPlan, Change, Changes, Wanted, any_of, is_dropped
from dsinspect_formats._splicing import EncodedText, without_lines

SAME = 1e-9
"""Of a side: px made of fractions and back differ by less, an edit by more."""


class Editor(ABC):
    """One file, and the changes to its records, which are addressed as the reader counts them."""

    @abstractmethod
    def drop(self, index: int) -> None:
        """Take a record out."""

    @abstractmethod
    def set_category(self, index: int, name: str) -> None:
        """Give a record another category; the one it has already keeps its text."""

    @abstractmethod
    def set_box(self, index: int, change: Change) -> None:
        """Give a record another box; edges that stay keep their text."""

    def set_field(self, index: int, change: Change) -> None:
        """Write a field of a record."""
        raise change.wrong(f"there is no field {change.field()[0]!r} to write")

    def change(self, index: int, change: Change) -> None:
        """Apply what else the format has a place for."""
        raise change.wrong("the format has no place for that")

    def image(self, position: int, wanted: Wanted) -> None:
        """Apply edits of an image that stands in the file at a position."""
        raise any_of(wanted).wrong("the format has no place for that")

    @abstractmethod
    def result(self, *, plain: bool) -> bytes:
        """Return the file with the changes; as UTF-8 when `plain`."""


class SetPatcher(ABC):
    """The set as read, and the edits by file."""

    whole_files = True
    """Whether a file of records is of one image, and goes with it."""
    declares = False
    """Whether the set declares its categories, so that those without an annotation can be named too."""

    def __init__(self, kind: Format, request: OpenRequest, edits: Edits) -> None:
        self.kind, self.request = kind, request
        self.changes = Changes.of(edits, kind.name, kind.no_place)
        self.source: Source = kind.open(request)
        self.root: Path = self.source.info.root
        self.names: dict[str, dict[int, str | None]] = {}
        self.faulty: dict[str, set[int]] = {}
        self.sources_of: dict[str, set[str]] = {}
        self.records_of: dict[str, set[tuple[str, int]]] = {}
        self._read()
        used = {n for names in self.names.values() for n in names.values() if n is not None}
        declared = {c.name for c in self.source.info.categories} if self.declares else set()
        self.plan = CategoryPlan.of(self.changes.categories, used | declared, self.changes.new_categories)
        self.records = self.changes.by_source()
        self.gone_images = {p for p, w in self.changes.images.items() if "drop-image" in w}
        self._check()

    @abstractmethod
    def editor(self, content: bytes, source: str) -> Editor:
        """Return the editor of a file."""

    def positions(self) -> Mapping[str, Collection[tuple[str, int]]]:
        """Return where each image stands, for formats whose files hold images as records: file and position."""
        return {}

    def others(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Yield files beside the records, before and after: lists of classes or images."""
        yield from ()

    def class_numbers(self) -> dict[str, int]:
        """Return the number of each declared class under the name it is going to have; merged ones are left out."""
        numbers: dict[str, int] = {}
        for category in self.source.info.categories:
            if category.name not in self.plan.merged:
                numbers.setdefault(self.plan.renamed.get(category.name, category.name), category.category_id)
        return numbers

    def _read(self) -> None:
        for reference in self.source.shards(1000):
            shard = reference.load()
            images = shard.image_columns
            paths = images["path"].tolist()
            for path, source in zip(paths, images["source"].tolist(), strict=True):
                found = self.sources_of.setdefault(path, set())
                if source is not None:
                    found.add(source)
                    self.names.setdefault(source, {})
            a = shard.annotation_columns
            for source, index, name, row in zip(a["source"].tolist(), a["index"].tolist(), a["category"].tolist(),
                                                a["image_row"].tolist(), strict=True):
                self.names.setdefault(source, {})[index] = name
                if row >= 0:
                    self.records_of.setdefault(paths[row], set()).add((source, index))
            p = shard.problem_columns
            for kind, source, index in zip(p["kind"].tolist(), p["source"].tolist(), p["index"].tolist(), strict=True):
                if kind == "malformed-record" and index >= 0:
                    self.faulty.setdefault(source, set()).add(index)

    def _check(self) -> None:
        if self.changes.everywhere:
            raise self.changes.everywhere[0].wrong("the edit names no record of the file")
        for source, records in self.records.items():
            for index, wanted in records.items():
                known = index in self.names.get(source, {})
                if not known and not ("drop-record" in wanted and index in self.faulty.get(source, ())):
                    raise any_of(wanted).wrong("no such record that can be read")
                if "set-category" in wanted and not is_dropped(wanted):
                    self.plan.target(wanted["set-category"])
                if "set-box" in wanted and not is_dropped(wanted):
                    wanted["set-box"].finite_box()
        for path, wanted in self.changes.images.items():
            if path not in self.sources_of:
                raise any_of(wanted).wrong("no such image in the set")
        for source, change in self.changes.files.items():
            if source not in self.names:
                raise change.wrong("no such file in the set")

    def patches(self) -> Iterator[Patch]:
        """Yield the files that change; every file is edited once before the first is yielded, so that none fails late."""
        gone = set()
        touched = {*self.records, *self.changes.files}
        dropped: dict[str, set[int]] = {}
        positions = self.positions() if self.changes.images else {}
        by_position: dict[str, list[tuple[int, Wanted]]] = {}
        for path, wanted in self.changes.images.items():
            if self.whole_files and "drop-image" in wanted:
                gone |= self.sources_of[path]
                continue
            for source, position in positions.get(path, ()):
                by_position.setdefault(source, []).append((position, wanted))
                touched.add(source)
            if "drop-image" in wanted:
                for source, index in self.records_of.get(path, ()):
                    dropped.setdefault(source, set()).add(index)
                    touched.add(source)
        if self.plan:
            moved = self.plan.dropped | set(self.plan.merged) | set(self.plan.renamed)
            touched |= {s for s, names in self.names.items() if not moved.isdisjoint(names.values())}
        touched -= gone
        todo = (dropped, by_position)
        for source in touched:
            self._edited(source, read_regular(self.root / source), *todo)
        others = [(path, before, after) for path, before, after in self.others() if before != after]
        for source in sorted(touched | gone):
            before = read_regular(self.root / source)
            after = None if source in gone else self._edited(source, before, *todo)
            if after != before:
                yield Patch(source, before, after)
        for path, before, changed in others:
            yield Patch(path, before, changed)

    def _edited(self, source: str, content: bytes, dropped: Mapping[str, set[int]],
                by_position: Mapping[str, list[tuple[int, Wanted]]]) -> bytes:
        editor = self.editor(content, source)
        records = self.records.get(source, {})
        goes = dropped.get(source, set())
        names = self.names.get(source, {})
        for index in sorted({*names, *records}):
            wanted = records.get(index, {})
            name = names.get(index)
            if index in goes or is_dropped(wanted) or name in self.plan.dropped:
                editor.drop(index)
                continue
            target = self.plan.target(wanted["set-category"]) if "set-category" in wanted else name
            final = self.plan.final(target) if target in self.plan.declared else target
            if final != name and final is not None:
                editor.set_category(index, final)
            for key, change in wanted.items():
                if key == "set-box":
                    editor.set_box(index, change)
                elif change.action == "set-field":
                    editor.set_field(index, change)
                elif key != "set-category":
                    editor.change(index, change)
        for position, wanted in by_position.get(source, ()):
            editor.image(position, wanted)
        return editor.result(plain=source in self.changes.files)


class TextRows:
    """The lines of a text file that count as records, by their tokens: a token is replaced, everything else stays."""

    def __init__(self, content: bytes, path: str, token: str, is_record: Any) -> None:
        self.encoded = EncodedText.of(content, path)
        self.path = path
        text = self.encoded.utf8.decode("utf-8", "surrogatepass")
        parts = text.split("\n")
        self.lines = [line + "\n" for line in parts[:-1]] + parts[-1:]
        self._token = re.compile(token)
        self.records = [k for k, line in enumerate(self.lines) if is_record(line)]
        self._dropped: set[int] = set()

    def spans(self, index: int) -> list[tuple[int, int]]:
        """Return where the tokens of a record stand in its line."""
        return [m.span() for m in self._token.finditer(self.lines[self.records[index]])]

    def tokens(self, index: int) -> list[str]:
        """Return the tokens of a record."""
        return [m[0] for m in self._token.finditer(self.lines[self.records[index]])]

    def replace(self, index: int, first: int, last: int, text: str) -> None:
        """Write a text in the place of the tokens from the first to the last."""
        k = self.records[index]
        spans = self.spans(index)
        self.lines[k] = self.lines[k][:spans[first][0]] + text + self.lines[k][spans[last][1]:]

    def append(self, index: int, text: str) -> None:
        """Write a text after the last token."""
        k = self.records[index]
        at = self.spans(index)[-1][1]
        self.lines[k] = self.lines[k][:at] + text + self.lines[k][at:]

    def drop(self, index: int) -> None:
        """Take a record's line out."""
        self._dropped.add(self.records[index])

    def result(self, change: Change | None, *, plain: bool) -> bytes:
        """Return the file; `change` is any of the edits, for the error."""
        utf8 = without_lines(self.lines, self._dropped).encode("utf-8", "surrogatepass")
        if plain:
            return EncodedText.plain(utf8)
        try:
            return self.encoded.encode(utf8)
        except UnicodeEncodeError as e:
            reason = f"{self.path} is {self.encoded.codec}, which has no {e.object[e.start]!r}; add rewrite-utf8"
            raise change.wrong(reason) if change else AssertionError(reason) from None


def moved_edges(old: Box, change: Change, scale: tuple[float, float] = (1.0, 1.0), same: float = 0.0) -> list[float | None]:
    """Return the edges that change, divided by the size of the image where the format has fractions; None where one stays."""
    new = change.finite_box()
    out: list[float | None] = []
    for k in range(4):
        value = new[k] / scale[k % 2]
        out.append(None if abs(value - old[k]) <= same else value)
    return out


def frame_of(change: Change) -> tuple[float, float]:
    """Return the size of the image of an edit; raises UserError when it is not known."""
    if not all(side > 0 for side in change.frame_wh):
        raise change.wrong("the size of the image is not known, and the format writes fractions of it")
    return change.frame_wh
