"""Read COCO JSON: what stands in the files becomes tables."""

from __future__ import annotations

import contextlib
import mmap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from dsinspect.errors import UserError, os_reason
from dsinspect.io.reading import is_regular, read_regular, require_text
from dsinspect.protocols.formats import OpenRequest, ShardRef
from dsinspect.tables.columns import Columns, constant, is_given, objects
from dsinspect.tables.dataset import Category, DatasetInfo
from dsinspect.tables.hostile_numbers import of_any_size
from dsinspect.tables.schema import Problem, annotation_columns, image_columns, problem_columns
from dsinspect_formats._cuts import cuts_of
from dsinspect_formats._images import ImageTree, namesakes, relative
from dsinspect_formats._text import decode, odd_encoding
from dsinspect_formats.coco._beyond import beyond_tables
from dsinspect_formats.coco._files import base_folder, image_folders, is_named_split, split_of
from dsinspect_formats.coco._records import NO_BYTES, Document, collector_off, decode_strictly
from dsinspect_formats.coco._tolerant import Recovered, recover

MAPPED_BYTES = 1 << 25
"""A file from this size on is mapped into memory, not read."""


COLUMNS = frozenset(("area", "coco:has_area", "coco:has_iscrowd", "coco:has_id", "coco:id_type",
                     "segmentation", "keypoints", "coco:num_keypoints", "coco:image_id_type", "coco:category_id_type",
                     "coco:box_width", "coco:box_height", "coco:beyond", "coco:neg_category_ids",
                     "coco:not_exhaustive_category_ids"))


@dataclass
class CocoFile:
    """One JSON file as tables, before the files of a set are joined."""

    images: Columns
    annotations: Columns
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
        beyond: Counter[str] = Counter()
        splits: list[str | None] = []
        for path in files:
            split = split_of(path, len(files) == 1)
            part = read_file(path, base, columns, split)
            part.images, told = locate(part.images, path, base, tree, split)
            problems += told
            parts.append(part)
            splits.append(split)
            if "coco:beyond" in columns:
                beyond += beyond_tables(path)
        require_distinct(files, splits, [part.images for part in parts], base)
        if request.root.is_dir():
            problems += orphans([p.images for p in parts], tree, base)
        problems += namesakes(tree, (f for p in parts for f in p.images["file"].tolist()))
        self._images, self._annotations = join(parts)
        self._problems = problem_columns([p for part in parts for p in part.problems])
        by_key = {(c.category_id, c.name): c for part in parts for c in part.categories}
        several = {s: p.categories for s, p in zip(splits, parts, strict=True) if s is not None}
        self.info = DatasetInfo(
            format="coco", root=base, categories=tuple(by_key.values()),
            split_categories=several if len(several) > 1 else {},
            splits=tuple(dict.fromkeys(s for s in splits if s is not None)), problems=tuple(problems),
            columns=COLUMNS, has_files=bool(is_given(self._images["file"]).any()), beyond=beyond)

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the tables; annotations of unknown images go with the last part."""
        return cuts_of(self._images, self._annotations, self._problems, size)


def read_file(path: Path, base: Path, columns: frozenset[str], split: str | None) -> CocoFile:
    """Read one JSON file; what is wrong in it becomes problems.

    Raises:
        UserError: nothing in it is readable.
    """
    source = relative(path, base)
    try:
        content = _content(path)
    except OSError as e:
        raise UserError(f"{path}: {os_reason(e, 'cannot be read')}") from None
    document = decode_strictly(content, segmentations="segmentation" in columns,
                               keypoints=not columns.isdisjoint(("keypoints", "coco:num_keypoints")))
    if document is not None:
        # A number of more than 64 bits has no place in a table: the file is read again, record by record.
        with contextlib.suppress(OverflowError), collector_off():
            return CocoFile(*tables(document, source, columns, split), [])
    text, encoding = decode(bytes(content))
    read = recover(text, source)
    if not read.found_lists:
        raise UserError(f"{path}: not a COCO file: {read.problems[0].reason if read.problems else 'no lists'}")
    problems = [odd_encoding(source, encoding, bytes(content))] if encoding else []
    with collector_off():
        return CocoFile(*tables(read, source, columns, split), [*problems, *read.problems])


def tables(read: Document | Recovered, source: str, columns: frozenset[str],
           split: str | None) -> tuple[Columns, Columns, tuple[Category, ...]]:
    """Turn records into tables; `image_row` of an unknown image is -1, of a repeated id the first one's."""
    n = len(read.images)
    recovered = read if isinstance(read, Recovered) else None
    image_ids = np.array([i.id for i in read.images], np.int64)
    extra_images: dict[str, Any] = {}
    if "coco:image_id_type" in columns:
        extra_images["coco:image_id_type"] = recovered.image_id_types if recovered else constant("int", "object", n)
    file_names = objects([i.file_name or i.name for i in read.images])
    for name in ("neg_category_ids", "not_exhaustive_category_ids"):
        if f"coco:{name}" in columns:
            extra_images[f"coco:{name}"] = _raw_column([getattr(i, name) for i in read.images])
    images = image_columns(
        n, image_id=image_ids, path=file_names, declared_path=file_names, split=split, source=source,
        width=np.array([i.width for i in read.images], np.float64),  # NumPy makes None NaN
        height=np.array([i.height for i in read.images], np.float64),
        index=np.array(recovered.image_indices if recovered else range(n), np.int64), **extra_images)
    records = read.annotations
    m = len(records)

    def values(name: str) -> Iterator[Any]:
        return map(attrgetter(name), records)  # a third of the time of a comprehension

    bbox = np.fromiter(chain.from_iterable(values("bbox")), np.float64, 4 * m).reshape(m, 4)
    of_image = np.fromiter(values("image_id"), np.int64, m)
    category_ids = np.fromiter(values("category_id"), np.int64, m)
    names: dict[int, str] = {}
    for number, c in zip(np.array([c.id for c in read.categories], np.int64).tolist(), read.categories, strict=True):
        names.setdefault(number, c.name)
    index = np.array(recovered.annotation_indices, np.int64) if recovered else np.arange(m)
    own, has_id = _given(list(values("id")), np.int64)
    area, has_area = _given(list(values("area")), np.float64)
    crowd, has_crowd = _given(list(values("iscrowd")), np.int64)
    ignored, _ = _given(list(values("ignore")), np.int64)
    extra: dict[str, Any] = {}
    if "area" in columns:
        extra["area"] = np.where(has_area, area, np.nan)
    if "coco:has_area" in columns:
        extra["coco:has_area"] = has_area
    if "coco:has_iscrowd" in columns:
        extra["coco:has_iscrowd"] = has_crowd
    if "coco:has_id" in columns:
        extra["coco:has_id"] = has_id
    if "coco:id_type" in columns:
        extra["coco:id_type"] = recovered.id_types if recovered else constant("int", "object", m)
    if "coco:category_id_type" in columns:
        extra["coco:category_id_type"] = recovered.category_id_types if recovered else constant("int", "object", m)
    for place, name in ((2, "coco:box_width"), (3, "coco:box_height")):
        if name in columns:
            extra[name] = bbox[:, place]  # as written: the difference of the edges may be off by a rounding
    for name in ("segmentation", "keypoints"):
        if name in columns:
            extra[name] = _raw_column(list(values(name)))
    if "coco:num_keypoints" in columns:
        extra["coco:num_keypoints"] = np.array(list(values("num_keypoints")), np.float64)  # NumPy makes None NaN
    with of_any_size():
        x_max, y_max = bbox[:, 0] + bbox[:, 2], bbox[:, 1] + bbox[:, 3]
    annotations = annotation_columns(
        m, annotation_id=np.where(has_id, own, index),
        image_id=of_image, image_row=_rows_of(of_image, image_ids), category_id=category_ids,
        category=_names_of(category_ids, names), x_min=bbox[:, 0], y_min=bbox[:, 1], x_max=x_max, y_max=y_max,
        source=source, index=index, is_crowd=crowd.astype(bool), is_ignored=ignored.astype(bool), **extra)
    categories = tuple(Category(c.id, c.name, c.supercategory or "", names_of_points(c.keypoints)) for c in read.categories)
    return images, annotations, categories


def names_of_points(raw: msgspec.Raw) -> tuple[str, ...]:
    """Return the names of keypoints that a category declares; nothing when they are no list of texts."""
    if raw is NO_BYTES:
        return ()
    names = msgspec.json.decode(raw)
    return tuple(names) if isinstance(names, list) and all(isinstance(n, str) for n in names) else ()


def _rows_of(ids: np.ndarray[Any, np.dtype[np.int64]],
             image_ids: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the row of each id among the images, the first of equals; -1 for an unknown one."""
    if not len(image_ids):
        return np.full(len(ids), -1, np.int64)
    low, high = int(image_ids.min()), int(image_ids.max())
    if high - low < 16 * len(image_ids) + 1_000_000:  # a table of all ids costs a tenth of searching
        known = np.full(high - low + 2, -1, np.int64)
        known[image_ids[::-1] - low] = np.arange(len(image_ids))[::-1]
        inside = (ids >= low) & (ids <= high)
        return known[np.where(inside, ids - low, -1)]
    order = np.argsort(image_ids, kind="stable")
    place = np.searchsorted(image_ids[order], ids)
    place[place == len(order)] = 0
    rows = order[place]
    return np.where(image_ids[rows] == ids, rows, -1).astype(np.int64)


def _names_of(ids: np.ndarray[Any, np.dtype[np.int64]], names: dict[int, str]) -> np.ndarray[Any, np.dtype[Any]]:
    unique, inverse = np.unique(ids, return_inverse=True)
    return objects([names.get(i) for i in unique.tolist()])[inverse]


def _content(path: Path) -> memoryview:
    """Read a file, or map it when it is large: 400 MB more of memory take up to a second to be had."""
    if not is_regular(path) or path.stat().st_size < MAPPED_BYTES:
        return memoryview(read_regular(path))
    with path.open("rb") as file:
        require_text(file, path)
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _given(values: list[Any], dtype: Any) -> tuple[np.ndarray[Any, np.dtype[Any]], np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return numbers with 0 for None, and the mask of those that are not None."""
    n = len(values)
    if None not in values:  # nearly always, and ten times faster
        return np.fromiter(values, dtype, n), constant(True, "bool", n)
    if values.count(None) == n:
        return constant(0, dtype, n), constant(False, "bool", n)
    given = np.fromiter((v is not None for v in values), bool, n)
    return np.fromiter((0 if v is None else v for v in values), dtype, n), given


def _raw_column(raws: Sequence[msgspec.Raw]) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the segmentations as views of the file's bytes: copied, they would take as much memory again."""
    if all(r is NO_BYTES for r in raws):
        return constant(None, "object", len(raws))
    return objects([None if r is NO_BYTES else r for r in raws])


def locate(images: Columns, path: Path, base: Path, tree: ImageTree,
           split: str | None, sizes: Mapping[int, int] | None = None) -> tuple[Columns, list[Problem]]:
    """Find the files of images on disk for `path` and `file`, and report what is unportable in their names.

    Args:
        images: of one annotation file.
        path: that file.
        base: folder that paths are relative to.
        tree: images on disk.
        split: of the file.
        sizes: of the images' files, bytes, by row, where records say them: they decide among files of one name.
    """
    outside = tree.folder != base
    folders = [""] if outside else image_folders(path, base, split)
    declared_paths = images["declared_path"].tolist()
    are_portable = _are_portable(declared_paths)
    if are_portable and not outside:
        if not tree.paths:
            return images, []
        if declared_paths and tree.find(declared_paths[0], folders) is None:
            exact = []  # as in a file whose images are elsewhere
        else:
            exact = [f + d for d in declared_paths for f in islice((f for f in folders if f + d in tree.exact), 1)]
        if len(exact) == len(declared_paths):
            return images.with_columns({"path": objects(exact), "file": objects([tree.open_path(p) for p in exact])}), []
    source = relative(path, base)
    prefix = f"{relative(tree.folder, base)}/" if outside else ""
    prefix = "" if prefix == "./" else prefix
    problems = []
    paths, files = [], []
    for k, declared in enumerate(declared_paths):
        posix = declared.replace("\\", "/")
        found = tree.find(posix, folders) if tree.paths else None
        same: list[str] = []
        if found is None and tree.paths:
            found, same = tree.choose(posix, None if sizes is None else sizes.get(k))
        shown = posix if found is None else prefix + found
        reason = None if are_portable and (found is None or found.endswith(declared)) else _unportable(declared, found)
        if reason:
            problems.append(Problem("unportable-path", source, reason, declared, index=k, image=shown, split=split))
        if found is None and same:
            problems.append(Problem("several-files", source, ", ".join(prefix + s for s in same[:4]) + (
                ", ..." if len(same) > 4 else ""), declared, index=k, image=shown, split=split))
        paths.append(shown)
        files.append(None if found is None else tree.open_path(found))
    if not any(files) and (places := _folders_of_namesakes(declared_paths, tree)):
        shown = ", ".join(f"{f}/" for f in places[:4]) + (", ..." if len(places) > 4 else "")
        problems.append(Problem("same-names", source, f"several files have the name of an image, in {shown}, and none is taken"))
    return images.with_columns({"path": objects(paths), "file": objects(files)}), problems


def _folders_of_namesakes(declared_paths: Iterable[str], tree: ImageTree) -> list[str]:
    """Return the folders of the files that have the name of an image which several files have."""
    names = {d.replace("\\", "/").rpartition("/")[2] for d in declared_paths}
    several = (paths for name, paths in tree.by_name.items() if name in names and len(paths) > 1)
    return sorted({path.rpartition("/")[0] or "." for paths in several for path in paths})


def require_distinct(files: Sequence[Path], splits: Sequence[str | None], tables: Sequence[Columns], base: Path) -> None:
    """Raise a UserError when two files are versions of one set: of one split, or of none, and with half their images alike.

    Files of different splits that share images are a leak, which checks report.
    """
    owners: dict[tuple[str, str], int] = {}
    shared: Counter[tuple[int, int]] = Counter()
    sizes = []
    for k, images in enumerate(tables):
        folder = relative(files[k].parent, base)
        columns = (images[c].tolist() for c in ("path", "file"))
        names = {("" if file else folder, path) for path, file in zip(*columns, strict=True)}
        sizes.append(len(names))
        shared.update((first, k) for first in (owners.setdefault(n, k) for n in names) if first != k)
    for (a, b), count in shared.items():
        named = all(is_named_split(files[x]) for x in (a, b))
        if (splits[a] == splits[b] or not named) and count * 2 >= min(sizes[a], sizes[b]):
            raise UserError(f"{base}: {relative(files[a], base)} and {relative(files[b], base)} list the same images "
                            f"({count:,} of {min(sizes[a], sizes[b]):,}): two versions of one dataset; name the file to read")


def _are_portable(declared: list[str]) -> bool:
    """Say whether no name among them can be unportable; False means look at each."""
    together = "\n" + "\n".join(declared)
    return not any(sign in together for sign in ("\\", "\n/", ":", ".."))


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


def orphans(tables_of_images: Sequence[Columns], tree: ImageTree, base: Path) -> list[Problem]:
    """Report images that lie in the folders of the set's images and that no record names."""
    used = {f for images in tables_of_images for f in images["file"].tolist() if f is not None}
    if len(used) == len(tree.paths):  # files of the set are files of the tree
        return []
    folders = {f.rpartition("/")[0] for f in used}
    of_no_use = tree.meant.union(*tree.twins.values())
    problems = []
    for path in tree.paths:
        file = tree.open_path(path)
        if file not in used and path not in of_no_use and file.rpartition("/")[0] in folders:
            shown = relative(file, base)
            problems.append(Problem("orphan-image", shown, "no record names this image", image=shown))
    return problems


def join(parts: Sequence[CocoFile]) -> tuple[Columns, Columns]:
    """Join the tables of the files, each with its own space of ids; annotations sorted by image, unknown ones last.

    `image_row` counts over all files; the number of images stands for an unknown one.
    """
    images = Columns.concat(p.images for p in parts)
    moved = []
    first = 0
    for part in parts:
        row = part.annotations["image_row"]
        moved.append(part.annotations.with_columns({"image_row": np.where(row < 0, len(images), row + first)}))
        first += len(part.images)
    annotations = Columns.concat(moved)
    rows = annotations["image_row"]
    if (rows[1:] < rows[:-1]).any():
        # The positions make equal rows differ, so that any sorting is stable: a quarter of the time of the stable one.
        annotations = annotations.take(np.argsort(rows * len(rows) + np.arange(len(rows))))
    return images, annotations
