"""Files appear under their name whole or not at all: written beside it, flushed to the disk, renamed."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from dsinspect.io.folders import walk
from dsinspect.io.under_way import is_alive, under_way

_PARTIAL = re.compile(r"\.(.*)\.(\d+)-\d+\.part(\.[^.]*)?", re.DOTALL)
_MAX_SUFFIX = 50
"""Bytes of a suffix that a temporary name has too, for writers go by it; with a longer one it may have no room."""


def partial_name(path: Path) -> Path:
    """Return the temporary name of a file while it is written: hidden, beside it, with its suffix, of this thread alone.

    >>> partial_name(Path("out/a.json")).name.startswith(".a.")
    True
    """
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= _MAX_SUFFIX else ""
    return path.with_name(f".{cut(path.stem)}.{os.getpid()}-{threading.get_ident() % 1_000_000}.part{suffix}")


def cut(name: str, most: int = 100) -> str:
    """Return a name of so many bytes at most, for file systems count bytes; a character is kept whole or not at all.

    >>> cut("图" * 100, 100) == "图" * 33
    True
    """
    encoded = os.fsencode(name)
    return name if len(encoded) <= most else encoded[:most].decode("utf-8", "ignore")


@contextlib.contextmanager
def atomic(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give the temporary name to write to; it gets its own name when the block ends well, and goes when it does not.

    Whatever stands at `path`, a link too, is replaced and never written through. A durable file sweeps up what processes that
    were killed left of it.

    Args:
        path: the file to be.
        durable: wait until the disk has it, so that not even a power failure leaves half a file under the name. Files of a
            folder that has a temporary name itself need not wait.

    Raises:
        OSError: it cannot be written.
    """
    partial = partial_name(path)
    if durable:
        _sweep_beside(path)
    with under_way(partial):
        yield partial
        if durable:
            flush(partial)
        partial.replace(path)


def write_atomic(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    with atomic(path, durable=durable) as partial:
        partial.write_bytes(content)


def flush(path: Path) -> None:
    """Wait until the disk has a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep_below(folder: Path) -> None:
    """Remove the temporary files below a folder that processes which were killed left there; links are not followed."""
    for where, _, names in walk(folder):
        _sweep(where, names)


def _sweep_beside(path: Path) -> None:
    with contextlib.suppress(OSError):  # no such folder: writing says so
        _sweep(path.parent, os.listdir(path.parent), cut(path.stem))  # noqa: PTH208 - names are enough


def _sweep(folder: str | Path, names: Iterable[str], stem: str | None = None) -> None:
    for name in names:
        match = _PARTIAL.fullmatch(name) if name.startswith(".") else None
        if match and stem in (None, match[1]) and not is_alive(int(match[2])):
            with contextlib.suppress(OSError):  # a folder, or one that is not ours: it stays
                os.unlink(os.path.join(folder, name))  # noqa: PTH108, PTH118
