"""Sets with a file of labels per image: read in the workers, each label matched with its image."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dsinspect.errors import UserError
from dsinspect.io.reading import read_regular
from dsinspect.protocols.formats import ShardRef
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import Problem, image_columns, problem_columns
from dsinspect_formats._images import ImageTree, is_of_images, namesakes, relative, stem_of
from dsinspect_formats._reading import reason_of, split_of
from dsinspect_formats._rows import Rows


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
