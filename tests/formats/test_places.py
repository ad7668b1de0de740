"""Where datasets lie: archives, several folders as one set; and what a hostile archive cannot do."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import warnings
import zipfile
from pathlib import Path

import pytest

from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.inspection.locate import located
from dsinspect.inspection.opening import open_dataset
from dsinspect.inspection.request import DatasetRequest
from dsinspect.io.archives import unpack
from dsinspect.io.reading import read_regular
from dsinspect.io.unread import left_alone
from dsinspect.loader import load_plugins

PLUGINS = load_plugins()
ROW = "0 0.5 0.5 0.2 0.4\n"


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def yolo(root: Path, count: int, name: str = "cat") -> Path:
    for k in range(count):
        for folder, suffix, content in (("images", "jpg", "image"), ("labels", "txt", ROW)):
            path = root / folder / f"{root.name}{k}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    (root / "classes.txt").write_text(f"{name}\n")
    return root


def packed(root: Path, archive: Path, top: str) -> Path:
    names = sorted(p for p in root.rglob("*") if p.is_file())
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as out:
            for path in names:
                out.write(path, f"{top}{path.relative_to(root).as_posix()}")
    else:
        with tarfile.open(archive, "w:gz") as tar:
            for path in names:
                tar.add(path, f"{top}{path.relative_to(root).as_posix()}")
    return archive


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tgz"])
@pytest.mark.parametrize("top", ["", "inner/"])
def test_an_archive_is_a_dataset(tmp_path: Path, suffix: str, top: str, capsys: pytest.CaptureFixture[str]) -> None:
    archive = packed(yolo(tmp_path / "set", 3), tmp_path / f"set{suffix}", top)
    assert main(["check", str(archive), "--no-cache", "--output-format", "json", "--exit-zero"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["dataset"]["path"] == str(archive)
    assert (document["dataset"]["images"], document["dataset"]["annotations"]) == (3, 3)
    assert {c["code"] for c in document["checks"] if c["status"] == "found"} >= {"IMG002"}  # the files are opened


TABLE = "image,x_min,y_min,x_max,y_max,class\na.jpg,1,2,3,4,x\n"


@pytest.mark.parametrize("command", ["check", "report", "convert", "fix", "view", "transform", "balance"])
@pytest.mark.parametrize("files", [{"readme.md": "hello"}, {"a.csv": TABLE, "b.csv": TABLE},
                                   {"in/instances.json": '{"images": [}, "annotations": [], "categories": []'},
                                   {"Annotations/a.xml": "<annotation>"}])
def test_no_message_or_report_names_the_temporary_folder(
        tmp_path: Path, own_temporary_folder: Path, files: dict[str, str], command: str,
        capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in files.items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_text(content)
    archive = packed(tmp_path / "set", tmp_path / "set.zip", "")
    out = tmp_path / ("out.json" if command in ("report", "balance") else "out.png" if command == "view" else "out")
    more = {"check": ["--output-format", "sarif"], "convert": ["--to", "coco", "-o", str(out)],
            "transform": ["--op", "flip", "-o", str(out)]}.get(command, ["-o", str(out)])
    main([command, str(archive), *more, *(["--no-cache"] if command in ("check", "report") else [])])
    told = capsys.readouterr()
    written = [p.read_bytes().decode(errors="replace") for p in (out if out.is_dir() else tmp_path).rglob("*.*")
               if p.is_file() and own_temporary_folder not in p.parents]
    for text in (told.out, told.err, *written):
        assert str(own_temporary_folder) not in text
    if "error" in told.err:
        assert str(archive) in told.err


KILLED = """
import os, signal, sys
from pathlib import Path
from dsinspect.io.archives import unpack
print(unpack(Path(sys.argv[1])), flush=True)
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
sys.stdin.read()
"""


def test_what_a_killed_run_leaves_goes_with_the_next_one_and_what_a_running_one_uses_stays(
        tmp_path: Path, own_temporary_folder: Path) -> None:
    archive = packed(yolo(tmp_path / "set", 3), tmp_path / "set.zip", "")
    command = [sys.executable, "-c", KILLED, str(archive)]
    environment = {**os.environ, "TMPDIR": str(own_temporary_folder)}
    killed = subprocess.run([*command, "killed"], env=environment, capture_output=True, text=True, check=False)
    assert killed.returncode < 0
    assert Path(killed.stdout.strip()).is_dir(), "nobody could remove it"
    with subprocess.Popen([*command, "waits"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runs:
        assert runs.stdout is not None
        used = Path(runs.stdout.readline().strip())
        assert not Path(killed.stdout.strip()).exists()
        unpack(archive)
        assert (used / "labels/set0.txt").is_file(), "another run is at work there"
        runs.communicate()
    assert not used.exists()


def test_folders_that_only_look_like_ours_stay(tmp_path: Path, own_temporary_folder: Path) -> None:
    for name in ("dsinspect-1-notours!", "dsinspect-99999999-abcdefgh"):  # the second has no lock yet: its run has just made it
        (own_temporary_folder / name).mkdir()
    unpack(packed(yolo(tmp_path / "set", 1), tmp_path / "set.zip", ""))
    assert {"dsinspect-1-notours!", "dsinspect-99999999-abcdefgh"} < {p.name for p in own_temporary_folder.iterdir()}
    os.utime(own_temporary_folder / "dsinspect-99999999-abcdefgh", (0, 0))
    unpack(tmp_path / "set.zip")
    assert not (own_temporary_folder / "dsinspect-99999999-abcdefgh").exists()


def test_what_leads_outside_is_refused(tmp_path: Path, own_temporary_folder: Path) -> None:
    for name in ("../evil.txt", "/evil.txt", "a/../../evil.txt"):
        archive = tmp_path / "a.zip"
        with zipfile.ZipFile(archive, "w") as out:
            out.writestr(name, "x")
        with pytest.raises(UserError, match="which leads outside; refused"):
            unpack(archive)
    assert not list(tmp_path.rglob("evil.txt"))
    assert not any(p.is_file() for p in own_temporary_folder.rglob("*"))


@pytest.mark.parametrize("second", ["data.yaml", "./data.yaml", "x/../data.yaml", ".\\data.yaml"])
def test_a_zip_with_one_name_twice_is_refused(tmp_path: Path, own_temporary_folder: Path, second: str) -> None:
    """Programs differ in which one they take."""
    archive = packed(yolo(tmp_path / "set", 1), tmp_path / "set.zip", "")
    with zipfile.ZipFile(archive, "a") as out, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out.writestr("data.yaml", "names: [a]")
        out.writestr(second, "names: [b]")
    with pytest.raises(UserError, match=r"holds '.*data.yaml' twice"):
        unpack(archive)
    assert not any(p.is_file() for p in own_temporary_folder.rglob("*"))


@pytest.mark.parametrize("second", ["data.yaml", "./data.yaml", "x/../data.yaml"])
def test_a_tar_with_one_name_twice_is_refused(tmp_path: Path, own_temporary_folder: Path, second: str) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        for name in ("data.yaml", second):
            entry = tarfile.TarInfo(name)
            entry.size = 3
            tar.addfile(entry, io.BytesIO(b"a: "))
    with pytest.raises(UserError, match=r"holds '.*data.yaml' twice"):
        unpack(tmp_path / "set.tar")
    assert not any(p.is_file() for p in own_temporary_folder.rglob("*"))


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_tar_that_ends_early_is_refused(tmp_path: Path, suffix: str) -> None:
    with tarfile.open(tmp_path / "whole.tar", "w") as tar:
        for k in range(4):
            entry = tarfile.TarInfo(f"top/{k}.txt")
            entry.size = 600
            tar.addfile(entry, io.BytesIO(bytes([k]) * 600))
    whole = (tmp_path / "whole.tar").read_bytes()
    starts = [k * 1536 for k in range(1, 5)]  # a header and two blocks each
    flipped = bytearray(whole)
    flipped[starts[1] + 5] ^= 1
    for damaged in (*(whole[:k] for k in starts), whole[:starts[2] + 100], bytes(flipped)):
        archive = tmp_path / f"a.tar{suffix}"
        archive.write_bytes(gzip.compress(damaged) if suffix else damaged)
        with pytest.raises(UserError, match="not a readable archive"):
            unpack(archive)


def test_what_compresses_a_tar_is_checked_to_its_end(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "whole.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("top/a.txt"))
    packed = gzip.compress((tmp_path / "whole.tar").read_bytes())
    wrong = bytearray(packed)
    wrong[-6] ^= 1
    for damaged in (bytes(wrong), packed[:-4]):
        (tmp_path / "a.tar.gz").write_bytes(damaged)
        with pytest.raises(UserError, match=r"a\.tar\.gz: (not a readable archive|cannot be unpacked)"):
            unpack(tmp_path / "a.tar.gz")


def test_links_within_an_archive_are_the_files_that_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "set/images").mkdir(parents=True)
    (tmp_path / "set/images/a.txt").write_text("a")
    (tmp_path / "set/images/b.txt").hardlink_to(tmp_path / "set/images/a.txt")
    (tmp_path / "set/c.txt").symlink_to("images/b.txt")
    (tmp_path / "set/d.txt").symlink_to("c.txt")
    (tmp_path / "set/loop").symlink_to("loop")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(tmp_path / "set", "set")
    folder = unpack(tmp_path / "a.tar")
    assert {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*.txt")} == {
        "images/a.txt": "a", "images/b.txt": "a", "c.txt": "a", "d.txt": "a"}
    assert not (folder / "loop").exists()


def test_links_and_devices_are_left_out(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            entry = tarfile.TarInfo(f"top/{kind!r}")
            entry.type, entry.linkname = kind, "/etc/passwd"
            tar.addfile(entry)
        entry = tarfile.TarInfo("top/a.txt")
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    folder = unpack(archive)
    assert [p.name for p in folder.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(("limits", "told"), [
    ("archive_files=2", r"holds more than 2 files \(option --read-limit archive_files\)"),
    ("archive_mb=1", r"more than 1 MB \(option --read-limit archive_mb\)")])
def test_limits_are_named(tmp_path: Path, limits: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_LIMITS", limits)
    source = yolo(tmp_path / "set", 2)
    (source / "large.dat").write_bytes(bytes(3 << 20))
    archive = packed(source, tmp_path / "set.zip", "")
    with pytest.raises(UserError, match=told):
        unpack(archive)


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path, own_temporary_folder: Path) -> None:
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out, out.open("zeros.bin", "w", force_zip64=True) as member:
        for _ in range(100):
            member.write(bytes(1 << 20))
    with pytest.raises(UserError, match=r"200 times \(option --read-limit archive_ratio\); refused as an archive bomb"):
        unpack(archive)
    assert not list(own_temporary_folder.iterdir())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"no archive"])
def test_a_damaged_archive_is_one_line(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(content)
    assert main(["check", str(archive), "--no-cache"]) == 2
    assert "a.zip: not a readable archive" in capsys.readouterr().err


def test_several_folders_are_the_splits_of_one_set(tmp_path: Path) -> None:
    yolo(tmp_path / "north", 2)
    yolo(tmp_path / "south", 1)
    place = located([f"train={tmp_path / 'north'}", f"val={tmp_path / 'south'}"])
    source = open_dataset(DatasetRequest(place.path, place.root, parts=place.parts), PLUGINS)
    rows = [row for ref in source.shards(100) for row in ref.load().image_columns.records()]
    assert [(r["path"], r["split"], r["source"]) for r in rows] == [
        ("north/images/north0.jpg", "train", "north/labels/north0.txt"),
        ("north/images/north1.jpg", "train", "north/labels/north1.txt"),
        ("south/images/south0.jpg", "val", "south/labels/south0.txt")]
    assert all(Path(r["file"]).samefile(place.root / r["path"]) for r in rows)
    assert source.info.splits == ("train", "val")
    assert [c.name for c in source.info.categories] == ["cat"]


def test_several_folders_are_converted_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [f"train={yolo(tmp_path / 'north', 2)}", f"val={yolo(tmp_path / 'south', 1)}"]
    assert main(["convert", *parts, "--to", "yolo", "-o", str(tmp_path / "out"), "-q"]) == 0
    assert sorted(p.name for p in (tmp_path / "out/labels").rglob("*.txt")) == ["north0.txt", "north1.txt", "south0.txt"]
    assert main(["fix", *parts, "--diff", "--no-cache"]) == 0
    assert "nothing to fix" in capsys.readouterr().err


@pytest.mark.parametrize(("more", "told"), [
    (["NORTH", "SOUTH"], "several datasets are one set when each is named"),
    (["train=NORTH", "train=SOUTH"], "two datasets are named train"),
    (["train=NORTH", "val=COCO"], "train is yolo and val is coco"),
    (["train=NORTH", "val=/nope"], "/nope: no such file or folder")])
def test_several_folders_that_are_no_set(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str) -> None:
    yolo(tmp_path / "north", 2)
    yolo(tmp_path / "south", 1)
    (tmp_path / "coco").mkdir()
    (tmp_path / "coco/a.json").write_text('{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"id": 1, "image_id": 1, '
                                          '"category_id": 1, "bbox": [1, 1, 2, 2]}], "categories": [{"id": 1, "name": "a"}]}')
    for word in ("NORTH", "SOUTH", "COCO"):
        more = [m.replace(word, str(tmp_path / word.lower())) for m in more]
    assert main(["check", *more, "--no-cache"]) == 2
    assert told in capsys.readouterr().err


def test_archives_as_splits_give_the_same_names_in_every_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = (packed(yolo(tmp_path / n, 3), tmp_path / f"{n}.zip", "") for n in ("one", "two"))
    told = []
    for _ in range(2):
        main(["check", f"train={one}", f"val={two}", "--no-cache", "--output-format", "json", "--exit-zero"])
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert "dsinspect-" not in told[0]
    assert [s["name"] for s in json.loads(told[0])["dataset"]["splits"]] == ["train", "val"]


def test_an_archive_beside_a_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    archive = packed(yolo(tmp_path / "one", 3), tmp_path / "one.zip", "")
    with pytest.raises(UserError, match=r"train is an archive or a URL and val is not.*unpack train"):
        located([f"train={archive}", f"val={yolo(tmp_path / 'two', 3)}"])


def test_links_in_a_zip_are_the_files_that_they_lead_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("images/a.jpg", b"image")
        for name, target in (("images/b.jpg", "a.jpg"), ("images/c.jpg", "../../x.jpg"), ("images/d.jpg", "/etc/passwd")):
            link = zipfile.ZipInfo(name)
            link.external_attr = 0o120777 << 16
            out.writestr(link, target)
    folder = unpack(archive)
    assert sorted(p.name for p in folder.rglob("*.jpg")) == ["a.jpg", "b.jpg"]
    assert read_regular(folder / "b.jpg") == b"image"
    assert left_alone() == ["images/c.jpg", "images/d.jpg"]
