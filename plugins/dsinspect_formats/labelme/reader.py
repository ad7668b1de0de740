"""Read LabelMe JSON: what stands in the files becomes tables."""

from __future__ import annotations

import binascii
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from dsinspect.errors import UserError
from dsinspect.io.reading import read_regular
from dsinspect.protocols.formats import OpenRequest, ShardRef
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, Problem, problem_columns
from dsinspect_formats._gathering import Gathered
from dsinspect_formats._images import ImageTree, is_of_images, namesakes, relative, stem_of
from dsinspect_formats._json_files import like_or_damaged, read_json
from dsinspect_formats._reading import reason_of
from dsinspect_formats._sniffing import LOOKED_AT, files_below
from dsinspect_formats._splits import split_of_folders
from dsinspect_formats._values import real
from dsinspect_formats.labelme._looks import looks_like
from dsinspect_formats.labelme._shapes import NO_AREA, ROTATED, box_of, outline_of, points_of

COLUMNS = frozenset(("segmentation", "attributes", "labelme:shape", "labelme:group", "labelme:left_out", *CORNER_COLUMNS))


NAN = float("nan")
LEAST_INSIDE = 20
"""Bytes of `imageData` from which on it may be an image."""


class Document(msgspec.Struct):
    """What is read of a file; the image inside is left as it stands."""

    shapes: Any = None
    imagePath: Any = None  # noqa: N815 - as in the file
    imageWidth: Any = None  # noqa: N815
    imageHeight: Any = None  # noqa: N815
    imageData: msgspec.Raw = msgspec.Raw(b"null")  # noqa: N815


@dataclass(frozen=True)
class Entry:
    """One image: path, file if there is one, split, and its JSON (relative to the root) if there is one."""

    path: str
    file: str | None
    split: str | None
    json: str | None


class LabelMeSource:
    """An opened LabelMe set."""

    def __init__(self, request: OpenRequest) -> None:
        root = request.root if request.root.is_dir() else request.root.parent
        self._root = root
        self._columns = request.columns & COLUMNS
        self.files = like_or_damaged(files_below(request.root), looks_like) or (
            [request.root] if request.root.is_file() and request.root.suffix.lower() == ".json" else [])
        if not self.files:
            raise UserError(f"{request.root}: no LabelMe JSON file found")
        tree = ImageTree.below(request.images or root)
        self._problems: list[Problem] = []
        self._entries = self._match(tree)
        if request.root.is_dir():
            self._entries += self._background(tree)
        self._problems += namesakes(tree, (e.file for e in self._entries))
        splits = tuple(dict.fromkeys(e.split for e in self._entries if e.split))
        self.info = DatasetInfo(
            format="labelme", root=root, splits=splits, problems=tuple(self._problems), columns=COLUMNS,
            notes=("shapes that bound no area (lines and points) are left out",), has_files=self._has_files())

    def _has_files(self) -> bool:
        """Say whether there is an image at all: a file, or one in the first JSON files that have none beside them."""
        if any(e.file for e in self._entries):
            return True
        return any(len(bytes(read_document(self._root / e.json, e.json)[0].imageData)) >= LEAST_INSIDE
                   for e in self._entries[:LOOKED_AT] if e.json)

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the list of images."""
        return [LabelMeShard(tuple(self._entries[k:k + size]), k, str(self._root), self._columns)
                for k in range(0, len(self._entries), size)]

    def _shown(self, tree: ImageTree, image: str) -> str:
        return image if tree.folder == self._root else relative(tree.folder / image, self._root)

    def _match(self, tree: ImageTree) -> list[Entry]:
        """Match JSON files with images by stem, beside them first; what they say of their image is looked at later."""
        entries = []
        for file in self.files:
            source = relative(file, self._root)
            folder = source.rpartition("/")[0]
            images = tree.by_stem.get(stem_of(source), ())
            beside = [i for i in images if i.rpartition("/")[0] == folder]
            image = next(iter(beside or sorted(images, key=lambda i: _distance(i, folder))), None)
            if image is None:
                entries.append(Entry("", None, split_of_folders(source), source))
            else:
                entries.append(Entry(self._shown(tree, image), tree.open_path(image), split_of_folders(source), source))
        return entries

    def _background(self, tree: ImageTree) -> list[Entry]:
        used = {e.file for e in self._entries if e.file}
        folders = {f.rpartition("/")[0] for f in used}
        found = ((i, tree.open_path(i)) for i in tree.paths)
        return [Entry(self._shown(tree, i), file, split_of_folders(i), None) for i, file in found
                if file not in used and file.rpartition("/")[0] in folders]


def _distance(image: str, folder: str) -> tuple[int, bool, str]:
    parts, own = set(image.split("/")[:-1]), set(folder.split("/"))
    return -len(parts & own), not is_of_images(image), image


@dataclass(frozen=True)
class LabelMeShard:
    """Some images with their JSON files, read in the worker."""

    entries: tuple[Entry, ...]
    first: int
    root: str
    columns: frozenset[str]

    def load(self) -> Shard:
        """Read the JSON files."""
        gathered = Gathered(self.columns)
        paths, files, left_out = [], [], []
        for entry in self.entries:
            kinds: Counter[str] = Counter()
            path, file = self._read(entry, gathered, kinds)
            paths.append(path)
            files.append(file)
            left_out.append(msgspec.json.encode(kinds) if kinds else None)
        images = gathered.image_table().with_columns({
            "image_id": np.arange(self.first, self.first + len(paths)), "path": objects(paths), "file": objects(files),
            "source": objects([e.json for e in self.entries]),
            **({"labelme:left_out": objects(left_out)} if "labelme:left_out" in self.columns else {})})
        annotations = gathered.annotation_table((), images)
        return Shard(images, annotations, problem_columns(gathered.problems))

    def _read(self, entry: Entry, gathered: Gathered, left_out: Counter[str]) -> tuple[str, str | None]:
        """Read one file and return path and file of its image; shapes that bound no area are counted by kind."""
        if entry.json is None:
            gathered.add_image(entry.path, "", split=entry.split)
            return entry.path, entry.file
        document, problems = read_document(os.path.join(self.root, entry.json), entry.json)  # noqa: PTH118 - a Path per file costs more
        gathered.problems += problems
        size, told = _size(document)
        declared = document.imagePath if isinstance(document.imagePath, str) else ""
        path, file = entry.path, entry.file
        if file is None:
            path = _declared_path(declared, entry.json)
            file = _inside(document, path)
        for reason, text in told:
            gathered.faulty(entry.json, reason, text, image=path, split=entry.split)
        if "\\" in declared:
            gathered.problems.append(Problem(
                "unportable-path", entry.json, "has backslashes, which are no separators but on Windows", declared, index=0,
                image=path, split=entry.split))
        row = gathered.add_image(declared or path, entry.json, *size, split=entry.split, index=0)
        shapes = document.shapes if isinstance(document.shapes, list) else []
        if document.shapes is not None and not isinstance(document.shapes, list):
            gathered.faulty(entry.json, "shapes is not a list", document.shapes, image=path, split=entry.split)
        for index, shape in enumerate(shapes):
            try:
                self._shape(gathered, row, shape, index, size, left_out)
            except ValueError as e:
                gathered.faulty(entry.json, str(e), shape, index=index, image=path, split=entry.split)
        return path, file

    def _shape(self, gathered: Gathered, row: int, shape: Any, index: int, size: tuple[float, float],
               left_out: Counter[str]) -> None:
        if not isinstance(shape, dict):
            raise ValueError("the shape is not an object")
        kind = kind_of(shape)
        if kind in NO_AREA:
            points_of(shape)  # what is no shape at all is a fault, not left out
            left_out[kind if kind.endswith("s") else f"{kind}s"] += 1
            return
        label = shape.get("label")
        if not isinstance(label, str):
            raise ValueError("label is missing" if label is None else "label is not a text")
        flat = points_of(shape)
        box = box_of(kind, flat)
        extra: dict[str, Any] = {}
        if gathered.columns:
            flags = {k: v for name in ("flags", "attributes") if isinstance(shape.get(name), dict) for k, v in shape[name].items()}
            group = shape.get("group_id")
            extra = {"labelme:shape": kind, "labelme:group": None if group is None else str(group)[:200],
                     "attributes": msgspec.json.encode(flags) if flags else None}
            if "segmentation" in gathered.columns:
                extra["segmentation"] = outline_of(kind, flat, shape.get("mask"), size)
        gathered.add(row, label, box, index, is_ignored=shape.get("difficult") is True,
                     corners=flat[:8] if kind in ROTATED else None, extra=extra)


def kind_of(shape: Mapping[str, Any]) -> str:
    """Return the kind of a shape; files of before it was written hold polygons, and rectangles of two points."""
    kind = shape.get("shape_type")
    if isinstance(kind, str) and kind:
        return kind
    return "rectangle" if isinstance(shape.get("points"), list) and len(shape["points"]) == 2 else "polygon"


def read_document(path: str | os.PathLike[str], source: str) -> tuple[Document, list[Problem]]:
    """Read a file; what is wrong in it becomes problems."""
    try:
        content = read_regular(path, "label_mb")
    except OSError as e:
        return Document(), [Problem("malformed-record", source, reason_of(e))]
    try:
        return msgspec.json.decode(content, type=Document), []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        value, problems = read_json(content, source)
    if not isinstance(value, dict):
        return Document(), problems or [Problem("malformed-record", source, "the file is not a JSON object")]
    data = value.get("imageData")
    return Document(value.get("shapes"), value.get("imagePath"), value.get("imageWidth"), value.get("imageHeight"),
                    msgspec.Raw(msgspec.json.encode(data if isinstance(data, str) else None))), problems


def _size(document: Document) -> tuple[tuple[float, float], list[tuple[str, Any]]]:
    sides, told = [], []
    for name in ("imageWidth", "imageHeight"):
        value = getattr(document, name)
        try:
            sides.append(NAN if value is None else real(value, name))
        except ValueError as e:
            told.append((str(e), value))
            sides.append(NAN)
    return (sides[0], sides[1]), told


def _declared_path(declared: str, source: str) -> str:
    name = declared.replace("\\", "/").rpartition("/")[2] or stem_of(source) + ".jpg"
    folder = source.rpartition("/")[0]
    return f"{folder}/{name}" if folder else name


def _inside(document: Document, path: str) -> str | None:
    """Return the file, in the cache folder, of an image that is in the JSON only; None when there is none."""
    from dsinspect_formats._embedded import exposed

    raw = bytes(document.imageData)
    if len(raw) < LEAST_INSIDE:
        return None
    try:
        content = binascii.a2b_base64(msgspec.json.decode(raw, type=str))
    except (msgspec.MsgspecError, ValueError):
        return None
    found: str | None = exposed(content, path)
    return found
