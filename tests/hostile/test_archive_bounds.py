"""What an archive says of its members is hostile: no memory for names of gigabytes, and no member is left out in silence."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import struct
import tarfile
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.io.archives import unpack
from dsinspect.io.packed import member_at
from dsinspect.io.packed_bytes import Archive, ArchiveChangedError, identity_of
from dsinspect.io.reading import read_regular
from dsinspect.transformation import pipeline

IMAGE = cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
NAMES = ["images/train/a.png", "images/train/b.png", "labels/train/a.txt", "labels/train/b.txt"]


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


def content_of(name: str) -> bytes:
    return IMAGE if name.endswith(".png") else b"a\n" if name == "classes.txt" else b"0 .5 .5 .2 .2\n"


def tarred(archive: Path, *more: tarfile.TarInfo, names: list[str] = NAMES, data: bytes = b"") -> Path:
    with tarfile.open(archive, "w") as tar:
        for name in [*names, "classes.txt"]:
            entry = tarfile.TarInfo(name)
            entry.size = len(content_of(name))
            tar.addfile(entry, io.BytesIO(content_of(name)))
        for entry in more:
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return archive


def header(name: str, size: int, kind: bytes) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size = kind, size
    return entry.tobuf(tarfile.GNU_FORMAT)


def packed_header(path: Path, kind: bytes, size: int) -> Path:
    """Write a .tar.gz of which one header is a long one, in full."""
    with gzip.open(path.with_suffix(".tar.gz"), "wb", 1) as out:
        out.write(header("././@LongLink", size, kind))
        for _ in range(size >> 20):
            out.write(b"a" * (1 << 20))
        out.write(header("a.txt", 0, b"0") + bytes(1024))
    return path.with_suffix(".tar.gz")


def sparse_header(path: Path) -> Path:
    """Write a .tar of 8 GB that takes no room on the disk: one header, and a hole."""
    path = path.with_suffix(".tar")
    path.write_bytes(header("././@LongLink", 8 << 30, b"L"))
    os.truncate(path, (8 << 30) + 4096)
    return path


def sparse_directory(path: Path, size: int = 0xF0000000) -> Path:
    """Write a .zip that says its directory takes nearly 4 GB, which are a hole."""
    path = path.with_suffix(".zip")
    with path.open("wb") as out:
        out.truncate(size)
        out.seek(size)
        out.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, size, 0, 0))
    return path


@pytest.mark.parametrize("write", [
    *(lambda p, k=k: packed_header(p, k, 32 << 20) for k in (b"L", b"K", b"x", b"g")), sparse_header, sparse_directory])
def test_a_long_header_is_refused_before_memory_is_taken(write: Callable[[Path], Path], tmp_path: Path) -> None:
    archive = write(tmp_path / "a")
    tracemalloc.start()
    with pytest.raises(UserError, match=r"a header of 33,554,432 bytes|holes \(a sparse file\)"):
        unpack(archive)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_a_directory_beyond_its_limit_is_refused_before_memory_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = sparse_directory(tmp_path / "a", 20 << 20)
    monkeypatch.setenv("DSINSPECT_LIMITS", "archive_files=1000")
    tracemalloc.start()
    with pytest.raises(UserError, match="its directory takes 20,971,520 bytes, more than 512,000"):
        unpack(archive)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_headers_of_many_members_are_read_as_before(tmp_path: Path) -> None:
    long = "images/train/" + "/".join(["n" * 200] * 6) + "/c.png"  # longer than the header of a member
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(tmp_path / "a.tar", "w", format=form) as tar:
            for name in (long, "labels/c.txt"):
                entry = tarfile.TarInfo(name)
                entry.size = len(content_of(name))
                tar.addfile(entry, io.BytesIO(content_of(name)))
        assert read_regular(unpack(tmp_path / "a.tar") / long) == IMAGE


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_hostile_name_is_short_in_a_message(kind: str, tmp_path: Path) -> None:
    name = "/" + "a" * 30_000
    if kind == "tar":
        archive = tarred(tmp_path / "a.tar", tarfile.TarInfo(name))
    else:
        archive = tmp_path / "a.zip"
        with zipfile.ZipFile(archive, "w") as out:
            out.writestr(name, b"x")
    with pytest.raises(UserError, match=r"30,001 characters") as caught:
        unpack(archive)
    assert len(str(caught.value)) < 300 + len(str(archive))


def test_an_image_out_of_all_proportion_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for name in [*NAMES, "classes.txt"]:
            out.writestr(name, content_of(name) if name != NAMES[0] else IMAGE + bytes(65 << 20))
        out.writestr(zipfile.ZipInfo("pad.bin"), os.urandom(1 << 20))  # the archive as a whole is within its ratio
    path = unpack(archive) / NAMES[0]
    with pytest.raises(OSError, match=r"unfolds more than 200 times in its archive \(option --read-limit archive_ratio\)"):
        read_regular(path)
    assert main(["check", str(archive), "--no-cache", "--select", "IMG002", "--output-format", "concise", "-j", "1"]) == 1
    assert "unfolds more than 200 times" in capfd.readouterr().out


def test_an_image_takes_its_size_of_memory_once(tmp_path: Path) -> None:
    size, archive = 48 << 20, tmp_path / "a.zip"
    block = os.urandom(1 << 18)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.bmp", block * (size // len(block)))
        out.writestr("a.txt", b"")
    member = member_at(unpack(archive) / "a.bmp")
    assert member is not None
    tracemalloc.start()
    content = member.content()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert content == block * (size // len(block))
    assert peak < size * 1.4


def test_two_names_of_one_file_are_refused_in_a_tar(tmp_path: Path) -> None:
    archive = tarred(tmp_path / "a.tar", tarfile.TarInfo("labels\\train\\a.txt"))
    with pytest.raises(UserError, match=r"holds 'labels\\\\train\\\\a.txt' twice"):
        unpack(archive)


def special_tar(path: Path, kind: str) -> Path:
    entry = tarfile.TarInfo(NAMES[2])
    entry.type = {"pipe": tarfile.FIFOTYPE, "device": tarfile.CHRTYPE, "unknown": b"Z"}[kind]
    return tarred(path.with_suffix(".tar"), entry, names=[n for n in NAMES if n != NAMES[2]], data=b"0 .5 .5 .2 .2\n"
                  if kind == "unknown" else b"")


def special_zip(path: Path, kind: str) -> Path:
    path = path.with_suffix(".zip")
    mode = {"pipe": stat.S_IFIFO, "link": stat.S_IFLNK, "folder": stat.S_IFDIR}[kind]
    with zipfile.ZipFile(path, "w") as out:
        for name in [*NAMES, "classes.txt"]:
            info = zipfile.ZipInfo(name)
            info.external_attr = ((mode if name == NAMES[2] else stat.S_IFREG) | 0o644) << 16
            out.writestr(info, content_of(name) + (b" " * 5000 if name == NAMES[2] else b""))
    return path


@pytest.mark.parametrize(("write", "kind"), [(special_tar, "pipe"), (special_tar, "device"), (special_tar, "unknown"),
                                             (special_zip, "pipe"), (special_zip, "link"), (special_zip, "folder")])
def test_a_member_that_is_no_file_is_an_error(write: Callable[[Path, str], Path], kind: str, tmp_path: Path,
                                              capfd: pytest.CaptureFixture[str]) -> None:
    archive = write(tmp_path / "a", kind)
    assert main(["check", str(archive), "--no-cache", "--select", "SRC001", "--output-format", "json", "-j", "1"]) == 1
    found = json.loads(capfd.readouterr().out)["findings"]
    assert [(f["annotation"]["source"], f["message"]) for f in found] == [
        (NAMES[2], "cannot be read: no regular file in the archive")]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_run_from_an_archive_is_resumed(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                          capfd: pytest.CaptureFixture[str]) -> None:
    archive = tarred(tmp_path / "a.tar") if kind == "tar" else special_zip(tmp_path / "a", "folder")
    arguments = ["transform", str(archive), "--op", "flip", "--jobs", "1", "-o"]
    assert main([*arguments, str(tmp_path / "whole")]) == 0

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "run_parts", killed)
        assert main([*arguments, str(tmp_path / "out")]) == 130
    assert main([*arguments, str(tmp_path / "out"), "--resume"]) == 0, capfd.readouterr().err
    seen = [{p.relative_to(o): p.read_bytes() for p in o.rglob("*") if p.is_file()} for o in (tmp_path / "whole", tmp_path / "out")]
    assert seen[0] == seen[1]
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "run_parts", killed)
        assert main([*arguments, str(tmp_path / "other")]) == 130
    os.utime(archive, ns=(1, 1))
    capfd.readouterr()
    assert main([*arguments, str(tmp_path / "other"), "--resume"]) == 2
    assert "another dataset" in capfd.readouterr().err


@pytest.mark.parametrize("offset", [(1 << 63) - 1, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("prefix", [b"", b"prefix" * 10])
def test_an_offset_beyond_what_a_file_has_is_a_damaged_member(offset: int, prefix: bytes, tmp_path: Path,
                                                              capfd: pytest.CaptureFixture[str]) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for name in [*NAMES, "classes.txt"]:
            out.writestr(name, content_of(name))
    content = archive.read_bytes()
    at = content.rindex(NAMES[0].encode()) - 46
    end = content.rindex(b"PK\5\6")
    size, = struct.unpack_from("<L", content, end + 12)
    extra = struct.pack("<HHQ", 1, 8, offset)
    entry = bytearray(content[at:at + 46])
    struct.pack_into("<H", entry, 30, len(extra))
    struct.pack_into("<L", entry, 42, 0xFFFFFFFF)
    stop = at + 46 + len(NAMES[0])
    ending = bytearray(content[end:])
    struct.pack_into("<L", ending, 12, size + len(extra))
    archive.write_bytes(prefix + content[:at] + bytes(entry) + content[at + 46:stop] + extra + content[stop:end] + bytes(ending))
    assert main(["check", str(archive), "--no-cache", "--select", "IMG002", "--output-format", "concise", "-j", "1"]) == 1
    told = capfd.readouterr()
    assert f"{NAMES[0]}: IMG002" in told.out
    assert "internal" not in told.err


def test_reading_beyond_what_a_file_has_gives_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    archive = Archive(str(path), identity_of(path.stat()))
    assert [archive.bytes_at(n, 3) for n in (0, -1, 1 << 63, (1 << 63) - 2)] == [b"abc", b"", b"", b""]


def test_an_archive_that_was_written_over_is_noticed_though_its_time_was_put_back(tmp_path: Path) -> None:
    archive = tarred(tmp_path / "a.tar")
    path = unpack(archive) / NAMES[0]
    before = archive.stat()
    with archive.open("r+b") as file:
        file.write(b"x" * 600)
    os.utime(archive, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ArchiveChangedError):
        read_regular(path)


def test_units_of_a_reason_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tarred(tmp_path / "a.tar")

    def refused(*_: object) -> None:
        raise OSError(27, "File of 3,072 MB")

    monkeypatch.setattr("dsinspect.io.archives.require_no_vast_holes", refused)
    with pytest.raises(UserError, match=r"cannot be unpacked: file of 3,072 MB"):
        unpack(archive)


@pytest.mark.parametrize("shift", [1, 100, 1 << 20])
def test_text_before_the_beginning_of_an_archive_is_one_clear_line(shift: int, tmp_path: Path) -> None:
    archive = special_zip(tmp_path / "a", "folder")
    content = bytearray(archive.read_bytes())
    at = content.rindex(b"PK\5\6") + 16
    struct.pack_into("<L", content, at, struct.unpack_from("<L", content, at)[0] + shift)
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"not a readable archive: (?:'.*' is not where its directory says|Bad magic number)"):
        unpack(archive)


def test_what_lies_far_in_an_image_beyond_the_limit_is_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.bmp", os.urandom(1 << 16) * 48)
        out.writestr("a.txt", b"")
    member = member_at(unpack(tmp_path / "a.zip") / "a.bmp")
    assert member is not None
    assert len(member.read_at(3 << 19, 10)) == 10
    assert member.content() is member.content()  # had already: not inflated again
    other = member_at(unpack(tmp_path / "a.zip") / "a.bmp")
    monkeypatch.setenv("DSINSPECT_LIMITS", "image_mb=2")
    assert other is not None
    with pytest.raises(OSError, match=r"3 MB, more than the 2 MB that are read \(option --read-limit image_mb\)"):
        other.read_at(3 << 19, 10)
