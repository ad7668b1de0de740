"""Find out quickly what a folder holds: names by suffix, and the first bytes of a few files, each looked up once.

Some twenty-five formats look at the same folder. Within `remembered_listings` it is listed once, and each head is read once,
whoever asks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from dsinspect.io.places import remembered
from dsinspect.io.reading import READ_FLAGS, read_beginning
from dsinspect.io.unread import note_forbidden
from dsinspect.protocols.formats import Detection
from dsinspect_formats._images import relative, stem_of, walk
from dsinspect_formats._text import decode

SNIFF_BYTES = 64 * 1024
LOOKED_AT = 40
"""Files of a folder that are looked at to recognise it."""


def ends_of(path: Path) -> bytes:
    """Return the first and last 64 KB of a file; nothing when it cannot be read."""
    return remembered(("ends", path), partial(_ends_of, path))


def is_damaged_json(path: Path) -> bool:
    """Say whether a .json file holds no JSON value; of one above 64 KB, whether it ends as none does."""
    if path.suffix.lower() != ".json":
        return False
    content = ends_of(path)
    if len(content) >= SNIFF_BYTES:
        return not content.rstrip(b" \t\r\n\0").endswith((b"}", b"]"))
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return True
    return False


def _ends_of(path: Path) -> bytes:
    try:
        descriptor = os.open(path, READ_FLAGS)
    except (OSError, ValueError) as e:
        _note(path, e)
        return b""
    try:  # without a file object, in a third of the time: there may be a file per image
        content = os.read(descriptor, SNIFF_BYTES)
        if len(content) == SNIFF_BYTES:
            size = os.lseek(descriptor, 0, os.SEEK_END)
            os.lseek(descriptor, max(SNIFF_BYTES, size - SNIFF_BYTES), os.SEEK_SET)
            content += os.read(descriptor, SNIFF_BYTES)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return content.decode("utf-16", "ignore").encode() if content[:2] in (b"\xff\xfe", b"\xfe\xff") else content


def files_below(root: Path, suffixes: tuple[str, ...] = (".json",)) -> Iterator[Path]:
    """Yield the files of a set with one of some suffixes: the file itself, or those below the folder, in order."""
    if root.is_file():
        if root.suffix.lower() in suffixes:
            yield root
        return
    for path in walk(root):
        if path.lower().endswith(suffixes):
            yield root / path


def first_like(root: Path, looks_like: Callable[[bytes], bool], suffixes: tuple[str, ...] = (".json",)) -> Path | None:
    """Return the first file, of the first forty, whose beginning and end look like a format's."""
    return next((p for p in islice(files_below(root, suffixes), LOOKED_AT) if looks_like(ends_of(p))), None)


def files_that(root: Path, is_named: Callable[[str], object], is_one: Callable[[Path], object], *, first_only: bool) -> list[str]:
    """Return the files below a folder, relative to it, that have a format's name and are of the format.

    Args:
        root: of the set.
        is_named: whether a path has such a name.
        is_one: whether a file is of the format, by its content.
        first_only: stop at the first, and after forty files of such a name: for detection.
    """
    found: list[str] = []
    for path in islice(filter(is_named, walk(root)), LOOKED_AT if first_only else None):
        if is_one(root / path):
            found.append(path)
            if first_only:
                break
    return found


def head_of(path: Path, size: int = 4096) -> bytes:
    """Return the first bytes of a regular file, nothing when it cannot be read: for detection."""
    # A pipe or a device with a label's name must not be waited for.
    try:
        return read_beginning(path, size)
    except (OSError, ValueError) as e:  # a name may hold a NUL
        _note(path, e)
        return b""


def _note(path: Path, error: OSError | ValueError) -> None:
    """Remember a file that may not be read and may hold a whole set; files of one image are asked for, and missed, on their own."""
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        note_forbidden(path, error)


_NO_LABELS = frozenset(("classes", "labels", "names", "readme", "license", "train", "val", "valid", "test", "trainval", "all"))


def label_files(root: Path, suffix: str, looks: Callable[[bytes], bool], named: Collection[str] = (), *,
                first_only: bool = False) -> list[str]:
    """Return the files below a folder that are labels: those of each folder in which one of the first files looks so.

    Args:
        root: of the set.
        suffix: of the files, in lower case.
        looks: whether the head of a file has rows of the format.
        named: folders whose files are labels if none looks so at all: those of a set without boxes.
        first_only: stop at the first folder, and after 40 files: for detection.
    """
    folders: dict[str, list[str]] = {}
    for path in walk(root):
        if path.lower().endswith(suffix) and stem_of(path).lower() not in _NO_LABELS:
            folders.setdefault(path.rpartition("/")[0], []).append(path)
    good: set[str] = set()
    looked = 0
    for folder, paths in folders.items():
        tried = 0
        for path in paths:
            looked += 1
            head = head_of(root / path)
            tried += bool(head.strip())
            if looks(head):
                if first_only:
                    return [path]
                good.add(folder)
                break
            if tried >= 5 or (first_only and looked >= LOOKED_AT):
                break
        if first_only and looked >= LOOKED_AT:
            return []
    names = {f.rpartition("/")[2] for f in good} or set(named)  # a folder of that name holds labels though its rows are faulty
    return [p for folder, paths in folders.items() if folder.rpartition("/")[2] in names for p in paths]


def first_lines(head: bytes, count: int = 8) -> list[str]:
    """Return the first whole lines with something on them."""
    text = decode(head)[0]
    lines = text.split("\n")
    if len(head) >= 4096 and len(lines) > 1:
        lines.pop()  # it may be cut
    return [line.strip() for line in lines if line.strip()][:count]


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
