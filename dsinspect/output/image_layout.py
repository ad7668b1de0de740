"""Where the images of a converted set go, without two of them in one place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import Protocol

from dsinspect.io.containment import inside


class Placing(Protocol):
    """What a format says of the places of images: see `Format`."""

    @property
    def by_stem(self) -> bool:
        """Whether label files are found by the stem of an image."""
        ...

    @property
    def by_file(self) -> bool:
        """Whether two records of one image would be read as one."""
        ...

    def place(self, path: str, split: str | None) -> str:
        """Return where an image belongs, relative to the output."""
        ...


class Places:
    """Gives each image its place in the output; the same images in the same order get the same places.

    Two images do not share a place. Where label files are found by the stem of an image they do not share a stem either,
    nor one but for its case. The second one's name gets its folders in front, and a number if that is not enough. An image
    that stands in two splits keeps one place where the format has one place for it.

    Args:
        kind: the target's format.
    """

    def __init__(self, kind: Placing) -> None:
        self._place = kind.place
        self._by_stem = kind.by_stem
        self._by_record = kind.by_stem or kind.by_file
        self._owners: dict[bytes, bytes] = {}
        self._records: dict[bytes, int] = {}

    def of(self, path: str, split: str | None) -> str:
        """Return the place of an image, POSIX and relative to the output.

        Args:
            path: of the image in its own dataset.
            split: it belongs to.
        """
        owner = _digest(path)
        if self._by_record:  # a second record of the image in its split needs a file of its own
            record = _digest(f"{split}\0{path}")
            earlier = self._records.get(record, 0)
            self._records[record] = earlier + 1
            owner = _digest(f"{path}\0{earlier}") if earlier else owner
        wanted = inside(self._place(path, split))
        for candidate in _candidates(_with_stem(wanted) if self._by_stem else wanted, path):
            key = str(PurePosixPath(candidate).with_suffix("")).casefold() if self._by_stem else candidate
            if self._owners.setdefault(_digest(key), owner) == owner:
                return candidate
        raise AssertionError("numbers do not end")


def _with_stem(path: str) -> str:
    """Return a path with a stem that all readers agree on: of `..png` it is `.` or `..png`, and its files are not found.

    >>> _with_stem("a/..png"), _with_stem(".png"), _with_stem("a..png")
    ('a/_.png', '_.png', 'a..png')
    """
    folder, slash, name = path.rpartition("/")
    suffix = name.lstrip(".")
    if suffix == name or "." in suffix:
        return path
    return f"{folder}{slash}{'_' * max(1, len(name) - len(suffix) - 1)}.{suffix}"


def _candidates(wanted: str, path: str) -> Iterator[str]:
    yield wanted
    place = PurePosixPath(wanted)
    folders = [p for p in PurePosixPath(path).parent.parts if p not in ("/", "..", ".")]
    name = PurePosixPath(inside("__".join((*folders, place.name))))
    if folders:
        yield str(place.with_name(str(name)))
    for number in itertools.count(2):
        yield str(place.with_name(f"{name.stem}__{number}{name.suffix}"))


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogateescape"), digest_size=12).digest()
