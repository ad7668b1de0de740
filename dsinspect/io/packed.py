"""Images that stay in their archive: a placeholder stands for each, and its bytes are read from the archive.

A placeholder is a sparse file of the image's size, so that names, sizes and existence are what they would be, without the bytes.
It has no permissions, and what opens one in this process all the same is refused: its zeros are never taken for an image. An
index beside the folder says where in the archive the bytes are; workers find it by an environment variable, for an index that
lay in a dataset could name any file.
"""

from __future__ import annotations

import bisect
import errno
import itertools
import mmap
import os
import stat
import struct
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

from dsinspect.io.brought import as_named
from dsinspect.io.packed_bytes import Archive, Identity, Member, Place, identity_of

VARIABLE = "DSINSPECT_PACKED"
"""Environment variable that holds the places of the indexes, a JSON list: workers inherit it."""
_MOST_BYTES = 60_000
"""Of the variable: with more archives than it can name (Linux gives a variable 131,072 bytes) images are unpacked."""
_RECORD = struct.Struct(">QQQQQIIHB")
"""inode of the placeholder, offset, packed size, size, end of the room, CRC-32, CRC-32 of the name and its length, method."""
_INODE = struct.Struct(">Q")


class _Head(NamedTuple):
    """What an index says of its archive: where it is, what it was when it was opened, and where the placeholders are."""

    archive: str
    identity: Identity
    root: str
    device: int
    lasting: bool


class Leaving:
    """Leaves images in an archive: makes their placeholders, and the index."""

    def __init__(self, archive: Path, folder: Path, index: Path) -> None:
        """Take an archive, the folder that it is unpacked to, and the file of the index."""
        self._archive, self._folder, self._index = archive, folder, index
        self._records: list[bytes] = []
        self._device = -1
        self._identity = identity_of(os.stat(archive))  # noqa: PTH116

    def can(self) -> bool:
        """Say whether placeholders can be told from files there, and take no room: not on every file system, nor on Windows."""
        if not hasattr(os.stat_result, "st_blocks") or not hasattr(os, "pread") or len(os.environ.get(VARIABLE, "")) > _MOST_BYTES:
            return False
        trial = self._index.with_suffix(".trial")
        try:
            made = _placeholder(trial, 1 << 20)
            seen = os.stat(trial)  # noqa: PTH116
            self._device = seen.st_dev  # of files: some file systems give folders another one
            return made.st_blocks * 512 < 1 << 18 and made.st_ino != 0 and (made.st_ino, made.st_dev) == (seen.st_ino, seen.st_dev)
        except OSError:
            return False
        finally:
            trial.unlink(missing_ok=True)

    def leave(self, target: Path, place: Place) -> None:
        """Make the placeholder of an image.

        Raises:
            OSError: it cannot be made.
        """
        inode = _placeholder(target, place.size).st_ino
        self._records.append(_RECORD.pack(inode, *place[:5], *place.name, place.method))

    def end(self) -> None:
        """Write the index, and let this process and its workers read the images by it.

        Raises:
            OSError: it cannot be written.
        """
        if not self._records:
            return
        name = os.path.abspath(self._archive)  # noqa: PTH100 - links stay
        head = _encoded(_Head(name, self._identity, os.fspath(self._folder), self._device, as_named(name) == name)).encode()
        self._records.sort()  # the inode comes first, in the order of bytes
        if any(a[:_INODE.size] == b[:_INODE.size] for a, b in itertools.pairwise(self._records)):
            raise OSError(errno.EINVAL, f"the file system of {self._folder.parent} gives files one inode (TMPDIR names another)")
        self._index.write_bytes(struct.pack(">I", len(head)) + head + b"".join(self._records))
        own = _Packed(self._index)
        own.archive.require_same()  # opened now: what takes the archive's name later is another file
        with _lock:
            for index in [i for i in _known if not os.path.exists(i)]:  # noqa: PTH110 - of a folder that went before the program
                del _known[index]
            _know(os.fspath(self._index), own)
            os.environ[VARIABLE] = variable()


class _Packed:
    """The images of one archive that stay in it."""

    def __init__(self, index: Path) -> None:
        with index.open("rb") as file:
            self._content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        size = struct.unpack_from(">I", self._content)[0]
        self._start = 4 + size
        archive, identity, *more = _decoded(self._content[4:self._start].decode())
        self.head = _Head(archive, tuple(identity), *more)
        self._count = (len(self._content) - self._start) // _RECORD.size
        self.roots = tuple({os.path.join(p, "") for p in (self.head.root, os.path.realpath(self.head.root))})  # noqa: PTH118
        self.archive = Archive(self.head.archive, self.head.identity)

    def holds(self, path: str) -> bool:
        """Say whether a path is below the folder of the placeholders."""
        return path.startswith(self.roots)

    def place_of(self, status: os.stat_result) -> Place | None:
        """Return where the bytes are that a placeholder stands for; None for what is none."""
        inode, start = status.st_ino, self._start
        if status.st_dev != self.head.device:
            return None
        k = bisect.bisect_left(range(self._count), inode, key=self._inode)
        if k == self._count:
            return None
        found, at, packed, size, end, crc, name, length, method = _RECORD.unpack_from(self._content, start + k * _RECORD.size)
        return Place(at, packed, size, end, crc, (name, length), method) if found == inode and size == status.st_size else None

    def _inode(self, k: int) -> int:
        return int(_INODE.unpack_from(self._content, self._start + k * _RECORD.size)[0])


_lock = threading.Lock()
_known: dict[str, _Packed] = {}
_all: tuple[_Packed, ...] = ()
_seen = ""


def variable() -> str:
    """Return what the variable holds where the archives of this process are to be known."""
    return _encoded(list(_known)) if _known else ""


def archives() -> tuple[_Packed, ...]:
    """Return the archives that images stay in: those this process knows, and those that the variable names now."""
    global _seen
    text = os.environ.get(VARIABLE, "")
    if text != _seen:
        with _lock:
            for index in _decoded(text) if text else []:
                if index not in _known and os.path.exists(index):  # noqa: PTH110 - else it is of a run that is over
                    _know(index, _Packed(Path(index)))
            _seen = text
    return _all


def _know(index: str, archive: _Packed) -> None:
    global _all
    if not _all:
        sys.addaudithook(_guard)
    _known[index] = archive
    _all = tuple(_known.values())


def member_at(path: str | os.PathLike[str], status: os.stat_result | None = None) -> Member | None:
    """Return the image in an archive that a placeholder stands for; None of any other file.

    Args:
        path: of a file, absolute where it is a placeholder.
        status: its stat, where it is known.

    Raises:
        OSError: there is no such file, or a placeholder that no index knows.
    """
    known = archives()
    if not known:
        return None
    name = os.fspath(path)
    for packed in known:
        if packed.holds(name):
            status = os.stat(name) if status is None else status  # noqa: PTH116
            if (place := packed.place_of(status)) is not None:
                return Member(packed.archive, place, name, lasting=packed.head.lasting)
            if stat.S_ISREG(status.st_mode) and not status.st_mode & 0o777:
                raise _refused(name)
    return None


def written_out(path: str) -> str:
    """Return a path that anybody can open: a placeholder gives way to a file with the bytes of its image.

    Raises:
        OSError: the image is damaged, or cannot be written.
        ArchiveChangedError: the archive is not what it was.
    """
    member = member_at(path)
    if member is not None:
        partial = Path(f"{path}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            with partial.open("xb") as file:
                file.writelines(member.blocks())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return path


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse to open a placeholder: its zeros are no image. Permissions do so too, but not where a superuser reads."""
    if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
        name = os.fspath(arguments[0])
        if isinstance(name, str) and any(p.holds(name) for p in _all):
            try:
                is_placeholder = member_at(name) is not None
            except FileNotFoundError:  # one that is made
                return
            if is_placeholder:
                raise _refused(name)


def _refused(name: str) -> OSError:
    return OSError(errno.EACCES, "its bytes are in the archive (dsinspect.io.reading.read_regular gives them)", name)


def _placeholder(path: Path, size: int) -> os.stat_result:
    """Make a file of so many bytes, all of them a hole, that nobody may read; return its stat."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0)
    try:
        os.ftruncate(descriptor, size)
        return os.fstat(descriptor)
    except OverflowError:
        raise OSError(errno.EFBIG, f"{size:,} bytes of one file", os.fspath(path)) from None
    finally:
        os.close(descriptor)


def _encoded(value: list[str] | _Head) -> str:
    """Return JSON, in which names that are no UTF-8 have a place too."""
    import json  # most commands know no archive

    return json.dumps(value)


def _decoded(text: str) -> Any:
    import json

    return json.loads(text)
