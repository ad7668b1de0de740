"""Edits of sets in JSON files: what a format says of its records is all that differs from one to the next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dsinspect.errors import UserError
from dsinspect.io.reading import read_regular
from dsinspect.protocols.edits import ACTIONS, Edits
from dsinspect.protocols.formats import OpenRequest, Patch, Source
from dsinspect_formats._editing import Box, CategoryPlan, Change, Changes, Wanted, any_of, automatic_boxes, is_dropped
from dsinspect_formats._images import relative
from dsinspect_formats._json_text import JsonEdits, Node
from dsinspect_formats._splicing import EncodedText, shown_path

LATER = ("add-box", "add-category")
SAME = 1e-9
"""Of px that were computed: edges that differ by less are the same."""


@dataclass
class Record:
    """An object of a file.

    Attributes:
        parent: list or object it stands in.
        node: the object.
        category: its name, or None.
        box: its box as read, px; None of a record that cannot be read.
    """

    parent: Node
    node: Node
    category: str | None
    box: Box | None


@dataclass
class ImageRecord:
    """An image of a file: the list or object it stands in, and its value; no parent when the file goes with it."""

    parent: Node | None
    node: Node


class JsonSetFile(ABC):
    """One file of a set and what is to be done to it; a format says where its records are and how they change."""

    def __init__(self, path: Path, base: Path) -> None:
        self.path, self.source = path, relative(path, base)
        self.wanted: dict[int, Wanted] = {}
        self.wanted_images: dict[int, Wanted] = {}
        self.boxes: dict[int, list[Change]] = {}
        self.automatic: frozenset[int] = frozenset()
        self.to_utf8 = False

    @cached_property
    def before(self) -> bytes:
        """The file as it is."""
        return read_regular(self.path)

    def release(self) -> None:
        """Forget the text of the file: those of a whole set can be more than there is memory for."""
        for name in ("before", "encoded", "edits", "all_records"):
            self.__dict__.pop(name, None)

    @property
    def is_touched(self) -> bool:
        """Whether an edit names something of the file."""
        return bool(self.wanted or self.wanted_images or self.boxes or self.to_utf8)

    @cached_property
    def encoded(self) -> EncodedText:
        """The file as UTF-8."""
        return EncodedText.of(self.before, self.source)

    @cached_property
    def edits(self) -> JsonEdits:
        """The text of the file and the changes to it."""
        return JsonEdits(self.encoded.utf8.decode("utf-8", "surrogatepass"))

    @cached_property
    def all_records(self) -> Sequence[Record]:
        """The records in the order the reader counts them; none of a file that is no JSON."""
        try:
            return list(self.records(self.edits.root))
        except (ValueError, RecursionError):
            return []

    @abstractmethod
    def records(self, root: Node) -> Iterator[Record]:
        """Yield the records in the order that the reader counts them."""

    @abstractmethod
    def images(self, root: Node) -> Sequence[ImageRecord]:
        """Return the images in the order that the reader counts them."""

    @abstractmethod
    def set_box(self, record: Record, box: Box, change: Change, *, plain: bool) -> None:
        """Write a box; `plain` when the outline is dropped."""

    @abstractmethod
    def set_category(self, record: Record, name: str) -> None:
        """Write a category."""

    @abstractmethod
    def add_box(self, image: ImageRecord, box: Box, name: str, change: Change) -> None:
        """Add an object to an image."""

    def drop_polygon(self, record: Record) -> None:
        """Remove the outline of an object and leave its box."""
        if record.box is not None:
            self.set_box(record, record.box, Change("drop-polygon", self.source, 0, None, None, None, record.box, (0.0, 0.0)),
                         plain=True)

    def set_field(self, record: Record, change: Change) -> None:
        """Write a field that is missing."""
        name, value = change.field()
        self.edits.set_member(record.node, name, value)

    def set_image_size(self, image: ImageRecord, change: Change) -> None:
        """Write the declared size of an image."""
        raise change.wrong("the format declares no sizes of images")

    def set_path(self, image: ImageRecord, change: Change) -> None:
        """Write the path of an image."""
        raise change.wrong("the format has no place for that")

    def declared(self, plan: CategoryPlan) -> None:
        """Edit the list of categories, where the file has one."""
        return

    def names(self) -> Iterator[str]:
        """Yield the categories that are declared or used."""
        return (r.category for r in self.all_records if r.category is not None)

    def edited(self, plan: CategoryPlan) -> bytes | None:
        """Return the file with its edits; None when it goes."""
        records = self.all_records if self.wanted or plan else []
        for index, wanted in self.wanted.items():
            if index >= len(records) or (records[index].box is None and "drop-record" not in wanted):
                raise any_of(wanted).wrong(f"no such record that can be read, of {len(records):,}")
        images = self.images(self.edits.root) if self.wanted_images or self.boxes else []
        for index, wanted in self.wanted_images.items():
            if "drop-image" in wanted and images[index].parent is None:
                return None
        for index, record in enumerate(records):
            self._record(record, self.wanted.get(index, {}), plan, is_automatic=index in self.automatic)
        for index, wanted in self.wanted_images.items():
            self._image(images[index], wanted)
        for index, boxes in self.boxes.items():
            for change in boxes:
                self.add_box(images[index], change.new_box(), plan.final(plan.target(change)), change)
        if plan:
            self.declared(plan)
        utf8 = self.edits.result().encode("utf-8", "surrogatepass") if "edits" in self.__dict__ else self.encoded.utf8
        return EncodedText.plain(utf8) if self.to_utf8 else self.encoded.encode(self._expressible(utf8))

    def _record(self, record: Record, wanted: Wanted, plan: CategoryPlan, *, is_automatic: bool) -> None:
        if is_dropped(wanted) or (record.category in plan.dropped and "set-category" not in wanted):
            self.edits.remove(record.parent, record.node)
            return
        if record.category is not None or "set-category" in wanted:
            target = plan.target(wanted["set-category"]) if "set-category" in wanted else record.category
            final = plan.final(target or "")
            if final != record.category:
                self.set_category(record, final)
        for change in wanted.values():
            if change.action == "set-field":
                self.set_field(record, change)
        if "set-box" in wanted:
            box = wanted["set-box"].finite_box()
            plain = "drop-polygon" in wanted
            if plain or record.box is None or any(abs(a - b) > SAME for a, b in zip(box, record.box, strict=True)):
                try:
                    self.set_box(record, box, wanted["set-box"], plain=plain)
                except UserError:
                    if not is_automatic:
                        raise
        elif "drop-polygon" in wanted:
            self.drop_polygon(record)

    def _image(self, image: ImageRecord, wanted: Wanted) -> None:
        if "drop-image" in wanted:
            if image.parent is not None:
                self.edits.remove(image.parent, image.node)
            return
        if "set-image-size" in wanted:
            wanted["set-image-size"].size_wh()
            self.set_image_size(image, wanted["set-image-size"])
        if "set-path" in wanted:
            self.set_path(image, wanted["set-path"])

    def _expressible(self, utf8: bytes) -> bytes:
        """Return JSON with escapes for what a code page lacks."""
        if self.encoded.codec.startswith("utf"):
            return utf8
        text = utf8.decode("utf-8", "surrogatepass")
        return "".join(c if c < "\x80" or "\ud800" <= c <= "\udfff" or self.encoded.can_express(c)
                       else self.edits._dumped(c)[1:-1] if self.edits.is_ascii else f"\\u{ord(c):04x}"
                       for c in text).encode("utf-8", "surrogatepass")


def patch_json(name: str, request: OpenRequest, edits: Edits, files: Sequence[JsonSetFile], image_places: dict[str, list[tuple[
        str, int]]], no_place: Collection[str]) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`.

    Args:
        name: of the format.
        request: of the set.
        edits: to apply.
        files: of the set.
        image_places: path of an image to source and position of its records; position -1 when it has none.
        no_place: actions that the format has no place for.
    """
    changes = Changes.of(edits, name, no_place, LATER)
    if changes.everywhere:
        raise changes.everywhere[0].wrong("the edit names no record of the file")
    by_source = {f.source: f for f in files}
    names: dict[str, None] = {}
    if changes.categories or changes.boxes or changes.new_categories or any("set-category" in w for w in changes.records.values()):
        for file in files:
            names.update(dict.fromkeys(file.names()))
            file.release()
    plan = CategoryPlan.of(changes.categories, names, [c for c in changes.new_categories if c.category not in names])
    automatic = automatic_boxes(edits)
    for source, records in changes.by_source().items():
        if source not in by_source:
            raise any_of(next(iter(records.values()))).wrong("no such file in the set")
        by_source[source].wanted = records
        by_source[source].automatic = automatic.get(source, frozenset())
    for path, wanted in changes.images.items():
        if path not in image_places:
            raise any_of(wanted).wrong("no such image in the set")
        for source, index in image_places[path]:
            if index >= 0:
                by_source[source].wanted_images[index] = wanted
            elif "drop-image" not in wanted:
                raise any_of(wanted).wrong("no file has a record of the image")
    for path, boxes in changes.boxes.items():
        places = [(s, k) for s, k in image_places.get(path, ()) if k >= 0]
        if not places:
            raise boxes[0].wrong("no file has a record of the image" if path in image_places else "no such image in the set")
        source, index = places[0]
        if "drop-image" in by_source[source].wanted_images.get(index, {}):
            raise boxes[0].wrong("another edit drops the image")
        by_source[source].boxes[index] = boxes
    for source, change in changes.files.items():
        if source not in by_source:
            raise change.wrong("no such file in the set")
        by_source[source].to_utf8 = True
    touched = [f for f in files if f.is_touched or plan]
    for file in touched:  # what fails, fails before the first is yielded
        file.edited(plan)
        file.release()
    for file in touched:
        after = file.edited(plan)
        if after != file.before:
            yield Patch(shown_path(request.root, file.path), file.before, after)
        file.release()


def image_places(source: Source, edits: Edits) -> dict[str, list[tuple[str, int]]]:
    """Return source and position of the records of images by path; nothing when no edit is about an image."""
    places: dict[str, list[tuple[str, int]]] = {}
    if not len(edits.for_action(*(a for a, (what, _) in ACTIONS.items() if what == "image"))):
        return places
    for ref in source.shards(1000):
        images = ref.load().image_columns
        for path, file, index in zip(*(images[c].tolist() for c in ("path", "source", "index")), strict=True):
            places.setdefault(path, []).append((file or "", index))
    return places
