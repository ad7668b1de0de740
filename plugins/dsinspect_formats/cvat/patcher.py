"""Edit CVAT XML without loss: attributes of elements, and elements, where they stand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from dsinspect.io.reading import read_regular
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._editing import Box, CategoryPlan, Change, Changes, Wanted, any_of, automatic_boxes, is_dropped
from dsinspect_formats._gathering import Gathered
from dsinspect_formats._images import relative
from dsinspect_formats._json_files import all_like
from dsinspect_formats._splicing import EncodedText, number_text, shown_path, splice
from dsinspect_formats._values import real_text
from dsinspect_formats.coco._files import base_folder, split_of
from dsinspect_formats.cvat._looks import looks_like
from dsinspect_formats.cvat._shapes import SHAPES, Shape
from dsinspect_formats.cvat.reader import read_file
from dsinspect_formats.voc._elements import Element, XmlText, as_utf8, encoded_xml, expressible

_ATTRIBUTE = re.compile(rb"""([^\s=/>"']+)\s*=\s*("[^"]*"|'[^']*')""")
_EDGES = ("xtl", "ytl", "xbr", "ybr")
_SAME = 1e-9
"""Edges of turned boxes that differ by less, px, are the same."""
_OWN = ("occluded", "z_order", "group_id", "source")
_DRAWN = {*_EDGES, "points", "rle", "left", "top", "width", "height", "cx", "cy", "rx", "ry", "rotation"}


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`.

    Beyond what the actions say: an annotation that goes from a track is marked as outside there, for CVAT would draw it
    from its neighbours again; `set-field` writes `occluded`, `z_order`, `group_id`, `source`, or an `<attribute>`.
    """
    if not len(edits):
        return
    changes = Changes.of(edits, "cvat", own.no_place, ("add-box", "add-category"))
    if changes.everywhere:
        raise changes.everywhere[0].wrong("the edit names no record of the file")
    base = base_folder(request.root)
    files = [_File(path, base) for path in all_like(request.root, looks_like, (".xml",))]
    plan = CategoryPlan.of(changes.categories, dict.fromkeys(n for f in files for n in f.names()), changes.new_categories)
    by_source = {f.source: f for f in files}
    automatic = automatic_boxes(edits)
    for source, records in changes.by_source().items():
        if source not in by_source:
            raise any_of(next(iter(records.values()))).wrong("no such file in the set")
        by_source[source].records = records
        by_source[source].automatic = automatic.get(source, frozenset())
    _settle_images(own, files, changes, request, base)
    for source, change in changes.files.items():
        if source not in by_source:
            raise change.wrong("no such file in the set")
        by_source[source].to_utf8 = True
    made = [(f, f.edited(plan)) for f in files]
    for file, after in made:
        if after != file.before:
            yield Patch(shown_path(request.root, file.path), file.before, after)


def _settle_images(own: Format, files: list[_File], changes: Changes, request: OpenRequest, base: Path) -> None:
    """Give every file the edits of its images, by where they stand in it."""
    if not changes.images and not changes.boxes:
        return
    by_source = {f.source: f for f in files}
    known: dict[str, list[tuple[_File, int]]] = {}
    for ref in own.open(request).shards(10_000):
        images = ref.load().image_columns
        for path, source, index in zip(*(images[c].tolist() for c in ("path", "source", "index")), strict=True):
            known.setdefault(path, []).append((by_source[source], index))
    for path, wanted in changes.images.items():
        if path not in known:
            raise any_of(wanted).wrong("no such image in the set")
        for file, index in known[path]:
            if index < 0:
                raise any_of(wanted).wrong("it is a frame of a video, which the file has no record of")
            if "set-image-size" in wanted:
                wanted["set-image-size"].size_wh()
            file.images[index] = wanted
    for path, boxes in changes.boxes.items():
        file, index = known.get(path, [(files[0], -1)])[0]
        if index < 0:
            raise boxes[0].wrong("it is a frame of a video, where boxes belong to tracks" if path in known
                                 else "no such image in the set")
        if "drop-image" in file.images.get(index, {}):
            raise boxes[0].wrong("another edit drops the image")
        file.boxes_to_add[index] = boxes


class _File:
    """One file, its elements, and what is to be done to it."""

    def __init__(self, path: Path, base: Path) -> None:
        self.path, self.source = path, relative(path, base)
        self.before = read_regular(path)
        read = Gathered(())
        read_file(path, base, read, split_of(path, only=True))
        guessed = any(p.kind == "odd-encoding" for p in read.problems)
        self.encoded = encoded_xml(self.before, self.source, guessed=guessed or not self.before.strip())
        self.boxes = read.boxes()
        self.text = XmlText(self.encoded.utf8)
        self.records: dict[int, Wanted] = {}
        self.automatic: frozenset[int] = frozenset()
        self.images: dict[int, Wanted] = {}
        self.boxes_to_add: dict[int, list[Change]] = {}
        self.to_utf8 = False
        top = self.text.root.children if self.text.root is not None else []
        self.image_elements = [e for e in top if e.tag == "image"]
        self.shapes: list[tuple[Element, Element]] = [
            (shape, parent) for parent in top if parent.tag in ("image", "track") for shape in parent.children
            if shape.tag in SHAPES]
        self.label_elements = [e for meta in top if meta.tag == "meta" for e in _below(meta, "label")]

    def names(self) -> Iterator[str]:
        """Yield the labels that are declared or used."""
        for label in self.label_elements:
            name = label.child("name")
            if name is not None and label.child("parent") is None:
                yield name.text.strip()
        for shape, parent in self.shapes:
            label_text = self.label(shape, parent)
            if label_text is not None:
                yield label_text

    def label(self, shape: Element, parent: Element) -> str | None:
        return attributes_of(self.text.utf8, parent if parent.tag == "track" else shape).get("label")

    def edited(self, plan: CategoryPlan) -> bytes:
        """Return the file with its edits."""
        beyond = next((w for k, w in self.records.items() if k >= len(self.shapes) or self.shapes[k][0].stop < 0), None)
        if beyond is not None:
            raise any_of(beyond).wrong(f"no such shape that can be read, of {len(self.shapes):,}")
        gone = {self.image_elements[k].start for k, w in self.images.items() if "drop-image" in w}
        self._relabel_tracks(plan)
        new: dict[int, tuple[dict[str, str | None], str]] = {}
        for index, (shape, parent) in enumerate(self.shapes):
            wanted = self.records.get(index, {})
            if (wanted or plan) and parent.start not in gone and shape.stop >= 0:
                new[index] = self._shape(index, shape, parent, wanted, plan)
        self._mark_key_frames(new)
        for index, (attributes, tag) in new.items():
            self.set_attributes(self.shapes[index][0], attributes, tag)
        for index in sorted(self.images.keys() | self.boxes_to_add.keys()):
            self._image(self.image_elements[index], self.images.get(index, {}), [
                self._new_box(change, plan) for change in self.boxes_to_add.get(index, ())])
        self._declare(plan)
        for label in self.label_elements if plan else ():
            name = label.child("name")
            if name is None or label.child("parent") is not None:
                continue
            own = name.text.strip()
            if own in plan.dropped or own in plan.merged:
                self.text.remove(label)
            elif plan.final(own) != own:
                self.text.set_text(name, plan.final(own))
        utf8 = splice(self.text.utf8, self.text.splices)
        if self.to_utf8:
            return EncodedText.plain(as_utf8(utf8))
        return self.encoded.encode(expressible(utf8, self.encoded)) if self.text.splices else self.before

    def _relabel_tracks(self, plan: CategoryPlan) -> None:
        """Give tracks their new labels: a label is the whole track's."""
        members: dict[int, list[int]] = {}
        tracks: dict[int, Element] = {}
        for index, (_, parent) in enumerate(self.shapes):
            if parent.tag == "track":
                members.setdefault(parent.start, []).append(index)
                tracks[parent.start] = parent
        for start, indices in members.items():
            track = tracks[start]
            own = attributes_of(self.text.utf8, track).get("label")
            asked = {k: self.records[k]["set-category"] for k in indices
                     if "set-category" in self.records.get(k, {}) and not is_dropped(self.records[k])}
            target = own
            if asked:
                targets = {plan.target(c) for c in asked.values()}
                seen = [k for k in indices if attributes_of(self.text.utf8, self.shapes[k][0]).get("outside") != "1"
                        and not is_dropped(self.records.get(k, {}))]
                if len(targets) > 1 or not set(seen) <= set(asked):
                    raise next(iter(asked.values())).wrong(
                        f"the label belongs to the whole track; give all its {len(seen):,} shapes the category")
                target = targets.pop()
            if own in plan.dropped and not asked:
                self.text.remove(track)
            elif target is not None and plan.final(target) != own:
                self.set_attributes(track, {"label": plan.final(target)})

    def _shape(self, index: int, shape: Element, parent: Element, wanted: Wanted,
               plan: CategoryPlan) -> tuple[dict[str, str | None], str]:
        """Return the new attributes and the tag of a shape, having taken it out where it goes."""
        own = self.label(shape, parent)
        in_track = parent.tag == "track"
        if own in plan.dropped and "set-category" not in wanted:
            if not in_track:  # a track goes as a whole
                self.text.remove(shape)
            return {}, shape.tag
        if is_dropped(wanted):
            if in_track and "drop-record" not in wanted:
                return {"outside": "1"}, shape.tag
            self.text.remove(shape)
            return {}, shape.tag
        new: dict[str, str | None] = {}
        if not in_track and own is not None:
            target = plan.target(wanted["set-category"]) if "set-category" in wanted else own
            new["label"] = plan.final(target)
        tag = shape.tag
        for change in wanted.values():
            if change.action == "set-field":
                self._field(shape, change, new)
        if "drop-polygon" in wanted or "set-box" in wanted:
            tag = self._redraw(shape, wanted, new, self.boxes.get(index))
        return new, tag

    def _mark_key_frames(self, new: dict[int, tuple[dict[str, str | None], str]]) -> None:
        """Make key frames of what changes in a track, and of its neighbours: CVAT takes these only, and draws the rest."""
        near: set[int] = set()
        for index, (attributes, tag) in new.items():
            shape, track = self.shapes[index]
            old = attributes_of(self.text.utf8, shape)
            if track.tag == "track" and (tag != shape.tag or any(old.get(k) != v for k, v in attributes.items())):
                near.update(k for k in (index - 1, index, index + 1)
                            if 0 <= k < len(self.shapes) and self.shapes[k][1] is track)
        for index in near:
            new.setdefault(index, ({}, self.shapes[index][0].tag))[0]["keyframe"] = "1"

    def _field(self, shape: Element, change: Change, new: dict[str, str | None]) -> None:
        name, value = change.field()
        if isinstance(value, (list, dict)) or value is None:
            raise change.wrong("set-field writes a simple value")
        written = value if isinstance(value, str) else json.dumps(value)
        if name in _OWN:
            new[name] = str(int(value)) if isinstance(value, bool) else written
            return
        for child in shape.all("attribute"):
            if attributes_of(self.text.utf8, child).get("name") == name:
                self.text.set_text(child, written)
                return
        raise change.wrong(f"the shape has no attribute {name!r}")

    def _redraw(self, shape: Element, wanted: Wanted, new: dict[str, str | None], old_box: Box | None) -> str:
        """Choose the attributes that draw the edited shape; returns its tag."""
        change = wanted.get("set-box") or wanted["drop-polygon"]
        own = attributes_of(self.text.utf8, shape)
        drawn = Shape.of(shape.tag, own)
        if "drop-polygon" in wanted and (drawn.tag != "box" or drawn.rotation):
            new.update(dict.fromkeys(sorted(_DRAWN & own.keys())))
            new.update(zip(_EDGES, map(number_text, drawn.box()), strict=True))
        if "set-box" not in wanted:
            return "box" if drawn.tag != "box" else shape.tag
        box = change.finite_box()
        if "drop-polygon" in wanted or (drawn.tag == "box" and not drawn.rotation):
            for edge, value in zip(_EDGES, box, strict=True):
                old = own.get(edge, "")
                new[edge] = old if old and real_text(old, edge) == value else number_text(value, old)
            return "box"
        if old_box is not None and all(abs(a - b) <= _SAME for a, b in zip(box, old_box, strict=True)):
            return shape.tag
        if drawn.tag not in ("polygon", "points") or not _inside(box, drawn.box()):
            if change.index in self.automatic:
                return shape.tag
            what = "rotated box" if drawn.rotation else drawn.tag
            raise change.wrong(f"the shape is a {what}, which cannot take that box; add drop-polygon to make it a plain box")
        low, high = box[:2], box[2:]
        points = [min(max(v, low[k % 2]), high[k % 2]) for k, v in enumerate(drawn.numbers)]
        if points != list(drawn.numbers):
            new["points"] = ";".join(f"{number_text(x)},{number_text(y)}" for x, y in zip(points[::2], points[1::2], strict=True))
        return shape.tag

    def _new_box(self, change: Change, plan: CategoryPlan) -> bytes:
        label = plan.final(plan.target(change))
        edges = " ".join(f'{e}="{number_text(v)}"' for e, v in zip(_EDGES, change.new_box(), strict=True))
        return (b'<box label="' + _escaped(label, b'"') + f'" source="manual" occluded="0" {edges} z_order="0"/>'.encode())

    def _declare(self, plan: CategoryPlan) -> None:
        """Add labels to those that the file declares, laid out as the last one is."""
        labels = [e for e in self.label_elements if e.stop >= 0]
        for name in plan.added if labels else ():
            last = labels[-1]
            line = self.text.utf8.rfind(b"\n", 0, last.start) + 1
            indent = self.text.utf8[line:last.start]
            gap = self.text.line_end + indent if line and not indent.strip() else b""
            new = b"<label><name>" + escape(name).encode("utf-8", "surrogatepass") + b"</name></label>"
            self.text.splices.append((last.stop, last.stop, gap + new))

    def _image(self, image: Element, wanted: Wanted, boxes: list[bytes]) -> None:
        if "drop-image" in wanted:
            self.text.remove(image)
            return
        new: dict[str, str | None] = {}
        if "set-image-size" in wanted:
            new.update(zip(("width", "height"), wanted["set-image-size"].size_wh(), strict=True))
        if "set-path" in wanted:
            change = wanted["set-path"]
            new["name"] = (change.image or "").removeprefix("images/") if change.text is None else change.text
        closed = image.stop == image.inner_start
        last = image.children[-1].stop if image.children else image.inner_start
        line = self.text.utf8.rfind(b"\n", 0, image.start) + 1
        indent = self.text.utf8[line:image.start]
        lines = self.text.line_end + indent if line and not indent.strip() else b""
        content = b"".join(lines + b"  " * bool(lines) + box for box in boxes)
        if boxes and closed:
            self.set_attributes(image, new, content=content + lines)
            return
        self.set_attributes(image, new)
        if boxes:
            self.text.splices.append((last, last, content))

    def set_attributes(self, element: Element, new: Mapping[str, str | None], tag: str | None = None,
                       content: bytes = b"") -> None:
        """Write attributes of an element, None to take one away; those that have the value keep their text.

        Args:
            element: to write to.
            new: attributes.
            tag: its name, when that is to be another one.
            content: of an element that has none.
        """
        utf8 = self.text.utf8
        old = attributes_of(utf8, element)
        changed = {k: v for k, v in new.items() if old.get(k) != v}
        name = tag or element.tag
        if not changed and name == element.tag and not content:
            return
        start = utf8[element.start:element.inner_start]
        pieces, at = [b"<" + name.encode()], 1 + len(element.tag.encode())
        for match in _ATTRIBUTE.finditer(start, at):
            key = match[1].decode("utf-8", "surrogatepass")
            gap = start[at:match.start()]
            at = match.end()
            if key not in changed:
                pieces += (gap, match[0])
            elif changed[key] is not None:
                quote = match[2][:1]
                pieces += (gap, start[match.start():match.start(2)], quote, _escaped(changed[key], quote), quote)
        added = {k: v for k, v in changed.items() if k not in old and v is not None}
        pieces += [b" " + k.encode() + b'="' + _escaped(v, b'"') + b'"' for k, v in added.items()]
        pieces.append(start[at:])
        if content:
            pieces[-1:] = [start[at:].rstrip(b"/>").rstrip(), b">", content, f"</{name}>".encode()]
        self.text.splices.append((element.start, element.inner_start, b"".join(pieces)))
        if name != element.tag and element.stop > element.inner_start:
            self.text.splices.append((element.inner_stop, element.stop, f"</{name}>".encode()))


def attributes_of(utf8: bytes, element: Element) -> dict[str, str]:
    """Return the attributes of an element, entities resolved."""
    from xml.sax.saxutils import unescape

    start = utf8[element.start:element.inner_start]
    found = {}
    for match in _ATTRIBUTE.finditer(start, 1 + len(element.tag.encode())):
        value = re.sub(r"&#(x?)([0-9a-fA-F]+);", lambda m: chr(int(m[2], 16 if m[1] else 10)),
                       match[2][1:-1].decode("utf-8", "surrogatepass"))
        found[match[1].decode("utf-8", "surrogatepass")] = unescape(value, {"&quot;": '"', "&apos;": "'"})
    return found


def _escaped(value: str | None, quote: bytes) -> bytes:
    entities = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;", quote.decode(): "&quot;" if quote == b'"' else "&apos;"}
    return escape(value or "", entities).encode("utf-8", "surrogatepass")


def _inside(new: Box, old: Box) -> bool:
    return new[0] >= old[0] and new[1] >= old[1] and new[2] <= old[2] and new[3] <= old[3]


def _below(element: Element, tag: str) -> Iterator[Element]:
    for child in element.children:
        if child.tag == tag:
            yield child
        yield from _below(child, tag)
