"""Bytes of a member of an archive, read in place: checked against the archive's directory, its checksum and its limits.

What the archive holds is hostile: no more memory is taken than a member is said to have, whatever it unfolds to, and none for one
that unfolds out of all proportion, as no pixels do.
"""

from __future__ import annotations

import errno
import io
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from dsinspect.errors import UserError, os_reason
from dsinspect.io.brought import as_named
from dsinspect.io.limits import limits, option, too_large

STORED, DEFLATED, IN_TAR = 0, 8, 255
"""How the bytes of a member are kept; the first two are the numbers of the .zip format."""
_BLOCK = 4 << 20
RATIO_FROM = 64 << 20
"""Bytes from which on the ratio is looked at: images do not shrink, labels by ten or so."""
_FARTHEST = (1 << 63) - 1
"""The last offset that a file can have."""
_FIRST, _NEAR = 4096, 1 << 16
"""Bytes of a deflated member that are inflated for what stands at its beginning: at first, and then."""
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_ENCRYPTED, _SIZES_FOLLOW, _IN_ZIP64 = 1, 8, 0xFFFFFFFF
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

Identity = tuple[int, int, int, int, int]
"""Device, inode, size, modification time and time of the last change, ns, of a file; anybody can set the first of these times."""


class ArchiveChangedError(UserError):
    """An archive that is not what it was when it was opened: the run ends, for nothing says which images are which."""


class Place(NamedTuple):
    """Where the bytes of a member are.

    Attributes:
        at: offset of its header in a .zip, of its bytes in a .tar.
        packed: bytes it takes there.
        size: bytes it has.
        end: offset that it must not reach beyond.
        crc: CRC-32 of its bytes; 0 in a .tar, which has none.
        name: CRC-32 and length of the name in the archive's directory, bytes; 0 in a .tar.
        method: `STORED`, `DEFLATED` or `IN_TAR`.
    """

    at: int
    packed: int
    size: int
    end: int
    crc: int
    name: tuple[int, int]
    method: int


class Archive:
    """An archive that is read in place, by any number of threads; opened when it is first read."""

    def __init__(self, path: str, identity: Identity) -> None:
        """Take its absolute path, and what it was when its directory was read."""
        self.path, self.identity = path, identity
        self._descriptor: int | None = None
        self._lock = threading.Lock()

    def bytes_at(self, offset: int, size: int) -> bytes:
        """Return bytes of the archive; fewer where it ends.

        Raises:
            OSError: it cannot be read.
            ArchiveChangedError: it is not the file any more that it was.
        """
        descriptor = self._opened()
        if not 0 <= offset <= _FARTHEST - size:
            return b""
        parts: list[bytes] = []
        while size > 0 and (part := os.pread(descriptor, size, offset)):  # one part, but for gigabytes
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def require_same(self) -> None:
        """Raise ArchiveChangedError unless the archive is what it was: asked after reading, it holds for what was read."""
        status = os.fstat(self._opened())
        seen = identity_of(status)
        is_gone = not status.st_nlink  # removed or replaced, which changes the last time, and not the bytes of who has it open
        if seen != self.identity and not (is_gone and seen[:-1] == self.identity[:-1]):
            raise self._changed("has changed while it was read")

    def _opened(self) -> int:
        if self._descriptor is None:
            with self._lock:
                if self._descriptor is None:
                    try:
                        descriptor = os.open(self.path, _READ)
                    except OSError as e:
                        raise self._changed(f"can no longer be read: {os_reason(e, 'error')}") from None
                    self._descriptor = descriptor
        return self._descriptor

    def _changed(self, how: str) -> ArchiveChangedError:
        return ArchiveChangedError(f"{as_named(self.path)}: {how}; run the command again")


class Member:
    """An image in an archive."""

    __slots__ = ("_archive", "_path", "_place", "_prefix", "is_lasting")

    def __init__(self, archive: Archive, place: Place, path: str, *, lasting: bool) -> None:
        """Take its archive and place, the path that errors name, and whether the archive is there after the run."""
        self._archive, self._place, self._path, self.is_lasting = archive, place, path, lasting
        self._prefix = b""

    @property
    def size(self) -> int:
        """Bytes of the image, as the archive says."""
        return self._place.size

    def identity(self) -> tuple[str, int]:
        """Return what the image is known by: a text and the time of the archive, ns."""
        place, (_, _, size, time_ns, _) = self._place, self._archive.identity
        return f"member:{self._archive.path}:{size}:{place.at}:{place.packed}:{place.crc:08x}", time_ns

    def content(self) -> bytes:
        """Return all bytes; compare `size` with a limit before.

        Raises:
            OSError: they are damaged, or cannot be read; `strerror` says how.
            ArchiveChangedError: the archive is not what it was.
        """
        if self._prefix and len(self._prefix) == self.size:  # all of it was inflated for a part far from its beginning
            return self._prefix
        blocks = self.blocks()
        first = next(blocks, b"")
        if len(first) == self.size:
            for _ in blocks:  # what is checked at the end
                pass
            return first
        whole = io.BytesIO()  # one buffer, which is the result: a list of blocks and their join are twice the image
        whole.write(first)
        del first
        whole.writelines(blocks)
        return whole.getvalue()

    def blocks(self) -> Iterator[bytes]:
        """Yield all bytes, some megabytes at a time; raises as `content`, at the end where only the whole is wrong."""
        place, crc, left = self._place, 0, self._place.size
        most = limits().archive_ratio
        if place.size > RATIO_FROM and place.size > most * place.packed and place.method == DEFLATED:
            raise OSError(errno.EFBIG, f"unfolds more than {most:,} times in its archive ({option('archive_ratio')})", self._path)
        start = self._start()
        for block in self._stored(start) if place.method != DEFLATED else self._inflated(start):
            left -= len(block)
            if left < 0:
                raise self._damaged(f"unfolds to more than the {place.size:,} bytes that its directory says")
            if place.method != IN_TAR:
                crc = zlib.crc32(block, crc)
            self._archive.require_same()
            yield block
        self._archive.require_same()
        if left:
            raise self._damaged(f"ends {left:,} bytes early")
        if crc != place.crc:
            raise self._damaged("its checksum differs")

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`, of which no checksum is known; raises as `content` does.

        Of a deflated image what lies far from its beginning is had by inflating all of it.
        """
        place = self._place
        end = min(offset + size, place.size)
        if end <= offset:
            return b""
        if place.method != DEFLATED:
            start = self._start()
            content = self._archive.bytes_at(start + offset, min(end - offset, max(0, place.end - start - offset)))
            self._archive.require_same()
            return content
        if len(self._prefix) < end:
            self._prefix = self._beginning(next((n for n in (_FIRST, _NEAR) if end <= n), place.size))
        return self._prefix[offset:end]

    def _beginning(self, size: int) -> bytes:
        if size >= self._place.size:
            if self.size > limits().image_mb << 20:
                raise too_large(self._path, self.size, "image_mb")
            return self.content()
        content = b""
        for block in self._inflated(self._start(), size):
            content += block
            if len(content) >= size:
                break
        self._archive.require_same()
        return content

    def _start(self) -> int:
        """Return where the bytes begin, after the header in a .zip that must agree with the archive's directory."""
        place = self._place
        if place.method == IN_TAR:
            return place.at
        crc, length = place.name
        header = self._archive.bytes_at(place.at, _LOCAL.size + length)
        if len(header) != _LOCAL.size + length or header[:4] != b"PK\3\4":
            self._archive.require_same()
            raise self._damaged("no header where its directory says")
        _, _, flags, method, _, _, _, packed, size, name_length, extra = _LOCAL.unpack_from(header)
        wrong = ("name" if name_length != length or zlib.crc32(header[_LOCAL.size:]) != crc else
                 "method" if method != place.method or flags & _ENCRYPTED else
                 "size" if not flags & _SIZES_FOLLOW and _IN_ZIP64 not in (packed, size)
                 and (packed, size) not in ((place.packed, place.size), (0, 0)) else "")
        start = place.at + _LOCAL.size + length + extra
        if wrong or start + place.packed > place.end:
            self._archive.require_same()
            raise self._damaged(f"header and directory differ in its {wrong}" if wrong else "it reaches into what follows it")
        return int(start)

    def _stored(self, start: int) -> Iterator[bytes]:
        place = self._place
        if place.packed != place.size:
            raise self._damaged("header and directory differ in its size")
        at, end = start, start + place.size
        while at < end and (block := self._archive.bytes_at(at, min(_BLOCK, end - at))):
            at += len(block)
            yield block

    def _inflated(self, start: int, most: int = _BLOCK) -> Iterator[bytes]:
        """Yield what deflated bytes unfold to, up to so many bytes at a time: never more memory, whatever they hold."""
        unfold = zlib.decompressobj(-zlib.MAX_WBITS)
        at, end = start, start + self._place.packed
        most = min(most, self._place.size + 1)
        try:
            while not unfold.eof and at < end and (packed := self._archive.bytes_at(at, min(most + 512, end - at))):
                at += len(packed)
                while block := unfold.decompress(packed, most):
                    yield block
                    packed = unfold.unconsumed_tail
        except zlib.error:
            self._archive.require_same()
            raise self._damaged("cannot be inflated") from None
        if not unfold.eof:
            self._archive.require_same()
            raise self._damaged("ends early")

    def _damaged(self, how: str) -> OSError:
        return OSError(errno.EIO, f"damaged in its archive: {how}", self._path)


def identity_of(status: os.stat_result) -> Identity:
    """Return what tells a file from another one, and from what it is after a change."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
