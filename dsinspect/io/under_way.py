"""Files and folders under a temporary name, so that a program that must end at once can sweep them up."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from dsinspect.io.folders import remove_folder

_paths: set[Path] = set()


@contextlib.contextmanager
def under_way(path: Path) -> Iterator[None]:
    """Remember a temporary file or folder while it is filled; it goes when that is broken off, at whatever moment."""
    _paths.add(path)
    try:
        yield
    except BaseException:  # an interrupt may come between the making of a folder and the note that it is there
        _remove(path)
        raise
    finally:
        _paths.discard(path)


class Completion:
    """Whether the output of this program is whole, so that a first ^C or SIGTERM comes too late to break anything off."""

    reached = False


def complete() -> None:
    """Say that the output is whole and the program about to end: it ends as if it had not been asked to."""
    Completion.reached = True


def sweep() -> None:
    """Remove what is under way in this process; what cannot be removed stays."""
    for path in list(_paths):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        remove_folder(path)
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108


def is_alive(pid: int) -> bool:
    """Say whether a process runs; one that cannot be asked counts as running, one that ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            return not file.read().rpartition(b")")[2].lstrip().startswith((b"Z", b"X"))
    except OSError:  # no /proc here
        return True
