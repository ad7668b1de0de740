"""Edit Pascal VOC sets without loss: spans of XML elements, and lines of the lists in ImageSets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property

from dsinspect.io.reading import read_regular
from dsinspect.protocols.edits import LATER_ACTIONS, Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._editing import CategoryPlan, Change, Changes, Wanted, any_of, is_dropped
from dsinspect_formats._images import stem_of, walk
from dsinspect_formats._splicing import EncodedText, number_text, splice, without_lines
from dsinspect_formats.voc._elements import Child, Element, XmlText, add_objects, as_utf8, encoded_xml, expressible
from dsinspect_formats.voc._looks import Options
from dsinspect_formats.voc.reader import Entry, VocSource, _of_list

_LIST = re.compile(r"(?P<folder>(?:.*/)?)ImageSets/.*\.txt", re.I)
_BOX = ("xmin", "ymin", "xmax", "ymax")
_TAG = re.compile(r"[A-Za-z_][\w.-]*")


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`.

    Beyond what the actions say: `set-field` writes a child of the object, `drop-polygon` removes its `<polygon>`, and
    `set-path` without a text writes the image's file name, `mark-as-crowd` sets `<difficult>`, which trainers and VOC's own
    evaluation leave out as others leave out crowds, and `add-box` writes an `<object>` with the children that the first one of
    the file has. Categories are those in use: VOC declares none, so `add-category` changes no file.
    """
    if len(edits):
        yield from _Patcher(request, Changes.of(edits, "voc", own.no_place, LATER_ACTIONS - own.no_place)).patches()


class _Patcher:
    """The set as read, and the edits by XML file."""

    def __init__(self, request: OpenRequest, changes: Changes) -> None:
        self.root = request.root
        options = request.options if isinstance(request.options, Options) else Options()
        self.base = options.base
        self.source = VocSource(request.root, request.images, options, frozenset())
        self.names: dict[str, dict[int, str]] = {}
        self.faulty: dict[str, set[int]] = {}
        self.guessed: set[str] = set()
        self.xml_of: dict[str, list[str]] = {}
        self._read()
        self.changes = changes
        self.records = changes.by_source()
        self.images: dict[str, Wanted] = {}
        self.gone: set[str] = set()
        self.gone_images: set[str] = set()
        self.boxes: dict[str, list[Change]] = {}
        used = {n for names in self.names.values() for n in names.values()}
        self.plan = CategoryPlan.of(changes.categories, used, [c for c in changes.new_categories if c.category not in used])
        self._check()

    def _read(self) -> None:
        for reference in self.source.shards(1000):
            shard = reference.load()
            for path, xml in zip(shard.images["path"].tolist(), shard.images["source"].tolist(), strict=True):
                found = self.xml_of.setdefault(path, [])
                if xml is not None:
                    found.append(xml)
                    self.names.setdefault(xml, {})
            a = shard.annotations
            for xml, index, name in zip(a["source"].tolist(), a["index"].tolist(), a["category"].tolist(), strict=True):
                self.names[xml][index] = name
            p = shard.problems
            for kind, xml, index in zip(p["kind"].tolist(), p["source"].tolist(), p["index"].tolist(), strict=True):
                if kind == "odd-encoding":
                    self.guessed.add(xml)
                elif index >= 0:
                    self.faulty.setdefault(xml, set()).add(index)

    def _check(self) -> None:
        if self.changes.everywhere:
            raise self.changes.everywhere[0].wrong("the edit names no record of the file")
        for xml, records in self.records.items():
            for index, wanted in records.items():
                known = index in self.names.get(xml, {})
                if not known and not ("drop-record" in wanted and index in self.faulty.get(xml, ())):
                    raise any_of(wanted).wrong("no such object that can be read")
                for change in () if is_dropped(wanted) else wanted.values():
                    if change.action == "set-box":
                        change.finite_box()
                    elif change.action == "set-category":
                        self.plan.target(change)
                    elif change.action == "set-field" and (
                            not _TAG.fullmatch(change.field()[0]) or isinstance(change.field()[1], (list, dict))
                            or change.field()[0] in ("name", "bndbox", "part", "polygon")):
                        raise change.wrong("set-field writes a simple value into a child of <object>, such as difficult=0")
        for path, wanted in self.changes.images.items():
            if path not in self.xml_of:
                raise any_of(wanted).wrong("no such image in the set")
            if "drop-image" in wanted:
                self.gone.update(self.xml_of[path])
                self.gone_images.add(path)
                continue
            if not self.xml_of[path]:
                raise any_of(wanted).wrong("the image has no XML file")
            if "set-image-size" in wanted:
                wanted["set-image-size"].size_wh()
            for xml in self.xml_of[path]:
                self.images[xml] = wanted
        for path, boxes in self.changes.boxes.items():
            for change in boxes:
                if not self.xml_of.get(path):
                    raise change.wrong("the image has no XML file to add to" if path in self.xml_of else "no such image in the set")
                if path in self.gone_images:
                    raise change.wrong("another edit drops the image")
                self.plan.target(change)
                self.boxes.setdefault(self.xml_of[path][0], []).append(change)
        self.lists = [p for p in walk(self.root) if _LIST.fullmatch(p)]
        for source, change in self.changes.files.items():
            if source not in self.names and source not in self.lists:
                raise change.wrong("no such file in the set")

    def patches(self) -> Iterator[Patch]:
        """Yield the files that change; every file is edited once before the first is yielded, so that none fails late."""
        touched = {*self.records, *self.images, *self.boxes, *(f for f in self.changes.files if f in self.names)}
        if self.plan:
            moved = self.plan.dropped | set(self.plan.merged) | set(self.plan.renamed)
            touched.update(xml for xml, names in self.names.items() if not moved.isdisjoint(names.values()))
        touched -= self.gone
        for xml in sorted(touched):
            self._edited(xml, read_regular(self.root / xml))
        lists = [(path, *self._list(path)) for path in self.lists] if self.gone_images or self.changes.files else []
        for xml in sorted(touched | self.gone):
            before = read_regular(self.root / xml)
            after = None if xml in self.gone else self._edited(xml, before)
            if after != before:
                yield Patch(xml, before, after)
        for path, before, listed in lists:
            if listed != before:
                yield Patch(path, before, listed)

    def _edited(self, xml: str, content: bytes) -> bytes:
        encoded = encoded_xml(content, xml, guessed=xml in self.guessed or not content.strip())
        text = XmlText(encoded.utf8)
        objects = text.objects()
        beyond = next((w for k, w in self.records.get(xml, {}).items() if k >= len(objects)), None)
        if beyond is not None:
            raise any_of(beyond).wrong("the place of the object in the file is not clear")
        for index, element in enumerate(objects):
            self._object(text, element, self.records.get(xml, {}).get(index, {}), self.names[xml].get(index))
        if xml in self.boxes:
            if text.root is None or text.root.stop < 0 or not text.root.children:
                raise self.boxes[xml][0].wrong("the XML file breaks off or is empty")
            add_objects(text, text.root, [self._new_object(objects, change) for change in self.boxes[xml]])
        if xml in self.images and text.root is not None:
            self._image(text, text.root, self.images[xml])
        utf8 = splice(encoded.utf8, text.splices)
        if xml in self.changes.files:
            return EncodedText.plain(as_utf8(utf8))
        return encoded.encode(expressible(utf8, encoded)) if text.splices else content

    def _object(self, text: XmlText, element: Element, wanted: Wanted, name: str | None) -> None:
        if is_dropped(wanted) or name in self.plan.dropped:
            text.remove(element)
            return
        target = name
        if "set-category" in wanted:
            target = self.plan.target(wanted["set-category"])
        label = element.child("name")
        if target is not None and label is not None:
            final = self.plan.final(target)
            if final != name:
                text.set_text(label, final)
        added = []
        for change in wanted.values():
            if change.action == "set-box":
                self._box(text, element, change.finite_box())
            elif change.action == "mark-as-crowd":
                difficult = element.child("difficult")
                if difficult is None:
                    added.append(("difficult", "1"))
                else:
                    text.set_text(difficult, "1")
            elif change.action == "drop-polygon":
                for polygon in element.all("polygon"):
                    text.remove(polygon)
            elif change.action == "set-field":
                tag, value = change.field()
                child = element.child(tag)
                written = value if isinstance(value, str) else "" if value is None else json.dumps(value)
                if child is None:
                    added.append((tag, written))
                else:
                    text.set_text(child, written)
        if added:
            text.add(element, sorted(added), before="bndbox")

    def _new_object(self, objects: list[Element], change: Change) -> list[Child]:
        """Return the children of a new object: those that the first one of the file has, as far as they follow from the box."""
        x_min, y_min, x_max, y_max = change.new_box()
        corners = (x_min + self.base, y_min + self.base, x_max, y_max)
        box: list[Child] = [(tag, number_text(v, whole_as_int=True)) for tag, v in zip(_BOX, corners, strict=True)]
        fields: dict[str, Child] = {
            "name": ("name", self.plan.final(self.plan.target(change))), "pose": ("pose", "Unspecified"),
            "truncated": ("truncated", "0"), "difficult": ("difficult", "0"), "occluded": ("occluded", "0"),
            "bndbox": ("bndbox", box)}
        tags = [c.tag for c in objects[0].children] if objects else ["name", "difficult", "bndbox"]
        wanted = dict.fromkeys((*(t for t in tags if t in fields), "name", "bndbox"))
        return [fields[t] for t in wanted]

    def _box(self, text: XmlText, element: Element, box: tuple[float, float, float, float]) -> None:
        corners = (box[0] + self.base, box[1] + self.base, box[2], box[3])
        for tag, value in zip(_BOX, corners, strict=True):
            place = next((c for b in element.all("bndbox") for c in b.children if c.tag == tag), None)
            if place is None:
                continue
            old = place.text.strip()
            if float(old.replace(",", ".")) != value:
                text.set_text(place, number_text(value, old, whole_as_int=True))

    def _image(self, text: XmlText, root: Element, wanted: Wanted) -> None:
        added: list[tuple[str, str]] = []
        if "set-path" in wanted:
            change = wanted["set-path"]
            name = (change.image or "").rpartition("/")[2] if change.text is None else change.text
            place = root.child("filename")
            if place is None:
                added.append(("filename", name))
            else:
                text.set_text(place, name)
        if "set-image-size" in wanted:
            sides = dict(zip(("width", "height"), wanted["set-image-size"].size_wh(), strict=True))
            size = root.child("size")
            if size is None:
                added.append(("size", "".join(f"<{side}>{value}</{side}>" for side, value in sides.items())))
            else:
                missing = []
                for side, value in sides.items():
                    place = size.child(side)
                    if place is None:
                        missing.append((side, value))
                    elif not _is_number(place.text, float(value)):
                        text.set_text(place, value)
                if missing:
                    text.add(size, missing, before="depth")
        if added:
            text.add(root, added, before="object")

    def _list(self, path: str) -> tuple[bytes, bytes]:
        """Return a list before and after the lines of dropped images are taken out."""
        before = read_regular(self.root / path)
        match = _LIST.fullmatch(path)
        folder = match["folder"] if match else ""
        encoded = EncodedText.of(before, path)
        lines = encoded.utf8.decode("utf-8", "surrogatepass").splitlines(keepends=True)
        dropped = {k for k, line in enumerate(lines) if self._names_gone(line.strip(), folder)}
        utf8 = without_lines(lines, dropped).encode("utf-8", "surrogatepass") if dropped else encoded.utf8
        if path in self.changes.files:
            return before, EncodedText.plain(utf8)
        return before, encoded.encode(utf8)

    def _names_gone(self, line: str, folder: str) -> bool:
        if not line or line.startswith("#"):
            return False
        named = _of_list(line, self._by_stem)
        here = [e for e in named if (e.xml or e.path).startswith(folder)] or named
        return bool(here) and all(self._is_gone(e) for e in here)

    def _is_gone(self, entry: Entry) -> bool:
        return entry.xml in self.gone if entry.xml is not None else entry.path in self.gone_images

    @cached_property
    def _by_stem(self) -> dict[str, list[Entry]]:
        stems: dict[str, list[Entry]] = {}
        for entry in self.source._entries:
            stems.setdefault(stem_of(entry.xml or entry.path), []).append(entry)
        return stems


def _is_number(text: str, value: float) -> bool:
    try:
        return float(text) == value
    except ValueError:
        return False
