"""Edit YOLO sets without loss: rows of label files, lines of list files, and class names where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dsinspect.io.reading import read_regular
from dsinspect.protocols.edits import LATER_ACTIONS, Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._editing import CategoryPlan, Change, Changes, Wanted, any_of, is_dropped
from dsinspect_formats._images import ImageTree, relative, walk
from dsinspect_formats._splicing import EncodedText, without_lines
from dsinspect_formats.yolo._class_lists import class_files, edit_class_file
from dsinspect_formats.yolo._config import read_config
from dsinspect_formats.yolo._finder import Finder, Layout
from dsinspect_formats.yolo._kinds import Options, decide
from dsinspect_formats.yolo._label_places import label_of
from dsinspect_formats.yolo._labels import read_row
from dsinspect_formats.yolo._layout import find_layout
from dsinspect_formats.yolo._rows import box_only, new_row, set_box, set_class

SIX = 6
"""Numbers of a row to which a confidence or a track id was added."""
_OF_SIX = re.compile(r"^(\s*\S+(?:\s+\S+){4})\s+\S+(?=\s*$)")


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`.

    A class that is dropped or merged leaves the list of names; the numbers after it move up, in every label file. One that is
    added gets the number after the last. A box that is added to an image without a label file makes one.
    """
    if len(edits):
        yield from _Patcher(request, Changes.of(edits, "yolo", own.no_place, LATER_ACTIONS - own.no_place)).patches()


class _ListFinder(Finder):
    """The finder of layouts, keeping which line of which list names an image."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.listed: list[tuple[str, int, str]] = []
        self.prefixes: dict[str, tuple[str, ...]] = {}

    def _add_listed(self, declared: str, split: str | None, prefixes: Iterable[str], source: str, line: int) -> None:
        before = len(self.layout.entries)
        self.prefixes[source] = tuple(prefixes)
        super()._add_listed(declared, split, prefixes, source, line)
        self.listed += [(source, line, e.path) for e in self.layout.entries[before:]]


class _Patcher:
    """The set as read, and the edits by file."""

    def __init__(self, request: OpenRequest, changes: Changes) -> None:
        self.changes = changes
        self.root = request.root if request.root.is_dir() else request.root.parent
        self.config = read_config(request.root, self.root)
        self.layout = Layout(self.root, self.config.categories, problems=self.config.problems,
                             kpt_shape=self.config.kpt_shape)
        self.finder = _ListFinder(self.layout, ImageTree.below(request.images or self.root), request.images is not None,
                                  [p for p in walk(self.root) if p.lower().endswith(".txt")])
        if self.config.path:
            self.finder.from_settings(self.config, self.config.path)
        if not self.layout.entries:
            self.finder.from_folders()
        if not self.layout.entries:
            find_layout(request.root, request.images)  # raises what is wrong
        options = request.options if isinstance(request.options, Options) else Options()
        self.pose = decide([self.root / e.label for e in self.layout.entries if e.label is not None], options.task,
                           self.layout.kpt_shape).n_pose
        self.records = changes.by_source()
        self.boxes: dict[str, list[Change]] = {}
        self.images_of: dict[str, set[str]] = {}
        for entry in self.layout.entries:
            if entry.label is not None:
                self.images_of.setdefault(entry.label, set()).add(entry.path)
        self.names = {c.category_id: c.name for c in self.layout.categories}
        self.class_files = class_files(self.config, self.root)
        self.gone_images = {path for path, wanted in changes.images.items() if "drop-image" in wanted}
        self.gone = {label for label, paths in self.images_of.items() if paths <= self.gone_images}
        self._settle_categories()
        self._check()

    def _settle_categories(self) -> None:
        """Find the class number of every name, which ones go, and where the others move."""
        numbers: dict[int, str] = dict(self.names)
        if not numbers and (self.changes.categories or self.changes.boxes or any(
                "set-category" in w for records in self.records.values() for w in records.values())):
            for label in self.images_of:
                for tokens in map(str.split, self._text(label)[1].split("\n")):
                    if (number := self._class(tokens)) is not None:
                        numbers[number] = str(number)
        self.plan = CategoryPlan.of(self.changes.categories, numbers.values(), self.changes.new_categories)
        if self.plan.added and not (self.names and self.class_files):
            raise self.changes.new_categories[0].wrong("the set holds no list of class names to add to")
        if not self.names and self.plan.renamed:
            raise any_of(self.changes.categories[next(iter(self.plan.renamed))]).wrong("the set holds no class names")
        self.number_of: dict[str, int] = {}
        for number, name in sorted(numbers.items()):
            self.number_of.setdefault(name, number)
        for name in self.plan.added:
            self.number_of[name] = max(self.number_of.values()) + 1
        self.dropped = {k for k, n in numbers.items() if n in self.plan.dropped}
        self.merged = {k: self.number_of[self.plan.merged[n]] for k, n in numbers.items() if n in self.plan.merged}
        self.removed = sorted(self.dropped | set(self.merged)) if self.names else []
        if self.names and len(self.removed) == len(self.names):
            raise any_of(next(iter(self.changes.categories.values()))).wrong("no class would be left")

    def _class(self, tokens: list[str]) -> int | None:
        try:
            return read_row(tokens, self.pose)[0] if tokens else None
        except ValueError:
            return None

    def _check(self) -> None:
        if self.changes.everywhere:
            raise self.changes.everywhere[0].wrong("the yolo format has no place for that")
        for label, records in self.records.items():
            rows = [t for t in map(str.split, self._text(label)[1].split("\n")) if t] if label in self.images_of else []
            for index, wanted in records.items():
                is_there = index < len(rows) and ("drop-record" in wanted or self._class(rows[index]) is not None)
                if not is_there:
                    raise any_of(wanted).wrong(
                        f"no such row that can be read; the file has {len(rows)}" if label in self.images_of
                        else "no such label file in the set")
                if "set-category" in wanted and not is_dropped(wanted):
                    self.plan.target(wanted["set-category"])
        paths = {e.path for e in self.layout.entries}
        listed = {path for _, _, path in self.finder.listed}
        by_folder = {e.path for e in self.layout.entries if e.declared == e.path or e.path.endswith(e.declared)}
        for path, wanted in self.changes.images.items():
            if path not in paths:
                raise any_of(wanted).wrong("no such image in the set")
            if "set-path" in wanted and path not in listed and "drop-image" not in wanted:
                raise wanted["set-path"].wrong("no list names the image; it is where its file is" if path in by_folder
                                               else "no list names the image")
        self._check_boxes()
        for source, wanted in self.changes.rows.items():
            if source not in self.images_of:
                raise any_of(wanted).wrong("no such label file in the set")
        for source, change in self.changes.files.items():
            if not (source in self.images_of or source in self._other_files()):
                raise change.wrong("no such file in the set")

    def _check_boxes(self) -> None:
        """Find the label file of every box to add."""
        labels = {e.path: e.label for e in reversed(self.layout.entries)}
        for path, boxes in self.changes.boxes.items():
            for change in boxes:
                if path not in labels:
                    raise change.wrong("no such image in the set")
                if path in self.gone_images:
                    raise change.wrong("another edit drops the image")
                label = labels[path] or label_of(path)
                if label.startswith("../"):
                    raise change.wrong("the label file lies outside of the set")
                self.plan.target(change)
                self.boxes.setdefault(label, []).append(change)

    def _other_files(self) -> set[str]:
        config = {relative(self.config.path, self.root)} if self.config.path else set()
        return config | set(self.class_files) | self.finder.lists

    def patches(self) -> Iterator[Patch]:
        """Yield the files that change; what could fail is done before the first."""
        touched = set(self.records) | set(self.boxes) | {f for f in self.changes.files if f in self.images_of}
        if self.removed or self.dropped or self.merged:
            touched |= set(self.images_of)
        touched |= set(self.changes.rows)
        touched -= self.gone
        for label in (self.records.keys() | self.boxes.keys() | self.changes.rows.keys()) & touched:
            self._label(label)
        others = [self._other(source) for source in sorted(self._other_files())]
        for label in sorted(touched | self.gone):
            before = self._bytes(label)
            after = None if label in self.gone else self._label(label)
            if after != before:
                yield Patch(label, before, after)
        for source, before, changed in others:
            if changed != before:
                yield Patch(source, before, changed)

    def _text(self, source: str) -> tuple[EncodedText, str]:
        encoded = EncodedText.of(self._bytes(source), source)
        return encoded, encoded.utf8.decode("utf-8", "surrogatepass")

    def _bytes(self, source: str) -> bytes:
        """Return a file's content: nothing of a label file that boxes are added to and that is not there yet."""
        if source in self.boxes and source not in self.images_of and not (self.root / source).exists():
            return b""
        return read_regular(self.root / source)

    def _label(self, label: str) -> bytes:
        encoded, text = self._text(label)
        lines = text.split("\n")
        records = self.records.get(label, {})
        dropped, index = set(), 0
        of_rows = self.changes.rows.get(label, {})
        if "drop-blank-rows" in of_rows:
            filled = [k for k, line in enumerate(lines) if line.split()] or [0]
            dropped |= {k for k in range(filled[0], filled[-1]) if not lines[k].split() and lines[k].strip("\r")}
        for k, line in enumerate(lines):
            tokens = line.split()
            if not tokens:
                continue
            wanted = records.get(index, {})
            index += 1
            number = self._class(tokens)
            if is_dropped(wanted) or number in self.dropped:
                dropped.add(k)
            elif number is not None:
                lines[k] = self._row(line, number, wanted)
                if "drop-extra-columns" in of_rows and self.pose != SIX:
                    lines[k] = _OF_SIX.sub(r"\1", lines[k])
        ends = [line + "\n" for line in lines[:-1]] + lines[-1:]
        new = without_lines(ends, dropped)
        for change in self.boxes.get(label, ()):
            line_end = "\r\n" if "\r\n" in text else "\n"
            new += ("" if not new or new.endswith("\n") else line_end) + self._new_row(change, lines) + line_end
        utf8 = new.encode("utf-8", "surrogatepass")
        return EncodedText.plain(utf8) if label in self.changes.files else encoded.encode(utf8)

    def _row(self, line: str, number: int, wanted: Wanted) -> str:
        target = self.merged.get(number, number)
        if "set-category" in wanted:
            target = self.number_of[self.plan.target(wanted["set-category"])]
        line = set_class(line, target - sum(r < target for r in self.removed))
        if "drop-polygon" in wanted:
            line = box_only(line, self.pose)
        return set_box(line, wanted["set-box"], self.pose) if "set-box" in wanted else line

    def _new_row(self, change: Change, lines: list[str]) -> str:
        number = self.number_of[self.plan.target(change)]
        rows = [t for t in map(str.split, lines) if self._class(t) is not None]
        return new_row(number - sum(r < number for r in self.removed), change, self.pose,
                       is_polygon=bool(rows) and all(len(t) > 6 for t in rows))

    def _other(self, source: str) -> tuple[str, bytes, bytes]:
        """Return a list, a configuration or a file of names before and after."""
        before = read_regular(self.root / source)
        encoded = EncodedText.of(before, source)
        text = new = encoded.utf8.decode("utf-8", "surrogatepass")
        if source in self.finder.lists:
            new = self._list(source, new)
        if source in self.class_files:
            renamed = {k: self.plan.renamed[n] for k, n in self.names.items()
                       if n in self.plan.renamed and k not in self.removed}
            if renamed or self.removed or self.plan.added:
                new = edit_class_file(new, self.class_files[source], self.removed, renamed,
                                      len(self.names) - len(self.removed) + len(self.plan.added), self.plan.added)
        if source in self.changes.files:
            return source, before, EncodedText.plain(new.encode("utf-8", "surrogatepass"))
        try:
            return source, before, before if new == text else encoded.encode(new.encode("utf-8", "surrogatepass"))
        except UnicodeEncodeError as e:
            raise self._any_change().wrong(f"{source} is {encoded.codec}, which has no {e.object[e.start]!r}; "
                                           "add rewrite-utf8") from None

    def _any_change(self) -> Change:
        return next(iter((*map(any_of, (*self.changes.categories.values(), *self.changes.images.values())),
                          *self.changes.new_categories)))

    def _list(self, source: str, text: str) -> str:
        lines = text.splitlines(keepends=True)
        dropped = set()
        for listed_in, number, path in self.finder.listed:
            wanted = self.changes.images.get(path, {})
            if listed_in != source or not wanted:
                continue
            if "drop-image" in wanted:
                dropped.add(number - 1)
            elif "set-path" in wanted:
                line = lines[number - 1]
                declared = line.strip()
                at = line.index(declared)
                named = wanted["set-path"].text
                named = self._declared(source, path) if named is None else named
                lines[number - 1] = line[:at] + named + line[at + len(declared):]
        return without_lines(lines, dropped)

    def _declared(self, source: str, path: str) -> str:
        """Return how a list names an image: relative to the folder that its lines start from."""
        prefixes = self.finder.prefixes.get(source, ("",))
        return next((path.removeprefix(p) for p in prefixes if path.startswith(p)), path)
