"""Several folders or files as one dataset, each of them a split."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dsinspect.errors import UserError
from dsinspect.inspection.request import DatasetRequest
from dsinspect.tables.columns import Columns, constant, objects
from dsinspect.tables.dataset import Category, DatasetInfo, Shard

if TYPE_CHECKING:
    from dsinspect.protocols.formats import ShardRef, Source

PATHS = ("path", "source", "image")
"""Columns of all tables that hold paths relative to the root."""


def combined(request: DatasetRequest, parts: Mapping[str, Source]) -> Source:
    """Return opened datasets as one, each of them a split.

    Paths are relative to the folder that holds them all, and so keep the names of the roots. A split that a part has
    itself gives way to the part's name.

    Raises:
        UserError: the parts are of different formats, or measure their boxes differently.
    """
    first_name, first = next(iter(parts.items()))
    for split, source in parts.items():
        for what, own, other in (("", first.info.format, source.info.format),
                                 ("boxes in ", first.info.box_units, source.info.box_units)):
            if own != other:
                raise UserError(f"{request.path}: {first_name} is {what}{own} and {split} is {what}{other}; convert one of them "
                                "first, or check them one by one")
    return _Combined(request, parts)


class _Combined:
    """Datasets one after the other."""

    def __init__(self, request: DatasetRequest, parts: Mapping[str, Source]) -> None:
        self._parts = {split: (source, request.prefixes.get(split, prefix_of(source.info.root, request.root)))
                       for split, source in parts.items()}
        infos = {split: source.info for split, source in parts.items()}
        first = next(iter(infos.values()))
        categories: dict[tuple[int, str], Category] = {}
        for info in infos.values():
            for category in info.categories:
                categories.setdefault((category.category_id, category.name), category)
        problems = [replace(p, source=prefix + p.source, image=None if p.image is None else prefix + p.image, split=split)
                    for split, (source, prefix) in self._parts.items() for p in source.info.problems]
        self.info = DatasetInfo(
            format=first.format, root=request.root, categories=tuple(categories.values()),
            split_categories={s: i.categories for s, i in infos.items()} if len(categories) > 0 else {},
            splits=tuple(infos), box_units=first.box_units, problems=tuple(problems),
            columns=frozenset.intersection(*(i.columns for i in infos.values())),
            notes=tuple(f"{s}: {n}" for s, i in infos.items() for n in i.notes),
            has_files=any(i.has_files for i in infos.values()), boxes_in_doubt=any(i.boxes_in_doubt for i in infos.values()),
            only_left_out=frozenset(prefix + i for source, prefix in self._parts.values() for i in source.info.only_left_out),
            flip_pairs=first.flip_pairs if all(i.flip_pairs == first.flip_pairs for i in infos.values()) else (),
            beyond=sum((Counter(i.beyond) for i in infos.values()), Counter()))

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut each part."""
        return [_PartShard(ref, prefix, split) for split, (source, prefix) in self._parts.items()
                for ref in source.shards(size)]


class _PartShard(msgspec.Struct, frozen=True):
    """A shard of a part, with the paths and the split of the whole."""

    ref: ShardRef
    prefix: str
    split: str

    def load(self) -> Shard:
        """Read it."""
        shard = self.ref.load()
        tables = [self._moved(t) for t in (shard.image_columns, shard.annotation_columns, shard.problem_columns)]
        return Shard(*tables)

    def _moved(self, table: Columns) -> Columns:
        new = {c: objects([v if v is None else self.prefix + v for v in table[c].tolist()]) for c in PATHS if c in table}
        if "split" in table:
            new["split"] = constant(self.split, "object", len(table))
        return table.with_columns(new)


def prefix_of(folder: Path, root: Path) -> str:
    """Return what the paths of a part begin with in the whole set."""
    path = Path(os.path.relpath(folder, root)).as_posix()
    return "" if path == "." else path + "/"
