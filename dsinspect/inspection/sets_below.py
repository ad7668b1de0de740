"""Name the datasets in the folders below a path that holds several: each by the path to give instead."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from dsinspect.io.files import IMAGE_SUFFIXES
from dsinspect.io.folders import walk
from dsinspect.io.split_names import SPLIT_NAMES

LOOKED_AT = 300
"""Folders in which a dataset is looked for."""
DEEPEST = 4
"""Levels of folders in which one is looked for."""
HOLDS_IMAGES = IMAGE_SUFFIXES | {".tfrecord", ".tfrecords", ".record", ".parquet", ".arrow"}
"""Suffixes of images, and of files that have images in them."""
FILES = 2_000
"""Files of a folder among which an image has to be."""
PARTS = frozenset((*SPLIT_NAMES, "dev", "trainval"))
"""Folders that are the splits of one dataset, and no datasets."""


@dataclass(frozen=True)
class Below:
    """A folder that is a dataset: its path, and the formats that know it, the one that finds most first."""

    path: Path
    formats: tuple[str, ...]
    records: str


Look = Callable[[Path], Sequence[tuple[str, str]]]


@dataclass
class _Search:
    look: Look
    left: int = field(default=LOOKED_AT)

    def below(self, folder: Path, depth: int) -> Iterator[Below]:
        for child in _folders(folder):
            if self.left <= 0:
                return
            self.left -= 1
            deeper = list(self.below(child, depth + 1)) if depth < DEEPEST else []
            if len(deeper) > 1 and not any(b.path.name.lower() in PARTS for b in deeper):
                yield from deeper
            elif (seen := self.look(child)) and _has_image(child):
                yield Below(child, tuple(name for name, _ in seen), seen[0][1])
            else:
                yield from deeper


def sets_below(root: Path, look: Look) -> list[Below]:
    """Return the folders below one that are datasets with images of their own; none when they are the splits of one.

    Args:
        root: the folder.
        look: gives the formats that know a folder, each with how many records it finds, in words.
    """
    if not root.is_dir():
        return []
    found = list(_Search(look).below(root, 1))
    return [] if any(b.path.name.lower() in PARTS for b in found) else found


def named(root: Path, path: str, these: Sequence[Below], shown: int) -> tuple[str, ...]:
    """Return a line for each: the path to paste, its format and its records."""
    lines = [f"{shlex.quote(os.path.join(path, b.path.relative_to(root)))}: {' or '.join(b.formats)}{b.records}"  # noqa: PTH118
             for b in these[:shown]]
    return (*lines, f"and {len(these) - shown:,} more") if len(these) > shown else tuple(lines)


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as listing:
            names = sorted(e.name for e in listing if not e.name.startswith(".") and e.is_dir(follow_symlinks=False))
    except OSError:
        return []
    return [folder / name for name in names]


def _has_image(folder: Path) -> bool:
    names = (name for _, _, files in walk(folder) for name in files)
    return any(os.path.splitext(name)[1].lower() in HOLDS_IMAGES for name in islice(names, FILES))  # noqa: PTH122
