"""Images that records name: gathered, found on disk, and those that no record names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import numpy as np

from dsinspect.tables.columns import Columns
from dsinspect.tables.schema import NO_POSITION, Problem, image_columns
from dsinspect_formats._images import ImageTree, namesakes, relative
from dsinspect_formats._reading import split_of


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
