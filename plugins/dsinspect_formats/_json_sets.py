"""Sets of a few JSON files that are read whole: what all of these formats do alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from dsinspect.errors import UserError
from dsinspect.protocols.formats import OpenRequest
from dsinspect.tables.dataset import Category
from dsinspect_formats._gathering import Gathered, MemorySource, memory_source
from dsinspect_formats._images import ImageTree, relative
from dsinspect_formats._json_files import all_like, read_json_file
from dsinspect_formats._values import counted, first_reason
from dsinspect_formats._writing import left_out_losses
from dsinspect_formats.coco._files import base_folder, datasets_of, split_of
from dsinspect_formats.coco._records import collector_off


class Reading:
    """What a reader adds to while it goes over the files of a set.

    Attributes:
        gathered: images and objects.
        names: declared categories.
        left_out: what is no object with a box, and how many.
        not_read: what objects with a box hold that no table has, and how many.
        index: of the next record of the file.
        source: the file.
        split: of the file.
    """

    def __init__(self, columns: frozenset[str]) -> None:
        self.gathered = Gathered(columns)
        self.names: dict[str, None] = {}
        self.left_out: Counter[str] = Counter()
        self.not_read: Counter[str] = Counter()
        self.index = 0
        self.source = ""
        self.split: str | None = None

    def faulty(self, reason: object, record: Any, image: str | None = None, index: int | None = None) -> None:
        """Keep a record that cannot be read."""
        self.gathered.faulty(self.source, str(reason), record, index=self.index if index is None else index, image=image or None,
                             split=self.split)


def require_one_set(files: Sequence[Path], root: Path, title: str) -> None:
    """Raise a UserError when files lie in several folders, each with images of its own: such sets are never merged."""
    if not root.is_dir() or len(files) < 2:
        return
    found = datasets_of(files, root)
    apart = {f: names for f, names in found.items() if f and ImageTree.below(root / f).paths}
    if len(apart) == len(found) > 1 and not any(a != b and b.startswith(f"{a}/") for a in apart for b in apart):
        shown = ", ".join(names[0] for names in islice(apart.values(), 5))
        raise UserError(f"{root}: holds {len(apart)} {title} datasets ({shown}{', ...' if len(apart) > 5 else ''}); name one of "
                        "these files, or several as the splits of one dataset: train=A val=B")


def open_json_set(format: str, request: OpenRequest, looks_like: Callable[[bytes], bool], columns: frozenset[str],
                  read: Callable[[Any, Reading], bool], *, only_named_splits: bool = False,
                  title: str = "") -> MemorySource:
    """Read the JSON files of a set.

    Args:
        format: its name.
        request: what to open.
        looks_like: whether a file is the format's, by its beginning and end.
        columns: that can be asked for.
        read: takes the value of a file into the reading; returns whether it was the format's at all.
        only_named_splits: whether files that no split names are of none, though there are several.
        title: of the format, where files in several folders, each with images of its own, are several sets.

    Raises:
        UserError: no file, none in which anything can be read, or several sets.
    """
    files = all_like(request.root, looks_like)
    if not files:
        raise UserError(f"{request.root}: no {format} JSON file found")
    if title:
        require_one_set(files, request.root, title)
    base = base_folder(request.root)
    reading = Reading(request.columns & columns)
    good = False
    for path in files:
        reading.source, reading.index = relative(path, base), 0
        reading.split = split_of(path, only_named_splits or len(files) == 1)
        with collector_off():  # until the value is gone: turned on again, the collector would look at all of it
            value, problems = read_json_file(path, reading.source)
            reading.gathered.problems += problems
            if value is not None:
                good |= read(value, reading)
            del value
    if not good:
        raise UserError(f"{files[0]}: not a {format} file: {first_reason(reading.gathered.problems, 'its lists are missing')}")
    return finish(format, request, base, reading, files, columns)


def as_object(value: Any) -> dict[str, Any]:
    """Return a JSON object as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def finish(format: str, request: OpenRequest, base: Path, reading: Reading, files: Sequence[Path],
           columns: frozenset[str]) -> MemorySource:
    """Return the opened set of what was read."""
    what = ", ".join(counted(n, w.removesuffix("s"), w) for w, n in sorted(reading.left_out.items()))
    return memory_source(
        format, request, base, reading.gathered, files=files, columns=columns, notes=(f"left out: {what}",) if what else (),
        beyond=left_out_losses(reading.left_out + reading.not_read),
        categories=tuple(Category(k, name) for k, name in enumerate(reading.names)))
