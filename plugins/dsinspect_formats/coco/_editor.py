"""Apply settled edits to one COCO file: the spans of their records are spliced, all else keeps its bytes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from dsinspect.errors import UserError
from dsinspect_formats._editing import CategoryPlan, Change, Wanted
from dsinspect_formats._images import ImageTree, relative
from dsinspect_formats._splicing import EncodedText, Splice, extent_text, number_text, removals, splice
from dsinspect_formats.coco._members import JsonObject, record_like
from dsinspect_formats.coco._records import name_in_url
from dsinspect_formats.coco._settling import FILLED, CocoEdits, area_of
from dsinspect_formats.coco._spans import ListSpans, spans_of
from dsinspect_formats.coco._tolerant import LISTS, optional_number, whole


class CocoEditor:
    """Applies to one file what was settled."""

    def __init__(self, file: CocoEdits, plan: CategoryPlan, new_categories: dict[str, int], everywhere: list[Change],
                 tree: ImageTree, base: Path, before: bytes) -> None:
        self.file = file
        self.plan = plan
        self.new_categories = new_categories
        self.everywhere = everywhere
        self.tree = tree
        self.base = base
        read = file.read  # without a problem all elements are objects, and brackets alone show where they stand
        counts = None if any(p.kind in ("malformed-record", "odd-encoding") for p in read.problems) else {
            "images": len(read.images), "annotations": len(read.annotations), "categories": len(read.categories)}
        # The strict reader lets bytes that are not UTF-8 pass in texts it skips; they stay as they are.
        is_read_as_it_is = counts is not None and not file.to_utf8
        self.errors = "surrogateescape" if is_read_as_it_is else "surrogatepass"
        self.encoded = EncodedText(before) if is_read_as_it_is else EncodedText.of(before, file.source)
        self.content = self.encoded.utf8
        self.lists = spans_of(self.content, counts, file.source)
        self.cuts: dict[str, set[int]] = {k: set() for k in LISTS}
        self.splices: list[Splice] = []
        self.free = 1

    def apply(self) -> bytes:
        """Return the file with the edits."""
        self.cuts["images"] |= self.file.dropped_images
        self.cuts["annotations"] |= self.file.dropped_annotations
        self._cut_unreadable()
        ids, moved = self._categories()
        ids.update(self.new_categories)
        self._annotations(ids, moved)
        for index, wanted in self.file.images.items():
            self._edit("images", index, partial(self._image, wanted))
        closing = self._cut()
        self._add("categories", [{"id": number, "name": name} for name, number in self.new_categories.items()])
        self._add("annotations", [self._new_annotation(image_id, ids[self.plan.target(change)], change)
                                  for image_id, change in self.file.boxes])
        utf8 = splice(self.content, self.splices)
        if closing:
            utf8 = utf8.rstrip(b" \t\r\n,") + closing
        return EncodedText.plain(utf8) if self.file.to_utf8 else self.encoded.encode(self._expressible(utf8))

    def _cut(self) -> bytes:
        """Add the cuts of records; returns the brackets that are missing when a record that the file breaks off in goes."""
        closing = b""
        for key, dropped in self.cuts.items():
            spans = self.lists.get(key)
            if spans is None or not dropped:
                continue
            pairs = spans.pairs()
            if spans.closed == len(self.content) and len(pairs) - 1 in dropped:
                closing = b"]}"
            self.splices += removals(pairs, dropped, spans.opened, spans.closed)
        return closing

    def _add(self, key: str, records: list[dict[str, object]]) -> None:
        """Add records at the end of a list, written as the last one is."""
        if not records:
            return
        spans = self.lists.get(key)
        if spans is None or spans.closed == len(self.content):
            raise UserError(f"{self.file.source}: has no whole list {key!r} to add to")
        pairs = spans.pairs()
        model = None
        with contextlib.suppress(ValueError):  # a last record that is no JSON is no model
            model = JsonObject(self._text(spans, len(pairs) - 1)) if pairs else None
        between = self._between(spans, pairs)
        texts = [record_like(model, record) for record in records]
        if len(self.cuts[key]) < len(pairs):
            at, text = pairs[-1][1], "".join(between + t for t in texts)
        else:
            at, text = spans.closed, between.join(texts)
        self.splices.append((at, at, text.encode("utf-8", self.errors)))

    def _between(self, spans: ListSpans, pairs: list[tuple[int, int]]) -> str:
        """Return what stands between two records of a list."""
        if len(pairs) > 1:
            gap = self.content[pairs[-2][1]:pairs[-1][0]].decode("utf-8", self.errors)
            return gap if gap.strip() == "," else ", "
        before = self.content[spans.opened:pairs[0][0]].decode("utf-8", self.errors) if pairs else ""
        return f",{before}" if before and not before.strip() else ", "

    def _new_annotation(self, image_id: int, category_id: int, change: Change) -> dict[str, object]:
        x_min, y_min, x_max, y_max = change.new_box()
        box = [json.loads(t) for t in (number_text(x_min), number_text(y_min), extent_text(x_min, x_max),
                                       extent_text(y_min, y_max))]
        number, self.free = self.free, self.free + 1
        return {"id": number, "image_id": image_id, "category_id": category_id, "bbox": box,
                "area": json.loads(number_text(round(box[2] * box[3], 4))), "iscrowd": 0, "segmentation": []}

    def _cut_unreadable(self) -> None:
        """Choose the records at the places of `drop-record` that the reader cannot use; the place alone may mean several."""
        for index in self.file.unreadable:
            for key in LISTS:
                spans = self.lists.get(key)
                if spans is not None and index < len(spans.starts) and not self._is_usable(key, spans, index):
                    self.cuts[key].add(index)

    def _is_usable(self, key: str, spans: ListSpans, index: int) -> bool:
        if key == "annotations":
            return index in self.file.index_rows
        try:
            record = json.loads(self._text(spans, index))
            whole(record, "id")
            if key == "categories":
                return isinstance(record.get("name"), str)
            for side in ("width", "height"):
                optional_number(record, side)
            return isinstance(record.get("file_name"), str) or bool(name_in_url(str(record.get("coco_url"))))
        except ValueError:
            return False

    def _categories(self) -> tuple[dict[str, int], dict[int, int]]:
        """Edit the categories; returns the ids of names, and the new ids of old ones."""
        spans = self.lists.get("categories")
        names: dict[int, str] = {}
        ids: dict[str, int] = {}
        for category in self.file.read.categories:
            names.setdefault(category.category_id, category.name)
            ids.setdefault(category.name, category.category_id)
        moved: dict[int, int] = {}
        if not self.plan:
            return ids, moved
        here = dict(ids)
        for number, name in names.items():
            into = self.plan.merged.get(name)
            if into is not None and here.setdefault(into, number) != number:  # else it takes the name of the absent one
                moved[number] = here[into]
        for index in range(0 if spans is None else len(spans.starts)):
            try:
                record = json.loads(self._text(self.lists["categories"], index))
                number, name = whole(record, "id")[0], record.get("name")
            except ValueError:
                continue
            if not isinstance(name, str) or name not in self.plan.declared:
                continue
            if name in self.plan.dropped or (number in moved and name in self.plan.merged):
                self.cuts["categories"].add(index)
            elif self.plan.final(name) != name:
                self._edit("categories", index, partial(_rename, self.plan.final(name)))
        self._drop_annotations_of([i for i, n in names.items() if n in self.plan.dropped])
        return ids, moved

    def _drop_annotations_of(self, category_ids: list[int]) -> None:
        annotations = self.file.read.annotations
        of_dropped = np.isin(annotations["category_id"], category_ids)
        self.cuts["annotations"].update(annotations["index"][of_dropped].tolist())

    def _annotations(self, ids: dict[str, int], moved: dict[int, int]) -> None:
        frame = self.file.read.annotations
        indices = frame["index"]
        category_ids = frame["category_id"]
        touched = set(self.file.records)
        touched.update(indices[np.isin(category_ids, list(moved))].tolist())
        if self.everywhere:
            touched.update(indices.tolist())
        self.free = max([self.file.largest_id, *self.file.new_ids.values()]) + 1
        for index in sorted(touched - self.cuts["annotations"]):
            category = int(category_ids[self.file.index_rows[index]])
            target = moved.get(category, category)
            if index in self.file.categories_of:
                target = ids[self.file.categories_of[index]]
            self._edit("annotations", index, partial(self._annotation, index, category, target))

    def _annotation(self, index: int, category: int, target: int, record: JsonObject) -> None:
        if target != category:
            record.set("category_id", target)
        for change in self.file.records.get(index, {}).values():
            if change.action == "set-box":
                old, area_follows = record.value("bbox"), _has_area_of_box(record)
                record.set_box(change.finite_box())
                box = record.written("bbox")
                if area_follows and box != old and "set-area" not in self.file.records[index]:
                    record.set("area", round(box[2] * box[3], 4))
            elif change.action == "set-annotation-id":
                record.set("id", self.file.new_ids[index])
            elif change.action == "mark-as-crowd":
                record.set("iscrowd", 1)
            elif change.action == "set-area":
                record.set("area", area_of(change), (change.text or "").strip())
            elif change.action == "drop-polygon" and record.member("segmentation"):
                record.set("segmentation", [])
            elif change.action == "set-field":
                name, value = change.field()
                record.set(name, value, (change.text or "").partition("=")[2].strip())
        for change in self.everywhere:
            self._fill(record, change)

    def _fill(self, record: JsonObject, change: Change) -> None:
        name = (change.text or "").strip()
        if name not in FILLED:
            name, value = change.field()
            if record.member(name) is None:
                record.set(name, value, (change.text or "").partition("=")[2].strip())
        elif record.value(name) is None:
            if name == "id":
                record.set("id", self.free)
                self.free += 1
            else:
                record.set(name, 0 if name == "iscrowd" else _true_area(record))

    def _image(self, wanted: Wanted, record: JsonObject) -> None:
        if "set-image-size" in wanted:
            for side, text in zip(("width", "height"), wanted["set-image-size"].size_wh(), strict=True):
                record.set(side, json.loads(text), text)
        if "set-path" in wanted:
            path = wanted["set-path"]
            record.set("file_name", self._file_name(path.image or "") if path.text is None else path.text)

    def _file_name(self, path: str) -> str:
        """Return the shortest name that leads to an image from one of the folders it is looked for in."""
        at = relative(self.base / path, self.tree.folder)
        names = [at.removeprefix(f) for f in self.file.folders if at.startswith(f)]
        fitting = [n for n in names if self.tree.find(n, self.file.folders) == at]
        return min(fitting, key=len) if fitting else path

    def _edit(self, key: str, index: int, change: Callable[[JsonObject], None]) -> None:
        spans = self.lists[key]
        old = self._text(spans, index)
        record = JsonObject(old)
        change(record)
        new = record.result()
        if new != old:
            self.splices.append((int(spans.starts[index]), int(spans.stops[index]), new.encode("utf-8", self.errors)))

    def _text(self, spans: ListSpans, index: int) -> str:
        return self.content[int(spans.starts[index]):int(spans.stops[index])].decode("utf-8", self.errors)

    def _expressible(self, utf8: bytes) -> bytes:
        """Return JSON with escapes for what a code page lacks."""
        if self.encoded.codec.startswith("utf"):
            return utf8
        text = utf8.decode("utf-8", "surrogatepass")
        return "".join(c if c < "\x80" or "\ud800" <= c <= "\udfff" or self.encoded.can_express(c)
                       else json.dumps(c)[1:-1] for c in text).encode("utf-8", "surrogatepass")


def _rename(name: str, record: JsonObject) -> None:
    record.set("name", name)


def _has_area_of_box(record: JsonObject) -> bool:
    """Say whether `area` is that of the box, which then follows it; with a mask it is not."""
    try:
        _, _, w, h = record.value("bbox")
        return not record.value("segmentation") and abs(record.value("area") - w * h) <= max(1.0, 0.01 * abs(w * h))
    except (TypeError, ValueError):
        return False


def _true_area(record: JsonObject) -> float:
    """Return the area of plain polygons, else of the box, square px."""
    from dsinspect.geometry.affine import polygon_area

    polygons = record.value("segmentation")
    if isinstance(polygons, list) and polygons and all(
            isinstance(p, list) and len(p) >= 6 and len(p) % 2 == 0 for p in polygons):
        try:
            return round(sum(abs(polygon_area(np.array(p, np.float64).reshape(-1, 2))) for p in polygons), 4)
        except (TypeError, ValueError):
            pass
    _, _, w, h = record.value("bbox")
    return float(w * h)
