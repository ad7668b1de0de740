"""What an archive says of its members, read within bounds: names and directories of gigabytes take no memory.

A header is a size and so many bytes; the standard library reads as many as it says. Behind a few megabytes that a stream was
packed to, or holes of a file, there may be any number.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from dsinspect.errors import UserError
from dsinspect.io.limits import limits, option

LONGEST_NAME = 4096
"""Bytes of a member's name, and of what a link leads to; Linux has no longer paths."""
_LONGEST_HEADER = 1 << 16
"""Bytes of one header beside the 512 that each member has."""
_HEADERS = 1 << 20
"""Bytes of all headers of one member."""
_MOST_COMMON = 1000
"""Headers of a .tar that hold for all members."""
_LARGEST = (1 << 63) - 1
_NAMES = 256
"""Bytes of the names of a .tar, and of the directory of a .zip twice as many, per file that an archive may have."""
_ENTRY = struct.Struct("<28xHHH12x")
"""Of a .zip's directory: the lengths of name, extra field and comment."""
_PACKED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open), (b"\x5d\0\0", lzma.open))


def short(name: str) -> str:
    """Return a hostile name as a message has it.

    >>> short("a" * 3000)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...' (3,000 characters)"
    """
    return repr(name) if len(name) <= 200 else f"{repr(name[:40])[:-1]}...' ({len(name):,} characters)"


class _Bounded:
    """A file of which no more is read for headers than they may take."""

    def __init__(self, file: IO[bytes], archive: Path) -> None:
        self._file, self._archive = file, archive
        self._left: int | None = None
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def begin(self) -> None:
        """Begin with the headers of the next member."""
        self._left = _HEADERS

    def end(self) -> None:
        """End with headers: content follows."""
        self._left = None

    def read(self, size: int = -1) -> bytes:
        if self._left is not None:
            if not 0 <= size <= min(_LONGEST_HEADER, self._left):
                raise UserError(f"{self._archive}: a member has a header of {size:,} bytes; at most {_LONGEST_HEADER:,} are read, "
                                f"and {_HEADERS:,} in all for one member; unpack it yourself")
            self._left -= size
        return self._file.read(size)


class Headers:
    """The members of a .tar, one after the other."""

    def __init__(self, archive: Path) -> None:
        """Open it.

        Raises:
            UserError: a header is beyond its bound.
            tarfile.ReadError: it is none.
        """
        self._archive = archive
        self._names = 0
        file: IO[bytes] = archive.open("rb")
        self._closing: list[IO[bytes]] = [file]
        try:
            head = file.read(6)
            file.seek(0)
            kind = next((kind for magic, kind in _PACKED if head.startswith(magic)), None)
            self.is_packed = kind is not None
            if kind is not None:
                file = cast("IO[bytes]", kind(file, "rb"))
                self._closing.append(file)
            self.file = _Bounded(file, archive)
            self.file.begin()
            try:
                self.tar = tarfile.TarFile(fileobj=cast("Any", self.file))
            except tarfile.ReadError:
                raise tarfile.ReadError("no tar file, nor one that is packed with gzip, bzip2 or xz") from None
            self.file.end()
        except BaseException:
            self.close()
            raise

    def next(self) -> tarfile.TarInfo | None:
        """Return the next member, None after the last one.

        Raises:
            UserError: a header, or all names, are beyond their bound.
            tarfile.ReadError: it is damaged.
        """
        self.file.begin()
        entry = self.tar.next()
        self.file.end()
        self.tar.members = []  # type: ignore[attr-defined]  # else it keeps them all
        if entry is None:
            return None
        if not 0 <= entry.size <= _LARGEST:
            raise tarfile.ReadError(f"{short(entry.name)} has a size of {entry.size:,} bytes")
        if len(self.tar.pax_headers) > _MOST_COMMON:
            raise UserError(f"{self._archive}: more than {_MOST_COMMON:,} headers for all members; unpack it yourself")
        entry.pax_headers = {}
        require_short(self._archive, entry.name)
        require_short(self._archive, entry.linkname)
        self._names += len(entry.name) + len(entry.linkname)
        most = max(1 << 20, limits().archive_files * _NAMES)
        if self._names > most:
            raise UserError(f"{self._archive}: its names take more than {most >> 20:,} MB ({option('archive_files')} raises it)")
        return entry

    def close(self) -> None:
        """Close the files."""
        for file in reversed(self._closing):
            file.close()


def require_short(archive: Path, name: str) -> None:
    """Raise UserError for the name of a member that no file can have."""
    if len(name) > LONGEST_NAME:
        raise UserError(f"{archive}: holds {short(name)}; names have at most {LONGEST_NAME:,}")


class _Directory(io.BufferedReader):
    """A .zip whose directory is compared with its limits before there is an object for each of its entries."""

    def __init__(self, archive: Path) -> None:
        super().__init__(io.FileIO(archive))
        self._archive: Path | None = archive
        self._size = archive.stat().st_size

    def opened(self) -> None:
        """End with the directory: content follows."""
        self._archive = None

    def read(self, size: int | None = -1, /) -> bytes:
        archive = self._archive
        if archive is None:
            return super().read(size)
        there = max(0, self._size - self.tell())
        size = there if size is None or size < 0 else min(size, there)
        files = limits().archive_files
        if size > max(1 << 20, most := 2 * files * _NAMES):
            raise UserError(f"{archive}: its directory takes {size:,} bytes, more than {most:,} ({option('archive_files')} raises "
                            "that)")
        content = super().read(size)
        at = entries = 0
        while content.startswith(b"PK\1\2", at) and at + _ENTRY.size <= len(content):
            at += _ENTRY.size + sum(_ENTRY.unpack_from(content, at))
            entries += 1
            if entries > files:
                raise UserError(f"{archive}: holds more than {files:,} files ({option('archive_files')}); raise it, or unpack it "
                                "yourself")
        return content


@contextmanager
def zip_of(archive: Path) -> Iterator[zipfile.ZipFile]:
    """Open a .zip.

    Raises:
        UserError: its directory is beyond a limit.
        zipfile.BadZipFile: it is none.
    """
    with _Directory(archive) as file, zipfile.ZipFile(file) as opened:
        file.opened()
        yield opened
