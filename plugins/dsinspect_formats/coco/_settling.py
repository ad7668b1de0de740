"""Which edits belong to which COCO file: each checked and settled before anything is written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dsinspect.errors import UserError
from dsinspect.protocols.formats import OpenRequest
from dsinspect_formats._editing import CategoryPlan, Change, Changes, Wanted, any_of, is_dropped
from dsinspect_formats._images import ImageTree, relative
from dsinspect_formats.coco._files import find_files, image_folders, split_of
from dsinspect_formats.coco.reader import CocoFile, locate, read_file

FILLED = ("id", "area", "iscrowd")
"""Fields that a `set-field` without a value can fill in: the next free id, the area of the geometry, 0."""
_ID = re.compile(r'"id"\s*:\s*(\d{1,18})(?!\d)')


@dataclass
class CocoEdits:
    """One file of the set and what is to be done to it."""

    path: Path
    source: str
    folders: list[str]
    read: CocoFile
    index_rows: dict[int, int] = field(default_factory=dict)
    records: dict[int, Wanted] = field(default_factory=dict)
    images: dict[int, Wanted] = field(default_factory=dict)
    dropped_images: set[int] = field(default_factory=set)
    dropped_annotations: set[int] = field(default_factory=set)
    unreadable: set[int] = field(default_factory=set)
    categories_of: dict[int, str] = field(default_factory=dict)
    new_ids: dict[int, int] = field(default_factory=dict)
    boxes: list[tuple[int, Change]] = field(default_factory=list)
    to_utf8: bool = False

    @property
    def largest_id(self) -> int:
        """The largest id of an annotation; those of records that cannot be read count, for somebody may repair them."""
        unread = [int(n) for p in self.read.problems for n in _ID.findall(p.text)]
        return max([0, *unread, int(self.read.annotations["annotation_id"].max(initial=0))])

    @property
    def is_touched(self) -> bool:
        return bool(self.records or self.images or self.dropped_images or self.dropped_annotations or self.unreadable
                    or self.categories_of or self.boxes or self.to_utf8)


def files_of(request: OpenRequest, base: Path, tree: ImageTree) -> list[CocoEdits]:
    paths = find_files(request.root) or ([request.root] if request.root.is_file() else [])
    if not paths:
        raise UserError(f"{request.root}: no COCO JSON file found")
    files = []
    for path in sorted(paths):
        split = split_of(path, len(paths) == 1)
        read = read_file(path, base, frozenset(), split)
        read.images, _ = locate(read.images, path, base, tree, split)
        folders = image_folders(path, base, split) if tree.folder == base else [""]
        indices = read.annotations["index"].tolist()
        files.append(CocoEdits(path, relative(path, base), folders, read, dict(zip(indices, range(len(indices)), strict=True))))
    return files


def settle_records(files: list[CocoEdits], changes: Changes, plan: CategoryPlan) -> None:
    """Give every file the edits of its annotations, checked."""
    by_source = {f.source: f for f in files}
    for source, records in changes.by_source().items():
        file = by_source.get(source)
        if file is None:
            raise any_of(next(iter(records.values()))).wrong("no such file in the set")
        faulty = {p.index for p in file.read.problems if p.kind == "malformed-record" and p.index >= 0}
        for index, wanted in records.items():
            if "drop-record" in wanted and index in faulty:
                file.unreadable.add(index)
                wanted = {k: v for k, v in wanted.items() if k != "drop-record"}
                if not wanted:
                    continue
            if index not in file.index_rows:
                raise any_of(wanted).wrong(f"the file has no such annotation that can be read, of {len(file.index_rows)}")
            if is_dropped(wanted):
                file.dropped_annotations.add(index)
                continue
            _check_record(wanted)
            file.records[index] = wanted
            if "set-category" in wanted:
                change = wanted["set-category"]
                name = plan.target(change)
                if name not in {c.name for c in file.read.categories} and name not in plan.added:
                    raise change.wrong(f"this file declares no category {name!r}; another one does")
                file.categories_of[index] = name


def _check_record(wanted: Wanted) -> None:
    for change in wanted.values():
        if change.action == "set-box":
            change.finite_box()
        elif change.action == "set-annotation-id" and change.text is not None:
            change.whole_number()
        elif change.action == "set-area":
            area_of(change)
        elif change.action == "set-field" and change.field()[0] in ("bbox", "image_id", "category_id"):
            raise change.wrong("set-field does not change boxes, images or categories of annotations")


def area_of(change: Change) -> float:
    try:
        value = json.loads(change.text or "")
    except ValueError:
        value = None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < float("inf"):
        raise change.wrong(f"{change.text!r} is not a number")
    return value


def check_everywhere(everywhere: list[Change], by_source: dict[str, CocoEdits]) -> None:
    for change in everywhere:
        if change.source is not None and change.source not in by_source:
            raise change.wrong("no such file in the set")
        if (change.text or "").strip() not in FILLED:
            change.field()


def settle_images(files: list[CocoEdits], changes: Changes) -> None:
    """Give every file the edits of its images, checked."""
    rows: dict[str, list[tuple[CocoEdits, int]]] = {}
    for file in files:
        for row, path in enumerate(file.read.images["path"].tolist()):
            rows.setdefault(path, []).append((file, row))
    gone: dict[str, set[int]] = {}
    for path, wanted in changes.images.items():
        if path not in rows:
            raise any_of(wanted).wrong("no record names such an image")
        if "set-image-size" in wanted:
            wanted["set-image-size"].size_wh()
        for file, row in rows[path]:
            index = int(file.read.images["index"][row])
            if "drop-image" in wanted:
                file.dropped_images.add(index)
                gone.setdefault(file.source, set()).add(row)
            else:
                file.images[index] = wanted
    for file in files:
        if file.source in gone:
            annotations = file.read.annotations
            of_gone = np.isin(annotations["image_row"], list(gone[file.source]))
            file.dropped_annotations.update(annotations["index"][of_gone].tolist())


def settle_ids(files: list[CocoEdits]) -> None:
    """Choose the ids of annotations that get one without saying which."""
    for file in files:
        asked = sorted((i, w["set-annotation-id"]) for i, w in file.records.items() if "set-annotation-id" in w)
        given = {i: c.whole_number() for i, c in asked if c.text is not None}
        free = max([file.largest_id, *given.values()]) + 1
        for index, change in asked:
            file.new_ids[index] = given[index] if change.text is not None else free
            free += change.text is None


def settle_boxes(files: list[CocoEdits], changes: Changes, plan: CategoryPlan) -> None:
    """Give every box to add to the first file with its image."""
    where: dict[str, tuple[CocoEdits, int]] = {}
    for file in files:
        for path, image_id in zip(file.read.images["path"].tolist(), file.read.images["image_id"].tolist(), strict=True):
            where.setdefault(path, (file, image_id))
    for path, boxes in changes.boxes.items():
        for change in boxes:
            if path not in where:
                raise change.wrong("no record names such an image")
            if "drop-image" in changes.images.get(path, {}):
                raise change.wrong("another edit drops the image")
            file, image_id = where[path]
            name = plan.target(change)
            if name not in {c.name for c in file.read.categories} and name not in plan.added:
                raise change.wrong(f"{file.source} declares no category {name!r}; another file does")
            file.boxes.append((image_id, change))
