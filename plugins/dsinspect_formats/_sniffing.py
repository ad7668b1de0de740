"""Find out quickly what a folder holds: names by suffix, and the first bytes of a few files, each looked up once.

Some twenty-five formats look at the same folder. Within `remembered_listings` it is listed once, and each head is read once,
whoever asks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from dsinspect.io.places import remembered
from dsinspect.protocols.formats import Detection
from dsinspect_formats._images import relative, walk
from dsinspect_formats._reading import head_of

T = TypeVar("T")
HEAD = 1 << 16
"""Bytes of a head."""
SAMPLED = 32
"""Files that stand for all of a folder."""


def names_in(root: Path, *suffixes: str) -> list[str]:
    """Return the paths of the files below a folder with one of some suffixes (lower case), relative to it, sorted.

    A file stands for itself: its own name. A name that begins with a dot is left out.
    """
    if root.is_file():
        return [root.name] if root.name.lower().endswith(suffixes) else []
    by_suffix = remembered(("by suffix", os.fspath(root)), partial(_by_suffix, root))
    found = [p for s in suffixes for p in by_suffix.get(s, ())]
    return found if len(suffixes) == 1 else sorted(found)


def _by_suffix(root: Path) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for path in walk(root):
        name = path.rpartition("/")[2]
        dot = name.rfind(".")
        if dot > 0:
            groups.setdefault(name[dot:].lower(), []).append(path)
    return groups


def place_of(root: Path, name: str) -> Path:
    """Return the place of a name that `names_in` gave."""
    return root if root.is_file() else root / name


def head(path: Path) -> bytes:
    """Return the first bytes of a regular file; none of one that is no file or cannot be read."""
    return remembered(("head", os.fspath(path)), partial(head_of, path, HEAD))


def tail(path: Path) -> bytes:
    """Return the last bytes of a file, as many as of a head; none of one that cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - HEAD))
            return file.read(HEAD)
    except OSError:
        return b""


def found_in(root: Path, file: Path | None, what: str, mark: bytes, confidence: float = 0.9) -> Detection | None:
    """Return what was found in a file, with about how many records there are; None of no file.

    Args:
        root: of the set.
        file: the first that is of the format.
        what: is in it, in words.
        mark: what each record has once.
        confidence: that it is the format.
    """
    if file is None:
        return None
    name = relative(file, root) if root.is_dir() else root.name
    return Detection(confidence, f"{name} {what}", weigh(root, name, mark))


def sample(items: Sequence[T], count: int = SAMPLED) -> list[T]:
    """Return some of the items, evenly spread, the first among them."""
    if len(items) <= count:
        return list(items)
    return [items[k * len(items) // count] for k in range(count)]


def weigh(root: Path, first: str, mark: bytes) -> int:
    """Return about how many records a set holds: how often something of each stands in files like the first one.

    Those are files of its suffix in folders of its folder's name. Heads count for whole files, and a sample for all.

    Args:
        root: of the set.
        first: a file of it, relative to the root.
        mark: what each record has once.
    """
    folder = f"/{first}".rsplit("/", 2)[-2]
    suffix = first[first.rfind("."):].lower()
    return marks_in(root, [n for n in names_in(root, suffix) if f"/{n}".rsplit("/", 2)[-2] == folder], mark)


def marks_in(root: Path, names: Sequence[str], mark: bytes) -> int:
    """Return about how often something of each record stands in files, as `weigh` does."""
    def records(name: str) -> int:
        place = place_of(root, name)
        content = head(place)
        if len(content) < HEAD:
            return content.count(mark)
        counted = content.count(mark) or tail(place).count(mark)  # a long list of classes, or an image, may come first
        return max(1, round(counted * size_of(place) / len(content)))

    return estimate(names, records)[0]


def size_of(path: Path) -> int:
    """Return the bytes of a file, 0 when it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def estimate(items: Sequence[str], records: Callable[[str], int | None]) -> tuple[int, str | None]:
    """Estimate how many records some files hold, from a sample of them.

    Args:
        items: the files.
        records: of one of them; None when it is none of the format.

    Returns:
        the estimate, at least 1 when one of the sample holds a record; and the first of the sample that is of the format.
    """
    chosen = sample(items)
    counts = [records(item) for item in chosen]
    total = sum(c for c in counts if c is not None)
    first = next((i for i, c in zip(chosen, counts, strict=True) if c is not None), None)
    return (max(1, round(total * len(items) / len(chosen))) if total else 0), first
