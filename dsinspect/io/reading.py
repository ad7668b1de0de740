"""Read files of a dataset: regular ones only, of a bounded size, and text only from inside the dataset.

A dataset is hostile: a FIFO would be waited for without end, a link to /dev/zero read until memory is full, and a link to a
private file would put its content into a report.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

READS_OUTSIDE = "DSINSPECT_READ_OUTSIDE"
"""Environment variable that `dsinspect --read-outside` sets: text outside of the dataset is read through links and paths."""
MAX_TEXT_BYTES = int(os.environ.get("DSINSPECT_MAX_TEXT_MB", "4096")) << 20
"""Bytes of one annotation file at most; `DSINSPECT_MAX_TEXT_MB` sets it in MB."""
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def read_regular(path: str | os.PathLike[str], limit: int | None = None) -> bytes:
    """Return the content of a regular file.

    Args:
        path: the file; a link is followed.
        limit: bytes at most; `MAX_TEXT_BYTES` when None.

    Raises:
        OSError: it is not there, no regular file, or larger than the limit; `strerror` says which, and how to change the limit.
    """
    most = MAX_TEXT_BYTES if limit is None else limit
    require_regular(os.stat(path), path)  # noqa: PTH116 - opening some devices does something
    descriptor = os.open(path, _FLAGS)  # O_NONBLOCK: opening a FIFO that nobody writes would never return
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
        status = os.fstat(file.fileno())
        require_regular(status, path)
        if status.st_size > most:
            raise too_large(path, status.st_size, most)
        content = file.read(status.st_size + 1)  # `read(most + 1)` would take memory for the limit, not for the file
        while len(content) <= most and (more := file.read(1 << 20)):  # a file of /proc has no size, and one may grow
            content += more
        if len(content) > most:
            raise too_large(path, len(content), most)
        return content


def require_regular(status: os.stat_result, path: str | os.PathLike[str]) -> None:
    """Raise OSError unless a stat is of a regular file."""
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory", os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is no regular file", os.fspath(path))


def is_regular(path: str | os.PathLike[str]) -> bool:
    """Say whether there is a regular file, links followed; nothing is opened."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116
    except (OSError, ValueError):
        return False


def too_large(path: str | os.PathLike[str], size: int, limit: int) -> OSError:
    """Return the error of a file that is larger than a limit."""
    return OSError(errno.EFBIG, f"{size / (1 << 20):,.0f} MB, more than the {limit >> 20:,} MB that are read "
                   "(DSINSPECT_MAX_TEXT_MB)", os.fspath(path))


def reads_outside() -> bool:
    """Say whether the user allows text outside of the dataset to be read."""
    return os.environ.get(READS_OUTSIDE, "") not in ("", "0")


_left_alone: dict[str, None] = {}


def leave_alone(path: str) -> None:
    """Remember something outside of the dataset that is not read, for `left_alone` to tell."""
    _left_alone[path] = None


def left_alone() -> list[str]:
    """Return what was not read since the last call."""
    found = sorted(_left_alone)
    _left_alone.clear()
    return found


def leaves(path: str | os.PathLike[str], folder: Path) -> bool:
    """Say whether a path leads out of a folder, links followed."""
    home = os.path.realpath(folder)
    real = os.path.realpath(path)
    return real != home and not real.startswith(os.path.join(home, ""))  # noqa: PTH118 - the separator at the end is wanted
