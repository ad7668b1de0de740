"""COCO records as the loaders on top of pycocotools see them: dictionaries by id, in which the last of equal ids wins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.protocols.trainers import DROPPED, KEPT, NO_RULE, Extra, Fates, Loaded, Stop
from dsinspect.tables.columns import codes_of, distinct, objects
from dsinspect_trainers._fates import Making
from dsinspect_trainers._file_state import FileState, counts_of_splits

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = ("area", "coco:has_area", "coco:has_iscrowd", "coco:has_id", "coco:image_id_type", "coco:category_id_type",
           "coco:box_width", "coco:box_height")
INDEX = "pycocotools/coco.py: COCO.createIndex"
LATER = 9
"""First number of the order of what stops only while it trains, after everything is loaded."""
MANY_IDS = 4096
"""Span of ids up to which a table of all of it takes less time than a search."""
SHOWN = 60
"""Characters of a malformed box that are shown."""


def judged_by_file(loaded: Loaded, judge: Callable[[Loaded], Fates]) -> Fates:
    """Judge the records of each file on their own: ids, and classes where splits declare theirs, are those of one file."""
    images, a, problems = loaded.images, loaded.annotations, loaded.problems
    files = list(dict.fromkeys((*codes_of(images["source"])[1], *codes_of(a["source"])[1])))
    if len(files) <= 1 or loaded.dataset.format != "coco":
        return _with_boxes(judge(loaded), loaded)
    n, m = len(images), len(a)
    made = Fates(np.full(n, NO_RULE, np.int16), np.full(m, KEPT, np.int8), np.full(m, NO_RULE, np.int16), np.full(m, np.nan),
                 np.full((m, 4), np.nan))
    for name in files:
        of_images = np.flatnonzero(images["source"] == name)
        of_annotations = np.flatnonzero(a["source"] == name)
        place = np.full(n + 1, -1)
        place[of_images] = np.arange(len(of_images))
        split = images["split"][of_images[0]] if len(of_images) else None
        own = None if split is None else loaded.dataset.split_categories.get(split)
        part = Loaded(
            loaded.dataset if own is None else replace(loaded.dataset, categories=own), images.take(of_images),
            a.take(of_annotations).with_columns({"image_row": place[a["image_row"][of_annotations]]}),
            problems.take(np.flatnonzero(problems["source"] == name)), loaded.boxes_px[of_annotations])
        fates = _with_boxes(judge(part), part)
        for whole, some, rows in ((made.image_rule, fates.image_rule, of_images), (made.fate, fates.fate, of_annotations),
                                  (made.rule, fates.rule, of_annotations), (made.label, fates.label, of_annotations),
                                  (made.boxes, fates.boxes, of_annotations)):
            whole[rows] = some
        extras = tuple(replace(e, image_row=int(of_images[e.image_row])) for e in fates.extras)
        state = fates.state if made.state is None else made.state if fates.state is None else made.state + fates.state
        made = replace(made, extras=made.extras + extras, stops=made.stops + tuple(replace(s, split=split) for s in fates.stops),
                       writes=made.writes + fates.writes, state=state)
    return made


def _with_boxes(fates: Fates, loaded: Loaded) -> Fates:
    """Add to each stop at a malformed box what the box holds: the error of a loader often names a type and no more."""
    held = {(m.source, m.index): json.dumps(m.record["bbox"], ensure_ascii=False) for m in _malformed(loaded)
            if m.kind == "annotations" and "bbox" in m.record}
    return replace(fates, stops=tuple(
        replace(s, found=f"bbox is {clipped(held[s.source, s.index])}")
        if s.source is not None and (s.source, s.index) in held and not s.found and not s.error.startswith("KeyError") else s
        for s in fates.stops))


def clipped(text: str) -> str:
    """Return a text as long as a message shows it."""
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


@dataclass(frozen=True)
class Malformed:
    """A record that dsinspect's tables have no row for."""

    kind: str
    record: Mapping[str, Any]
    source: str
    index: int


class Records:
    """The records of one shard in arrays; those of another format as a converter would write them.

    Attributes:
        n: number of annotations.
        image_row: of each annotation, of the last image record with its id; -1 for an unknown image.
        x, y, w, h: as written, px.
        area: NaN where there is none.
        has_area, has_crowd, has_id: whether the field is there.
        crowd, ignored: flags.
        own_id: ids of the annotations.
        category_id: as written.
        width, height: declared, of each image.
        image_id: of each image.
        first: position at which a dictionary by id holds each image: that of the first record with its id in its file.
        paths, sources, places: of each image record; its place is its position in its file.
        is_last: of each image, whether it is the last record with its id; the others are lost.
        malformed: records without a row.
        is_coco: whether the set is COCO.
    """

    def __init__(self, loaded: Loaded) -> None:
        a, images = loaded.annotations, loaded.images
        self.loaded = loaded
        self.is_coco = loaded.dataset.format == "coco"
        self.n = n = len(a)
        boxes = loaded.boxes_px
        self.x, self.y = boxes[:, 0], boxes[:, 1]
        self.w, self.h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        self.crowd, self.ignored = a["is_crowd"], a["is_ignored"]
        self.own_id, self.category_id = a["annotation_id"], a["category_id"]
        self.width, self.height, self.image_id = images["width"], images["height"], images["image_id"]
        self.paths, self.sources, self.places = images["path"], images["source"], images["index"]
        rows = a["image_row"]
        self.area = self.w * self.h
        self.has_area = self.has_crowd = self.has_id = np.ones(n, bool)
        self.malformed: tuple[Malformed, ...] = ()
        self.text_images, self.text_categories = np.zeros(len(images), bool), np.zeros(n, bool)
        if self.is_coco:
            self._from_coco(loaded)
        else:
            self._as_converted(loaded)
        self.file_wh = self._file_sizes(loaded)
        rows = self._with_nameless(rows)
        order = np.argsort(self.image_id, kind="stable")
        ids = self.image_id[order]
        starts = np.append(True, ids[1:] != ids[:-1]) if len(ids) else np.zeros(0, bool)
        group = np.cumsum(starts) - 1
        firsts = order[starts]
        lasts = order[np.append(starts[1:], True)] if len(ids) else order
        self.first = np.empty(len(ids), np.int64)
        self.first[order] = self.places[firsts][group] if len(ids) else 0
        last_of = np.empty(len(ids), np.int64)
        last_of[order] = lasts[group] if len(ids) else 0
        self.is_last = last_of == np.arange(len(ids))
        rank = np.empty(len(ids), np.int64)
        rank[order] = group
        self.rank = rank  # place of each image in the order of ids
        self.image_row = np.where(rows >= 0, np.append(last_of, -1)[rows], -1)

    def _from_coco(self, loaded: Loaded) -> None:
        a = loaded.annotations
        self.w, self.h = a["coco:box_width"], a["coco:box_height"]
        self.area, self.has_area = a["area"], a["coco:has_area"]
        self.has_crowd, self.has_id = a["coco:has_iscrowd"], a["coco:has_id"]
        self.text_images = np.asarray(loaded.images["coco:image_id_type"] == "text", bool)
        self.text_categories = np.asarray(a["coco:category_id_type"] == "text", bool)
        self.malformed = tuple(_malformed(loaded))

    def _as_converted(self, loaded: Loaded) -> None:
        """Number the classes from 1 in the order of their declaration; sizes are those of the files where known."""
        codes, names = loaded.category_codes
        declared = {name: k for k, name in enumerate(dict.fromkeys(c.name for c in loaded.dataset.categories))}
        number = np.array([*(declared.get(name, -1) + 1 if declared else k + 1 for k, name in enumerate(names)), 0])
        self.category_id = number[codes]
        self.width, self.height = loaded.images["frame_width"], loaded.images["frame_height"]
        self.own_id = np.arange(self.n) + 1
        self.image_id = np.arange(len(self.width)) + 1

    def _with_nameless(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add the image records that lack nothing but a file name: the tables have no row for them, loaders have."""
        nameless = {m.record["id"]: m for m in self.malformed if m.kind == "images" and type(m.record.get("id")) is int
                    and "file_name" not in m.record and m.record["id"] not in self.image_id}
        if not nameless:
            return rows
        n = len(self.image_id)
        self.image_id = np.append(self.image_id, np.array(list(nameless), np.int64))
        more = list(nameless.values())
        self.width, self.height = (
            np.append(side, np.array([m.record.get(key, np.nan) for m in more], np.float64))
            for key, side in (("width", self.width), ("height", self.height)))
        self.file_wh = (np.append(self.file_wh[0], self.width[n:]), np.append(self.file_wh[1], self.height[n:]))
        self.text_images = np.append(self.text_images, np.zeros(len(more), bool))
        self.paths = np.append(self.paths, objects([None] * len(more)))
        self.sources = np.append(self.sources, objects([m.source for m in more]))
        self.places = np.append(self.places, np.array([m.index for m in more], np.int64))
        found = {k: n + place for place, k in enumerate(nameless)}
        of_image = self.loaded.annotations["image_id"]
        return np.array([found.get(i, row) if row < 0 else row for i, row in zip(of_image.tolist(), rows.tolist(), strict=True)],
                        np.int64)

    @property
    def n_images(self) -> int:
        """Number of images, those without a file name included."""
        return len(self.image_id)

    @property
    def is_nameless(self) -> NDArray[np.bool_]:
        """Mask of the images without a file name, which come last."""
        return np.asarray(np.arange(self.n_images) >= len(self.loaded.images), bool)

    def replacing(self, malformed: Malformed) -> int:
        """Return the row of the later record with the same id that takes the place of a malformed one, or -1."""
        rows = self.namesakes(malformed)
        return int(rows[-1]) if len(rows) and self.index_of(int(rows[-1])) > malformed.index else -1

    def namesakes(self, malformed: Malformed) -> NDArray[np.int64]:
        """Return the rows with the id of a malformed record, in the order of the file; what stands last is all of them."""
        own = malformed.record.get("id")
        ids, rows = self._by_id
        if not isinstance(own, int | float):
            return rows[:0]
        return rows[np.searchsorted(ids, own):np.searchsorted(ids, own, "right")]

    @cached_property
    def _by_id(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids of the annotations that have one, in order, and their rows, those of equal ids in the order of the file."""
        rows = np.flatnonzero(self.has_id)
        rows = rows[np.lexsort((self.loaded.annotations["index"][rows], self.own_id[rows]))]
        return self.own_id[rows], rows

    @cached_property
    def _by_image(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Images of the annotations, in order, and their rows, those of one image in the order of the file."""
        rows = np.lexsort((self.loaded.annotations["index"], self.image_row))
        return self.image_row[rows], rows

    def rows_in(self, image: int) -> NDArray[np.int64]:
        """Return the annotations of an image in the order of the file."""
        images, rows = self._by_image
        return rows[np.searchsorted(images, image):np.searchsorted(images, image, "right")]

    def keep_replaced(self, making: Making) -> None:
        """Keep what takes the place of malformed records: it counts in their image as well."""
        for m in self.malformed:
            image = self.row_of_image(m.record.get("image_id")) if m.kind == "annotations" else -1
            row = self.replacing(m) if image >= 0 else -1
            if row >= 0 and making.fate[row] != DROPPED:
                making.extras.append(Extra(image, making.places["repeated-id"], float(making.label[row]),
                                           tuple(making.boxes[row].tolist()), m.source, -1, m.index))

    def _file_sizes(self, loaded: Loaded) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return width and height of the files as stored; the declared ones where there is no file."""
        stored_w, stored_h = loaded.measured("file_width"), loaded.measured("file_height")
        if stored_w is None or stored_h is None:
            return self.width, self.height
        return (np.where(np.isnan(stored_w), self.width, stored_w), np.where(np.isnan(stored_h), self.height, stored_h))

    def categories(self) -> list[tuple[int, str, str]]:
        """Return id, name and supercategory of the categories in the order of the file."""
        if self.is_coco:
            return [(c.category_id, c.name, c.supercategory) for c in self.loaded.dataset.categories]
        names = dict.fromkeys(c.name for c in self.loaded.dataset.categories)
        if not names:
            names = dict.fromkeys(self.loaded.category_codes[1])
        return [(k + 1, name, "") for k, name in enumerate(names)]

    def labels(self, number: Mapping[int, int]) -> NDArray[np.float64]:
        """Return the label of each annotation's category by its id; NaN for an unknown one."""
        codes, ids = _numbered(self.category_id)
        labels = np.array([number.get(i, np.nan) for i in ids.tolist()], np.float64)[codes]
        return np.where(self.text_categories, np.nan, labels) if self.text_categories.any() else labels

    @cached_property
    def has_own_ids(self) -> bool:
        """Whether no two annotations have one id: then each is its own twin."""
        return len(distinct(self.own_id)) == self.n

    def twins(self) -> NDArray[np.int64]:
        """Return the row whose content a dictionary by id holds for each annotation: the last one with its id."""
        if self.has_own_ids:
            return np.arange(self.n)
        order = np.lexsort((self.loaded.annotations["index"], self.own_id))  # shards are in the order of images
        ids = self.own_id[order]
        is_last = np.append(ids[1:] != ids[:-1], True) if len(ids) else np.zeros(0, bool)
        group = np.cumsum(np.append(False, is_last[:-1])) if len(ids) else np.zeros(0, np.int64)
        twins = np.empty(self.n, np.int64)
        twins[order] = order[is_last][group] if len(ids) else 0
        return twins

    def of(self, annotations: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the rows of a mask that belong to a known image."""
        return np.flatnonzero(annotations & (self.image_row >= 0))

    def stop_at(self, annotation: int, error: str, where: str, order: tuple[int, ...]) -> Stop:
        """Return the stop that an annotation makes."""
        a = self.loaded.annotations
        row = int(self.image_row[annotation])
        return Stop(error, where, order, None if row < 0 else _text(self.paths[row]),
                    _text(a["source"][annotation]), int(a["index"][annotation]))

    def stop_at_image(self, image: int, error: str, where: str, order: tuple[int, ...]) -> Stop:
        """Return the stop that an image makes."""
        return Stop(error, where, order, _text(self.paths[image]), _text(self.sources[image]), int(self.places[image]))

    def index_of(self, annotation: int) -> int:
        """Return the position of an annotation in its file."""
        return int(self.loaded.annotations["index"][annotation])

    def row_of_image(self, image_id: Any) -> int:
        """Return the row of the image with an id, -1 when there is none."""
        return self._row_of_id.get(image_id, -1) if isinstance(image_id, int) else -1

    @cached_property
    def _row_of_id(self) -> dict[int, int]:
        return {i: k for k, i in enumerate(self.image_id.tolist())}  # of equal ids the last

    def index_stops(self) -> Iterator[Stop]:
        """Yield what stops `createIndex`, which every loader on top of pycocotools calls first."""
        missing = np.flatnonzero(~self.has_id)
        if len(missing):
            yield self.stop_at(int(missing[0]), "KeyError: 'id'", INDEX, (0, 0, self.index_of(int(missing[0])), 1))
        for m in self.malformed:
            if m.kind != "annotations":
                continue
            for place, key in enumerate(("image_id", "id")):
                if key not in m.record:
                    yield Stop(f"KeyError: '{key}'", INDEX, (0, 0, m.index, place), source=m.source, index=m.index)
            if "category_id" not in m.record:
                yield Stop("KeyError: 'category_id'", INDEX, (0, 2, m.index), source=m.source, index=m.index)
        for m in self.malformed:
            if m.kind in ("images", "categories") and "id" not in m.record:
                yield Stop("KeyError: 'id'", INDEX, (0, 1, m.index), source=m.source, index=m.index)

    def misread_frames(self, making: Making, *, turns: bool) -> None:
        """Mark the annotations of images whose boxes and pixels the loader has in different frames.

        Only for orientations 5 to 8, which swap the sides: there the declared size shows the frame of the boxes.

        Args:
            making: the fates so far.
            turns: whether the loader turns pixels as EXIF says.
        """
        orientation = self.loaded.measured("orientation")
        stored_w, stored_h = self.loaded.measured("file_width"), self.loaded.measured("file_height")
        if orientation is None or stored_w is None or stored_h is None:
            return
        frame_w, frame_h = self.loaded.images["frame_width"], self.loaded.images["frame_height"]
        telling = (orientation >= 5) & (stored_w != stored_h)
        in_stored = telling & (frame_w == stored_w) & (frame_h == stored_h)
        in_upright = telling & (frame_w == stored_h) & (frame_h == stored_w)
        misread = in_stored if turns else in_upright
        more = np.zeros(self.n_images - len(misread), bool)
        making.change(making.at_images(np.append(misread, more)), "exif-frame")

    def state(self, making: Making) -> FileState:
        """Return what the loaders need to see of the whole file."""
        known = self.image_row >= 0
        more = [m.record["id"] for m in self.malformed if m.kind == "annotations" and type(m.record.get("id")) is int
                and abs(m.record["id"]) < 2**63 and self.row_of_image(m.record.get("image_id")) >= 0]
        held = (self.loaded.annotations["source"], self.sources, objects([m.source for m in self.malformed]))
        files = [f for of in held for f in codes_of(of)[1]] or [""]
        splits = self.loaded.images["split"]
        images = counts_of_splits(splits, making.arrives[:len(splits)])
        ids = np.append(self.own_id[known], np.array(more, np.int64))
        return FileState({str(files[0]): ids} if self.is_coco else {}, images)

    def lost_images(self, making: Making) -> None:
        """Leave out images whose id another record has."""
        making.leave_out(~self.is_last, "repeated-image-id")


def _numbered(ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a number for each id, and the ids they stand for, which may be more."""
    low, high = (int(ids.min()), int(ids.max())) if len(ids) else (0, -1)
    if high - low < MANY_IDS:
        return ids - low, np.arange(low, high + 1)
    known = distinct(ids)
    return np.searchsorted(known, ids), known


def _malformed(loaded: Loaded) -> Iterator[Malformed]:
    p = loaded.problems
    for kind, reason, text, source, index in zip(*(p[c].tolist() for c in ("kind", "reason", "text", "source", "index")),
                                                 strict=True):
        of = str(reason).partition(":")[0]
        if kind != "malformed-record" or of not in ("annotations", "images", "categories"):
            continue
        try:
            record = json.loads(text)
        except ValueError:  # longer than what a problem keeps
            record = None
        yield Malformed(of, record if isinstance(record, dict) else {}, str(source), int(index))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def firsts(mask: NDArray[np.bool_], place: NDArray[np.int64], index: NDArray[np.int64]) -> list[int]:
    """Return the annotation of a mask that is met first: of the earliest image, then of the lowest index."""
    rows = np.flatnonzero(mask)
    return [int(rows[np.lexsort((index[rows], place[rows]))[0]])] if len(rows) else []
