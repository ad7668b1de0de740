"""Datasets in archives: brought into a temporary folder that goes when the program ends (or, killed, with the next run).

Text is written out; images stay in the archive where each has a place of its own in it: see `dsinspect.io.packed`. What an archive
holds is hostile: no member leaves the folder, links are files only where they lead to a file of the archive, devices are left out,
and sizes are counted while they are written, whatever the archive declares.
"""

from __future__ import annotations

import lzma
import os
import posixpath
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO

import msgspec

from dsinspect.errors import UserError, os_reason
from dsinspect.io.archive_headers import LONGEST_NAME, Headers, require_short, short, zip_of
from dsinspect.io.brought import remember
from dsinspect.io.files import IMAGE_SUFFIXES
from dsinspect.io.folders import make_folder, remove_folder
from dsinspect.io.limits import limits, option
from dsinspect.io.packed import Leaving
from dsinspect.io.packed_bytes import DEFLATED, IN_TAR, RATIO_FROM, STORED, Place
from dsinspect.io.reading import require_no_vast_holes
from dsinspect.io.split_names import SPLIT_NAMES
from dsinspect.io.temporary import beside, discard, temporary_folder
from dsinspect.io.unread import leave_alone, note_unread

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
_BLOCK = 1 << 20
_HOPS = 8
"""Links that are followed, one to the next, to a file of the archive."""
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError,
            ValueError, struct.error, IndexError, OverflowError)
"""What the standard library raises for archives that are none: not only what it says."""
_LOCAL_HEADER = 30
"""Bytes before the name of a member in a .zip."""
_ENCRYPTED, _UTF8 = 0x61, 0x800
"""Bits of a member's flags: encrypted in one of three ways; a name in UTF-8, not in code page 437."""
LEFT_SUFFIXES = IMAGE_SUFFIXES | {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".bin", ".pcd", ".las",
                                  ".laz", ".npz", ".pkl", ".pickle", ".mat", ".h5", ".hdf5", ".pt", ".pth", ".onnx", ".safetensors"}
"""Suffixes, in lower case, of files that stay in an archive: images, and what no format reads, which may be large."""
_LEFT_OUT = ("__MACOSX/", ".DS_Store")
_FOLDERS = (b"D", b"V")
"""Types of members of a .tar by GNU tar that are no files: the listing of a folder, and the name of the archive."""


class _Member(msgspec.Struct, frozen=True):
    """A file in an archive: its name, how to open it, and where its bytes are, where they can be read in place."""

    name: str
    open: Callable[[], IO[bytes]]
    place: Place | None = None


def is_archive(path: Path) -> bool:
    """Say whether a file is an archive, by its name."""
    return path.name.lower().endswith(SUFFIXES) and path.is_file()


def unpack(archive: Path, into: Path | None = None) -> Path:
    """Unpack an archive, and return the folder of the dataset: the only folder at the top, where there is but one.

    One that is called as a split stays part of the names, or its images would be of no split, unless `into` says their split.

    Images of a .zip (stored or deflated) and of a .tar that is not compressed stay in it, see `dsinspect.io.packed`.

    Args:
        archive: a .zip or a .tar, compressed or not.
        into: a folder to make for it, in a temporary one; a temporary one when None.

    Raises:
        UserError: it is damaged, encrypted, beyond a limit, or holds a name that leads outside.
    """
    folder = temporary_folder() if into is None else into
    folder.mkdir(exist_ok=True)
    remember(folder, os.fspath(archive))
    try:
        require_no_vast_holes(archive)
        _write(archive, folder)
    except _DAMAGED as e:
        reason = "encrypted; unpack it yourself" if "password" in str(e) else f"not a readable archive: {_short(e)}"
        raise UserError(f"{archive}: {reason}") from None
    except OSError as e:
        raise UserError(f"{archive}: cannot be unpacked: {os_reason(e)}") from None
    except BaseException:
        if into is None:
            discard(folder)
        else:
            remove_folder(folder)
        raise
    entries = list(folder.iterdir())
    is_split = into is None and entries and entries[0].name.lower() in SPLIT_NAMES
    return entries[0] if len(entries) == 1 and entries[0].is_dir() and not is_split else folder


def _write(archive: Path, folder: Path) -> None:
    most = limits()
    packed = archive.stat().st_size
    free = shutil.disk_usage(folder).free
    leaving = Leaving(archive, folder, beside(folder))
    can_leave = leaving.can()
    written = unfolded = 0
    made = folder

    def require_no_bomb() -> None:
        if unfolded > RATIO_FROM and unfolded > most.archive_ratio * packed:
            raise UserError(f"{archive}: unfolds more than {most.archive_ratio:,} times ({option('archive_ratio')}); "
                            "refused as an archive bomb")

    for files, member in enumerate(_members(archive, folder), 1):
        if files > most.archive_files:
            raise UserError(f"{archive}: holds more than {most.archive_files:,} files ({option('archive_files')}); raise it, or "
                            "unpack it yourself")
        target = folder / _inside(archive, member.name)
        if target.parent != made:
            make_folder(made := target.parent)
        if can_leave and member.place is not None and member.place.size and target.suffix.lower() in LEFT_SUFFIXES:
            unfolded += member.place.size
            require_no_bomb()
            leaving.leave(target, member.place)
            continue
        with member.open() as source, target.open("wb") as out:
            while block := source.read(_BLOCK):
                written += len(block)
                unfolded += len(block)
                if written > most.archive_mb << 20:
                    raise UserError(f"{archive}: unfolds to more than {most.archive_mb:,} MB ({option('archive_mb')}); raise it, "
                                    "or unpack it yourself")
                if written > free:
                    raise UserError(f"{archive}: unfolds to more than the {free:,} bytes that are free in "
                                    f"{tempfile.gettempdir()} (TMPDIR names another folder)")
                require_no_bomb()
                out.write(block)
    leaving.end()


def _members(archive: Path, folder: Path) -> Iterator[_Member]:
    if archive.name.lower().endswith(".zip"):
        with zip_of(archive) as opened:
            infos: dict[str, zipfile.ZipInfo] = {}
            ways: dict[str, str] = {}
            rooms = _rooms(opened)
            for info in opened.infolist():
                name, kind = _normal(info.filename), stat.S_IFMT(info.external_attr >> 16)
                require_short(archive, info.filename)
                if name in infos or name in ways:
                    raise _twice(archive, info.filename)
                if kind == stat.S_IFLNK and info.file_size <= LONGEST_NAME:
                    ways[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), os.fsdecode(opened.read(info))))
                elif info.is_dir() or kind not in (0, stat.S_IFREG):
                    if info.file_size or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                        _not_read(archive, folder, info.filename)
                elif not _is_left_out(info.filename):
                    infos[name] = info
                    yield _zipped(opened, info, info.filename, rooms)
            for name, target in _followed(ways, infos):
                if not _is_left_out(name):
                    yield _zipped(opened, infos[target], name, rooms)
        return
    with closing(Headers(archive)) as tar:
        files: dict[str, tarfile.TarInfo] = {}
        links: dict[str, str] = {}
        while (entry := tar.next()) is not None:
            name = _normal(entry.name)
            if name in files or name in links:
                raise _twice(archive, entry.name)
            if entry.isreg():
                files[name] = entry
                yield from _member(tar, entry, entry.name)
            elif entry.islnk():  # what GNU tar writes for the second name of a file
                links[name] = _normal(entry.linkname)
            elif entry.issym():
                links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), entry.linkname))
            elif not (entry.isdir() or (entry.type in _FOLDERS and (entry.name.endswith("/") or not entry.size))):
                _not_read(archive, folder, entry.name)
        _require_end(tar)
        for name, target in _followed(links, files):
            yield from _member(tar, files[target], name)


def _normal(name: str) -> str:
    """Return what a member is called on disk: two names of one file are one name."""
    return posixpath.normpath(name.replace("\\", "/"))


def _not_read(archive: Path, folder: Path, name: str) -> None:
    """Let a member that is no file (a pipe, a device, a folder with bytes) be an error of the set: it may be its labels."""
    if not _is_left_out(name):
        note_unread(folder / _inside(archive, name), "no regular file in the archive")


def _rooms(opened: zipfile.ZipFile) -> dict[int, int]:
    """Return where the room of each member ends, by where it begins: where the next one begins, whatever its header says."""
    last = opened.start_dir
    starts = sorted(info.header_offset for info in opened.infolist())
    return {start: max(0, min(end, last)) for start, end in zip(starts, [*starts[1:], last], strict=True)}


def _zipped(opened: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, rooms: Mapping[int, int]) -> _Member:
    """Return a file of a .zip.

    Members that share bytes are the stuff of bombs: 42 kB that unfold to 5 GB. No honest program writes any.
    """
    own = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
    end = rooms[info.header_offset]
    place = None
    if info.compress_type in (STORED, DEFLATED) and not info.flag_bits & _ENCRYPTED:
        is_there = 0 <= info.header_offset < opened.start_dir
        at = info.header_offset if is_there else opened.start_dir  # where no header of a member is
        place = Place(at, info.compress_size, info.file_size, end, info.CRC, (zlib.crc32(own), len(own)),
                      info.compress_type)

    def open_it() -> IO[bytes]:
        if not 0 <= info.header_offset < opened.start_dir:
            raise zipfile.BadZipFile(f"{short(name)} is not where its directory says")
        if info.header_offset + _LOCAL_HEADER + len(own) + info.compress_size > end:
            raise zipfile.BadZipFile(f"{short(name)} shares bytes with another member")
        return opened.open(info)

    return _Member(name, open_it, place)


def _twice(archive: Path, name: str) -> UserError:
    """Return the error of a name that two members have: which one is meant differs from program to program."""
    return UserError(f"{archive}: holds {short(name)} twice; unpack it yourself, and name the folder")


def _followed(links: Mapping[str, str], files: Container[str]) -> Iterator[tuple[str, str]]:
    """Yield the links of an archive with the file of it that each leads to; others are named at the end of the command."""
    for name, target in links.items():
        for _ in range(_HOPS):
            target = links.get(target, target)
        if target in files:
            yield name, target
        else:
            leave_alone(name)


def _member(tar: Headers, entry: tarfile.TarInfo, name: str) -> Iterator[_Member]:
    if _is_left_out(name):
        return
    place = None
    if not tar.is_packed and not entry.issparse():
        place = Place(entry.offset_data, entry.size, entry.size, entry.offset_data + entry.size, 0, (0, 0), IN_TAR)
    content = tar.tar.extractfile(entry)
    if content is not None:
        yield _Member(name, lambda: content, place)


def _require_end(tar: Headers) -> None:
    """Raise an error unless an archive ends where its mark says, and what compresses it is whole.

    `tarfile` takes a damaged header, and a file that was cut between two members, for the end.
    """
    file, end = tar.file, tar.tar.offset
    file.seek(end)
    if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"damaged or cut short at byte {end:,}")
    rest = 0
    while block := file.read(_BLOCK):  # the checksum of what compresses it stands at its end
        rest += len(block)
        if rest > RATIO_FROM:
            raise tarfile.ReadError("more than padding after its end")


def _is_left_out(name: str) -> bool:
    return any(name.startswith(part) or name.endswith(part) for part in _LEFT_OUT)


def _inside(archive: Path, name: str) -> str:
    """Return the name of a member as a path below the folder.

    Raises:
        UserError: it leads outside.
    """
    path = name.replace("\\", "/")
    parts = [p for p in path.split("/") if p not in ("", ".")]
    if path.startswith("/") or ".." in parts or not parts or "\0" in path or (os.name == "nt" and ":" in path):
        raise UserError(f"{archive}: holds {short(name)}, which leads outside; refused")
    return "/".join(parts)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
