"""Read files of a dataset: regular ones only, of a bounded size, and text only from inside the dataset.

A dataset is hostile: a FIFO would be waited for without end, a link to /dev/zero read until memory is full, and a link to a
private file would put its content into a report.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import IO

from dsinspect.io.limits import limits, too_large
from dsinspect.io.packed import member_at

READS_OUTSIDE = "DSINSPECT_READ_OUTSIDE"
"""Environment variable that `dsinspect --read-outside` sets: text outside of the dataset is read through links and paths."""
_LARGE = 64 << 20
"""Bytes from which on a file is looked at for holes."""
READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def read_regular(path: str | os.PathLike[str], limit: str = "text_mb") -> bytes:
    """Return the content of a regular file, or of an image that stays in its archive.

    Args:
        path: the file; a link is followed.
        limit: name of the limit (`dsinspect.io.limits`) that holds for it, in MB.

    Raises:
        OSError: it is not there, no regular file, or larger than the limit; `strerror` says which, and how to change the limit.
    """
    most = getattr(limits(), limit) << 20
    status = os.stat(path)  # noqa: PTH116 - opening some devices does something
    require_regular(status, path)
    if (member := member_at(path, status)) is not None:
        if member.size > most:
            raise too_large(path, member.size, limit)
        return member.content()
    descriptor = os.open(path, READ_FLAGS)  # O_NONBLOCK: opening a FIFO that nobody writes would never return
    try:  # half the time of a file object, which counts for a label file per image
        status = os.fstat(descriptor)
        _require_text(status, descriptor, path, limit)
        content = os.read(descriptor, status.st_size + 1)  # `most + 1` would take memory for the limit, not for the file
        if len(content) != status.st_size or not content:  # a file of /proc has no size, one may grow, and a read may stop early
            parts, size = [content], len(content)
            while size <= most and (more := os.read(descriptor, 1 << 20)):
                parts.append(more)
                size += len(more)
            content = b"".join(parts)
        if len(content) > most:
            raise too_large(path, len(content), limit)
        return content
    finally:
        os.close(descriptor)


def read_beginning(path: str | os.PathLike[str], size: int) -> bytes:
    """Return the first bytes of a regular file; fewer where it ends.

    Raises:
        OSError: it is not there, no regular file, or cannot be read.
        ValueError: the name holds a NUL.
    """
    if (member := member_at(path)) is not None:
        return member.read_at(0, size)
    descriptor = os.open(path, READ_FLAGS)  # without a file object, in a third of the time: there may be a file per image
    try:
        require_regular(os.fstat(descriptor), path)
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


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


def require_text(file: IO[bytes], path: str | os.PathLike[str], limit: str = "text_mb") -> None:
    """Raise OSError unless an open file is a regular one, within a limit in MB, and without holes: before it is mapped."""
    _require_text(os.fstat(file.fileno()), file.fileno(), path, limit)


def _require_text(status: os.stat_result, descriptor: int, path: str | os.PathLike[str], limit: str) -> None:
    require_regular(status, path)
    if status.st_size > getattr(limits(), limit) << 20:
        raise too_large(path, status.st_size, limit)
    if status.st_size > _LARGE:
        require_no_holes(descriptor, status.st_size, path)


def require_no_holes(descriptor: int, size: int, path: str | os.PathLike[str]) -> None:
    """Raise OSError when a file is sparse: a terabyte of holes takes no room on the disk, and all of the memory."""
    seek_hole = getattr(os, "SEEK_HOLE", None)
    if seek_hole is None:
        return
    try:
        first = os.lseek(descriptor, 0, seek_hole)
    except OSError:  # a file system that knows no holes
        return
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)
    if first < size:
        raise OSError(errno.EINVAL, f"{size / (1 << 20):,.0f} MB with holes (a sparse file) where there should be text",
                      os.fspath(path))


def require_no_vast_holes(path: str | os.PathLike[str]) -> None:
    """Raise OSError when more than 64 MB of a file are holes, which take no room on the disk, and memory when they are read."""
    if not hasattr(os, "SEEK_HOLE"):
        return
    descriptor = os.open(path, READ_FLAGS)
    try:
        size = os.fstat(descriptor).st_size
        at = holes = 0
        while holes <= _LARGE and (hole := os.lseek(descriptor, at, os.SEEK_HOLE)) < size:
            try:
                at = os.lseek(descriptor, hole, os.SEEK_DATA)
            except OSError as e:
                if e.errno != errno.ENXIO:
                    raise
                at = size  # nothing but a hole follows
            holes += at - hole
            if at >= size:
                break
    except OSError:  # a file system that knows no holes
        return
    finally:
        os.close(descriptor)
    if holes > _LARGE:
        raise OSError(errno.EINVAL, "more than 64 MB of it are holes (a sparse file); `cp --sparse=never` makes a whole one",
                      os.fspath(path))


def reads_outside() -> bool:
    """Say whether the user allows text outside of the dataset to be read."""
    return os.environ.get(READS_OUTSIDE, "") not in ("", "0")


def leaves(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> bool:
    """Say whether a path leads out of a folder, links followed."""
    home = os.path.realpath(folder)
    real = os.path.realpath(path)
    return real != home and not real.startswith(os.path.join(home, ""))  # noqa: PTH118 - the separator at the end is wanted
