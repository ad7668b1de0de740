"""Datasets in archives: unpacked into a temporary folder that goes when the program ends (or, killed, with the next run).

What an archive holds is hostile: no member leaves the folder, links are files only where they lead to a file of the archive,
devices are left out, and sizes are counted while they are written, whatever the archive declares.
"""

from __future__ import annotations

import lzma
import os
import posixpath
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Container, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO

import msgspec

from dsinspect.errors import UserError
from dsinspect.io.brought import remember
from dsinspect.io.folders import make_folder, remove_folder
from dsinspect.io.limits import limits, option
from dsinspect.io.reading import leave_alone
from dsinspect.io.temporary import discard, temporary_folder

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
_RATIO_FROM = 64 << 20
"""Bytes from which on the ratio is looked at: images do not shrink, labels by ten or so."""
_BLOCK = 1 << 20
_LONGEST_NAME = 4096
"""Bytes of the name that a link in a .zip leads to."""
_HOPS = 8
"""Links that are followed, one to the next, to a file of the archive."""
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError,
            ValueError)
_LEFT_OUT = ("__MACOSX/", ".DS_Store")


class _Member(msgspec.Struct, frozen=True):
    """A file in an archive: its name, and the place to read it from."""

    name: str
    opened: IO[bytes]


def is_archive(path: Path) -> bool:
    """Say whether a file is an archive, by its name."""
    return path.name.lower().endswith(SUFFIXES) and path.is_file()


def unpack(archive: Path, into: Path | None = None) -> Path:
    """Unpack an archive, and return the folder of the dataset: the only folder at the top, where there is but one.

    Args:
        archive: a .zip or a .tar, compressed or not.
        into: a folder to make for it; a temporary one when None.

    Raises:
        UserError: it is damaged, encrypted, beyond a limit, or holds a name that leads outside.
    """
    folder = temporary_folder() if into is None else into
    folder.mkdir(exist_ok=True)
    remember(folder, os.fspath(archive))
    try:
        _write(archive, folder)
    except _DAMAGED as e:
        reason = "encrypted; unpack it yourself" if "password" in str(e) else f"not a readable archive: {_short(e)}"
        raise UserError(f"{archive}: {reason}") from None
    except OSError as e:
        raise UserError(f"{archive}: cannot be unpacked: {(e.strerror or str(e)).lower()}") from None
    except BaseException:
        if into is None:
            discard(folder)
        else:
            remove_folder(folder)
        raise
    entries = list(folder.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else folder


def _write(archive: Path, folder: Path) -> None:
    most = limits()
    packed = archive.stat().st_size
    free = shutil.disk_usage(folder).free
    written = 0
    for files, member in enumerate(_members(archive), 1):
        if files > most.archive_files:
            raise UserError(f"{archive}: holds more than {most.archive_files:,} files ({option('archive_files')}); raise it, or "
                            "unpack it yourself")
        target = folder / _inside(archive, member.name)
        make_folder(target.parent)
        with member.opened as source, target.open("wb") as out:
            while block := source.read(_BLOCK):
                written += len(block)
                if written > most.archive_mb << 20:
                    raise UserError(f"{archive}: unfolds to more than {most.archive_mb:,} MB ({option('archive_mb')}); raise it, "
                                    "or unpack it yourself")
                if written > free:
                    raise UserError(f"{archive}: unfolds to more than the {free:,} bytes that are free in "
                                    f"{tempfile.gettempdir()} (TMPDIR names another folder)")
                if written > _RATIO_FROM and written > most.archive_ratio * packed:
                    raise UserError(f"{archive}: unfolds more than {most.archive_ratio:,} times ({option('archive_ratio')}); "
                                    "refused as an archive bomb")
                out.write(block)


def _members(archive: Path) -> Iterator[_Member]:
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as opened:
            infos: dict[str, zipfile.ZipInfo] = {}
            ways: dict[str, str] = {}
            for info in opened.infolist():
                name, kind = posixpath.normpath(info.filename.replace("\\", "/")), stat.S_IFMT(info.external_attr >> 16)
                if name in infos or name in ways:
                    raise _twice(archive, info.filename)
                if kind == stat.S_IFLNK and info.file_size <= _LONGEST_NAME:
                    ways[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), os.fsdecode(opened.read(info))))
                elif not info.is_dir() and kind in (0, stat.S_IFREG) and not _is_left_out(info.filename):
                    infos[name] = info
                    yield _Member(info.filename, opened.open(info))
            for name, target in _followed(ways, infos):
                if not _is_left_out(name):
                    yield _Member(name, opened.open(infos[target]))
        return
    with closing(tarfile.open(archive, "r:*")) as tar:
        files: dict[str, tarfile.TarInfo] = {}
        links: dict[str, str] = {}
        for entry in tar:
            name = posixpath.normpath(entry.name)
            if name in files or name in links:
                raise _twice(archive, entry.name)
            if entry.isreg():
                files[name] = entry
                yield from _member(tar, entry, entry.name)
            elif entry.islnk():  # what GNU tar writes for the second name of a file
                links[name] = posixpath.normpath(entry.linkname)
            elif entry.issym():
                links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), entry.linkname))
        _require_end(tar)
        for name, target in _followed(links, files):
            yield from _member(tar, files[target], name)


def _twice(archive: Path, name: str) -> UserError:
    """Return the error of a name that two members have: which one is meant differs from program to program."""
    return UserError(f"{archive}: holds {name!r} twice; unpack it yourself, and name the folder")


def _followed(links: Mapping[str, str], files: Container[str]) -> Iterator[tuple[str, str]]:
    """Yield the links of an archive with the file of it that each leads to; others are named at the end of the command."""
    for name, target in links.items():
        for _ in range(_HOPS):
            target = links.get(target, target)
        if target in files:
            yield name, target
        else:
            leave_alone(name)


def _member(tar: tarfile.TarFile, entry: tarfile.TarInfo, name: str) -> Iterator[_Member]:
    content = tar.extractfile(entry)
    if content is not None and not _is_left_out(name):
        yield _Member(name, content)


def _require_end(tar: tarfile.TarFile) -> None:
    """Raise an error unless an archive ends where its mark says, and what compresses it is whole.

    `tarfile` takes a damaged header, and a file that was cut between two members, for the end.
    """
    file = tar.fileobj
    assert file is not None
    file.seek(tar.offset)
    if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"damaged or cut short at byte {tar.offset:,}")
    rest = 0
    while block := file.read(_BLOCK):  # the checksum of what compresses it stands at its end
        rest += len(block)
        if rest > _RATIO_FROM:
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
        raise UserError(f"{archive}: holds {name!r}, which leads outside; refused")
    return "/".join(parts)


def _short(error: BaseException) -> str:
    if isinstance(error, tarfile.ReadError) and "could not be opened" in str(error):
        return "no tar file, nor one that is packed with gzip, bzip2 or xz"
    return " ".join(str(error).split())[:160] or type(error).__name__
