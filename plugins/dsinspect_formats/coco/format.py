"""COCO JSON: one file, several `instances_*.json` as splits, or Roboflow's split folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from dsinspect.errors import UserError
from dsinspect.formats import Detection, Format, OpenRequest, Patch, ShardRef
from dsinspect.model import (
    Category,
    DatasetInfo,
    Problem,
    Shard,
    annotations_frame,
    images_frame,
    problems_frame,
)
from dsinspect_formats._images import ImageTree, relative
from dsinspect_formats._text import decode, odd_encoding
from dsinspect_formats.coco._files import base_folder, find_files, image_folders, split_of
from dsinspect_formats.coco._records import Document, collector_off, decode_strictly
from dsinspect_formats.coco._tolerant import Recovered, recover

if TYPE_CHECKING:
    from dsinspect.edits import Edits

_INT = np.array(["int"], object)  # repeated it stays one text; numpy.full would make a million of them
COLUMNS = frozenset(("coco:area", "coco:has_area", "coco:has_iscrowd", "coco:has_id", "coco:id_type",
                     "coco:segmentation", "coco:keypoints", "coco:image_id_type"))


class Coco(Format):
    """COCO instances JSON, also as Roboflow exports it."""

    name = "coco"
    writable = True
    patchable = True

    def detect(self, root: Path) -> Detection | None:
        """Look for JSON files with COCO's lists."""
        files = find_files(root)
        if not files:
            return None
        return Detection(0.9, f"{relative(files[0], root) if root.is_dir() else root.name} has COCO's lists")

    def open(self, request: OpenRequest) -> CocoSource:
        """Read the JSON files and find the images.

        Raises:
            UserError: no COCO file, or none in which anything can be read.
        """
        files = find_files(request.root) or ([request.root] if request.root.is_file() else [])
        if not files:
            raise UserError(f"{request.root}: no COCO JSON file found")
        order = {"train": 0, "val": 1, "test": 2}
        files.sort(key=lambda f: (order.get(split_of(f, len(files) == 1) or "", 3), f))
        return CocoSource(request, files)

    def place(self, path: str, split: str | None) -> str:
        """Return the image's own path."""
        from dsinspect_formats._writing import inside

        return inside(path)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.coco._writing import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.coco._patching import patch

        return patch(request, edits)


@dataclass
class CocoFile:
    """One JSON file as tables, before the files of a set are joined."""

    images: pd.DataFrame
    annotations: pd.DataFrame
    categories: tuple[Category, ...]
    problems: list[Problem]


class CocoSource:
    """An opened COCO set; its tables are in memory, and shards are cuts of them."""

    def __init__(self, request: OpenRequest, files: Sequence[Path]) -> None:
        base = base_folder(request.root)
        tree = ImageTree.below(request.images or base)
        columns = request.columns & COLUMNS
        problems: list[Problem] = []
        parts: list[CocoFile] = []
        splits: list[str | None] = []
        for path in files:
            split = split_of(path, len(files) == 1)
            part = read_file(path, base, columns, split)
            problems += locate(part.images, path, base, tree, split)
            parts.append(part)
            splits.append(split)
        if request.root.is_dir():
            problems += orphans([p.images for p in parts], tree, base)
        self._images, self._annotations = join(parts)
        self._problems = problems_frame([p for part in parts for p in part.problems])
        by_key = {(c.category_id, c.name): c for part in parts for c in part.categories}
        several = {s: p.categories for s, p in zip(splits, parts, strict=True) if s is not None}
        self.info = DatasetInfo(
            format="coco", root=base, categories=tuple(by_key.values()),
            split_categories=several if len(several) > 1 else {},
            splits=tuple(dict.fromkeys(s for s in splits if s is not None)), problems=tuple(problems),
            columns=COLUMNS, has_files=bool(self._images["file"].notna().any()))

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the tables; annotations of unknown images go with the last part."""
        rows = self._annotations["image_row"].to_numpy()
        n = len(self._images)
        starts = list(range(0, n, size)) or [0]
        refs = []
        for start in starts:
            last = start == starts[-1]
            stop = n if last else start + size
            low = int(np.searchsorted(rows, start)) if start else 0
            high = len(rows) if last else int(np.searchsorted(rows, stop))
            annotations = self._annotations.iloc[low:high].reset_index(drop=True)
            image_row = annotations["image_row"].to_numpy()
            annotations["image_row"] = np.where(image_row == n, -1, image_row - start)
            images = self._images.iloc[start:stop].reset_index(drop=True)
            refs.append(CocoShard(Shard(images, annotations, self._problems if start == 0 else problems_frame())))
        return refs


@dataclass(frozen=True)
class CocoShard:
    """A cut of the tables."""

    shard: Shard

    def load(self) -> Shard:
        """Return the cut."""
        return self.shard


def read_file(path: Path, base: Path, columns: frozenset[str], split: str | None) -> CocoFile:
    """Read one JSON file; what is wrong in it becomes problems.

    Raises:
        UserError: nothing in it is readable.
    """
    source = relative(path, base)
    try:
        content = path.read_bytes()
    except OSError as e:
        raise UserError(f"{path}: {(e.strerror or 'cannot be read').lower()}") from None
    document = decode_strictly(content, segmentations="coco:segmentation" in columns,
                               keypoints="coco:keypoints" in columns)
    problems: list[Problem] = []
    read: Document | Recovered
    if document is not None:
        read = document
    else:
        text, encoding = decode(content)
        if encoding:
            problems.append(odd_encoding(source, encoding))
        read = recover(text, source)
        if not read.found_lists:
            raise UserError(f"{path}: not a COCO file: {read.problems[0].reason if read.problems else 'no lists'}")
        problems += read.problems
    del content
    with collector_off():
        return CocoFile(*tables(read, source, columns, split), problems)


def tables(read: Document | Recovered, source: str, columns: frozenset[str],
           split: str | None) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Category, ...]]:
    """Turn records into tables; `image_row` of an unknown image is -1, of a repeated id the first one's."""
    n = len(read.images)
    recovered = read if isinstance(read, Recovered) else None
    image_ids = np.array([i.id for i in read.images], np.int64)
    extra_images: dict[str, Any] = {}
    if "coco:image_id_type" in columns:
        extra_images["coco:image_id_type"] = recovered.image_id_types if recovered else _INT.repeat(n)
    images = images_frame(
        n, image_id=image_ids, path=[i.file_name for i in read.images],
        declared_path=[i.file_name for i in read.images], split=split, source=source,
        width=np.array([np.nan if i.width is None else i.width for i in read.images], np.float64),
        height=np.array([np.nan if i.height is None else i.height for i in read.images], np.float64),
        index=np.array(recovered.image_indices if recovered else range(n), np.int64), **extra_images)
    records = read.annotations
    m = len(records)
    bbox = np.fromiter((v for a in records for v in a.bbox), np.float64, 4 * m).reshape(m, 4)
    of_image = np.array([a.image_id for a in records], np.int64)
    category_ids = np.array([a.category_id for a in records], np.int64)
    names: dict[int, str] = {}
    for c in read.categories:
        names.setdefault(c.id, c.name)
    own = [a.id for a in records]
    index = np.array(recovered.annotation_indices if recovered else range(m), np.int64)
    has_id = np.array([i is not None for i in own], bool)
    extra: dict[str, Any] = {}
    if "coco:area" in columns:
        extra["coco:area"] = np.array([np.nan if a.area is None else a.area for a in records], np.float64)
    if "coco:has_area" in columns:
        extra["coco:has_area"] = np.array([a.area is not None for a in records], bool)
    if "coco:has_iscrowd" in columns:
        extra["coco:has_iscrowd"] = np.array([a.iscrowd is not None for a in records], bool)
    if "coco:has_id" in columns:
        extra["coco:has_id"] = has_id
    if "coco:id_type" in columns:
        extra["coco:id_type"] = recovered.id_types if recovered else _INT.repeat(m)
    for name in ("segmentation", "keypoints"):
        if f"coco:{name}" in columns:
            extra[f"coco:{name}"] = _raw_column((getattr(a, name, None) for a in records), m)
    annotations = annotations_frame(
        m, annotation_id=np.array([k if i is None else i for k, i in zip(index.tolist(), own, strict=True)], np.int64),
        image_id=of_image, image_row=_rows_of(of_image, image_ids), category_id=category_ids,
        category=_names_of(category_ids, names), x_min=bbox[:, 0], y_min=bbox[:, 1], x_max=bbox[:, 0] + bbox[:, 2],
        y_max=bbox[:, 1] + bbox[:, 3], source=source, index=index,
        is_crowd=np.array([bool(a.iscrowd) for a in records], bool),
        is_ignored=np.array([bool(a.ignore) for a in records], bool), **extra)
    categories = tuple(Category(c.id, c.name, c.supercategory or "") for c in read.categories)
    return images, annotations, categories


def _rows_of(ids: np.ndarray[Any, np.dtype[np.int64]],
             image_ids: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the row of each id among the images, the first of equals; -1 for an unknown one."""
    if not len(image_ids):
        return np.full(len(ids), -1, np.int64)
    order = np.argsort(image_ids, kind="stable")
    place = np.searchsorted(image_ids[order], ids)
    place[place == len(order)] = 0
    rows = order[place]
    return np.where(image_ids[rows] == ids, rows, -1).astype(np.int64)


def _names_of(ids: np.ndarray[Any, np.dtype[np.int64]], names: dict[int, str]) -> np.ndarray[Any, np.dtype[Any]]:
    unique, inverse = np.unique(ids, return_inverse=True)
    table = np.empty(len(unique), object)
    table[:] = [names.get(i) for i in unique.tolist()]
    return table[inverse]


def _raw_column(raws: Iterable[msgspec.Raw | None], n: int) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the segmentations as views of the file's bytes: copied, they would take as much memory again."""
    empty = memoryview(b"")
    return np.fromiter((None if r is None or memoryview(r) == empty else r for r in raws), object, n)


def locate(images: pd.DataFrame, path: Path, base: Path, tree: ImageTree, split: str | None) -> list[Problem]:
    """Find the files of images on disk, writing `path` and `file`, and tell what is unportable in their names."""
    source = relative(path, base)
    folders = image_folders(path, base, split) if tree.folder == base else [""]
    outside = tree.folder != base
    problems = []
    paths, files = [], []
    for k, declared in enumerate(images["declared_path"].tolist()):
        posix = declared.replace("\\", "/")
        found = tree.find(posix, folders) if tree.paths else None
        shown = posix if found is None else relative(tree.folder / found, base) if outside else found
        reason = _unportable(declared, found)
        if reason:
            problems.append(Problem("unportable-path", source, reason, declared, index=k, image=shown, split=split))
        paths.append(shown)
        files.append(None if found is None else tree.open_path(found))
    images["path"] = pd.Series(paths, dtype=object)
    images["file"] = pd.Series(files, dtype=object)
    return problems


def _unportable(declared: str, found: str | None) -> str | None:
    if "\\" in declared:
        return "has backslashes, which are no separators but on Windows"
    if declared.startswith("/") or declared[1:3] in (":/", ":\\"):
        return "is an absolute path"
    if ".." in declared.split("/"):
        return "leads out of its folder with `..`"
    if found is not None and found.rpartition("/")[2] != declared.rpartition("/")[2]:
        return f"differs in case from the file on disk, {found.rpartition('/')[2]}"
    return None


def orphans(tables_of_images: Sequence[pd.DataFrame], tree: ImageTree, base: Path) -> list[Problem]:
    """Report images that lie in the folders of the set's images and that no record names."""
    used = {f for images in tables_of_images for f in images["file"].tolist() if f is not None}
    folders = {f.rpartition("/")[0] for f in used}
    problems = []
    for path in tree.paths:
        file = tree.open_path(path)
        if file not in used and file.rpartition("/")[0] in folders:
            shown = relative(file, base)
            problems.append(Problem("orphan-image", shown, "no record names this image", image=shown))
    return problems


def join(parts: Sequence[CocoFile]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join the tables of the files, each with its own space of ids; annotations sorted by image, unknown ones last.

    `image_row` counts over all files; the number of images stands for an unknown one.
    """
    images = pd.concat([p.images for p in parts], ignore_index=True)
    moved = []
    first = 0
    for part in parts:
        row = part.annotations["image_row"].to_numpy()
        part.annotations["image_row"] = np.where(row < 0, len(images), row + first)
        moved.append(part.annotations)
        first += len(part.images)
    annotations = pd.concat(moved, ignore_index=True)
    order = np.argsort(annotations["image_row"].to_numpy(), kind="stable")
    if (np.diff(order) != 1).any():
        annotations = annotations.iloc[order].reset_index(drop=True)
    return images, annotations
