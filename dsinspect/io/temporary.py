"""Temporary folders that go when the program ends; those of runs that were killed go with the next run that makes one."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import tempfile
import time
from pathlib import Path

from dsinspect.io.folders import remove_folder
from dsinspect.io.under_way import is_alive

_NAME = re.compile(r"dsinspect-(\d{1,10})-[a-z0-9_]{8}")
_LOCK = ".dsinspect-run"
_NOT_LOCKED_YET_S = 60.0
"""Age below which a folder without a lock may be one that its run has just made."""
_held: list[int] = []
"""Locked files of this process: open, so that the locks last as long as it does, however it ends."""


def temporary_folder() -> Path:
    """Make a temporary folder that goes when the program ends, and remove what killed runs of this user have left.

    It stands in one that holds a locked file beside it: the lock is gone when the process is, whatever ended it.

    Raises:
        OSError: it cannot be made.
    """
    _sweep(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=f"dsinspect-{os.getpid()}-"))
    atexit.register(remove_folder, folder)
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    _held.append(descriptor)
    _lock(descriptor)
    inner = folder / "dataset"
    inner.mkdir()
    return inner


def beside(folder: Path) -> Path:
    """Return the place for one more file of a temporary folder, or of one in it, that is not seen in it."""
    home = next((p.parent for p in (folder, *folder.parents) if (p.parent / _LOCK).exists()), folder.parent)
    return home / f"beside-{sum(1 for _ in home.iterdir())}"


def discard(folder: Path) -> None:
    """Remove a temporary folder before the program ends."""
    remove_folder(folder.parent)


def _sweep(place: Path) -> None:
    """Remove the temporary folders of runs that ended without removing them; what cannot be removed stays."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(place):
            match = _NAME.fullmatch(entry.name)
            if match and entry.is_dir(follow_symlinks=False) and _is_left(Path(entry.path), int(match[1])):
                remove_folder(entry.path)


def _is_left(folder: Path, pid: int) -> bool:
    """Say whether a folder is ours and no run holds its lock; without locks, whether its process is gone."""
    with contextlib.suppress(OSError):
        if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
            return False
        try:
            descriptor = os.open(folder / _LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            return time.time() - folder.stat().st_mtime > _NOT_LOCKED_YET_S and not is_alive(pid)
        try:
            is_free = _lock(descriptor)
        finally:
            os.close(descriptor)
        return not is_alive(pid) if is_free is None else is_free
    return False


def _lock(descriptor: int) -> bool | None:
    """Lock a file for as long as it is open; False when another run has it, None where nothing can be locked."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True
