"""What readers share: bounded reads, numbers, rows on their way into columns, and tables cut into shards."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from dsinspect.errors import UserError
from dsinspect.io.limits import too_deep
from dsinspect.io.reading import read_regular
from dsinspect.protocols.formats import ShardRef
from dsinspect.tables.columns import Columns, is_given, objects
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import NO_POSITION, Problem, annotation_columns, image_columns, problem_columns
from dsinspect_formats._cuts import MemoryShard
from dsinspect_formats._images import ImageTree, is_of_images, namesakes, relative, stem_of
from dsinspect_formats._splits import SPLIT_NAMES
from dsinspect_formats._text import decode, odd_encoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPLITS = {**SPLIT_NAMES, "trainval": "trainval"}
_WORD = re.compile(r"[a-z]+")


def reason_of(error: OSError) -> str:
    """Return why a file cannot be read, in words."""
    return f"cannot be read: {(error.strerror or 'error').lower()}"


def json_number(value: Any) -> float:
    """Return a number of a JSON document; raises ValueError, in words, when it is none."""
    if type(value) is float:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{shown(value)} is not a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{shown(value)} is beyond what a float holds") from None


def shown(value: Any) -> str:
    """Return a value for a message, shortened."""
    return repr(value)[:60]


def decoded_json(content: bytes | str) -> Any:
    """Return a strict JSON document.

    Raises:
        ValueError: it is none, in words, or nests too deep.
    """
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise ValueError(str(e)) from None
    except RecursionError:
        raise ValueError(f"nests deeper than {too_deep()}") from None


def split_of(path: str, *, words: bool = False) -> str | None:
    """Return the split that a folder of a path names; with `words`, also one among the words of its names."""
    named = _split_of_folder(path.rpartition("/")[0])
    if named is not None:
        return named
    if words:
        parts = path.lower().split("/")
        for part in reversed(parts):
            found = [_SPLITS[w] for w in _WORD.findall(part) if w in _SPLITS]
            if found:
                return found[-1]
    return None


@lru_cache(maxsize=4096)
def _split_of_folder(folder: str) -> str | None:
    return next((_SPLITS[part] for part in folder.lower().split("/") if part in _SPLITS), None)


def as_json(value: Any) -> bytes | None:
    """Return a value as the JSON bytes of a column; None of nothing."""
    return msgspec.json.encode(value) if value else None


class Growing:
    """Numbers on their way into an array: a list of Python's takes them four times as fast, and is packed now and then.

    Args:
        kind: `d` of floats, `q` of whole numbers.

    Attributes:
        new: where numbers are put.
    """

    def __init__(self, kind: str) -> None:
        self.new: list[Any] = []
        self._packed = array(kind)

    def pack(self) -> None:
        """Pack what is new when that is much."""
        if len(self.new) > _MANY:
            self._packed.extend(array(self._packed.typecode, self.new))
            self.new.clear()

    def packed(self) -> NDArray[Any]:
        """Return all numbers, a copy."""
        self._packed.extend(array(self._packed.typecode, self.new))
        self.new.clear()
        return np.array(self._packed)


_MANY = 1 << 16
_NUMBERS = ("annotation_id", "image", "category_id", "source", "line", "index", "is_crowd", "is_ignored")


class Rows:
    """Annotations on their way into columns: no object per box is kept.

    Args:
        fields: columns beyond the fixed ones that are wanted.

    Attributes:
        of_images: values of columns of images that only the format has, by column and image; a reader fills them.
    """

    def __init__(self, fields: Sequence[str] = ()) -> None:
        self.fields = tuple(fields)
        self.problems: list[Problem] = []
        self.of_images: dict[str, dict[int, Any]] = {}
        self.count = 0
        self._edges = Growing("d")
        self._numbers = Growing("q")  # those of `_NUMBERS`, row after row
        self._categories: list[str | None] = []
        self._extra: dict[str, list[Any]] = {name: [] for name in self.fields}
        self._same: dict[str | None, str | None] = {}
        self._sources: list[str] = []
        self._source = NO_POSITION
        self._image: str | None = None
        self._split: str | None = None

    def file(self, source: str, image: str | None = None, split: str | None = None) -> None:
        """Say which file the next rows stand in, and, for its problems, which image and split they are of."""
        self._edges.pack()
        self._numbers.pack()
        self._source = len(self._sources)
        self._sources.append(source)
        self._image, self._split = image, split

    def add(self, image: int, category: str | None, box: tuple[float, float, float, float], index: int, line: int = NO_POSITION,
            *, ignored: bool = False, crowd: bool = False, category_id: int = NO_POSITION, annotation_id: int | None = None,
            extra: Mapping[str, Any] | None = None) -> None:
        """Add an annotation; `extra` has values of `fields`."""
        self._edges.new.extend(box)
        self._numbers.new.extend((index if annotation_id is None else annotation_id, image, category_id, self._source, line, index,
                              crowd, ignored))
        self._categories.append(self._same.setdefault(category, category))
        if self.fields:
            for name, values in self._extra.items():
                values.append((extra or {}).get(name))
        self.count += 1

    def fault(self, reason: str, text: str = "", line: int = NO_POSITION, index: int = NO_POSITION, *,
              image: str | None = None) -> None:
        """Add a record that cannot be read."""
        self.problems.append(Problem("malformed-record", self._sources[self._source], reason, text, line, index,
                                     self._image if image is None else image, self._split))

    def text_of(self, path: Path) -> str | None:
        """Return the text of the file; None of one that cannot be read, which is a fault."""
        try:
            return self.decoded(read_regular(path))
        except OSError as e:
            self.fault(reason_of(e))
            return None

    def decoded(self, content: bytes) -> str:
        """Return the text of the file; an odd encoding is a problem."""
        text, encoding = decode(content)
        if encoding:
            self.problems.append(odd_encoding(self._sources[self._source], encoding))
        return text

    def table(self, image_ids: NDArray[np.int64]) -> Columns:
        """Return the annotations sorted by image."""
        columns = self._numbers.packed().reshape(-1, len(_NUMBERS)).T
        of = dict(zip(_NUMBERS, columns, strict=True))
        rows = of["image"]
        order = np.argsort(rows, kind="stable") if (np.diff(rows) < 0).any() else slice(None)
        boxes = self._edges.packed().reshape(-1, 4)[order]
        ids = np.append(image_ids, NO_POSITION)
        numbers = {name: np.ascontiguousarray(of[name][order]) for name in ("annotation_id", "category_id", "line", "index")}
        rows = np.ascontiguousarray(rows[order])
        sources = objects([*self._sources, None])[of["source"][order]]
        table = annotation_columns(
            self.count, image_id=ids[rows], image_row=rows, category=objects(self._categories)[order], source=sources,
            x_min=boxes[:, 0], y_min=boxes[:, 1], x_max=boxes[:, 2], y_max=boxes[:, 3],
            **{name: of[name][order].astype(np.bool_) for name in ("is_crowd", "is_ignored")}, **numbers)
        return table.with_columns({name: _field(name, values)[order] for name, values in self._extra.items()})


def _field(name: str, values: Sequence[Any]) -> NDArray[Any]:
    if name == "area" or name.startswith("corner_"):
        return np.array([np.nan if v is None else v for v in values], np.float64)
    return objects(values)


class Images:
    """Images that records name, in the order first named.

    Attributes:
        names: what the records say.
        splits: of each.
        sizes: declared width and height of each, px, NaN where none is.
        sources: file of the record of each.
        lines: line of the record of each.
        number_of: row by name and split.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.splits: list[str | None] = []
        self.sizes: list[tuple[float, float]] = []
        self.sources: list[str | None] = []
        self.lines: list[int] = []
        self.ids: list[int] = []
        self.number_of: dict[tuple[str | None, str], int] = {}

    def row(self, name: str, split: str | None, source: str | None = None, line: int = NO_POSITION,
            size: tuple[float, float] = (float("nan"), float("nan")), image_id: int | None = None) -> int:
        """Return the row of an image, which is added when it is new."""
        found = self.number_of.get((split, name))
        return self.add(name, split, source, line, size, image_id) if found is None else found

    def add(self, name: str, split: str | None, source: str | None = None, line: int = NO_POSITION,
            size: tuple[float, float] = (float("nan"), float("nan")), image_id: int | None = None) -> int:
        """Add an image, though one of that name may be there, and return its row."""
        row = len(self.names)
        self.number_of.setdefault((split, name), row)
        self.names.append(name)
        self.splits.append(split)
        self.sizes.append(size)
        self.sources.append(source)
        self.lines.append(line)
        self.ids.append(row if image_id is None else image_id)
        return row

    def table(self, tree: ImageTree, root: Path, folders: Callable[[str | None], Iterable[str]] = lambda split: ("",), *,
              orphans: bool = True, exact: bool = False) -> tuple[Columns, list[Problem]]:
        """Find the files and return the columns of the images, with the faults of their names.

        Args:
            tree: the images on disk.
            root: folder that paths are shown relative to.
            folders: where the images of a split are looked for first, each empty or ending with a slash.
            orphans: whether an image that no record names, in a folder of those named, is a problem.
            exact: whether a name is the whole path.
        """
        paths, files, problems = [], [], []
        used: set[str] = set()
        for name, split, source, line in zip(self.names, self.splits, self.sources, self.lines, strict=True):
            posix = name.replace("\\", "/")
            found = (posix if posix in tree.exact else None) if exact else find_image(posix, tree, split, folders(split))
            path = posix if found is None else relative(tree.folder / found, root) if tree.folder != root else found
            if "\\" in name or posix.startswith("/") or posix[1:3] == ":/" or ".." in posix.split("/"):
                problems.append(Problem("unportable-path", source or "", "is absolute, leads outside or has backslashes", name,
                                        line, image=path, split=split))
            if found is not None:
                used.add(found)
            paths.append(path)
            files.append(None if found is None else tree.open_path(found))
        if orphans:
            problems += orphan_images(tree, used, root)
        problems += namesakes(tree, files)
        n = len(self.names)
        sizes = np.array(self.sizes, np.float64).reshape(-1, 2)
        return image_columns(
            n, image_id=np.array(self.ids, np.int64), path=paths, declared_path=self.names, file=files, width=sizes[:, 0],
            height=sizes[:, 1], split=self.splits, source=self.sources, line=np.array(self.lines, np.int64)), problems


def find_image(name: str, tree: ImageTree, split: str | None, folders: Iterable[str]) -> str | None:
    """Return the image that a record names, with or without its suffix; of several, that in the folder of its split."""
    found = tree.find(name, folders) if tree.paths else None
    if found is not None:
        return found
    base = name.rpartition("/")[2]
    near = [p for p in tree.by_stem.get(base, ()) if f"/{p.rpartition('.')[0]}".endswith(f"/{name}")] or list(
        tree.by_stem.get(base, ()))
    if len(near) > 1:
        near = [p for p in near if split_of(p, words=True) == split] or near
    return near[0] if near else None


def orphan_images(tree: ImageTree, used: Collection[str], root: Path) -> list[Problem]:
    """Return a problem for each image that no record names in a folder that holds named ones."""
    folders = {p.rpartition("/")[0] for p in used}
    out = []
    for path in tree.paths:
        if path not in used and path.rpartition("/")[0] in folders:
            shown_path = relative(tree.folder / path, root) if tree.folder != root else path
            out.append(Problem("orphan-image", shown_path, "no record names this image", image=shown_path))
    return out


class MemorySource:
    """An opened dataset whose records are in memory; shards are cuts of its tables."""

    def __init__(self, info: DatasetInfo, images: Columns, annotations: Columns, problems: Sequence[Problem]) -> None:
        if not len(images) and not len(annotations) and not problems:
            raise UserError(f"{info.root}: holds no record that can be read")
        self._images, self._annotations = images, annotations
        self._problems = problem_columns([p for p in problems if p.kind != "same-names"])
        self.info = replace(info, problems=(*info.problems, *(p for p in problems if p.kind == "same-names")),
                            splits=info.splits or tuple(dict.fromkeys(
            s for s in images["split"].tolist() if s is not None)), has_files=bool(is_given(images["file"]).any()))

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the tables by images; annotations of unknown images go with the first."""
        rows = self._annotations["image_row"]
        refs: list[ShardRef] = []
        for start in range(0, len(self._images), size) or [0]:
            low, high = np.searchsorted(rows, [start if start else NO_POSITION, start + size])
            annotations = self._annotations.take(slice(int(low), int(high)))
            own = annotations["image_row"]
            annotations = annotations.with_columns({"image_row": np.where(own < 0, NO_POSITION, own - start)})
            images = self._images.take(slice(start, start + size))
            refs.append(MemoryShard(Shard(images, annotations, self._problems if start == 0 else None)))
        return refs


class Entry(NamedTuple):
    """One image of a format with a file of labels per image.

    Attributes:
        path: of the image, relative to the root.
        file: path to open, or None.
        split: of the image.
        label: its file of labels, relative to the root, or None.
    """

    path: str
    file: str | None
    split: str | None
    label: str | None


ReadFile = Callable[[bytes, int, "Entry", Rows], tuple[float, float] | None]
"""Reads one file of labels: its bytes, the row of its image, the image; adds to the rows; returns the declared size."""


class FilesSource:
    """An opened dataset with a file of labels per image, read in the workers."""

    def __init__(self, info: DatasetInfo, entries: Sequence[Entry], read: ReadFile, fields: Sequence[str] = (),
                 image_fields: Sequence[str] = ()) -> None:
        if not any(e.label for e in entries):
            raise UserError(f"{info.root}: no label file found")
        self._entries, self._read, self._fields, self._image_fields = tuple(entries), read, tuple(fields), tuple(image_fields)
        self.info = replace(info, splits=info.splits or tuple(dict.fromkeys(e.split for e in entries if e.split is not None)),
                            has_files=any(e.file for e in entries))

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the list of images."""
        return [FilesShard(self._entries[k:k + size], k, str(self.info.root), self._read, self._fields,
                            self._image_fields)
                for k in range(0, len(self._entries), size)]


@dataclass(frozen=True)
class FilesShard:
    """Some images with their files of labels, read in the worker."""

    entries: tuple[Entry, ...]
    first: int
    root: str
    read: ReadFile
    fields: tuple[str, ...]
    image_fields: tuple[str, ...] = ()

    def load(self) -> Shard:
        """Read the files."""
        rows = Rows(self.fields)
        n = len(self.entries)
        sizes = np.full((n, 2), np.nan)
        for k, entry in enumerate(self.entries):
            if entry.label is None:
                continue
            rows.file(entry.label, entry.path, entry.split)
            try:
                content = read_regular(os.path.join(self.root, entry.label), "label_mb")  # noqa: PTH118 - a Path per file costs more
            except OSError as e:
                rows.fault(f"the label file {reason_of(e)}")
                continue
            size = self.read(content, k, entry, rows)
            if size is not None:
                sizes[k] = size
        ids = np.arange(self.first, self.first + n)
        images = image_columns(
            n, image_id=ids, path=[e.path for e in self.entries], declared_path=[e.path for e in self.entries],
            file=[e.file for e in self.entries], width=sizes[:, 0], height=sizes[:, 1],
            split=[e.split for e in self.entries], source=[e.label for e in self.entries])
        for name in self.image_fields:
            values = rows.of_images.get(name, {})
            images = images.with_columns({name: objects([values.get(k) for k in range(n)])})
        return Shard(images, rows.table(ids), problem_columns(rows.problems))


def matched(labels: Sequence[str], tree: ImageTree, root: Path, image_name: Callable[[str], str],
            *, words: bool = False, within: Callable[[str], bool] = lambda path: True) -> tuple[list[Entry], list[Problem]]:
    """Match files of labels and images by stem: in one folder, then in the nearest one.

    Args:
        labels: files of labels, relative to the root.
        tree: the images.
        root: folder of the set.
        image_name: what the image of a file of labels would be called when none is there.
        words: see `split_of`.
        within: which images belong to the set at all.
    """
    entries, problems = [], []
    used: dict[str, str] = {}
    shown_path = (lambda p: p) if tree.folder == root else (lambda p: relative(tree.folder / p, root))
    for label in labels:
        stem = stem_of(label)
        near = [p for p in tree.by_stem.get(stem, ()) if within(p)]
        image = nearest_image(label, near)
        split = split_of(label, words=words)
        if image is None:
            entries.append(Entry(image_name(label), None, split, label))
            continue
        if image in used:
            problems.append(Problem("ambiguous-stem", label, f"the image already has {used[image]}", image=shown_path(image)))
        used.setdefault(image, label)
        entries.append(Entry(shown_path(image), tree.open_path(image), split or split_of(image, words=words), label))
    folders = {i.rpartition("/")[0] for i in used}
    for image in tree.paths:
        if image not in used and image.rpartition("/")[0] in folders and within(image):
            path = shown_path(image)
            problems.append(Problem("orphan-image", path, "no label file names this image", image=path))
            entries.append(Entry(path, tree.open_path(image), split_of(path, words=words), None))
    return entries, [*problems, *namesakes(tree, (e.file for e in entries))]


def nearest_image(label: str, images: Sequence[str]) -> str | None:
    """Return the image whose folder shares most with that of a label file; of equals one in a folder of images."""
    if not images:
        return None
    if len(images) == 1:
        return images[0]
    folders = label.split("/")[:-1]
    same = [i for i in images if i.rpartition("/")[0] == "/".join(folders)]
    return same[0] if same else max(images, key=lambda i: (
        len(set(folders) & set(i.split("/")[:-1])), is_of_images(i), -len(i)))
