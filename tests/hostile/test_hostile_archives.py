"""Archives that are damaged, made to harm, or changed while they are read: a finding or one line, never other pixels."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
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

import dsinspect
from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.io.archives import unpack
from dsinspect.io.folders import remove_folder
from dsinspect.io.packed import member_at
from dsinspect.io.packed_bytes import ArchiveChangedError
from dsinspect.io.reading import read_regular

COUNT = 4


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


def images(suffix: str = ".bmp") -> dict[str, bytes]:
    """Return images of a YOLO set by their names; bitmaps shrink when they are deflated."""
    rng = np.random.default_rng(3)
    found = {}
    for k in range(COUNT):
        pixels = np.repeat(rng.integers(0, 255, (40, 5, 3), dtype=np.uint8), 10, axis=1)
        found[f"images/{k}{suffix}"] = cv2.imencode(suffix, pixels)[1].tobytes()
    return found


def texts() -> dict[str, bytes]:
    return {**{f"labels/{k}.txt": b"0 .5 .5 .2 .2\n" for k in range(COUNT)}, "classes.txt": b"a\n"}


def zipped(archive: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(archive, "w", method) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return archive


def found_in(source: Path, capfd: pytest.CaptureFixture[str], code: int = 1) -> list[tuple[str, str, str]]:
    """Return code, image and message of the errors that a check finds."""
    assert main(["check", str(source), "--no-cache", "--output-format", "json", "--select", "IMG,REC,SRC", "--jobs", "1"]) == code
    told = capfd.readouterr()
    assert "Traceback" not in told.err
    document = json.loads(told.out)
    assert (document["dataset"]["images"], document["dataset"]["annotations"]) == (COUNT, COUNT)
    return [(f["code"], f["image"], f["message"]) for f in document["findings"] if f["severity"] == "error"]


def entry_of(content: bytes, name: str) -> int:
    """Return where the entry of a member begins in a .zip's directory."""
    at = content.rindex(name.encode()) - 46
    assert content[at:at + 4] == b"PK\1\2"
    return at


def local_of(content: bytes, name: str) -> int:
    """Return where a member's own header begins."""
    at = content.index(name.encode()) - 30
    assert content[at:at + 4] == b"PK\3\4"
    return at


def put(content: bytes, at: int, code: str, value: int) -> bytes:
    return content[:at] + struct.pack(code, value) + content[at + struct.calcsize(code):]


def sized(content: bytes, name: str, size: int) -> bytes:
    """Let a member say that it unfolds to so many bytes."""
    return put(put(content, entry_of(content, name) + 24, "<I", size), local_of(content, name) + 22, "<I", size)


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1:]


ONE = "images/1.bmp"
DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a bit of the bytes": (lambda c: flipped(c, local_of(c, ONE) + 30 + len(ONE) + 30), "damaged in its archive"),
    "the checksum": (lambda c: put(c, entry_of(c, ONE) + 16, "<I", 12345), "its checksum differs"),
    "the name before it": (lambda c: flipped(c, local_of(c, ONE) + 30), "differ in its name"),
    "the length of that name": (lambda c: put(c, local_of(c, ONE) + 26, "<H", 3), "differ in its name"),
    "the size before it": (lambda c: put(c, local_of(c, ONE) + 22, "<I", 77), "differ in its size"),
    "the method before it": (lambda c: put(c, local_of(c, ONE) + 8, "<H", 12), "differ in its method"),
    "that it is encrypted before it": (lambda c: put(c, local_of(c, ONE) + 6, "<H", 1), "differ in its method"),
    "its header": (lambda c: flipped(c, local_of(c, ONE)), "no header where its directory says"),
    "its place": (lambda c: put(c, entry_of(c, ONE) + 42, "<I", 7), "no header where its directory says"),
    "its extra field": (lambda c: put(c, local_of(c, ONE) + 28, "<H", 60_000), "it reaches into what follows it"),
    "a packed size that reaches into the next": (
        lambda c: put(put(c, entry_of(c, ONE) + 20, "<I", 5000), local_of(c, ONE) + 18, "<I", 5000),
        "it reaches into what follows it"),
    "a size that is too small": (lambda c: sized(c, ONE, 99), "unfolds to more than the 99 bytes"),
    "a size that is too large": (lambda c: sized(c, ONE, 9_999_999), "bytes early"),
}


@pytest.mark.parametrize("what", DAMAGES)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_image_is_a_finding_of_that_image(what: str, method: int, tmp_path: Path,
                                                    capfd: pytest.CaptureFixture[str]) -> None:
    archive = zipped(tmp_path / "a.zip", {**images(), **texts()}, method)
    damage, told = DAMAGES[what]
    archive.write_bytes(damage(archive.read_bytes()))
    found = found_in(archive, capfd)
    (code, image, message), = found if what != "its place" else [f for f in found if f[1] == ONE]  # it lies in another's room
    assert (code, image) == ("IMG002", ONE)
    assert told in message or (method == zipfile.ZIP_STORED and "differ in its size" in message), message


def test_what_is_made_of_an_archive_is_without_damaged_images(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    archive = zipped(tmp_path / "a.zip", {**images(), **texts()})
    archive.write_bytes(DAMAGES["the checksum"][0](archive.read_bytes()))
    assert main(["convert", str(archive), "-o", str(tmp_path / "coco"), "--to", "coco"]) == 0
    assert "images whose file cannot be read" in capfd.readouterr().out
    main(["fix", str(archive), "-o", str(tmp_path / "fixed"), "--no-cache"])
    assert "1 file that cannot be read left out" in capfd.readouterr().out
    assert main(["transform", str(archive), "-o", str(tmp_path / "turned"), "--op", "flip"]) == 1
    assert "1 of 4 images failed" in capfd.readouterr().err
    assert main(["view", str(archive), "-o", str(tmp_path / "sheet.png")]) == 0
    for out, folder in (("coco", "images"), ("fixed", "images"), ("turned", "images")):
        there = sorted(p.stem for p in (tmp_path / out).rglob("*.bmp"))
        assert there == ["0", "2", "3"], (out, folder)
    for name, content in images().items():
        if name != ONE:
            assert (tmp_path / "fixed" / name).read_bytes() == content


def test_damaged_text_is_the_whole_archive(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {**images(), **texts()})
    content = archive.read_bytes()
    archive.write_bytes(put(content, entry_of(content, "labels/1.txt") + 16, "<I", 12345))
    with pytest.raises(UserError, match="not a readable archive"):
        unpack(archive)


@pytest.mark.parametrize("kind", ["text", "images"])
def test_members_that_share_bytes_are_never_unfolded(kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    archive = zipped(tmp_path / "a.zip", {**images(), **texts()})
    content = archive.read_bytes()
    one, two = ("labels/1.txt", "labels/2.txt") if kind == "text" else ("images/1.bmp", "images/2.bmp")
    content = put(content, entry_of(content, two) + 42, "<I", local_of(content, one))
    archive.write_bytes(content)
    if kind == "images":
        (code, image, message), = found_in(archive, capfd)
        assert (code, image) == ("IMG002", two)
        assert "differ in its name" in message
    else:
        with pytest.raises(UserError, match="not a readable archive"):
            unpack(archive)


def nested(count: int, unfolded: int) -> bytes:
    """Return a .zip of images each of whose bytes are all that follow it: quoted local headers, the bomb of overlapping files."""
    import zlib

    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = press.compress(bytes(unfolded)) + press.flush()
    members = []
    for k in reversed(range(count)):
        name = f"images/{k}.bmp".encode()
        local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(body), unfolded, len(name), 0) + name
        members.append((name, len(body), len(local)))
        body = struct.pack("<BHH", 0, len(local), len(local) ^ 0xFFFF) + local + body if k else local + body
    directory, at = b"", 0
    for name, packed, length in reversed(members):
        directory += struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, packed, unfolded, len(name), *[0] * 5, at)
        directory += name
        at += length + 5
    return body + directory + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)


def test_a_bomb_of_images_within_images_is_never_unfolded(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(nested(40, 1_500_000))
    folder = unpack(archive)
    tracemalloc.start()
    for k in range(39):
        with pytest.raises(OSError, match="reaches into what follows it"):
            read_regular(folder / f"{k}.bmp")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_an_image_that_unfolds_to_more_than_it_says_takes_no_memory_for_it(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a.bmp": bytes(40 << 20), "labels/a.txt": b""})
    archive.write_bytes(sized(archive.read_bytes(), "a.bmp", 1000))
    path = unpack(archive) / "a.bmp"
    tracemalloc.start()
    with pytest.raises(OSError, match="more than the 1,000 bytes"):
        read_regular(path)
    member = member_at(path)
    assert member is not None
    with pytest.raises(OSError, match="more than the 1,000 bytes"):
        member.read_at(0, 10)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_an_image_beyond_the_limit_is_refused_before_memory_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                                     capfd: pytest.CaptureFixture[str]) -> None:
    archive = zipped(tmp_path / "a.zip", {**images(), **texts(), ONE: b"BM" + bytes(30 << 20)})
    monkeypatch.setenv("DSINSPECT_LIMITS", "image_mb=16")
    (code, image, message), = found_in(archive, capfd)
    assert (code, image) == ("IMG002", ONE)
    assert "30 MB, more than the 16 MB that are read (option --read-limit image_mb)" in message


def test_images_that_unfold_two_hundred_times_are_refused_as_before(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a.bmp": bytes(80 << 20), **texts()})
    with pytest.raises(UserError, match=r"200 times \(option --read-limit archive_ratio\); refused as an archive bomb"):
        unpack(archive)
    assert not list(Path(tempfile.gettempdir()).rglob("*.bmp"))


def test_an_encrypted_image_is_one_line(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {**images(), **texts()})
    content = archive.read_bytes()
    archive.write_bytes(put(content, entry_of(content, ONE) + 8, "<H", 1))
    with pytest.raises(UserError, match="encrypted; unpack it yourself"):
        unpack(archive)


def streamed(archive: Path, members: dict[str, bytes]) -> Path:
    """Write a .zip as programs do that cannot go back: sizes follow the bytes."""
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.parts: list[bytes] = []

        def writable(self) -> bool:
            return True

        def write(self, content: object) -> int:
            self.parts.append(bytes(content))  # type: ignore[call-overload]
            return len(self.parts[-1])

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            out.writestr(name, content)
    archive.write_bytes(b"".join(pipe.parts))
    return archive


def large(archive: Path, members: dict[str, bytes]) -> Path:
    """Write a .zip whose members have the sizes of ZIP64."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            with out.open(name, "w", force_zip64=True) as member:
                member.write(content)
    return archive


def prefixed(archive: Path, members: dict[str, bytes]) -> Path:
    """Write a .zip that unpacks itself: a program comes first."""
    archive.write_bytes(b"#!/bin/sh\nexit\n" * 99 + zipped(archive, members).read_bytes())
    return archive


def other_methods(archive: Path, members: dict[str, bytes]) -> Path:
    """Write a .zip whose members have the other methods."""
    with zipfile.ZipFile(archive, "w") as out:
        for k, (name, content) in enumerate(members.items()):
            out.writestr(name, content, (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)[k % 4])
    return archive


def gnu(archive: Path, members: dict[str, bytes], form: int = tarfile.GNU_FORMAT) -> Path:
    """Write a .tar with long names and an image that has two of them."""
    with tarfile.open(archive.with_suffix(".tar"), "w", format=form) as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive.with_suffix(".tar")


@pytest.mark.parametrize("write", [streamed, large, prefixed, other_methods, gnu, lambda a, m: gnu(a, m, tarfile.PAX_FORMAT)])
def test_archives_of_every_make(write: Callable[[Path, dict[str, bytes]], Path], tmp_path: Path) -> None:
    members = {**images(), **images(".jpg"), "images/ä ö/" + "long " * 30 + ".png": images(".png")["images/0.png"], **texts()}
    folder = unpack(write(tmp_path / "a.zip", members))
    for name, content in members.items():
        assert read_regular(folder / name) == content


def test_second_names_of_an_image(tmp_path: Path) -> None:
    content = images()[ONE]
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        entry = tarfile.TarInfo(ONE)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
        for name, kind, target in (("images/hard.bmp", tarfile.LNKTYPE, ONE), ("soft.bmp", tarfile.SYMTYPE, ONE),
                                   ("text.txt", tarfile.SYMTYPE, ONE)):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            tar.addfile(link)
    folder = unpack(tmp_path / "a.tar")
    for name in (ONE, "images/hard.bmp", "soft.bmp", "text.txt"):
        assert read_regular(folder / name) == content
    assert member_at(folder / "text.txt") is None


def test_a_sparse_file_of_a_tar_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x/holes.bmp"
    path.parent.mkdir()
    with path.open("wb") as file:
        file.write(b"BM" + bytes(4094))
        file.seek(1 << 20)
        file.write(b"end")
    if shutil.which("tar") is None:
        pytest.skip("GNU tar writes sparse files")
    os.system(f"cd {path.parent} && tar --sparse -cf ../a.tar holes.bmp")
    assert read_regular(unpack(tmp_path / "a.tar") / "holes.bmp") == path.read_bytes()


CHANGES: dict[str, Callable[[Path], object]] = {
    "another one takes its name": lambda p: (shutil.copy2(p, p.with_suffix(".new")), p.with_suffix(".new").replace(p)),
    "it is gone": lambda p: p.unlink(),
    "it grows": lambda p: p.open("ab").write(b"x"),
    "its time changes": lambda p: os.utime(p, ns=(1, 1)),
    "it is cut": lambda p: os.truncate(p, 100),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_archive_is_one_line_and_never_other_pixels(change: str, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {**images(), **texts()})
    dataset = dsinspect.open(archive)
    CHANGES[change](archive)
    if change in ("another one takes its name", "it is gone"):  # the file that was opened is still there for who has it open
        assert len(list(dataset)) == COUNT
        return
    with pytest.raises(UserError, match=r"a\.zip: has changed while it was read; run the command again"):
        list(dataset)
    with pytest.raises(ArchiveChangedError):
        dsinspect.transform(dataset._request.root, tmp_path / "out", ["flip"])
    assert not list((tmp_path / "out").rglob("*.bmp"))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("arguments", [
    ["check"], ["fix", "-o", "OUT"], ["convert", "-o", "OUT", "--to", "coco"], ["view", "-o", "OUT.png"],
    ["transform", "-o", "OUT", "--op", "flip"], ["report", "-o", "OUT.html"]])
def test_workers_refuse_an_archive_that_was_changed(change: str, arguments: list[str], tmp_path: Path,
                                                    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(tmp_path / "a.zip", {**images(), **texts()})
    from dsinspect.io import archives

    whole = archives._write

    def then_changed(archive: Path, folder: Path) -> None:
        from dsinspect.io import packed

        whole(archive, folder)
        CHANGES[change](archive)
        for own in packed.archives():  # as in a worker, which opens the archive when it first reads an image
            if own.archive._descriptor is not None:
                os.close(own.archive._descriptor)
                own.archive._descriptor = None

    monkeypatch.setattr(archives, "_write", then_changed)
    given = [a.replace("OUT", str(tmp_path / "out")) for a in arguments]
    no_cache = ["--no-cache"] if given[0] in ("check", "fix", "report") else []
    code = main([given[0], str(archive), *given[1:], *no_cache, "--jobs", "1"])
    told = capfd.readouterr()
    assert code == 2
    assert told.err.count("\n") == 1
    assert "a.zip: has changed while it was read" in told.err or "a.zip: can no longer be read" in told.err
    left = [p for p in tmp_path.iterdir() if p.name.startswith(("out", ".out"))]
    assert not [p for p in left if given[0] != "transform" or list(p.rglob("*.bmp"))], "one that is resumed has no image yet"


def test_mutated_archives_give_right_bytes_or_say_what_is_wrong(tmp_path: Path) -> None:
    rng = random.Random(5)
    members = {**images(), **texts()}
    whole = [zipped(tmp_path / "a.zip", members, m).read_bytes() for m in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)]
    whole.append(large(tmp_path / "a.zip", members).read_bytes())
    told = 0
    for _ in range(300):
        content = bytearray(rng.choice(whole))
        for _ in range(rng.choice((1, 1, 2, 4))):
            at = rng.randrange(len(content) - 900 if rng.random() < .7 else 0, len(content))
            put_there = rng.choice((b"", b"\xff", b"\0", b"\x80" * 4, b"\xff" * 8, rng.randbytes(2)))
            content[at:at + rng.choice((0, 1, 1, 4, 8))] = put_there
        (tmp_path / "a.zip").write_bytes(content)
        try:
            folder = unpack(tmp_path / "a.zip")
        except UserError as e:
            assert "\n" not in str(e)
            told += 1
            continue
        home = next(p for p in (folder, *folder.parents) if p.name == "dataset")
        for path in (p for p in home.rglob("*") if p.is_file()):
            name = path.relative_to(home).as_posix()
            try:
                assert read_regular(path) in (members.get(name, b""), b"")
            except OSError as e:
                assert "damaged in its archive" in str(e)
                told += 1
        remove_folder(home.parent)
    assert told > 100


def test_a_member_without_a_name_is_one_line(tmp_path: Path) -> None:
    content = zipped(tmp_path / "a.zip", {**images(), **texts()}).read_bytes()
    at = entry_of(content, ONE)
    (tmp_path / "a.zip").write_bytes(content[:at + 28] + b"\0\0" + content[at + 30:at + 46] + content[at + 46 + len(ONE):])
    with pytest.raises(UserError, match="not a readable archive"):
        unpack(tmp_path / "a.zip")
