"""Objects of annotation files, gathered one by one into columns, and an opened set whose tables are in memory."""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.tables.columns import Columns, codes_of, is_given, objects
from dsinspect.tables.dataset import Category, DatasetInfo
from dsinspect.tables.schema import (
    CORNER_COLUMNS,
    NO_POSITION,
    OPTIONAL_ANNOTATION_COLUMNS,
    Problem,
    annotation_columns,
    image_columns,
    problem_columns,
)
from dsinspect_formats._cuts import cuts_of
from dsinspect_formats._images import ImageTree, by_their_paths, namesakes
from dsinspect_formats._rows import Growing
from dsinspect_formats.coco.reader import locate, orphans

if TYPE_CHECKING:
    from dsinspect.protocols.formats import OpenRequest, ShardRef
from dsinspect_formats._values import Box, shown


class Gathered:
    """Images and objects that grow row by row; what is in optional columns is kept only where a row has it.

    Args:
        columns: names of the optional and format-specific columns that are wanted.
    """

    def __init__(self, columns: Collection[str]) -> None:
        self.columns = frozenset(columns)
        self.wants_corners = CORNER_COLUMNS[0] in self.columns
        self.problems: list[Problem] = []
        self.declared: list[str] = []
        self.lookups: dict[int, str] = {}
        self.file_sizes: dict[int, int] = {}
        self.shapeless: set[int] = set()
        """Rows of images of which something drawn was left out, for it bounds no area."""
        self._sizes = array("d")
        self._splits: list[str | None] = []
        self._sources: list[str] = []
        self._places = array("q")
        self._numbers = Growing("q")  # row of the image, line, index: one after the other
        self._edges = Growing("d")
        self._names: list[str | None] = []
        self._flags: dict[str, list[int]] = {"is_crowd": [], "is_ignored": []}
        self._extra: dict[str, dict[int, Any]] = {name: {} for name in sorted(self.columns)}
        self._corners: dict[int, Sequence[float]] = {}
        self._same: dict[str, str] = {}

    def add_image(self, declared: str, source: str, width: float = math.nan, height: float = math.nan, *,
                  split: str | None = None, line: int = NO_POSITION, index: int = NO_POSITION, lookup: str = "",
                  file_size: int | None = None) -> int:
        """Add an image and return its row.

        Args:
            declared: the text that names it.
            source: file of the record.
            width: declared, px; NaN when it is not.
            height: declared, px; NaN when it is not.
            split: it belongs to.
            line: of the record, from 1.
            index: of the record in its file, from 0.
            lookup: path or name to look for on disk in place of the text; what is odd about it is not reported.
            file_size: of its file, bytes, where the record says it: decides among several files of its name.
        """
        row = len(self.declared)
        self._numbers.pack()
        self._edges.pack()
        self.declared.append(declared)
        if lookup:
            self.lookups[row] = lookup
        if file_size is not None:
            self.file_sizes[row] = file_size
        self._sizes.extend((width, height))
        self._splits.append(split)
        self._sources.append(source)
        self._places.extend((line, index))
        return row

    def add(self, row: int, category: str | None, box: Box, index: int, line: int = NO_POSITION, *,
            is_ignored: bool = False, is_crowd: bool = False, corners: Sequence[float] | None = None,
            extra: Mapping[str, Any] | None = None) -> None:
        """Add an object.

        Args:
            row: of its image; -1 when that is unknown.
            category: its name, or None.
            box: x_min, y_min, x_max, y_max, px.
            index: of the record in its file, from 0.
            line: of the record, from 1.
            is_ignored: a region to leave out.
            is_crowd: a region of many.
            corners: of a rotated box, eight numbers, px.
            extra: values of wanted columns; others are left out.
        """
        position = len(self._names)
        self._numbers.new.extend((row, line, index))
        self._edges.new.extend(box)
        self._names.append(None if category is None else self._same.setdefault(category, category))
        if is_ignored:
            self._flags["is_ignored"].append(position)
        if is_crowd:
            self._flags["is_crowd"].append(position)
        if corners is not None and self.wants_corners:
            self._corners[position] = corners
        if extra:
            for name, value in extra.items():
                if name in self._extra and value is not None:
                    self._extra[name][position] = self._same.setdefault(value, value) if isinstance(value, str) else value

    def faulty(self, source: str, reason: str, text: Any = "", line: int = NO_POSITION, index: int = NO_POSITION,
               image: str | None = None, split: str | None = None) -> None:
        """Keep a record that cannot be read as a problem."""
        self.problems.append(Problem("malformed-record", source, reason, shown(text), line, index, image, split))

    def boxes(self) -> dict[int, Box]:
        """Return the boxes by index; of a set of one file an index is one record."""
        edges = self._edges.packed().reshape(-1, 4).tolist()
        return {index: (a, b, c, d) for index, (a, b, c, d) in zip(self._numbers.packed()[2::3].tolist(), edges, strict=True)}

    def image_table(self) -> Columns:
        """Return the images; they are not looked for on disk yet."""
        n = len(self.declared)
        sizes = np.array(self._sizes, np.float64).reshape(n, 2)
        places = np.array(self._places, np.int64).reshape(n, 2)
        return image_columns(n, image_id=np.arange(n), path=objects(self.declared), declared_path=objects(self.declared),
                             width=sizes[:, 0], height=sizes[:, 1], split=objects(self._splits),
                             source=objects(self._sources), line=places[:, 0], index=places[:, 1])

    def annotation_table(self, categories: Sequence[Category], images: Columns, sources: Sequence[str] | None = None) -> Columns:
        """Return the objects sorted by image, those of unknown images last with the number of images as `image_row`.

        Args:
            categories: declared ones.
            images: the images.
            sources: file of each object's record, where it is not that of its image.
        """
        m, n = len(self._names), len(images)
        rows, lines, indices = self._numbers.packed().reshape(m, 3).T.copy()
        rows[rows < 0] = n
        edges = self._edges.packed().reshape(m, 4)
        names = objects(self._names)
        codes, distinct_names = codes_of(names)
        ids = {c.name: c.category_id for c in reversed(categories)}
        numbers = np.array([*(ids.get(name, NO_POSITION) for name in distinct_names), NO_POSITION], np.int64)
        image_ids = np.append(images["image_id"], NO_POSITION)
        own = objects(sources) if sources is not None else objects([*images["source"].tolist(), None])[rows]
        table = annotation_columns(
            m, annotation_id=indices, image_id=image_ids[rows], image_row=rows, category_id=numbers[codes],
            category=names, x_min=edges[:, 0], y_min=edges[:, 1], x_max=edges[:, 2], y_max=edges[:, 3], source=own,
            line=lines, index=indices, **{name: _marked(m, at) for name, at in self._flags.items()},
            **self._optional(m))
        if (rows[1:] < rows[:-1]).any():
            table = table.take(np.argsort(rows, kind="stable"))
        return table

    def _optional(self, m: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, values in self._extra.items():
            if name in CORNER_COLUMNS:
                continue
            is_number = OPTIONAL_ANNOTATION_COLUMNS.get(name, ("object", ""))[0] == "float64"
            column = np.full(m, np.nan) if is_number else np.full(m, None, object)
            for position, value in values.items():
                column[position] = value
            out[name] = column
        if self.wants_corners:
            corners = np.full((m, 8), np.nan)
            if self._corners:
                corners[list(self._corners)] = np.array(list(self._corners.values()), np.float64)
            out.update({name: corners[:, k] for k, name in enumerate(CORNER_COLUMNS)})
        return out


def _marked(m: int, positions: list[int]) -> Any:
    flags = np.zeros(m, bool)
    flags[positions] = True
    return flags


class MemorySource:
    """An opened set; its tables are in memory, and shards are cuts of them.

    Args:
        info: of the set.
        images: of the set.
        annotations: sorted by `image_row`, in which the number of images stands for an unknown one.
        problems: met while reading.
    """

    def __init__(self, info: DatasetInfo, images: Columns, annotations: Columns, problems: Sequence[Problem]) -> None:
        self.info = info
        self._images, self._annotations = images, annotations
        self._problems = problem_columns(problems)

    def images_by_source(self, sources: Sequence[str]) -> list[Columns]:
        """Return the images of each of some annotation files."""
        own = self._images["source"]
        return [self._images.take(np.flatnonzero(own == source)) for source in sources]

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the tables; annotations of unknown images go with the last part."""
        return cuts_of(self._images, self._annotations, self._problems, size)


def memory_source(format: str, request: OpenRequest, base: Path, gathered: Gathered, *, files: Sequence[Path],
                  categories: Sequence[Category] = (), columns: frozenset[str] = frozenset(), notes: Sequence[str] = (),
                  problems: Sequence[Problem] = (), sources: Sequence[str] | None = None,
                  beyond: Mapping[str, int] | None = None) -> MemorySource:
    """Find the images of what was gathered and return the opened set.

    Args:
        format: its name.
        request: what was to be opened.
        base: folder that paths are relative to.
        gathered: images and objects.
        files: annotation files of the set.
        categories: declared ones.
        columns: that can be asked for.
        notes: for the user.
        problems: of the set as a whole.
        sources: file of each object's record, where it is not that of its image.
        beyond: what the files hold that no table has, and how many.
    """
    tree = ImageTree.below(request.images or base)
    images = gathered.image_table()
    found, told = _located(images, gathered.lookups, base, tree, gathered.file_sizes)
    annotations = gathered.annotation_table(categories, found, sources)
    of_set = [*problems, *told, *(orphans([found], tree, base) if request.root.is_dir() else []),
              *namesakes(tree, found["file"].tolist())]
    splits = tuple(dict.fromkeys(s for s in images["split"].tolist() if s is not None))
    without = sorted(gathered.shapeless.difference(annotations["image_row"].tolist()))
    only_left_out = frozenset(found["path"][r] for r in without if r < len(found))
    info = DatasetInfo(
        format=format, root=base, categories=tuple(categories), splits=splits, problems=tuple(of_set), columns=columns,
        notes=tuple(notes), only_left_out=only_left_out, has_files=bool(is_given(found["file"]).any()), beyond=dict(beyond or {}))
    return MemorySource(info, found, annotations, by_their_paths(gathered.problems, found))


def _located(images: Columns, lookups: Mapping[int, str], base: Path, tree: ImageTree,
             sizes: Mapping[int, int]) -> tuple[Columns, list[Problem]]:
    """Find the images of each annotation file, in the folders it would keep them."""
    names = images["declared_path"].copy()
    for row, name in lookups.items():
        names[row] = name
    sources = images["source"].tolist()
    by_source: dict[str, list[int]] = {}
    paths, opened = np.full(len(images), None, object), np.full(len(images), None, object)
    direct = tree.exact if tree.folder == base else frozenset()
    for row, source in enumerate(sources):
        near = lookups.get(row)
        if near is not None and near in direct:  # sets of a file per image are looked up one by one
            paths[row], opened[row] = near, tree.open_path(near)
        else:
            by_source.setdefault(source, []).append(row)
    problems: list[Problem] = []
    splits = images["split"].tolist()
    for source, rows in by_source.items():
        at = np.array(rows, np.int64)
        part = images.take(at).with_columns({"declared_path": names[at], "path": names[at]})
        own = {k: sizes[row] for k, row in enumerate(rows) if row in sizes}
        part, told = locate(part, base / source, base, tree, splits[rows[0]], own)
        paths[at], opened[at] = part["path"], part["file"]
        problems += [p if p.index < 0 else replace(p, index=int(images["index"][at[p.index]])) for p in told
                     if p.index < 0 or p.kind == "several-files" or int(at[p.index]) not in lookups]
    return images.with_columns({"path": paths, "file": opened}), problems
