"""The one place that makes paths of a dataset's text: names, splits, classes and file names stay inside a folder.

A dataset is hostile text: a split may be called `../../x`, an image `/etc/passwd`, and a folder that is there already may
hold links that lead out of it.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path, PurePosixPath

from dsinspect.errors import UserError

_NO_NAME = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")
"""What no file of annotations can say of a path: NUL, and bytes that are no UTF-8."""
MAX_NAME = 200
"""Bytes of a name that is made of text; file systems take 255, and a suffix or a temporary name's own part needs room."""


def name_of(text: str, fallback: str = "unnamed") -> str:
    """Return one name for a file or folder: no separators, no `..`, no control characters, not hidden, not too long.

    A text that is such a name already stays as it is.

    >>> name_of("train"), name_of("../../../x"), name_of("a/b"), name_of("..")
    ('train', 'x', 'a_b', 'unnamed')
    """
    parts = [p for p in re.split(r"[/\\]", _NO_NAME.sub("_", text)) if p.strip(". ")]
    return _shortened("_".join(parts).lstrip(".") or fallback)


def inside(path: str, fallback: str = "image") -> str:
    r"""Return a POSIX path without what would lead out of the folder it is joined to; each byte that is no text is `_`.

    >>> inside("../a/./b.jpg"), inside("/etc/passwd"), inside(".."), inside("caf\udce9.png")
    ('a/b.jpg', 'etc/passwd', 'image', 'caf_.png')
    """
    parts = [_shortened(p) for p in PurePosixPath(_NO_TEXT.sub("_", path)).parts if p not in ("..", ".", "/", "//")]
    return "/".join(parts) or fallback


NAMES_LOST = "names of image files that are no UTF-8: each such byte is now _"
"""How a loss is named where `inside` changed names that no file of annotations can say."""


def is_no_text(path: str) -> bool:
    """Say whether a path has bytes that are no UTF-8."""
    return not path.isascii() and _NO_TEXT.search(path) is not None


_NOT_PLAIN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]|(?:^|(?<=/))\s|\s(?=/|$)|^\ufeff")
NAMES_PLAIN = "names of image files with control characters, backslashes, or spaces at an end: each of these is now _"
"""How a loss is named where `plain` or `plain_stem` changed names that the format does not hold."""
SECOND_RECORDS = "image records that name an image a second time"
"""How a loss is named where a format holds an image once: its records become one, with the boxes of all."""


def plain(path: str) -> str:
    r"""Return a path for formats that hold no control characters, nor spaces at the end of a name: each becomes `_`.

    >>> plain("a b/ c\r.png")
    'a b/_c_.png'
    """
    return path if path.isascii() and path.isprintable() and " " not in path else _NOT_PLAIN.sub("_", path)


def plain_stem(path: str) -> str:
    r"""Return a path as `plain` does, for formats that name images without their suffix: no spaces and backslashes there either.

    >>> plain_stem("a/b .png")
    'a/b_.png'
    """
    name = PurePosixPath(plain(path).replace("\\", "_"))
    stem = name.stem.rstrip()
    return str(name.with_name(stem + "_" * (len(name.stem) - len(stem)) + name.suffix)) if stem != name.stem else str(name)


def leads_outside(path: str) -> bool:
    """Say whether a POSIX path that is joined to a folder leads out of it."""
    return path.startswith("/") or ".." in path.split("/") or (os.sep == "\\" and (":" in path or ".." in path.split("\\")))


def held(folder: Path, path: str) -> Path:
    """Return `folder / path` for writing.

    Raises:
        UserError: it leads out of the folder, by its text or through a link on the way.
    """
    target = folder / path
    if leads_outside(path):
        raise UserError(f"{path}: leads out of {folder}; nothing is written there")
    home = os.path.realpath(folder)
    if os.path.commonpath((home, os.path.realpath(target.parent))) != home:
        raise UserError(f"{target}: a link on the way leads out of {folder}; nothing is written there")
    return target


class SplitNames:
    """Gives each split a name that can be a file or folder; two splits never get one name."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._owners: dict[str, str] = {}

    def of(self, split: str | None) -> str | None:
        """Return the name of a split; None for images of no split."""
        if split is None:
            return None
        if split not in self._given:
            base = name_of(split)
            name, number = base, 2
            while self._owners.setdefault(name.casefold(), split) != split:
                name, number = f"{base}__{number}", number + 1
            self._given[split] = name
        return self._given[split]

    @property
    def changed(self) -> dict[str, str]:
        """The splits that are called something else, and what."""
        return {a: b for a, b in self._given.items() if a != b}


def _shortened(name: str) -> str:
    encoded = name.encode("utf-8", "surrogatepass")
    if len(encoded) <= MAX_NAME:
        return name
    digest = hashlib.blake2b(encoded, digest_size=6).hexdigest()
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a name, not a path
    kept = stem.encode("utf-8", "ignore")[:MAX_NAME - 20 - len(suffix.encode("utf-8", "ignore")[:16])].decode("utf-8", "ignore")
    return f"{kept}__{digest}{suffix[:16]}"
