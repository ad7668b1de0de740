"""Images that stay in their archive: what commands make of it is what they make of the folder, byte for byte."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from by_archive import IN_PLACE, KINDS, NAME, outputs, packed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dsinspect
from dsinspect.cli import main
from dsinspect.commands.options import Judging
from dsinspect.commands.review_serve import require_places
from dsinspect.errors import UserError
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.locate import located
from dsinspect.inspection.request import Request
from dsinspect.io import packed as in_place
from dsinspect.io.archives import unpack
from dsinspect.io.files import place_file
from dsinspect.io.packed_bytes import Member
from dsinspect.loader import load_plugins
from dsinspect.review.server.catalog import Catalog
from dsinspect.review.server.pixels import Pixels
from dsinspect_reports.xlsx import _book

PLUGINS = load_plugins()
SAMPLES = Path(__file__).parents[2] / "sample_data"
COMMANDS = {
    "check": ["check", "--output-format", "json", "--exit-zero"],
    "json": ["report", "-o", "r.json"], "xlsx": ["report", "-o", "r.xlsx"], "html": ["report", "-o", "r.html"],
    "fix": ["fix", "-o", "out"], "convert": ["convert", "-o", "out", "--to", "yolo"],
    "for a trainer": ["convert", "-o", "out", "--for", "yolox"],
    "transform": ["transform", "-o", "out", "--op", "letterbox:size=64", "--op", "flip"],
    "copies": ["transform", "-o", "out", "--op", "upright"],
    "view": ["view", "-o", "sheet.png", "--side", "60"], "balance": ["balance", "-o", "weights.json"],
}
TAKES_NO_CACHE = ("check", "report", "fix", "simulate")


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(autouse=True)
def nothing_is_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The images of an archive are no files that a workbook could link; those of its folder are not linked here."""
    monkeypatch.setattr(_book, "_relative_base", lambda *_: None)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The placeholders that code of ours opened: none, ever."""
    found: list[str] = []
    refused = in_place._refused

    def noted(name: str) -> OSError:
        found.append(name)
        return refused(name)

    monkeypatch.setattr(in_place, "_refused", noted)
    return found


def made(command: str, source: Path, folder: Path, capfd: pytest.CaptureFixture[str], *more: str) -> dict[str, bytes]:
    """Run a command on a set beside it, into a folder of its own, and return its files, exit code and what it printed."""
    folder.mkdir(parents=True)
    here = Path.cwd()
    os.chdir(folder)
    (folder.parent / "at").mkdir(exist_ok=True)
    place = folder.parent / "at" / (NAME if source.is_dir() else source.name)
    place.symlink_to(source)
    try:
        name, *arguments = COMMANDS[command]
        code = main([name, f"../at/{place.name}", *arguments, *more, *(["--no-cache"] if name in TAKES_NO_CACHE else [])])
        told = capfd.readouterr()
        (folder / "told.txt").write_text(f"{code}\n{told.out}\n{told.err}")
        return outputs(folder)
    finally:
        place.unlink()
        os.chdir(here)


@pytest.mark.parametrize(("name", "command"), [*(("coco", c) for c in COMMANDS), *(
    (n, c) for n in ("yolo", "voc", "rotated", "tracks") for c in ("json", "fix"))])
def test_an_archive_gives_what_its_folder_gives(name: str, command: str, tmp_path: Path, capfd: pytest.CaptureFixture[str],
                                                opened: list[str]) -> None:
    source = Path(shutil.copytree(SAMPLES / name, tmp_path / "set"))
    whole = made(command, source, tmp_path / "of-folder", capfd)
    for kind in KINDS if name == "coco" else IN_PLACE:
        archive = packed(source, tmp_path / kind, kind)
        assert made(command, archive, tmp_path / f"of-{kind}", capfd) == whole, kind
    assert len(whole) > (command != "check")
    assert opened == []


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no UTF-8")
def test_an_archive_in_a_folder_whose_name_is_no_text(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    archive = packed(SAMPLES / "yolo", folder / "yolo", "stored")
    assert main(["check", str(archive), "--no-cache", "--exit-zero", "--jobs", "2", "--executor", "process"]) == 0
    of_archive = capfd.readouterr().out.splitlines()[-1]
    assert main(["check", str(SAMPLES / "yolo"), "--no-cache", "--exit-zero"]) == 0
    assert of_archive == capfd.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("executor", ["process", "thread", "dask"])
@pytest.mark.parametrize("command", ["json", "transform"])
def test_workers_find_the_images(executor: str, command: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if executor == "dask":
        pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    source = SAMPLES / "coco"
    whole = made(command, source, tmp_path / "of-folder", capfd, "--executor", "serial")
    for kind in IN_PLACE if executor == "process" and command == "json" else ("deflated",):
        archive = packed(source, tmp_path / kind, kind)
        assert made(command, archive, tmp_path / f"of-{kind}", capfd, "--executor", executor, "--jobs", "2") == whole, kind


FORMATS = ("coco", "yolo", "voc", "labelme", "cvat", "kitti", "createml", "vocmask", "huggingface")


def random_set(root: Path, seed: int) -> Path:
    """Draw a small COCO set whose images are of several kinds: grey, wide, cut short, empty, equal to others, no images."""
    rng = random.Random(seed)
    noise = np.random.default_rng(seed)
    images, annotations = [], []
    last = b""
    for k in range(rng.randint(1, 6)):
        height, width = rng.randint(1, 90), rng.randint(1, 90)
        suffix = rng.choice([".jpg", ".png", ".bmp", ".tiff", ".webp"])
        pixels = noise.integers(0, 256, (height, width) if rng.random() < .3 else (height, width, 3), dtype=np.uint8)
        content = cv2.imencode(suffix, pixels if rng.random() < .7 else np.full_like(pixels, 77))[1].tobytes()
        content = rng.choice([content] * 6 + [content[:len(content) // 2], content + b"more", b"", b"no image at all", last])
        last = content
        name = f"{rng.choice(['', 'a/', 'b c/', 'ü/'])}{k}{suffix}"
        place = root / "images" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        images.append({"id": k, "file_name": name, "width": width, "height": height})
        for _ in range(rng.randint(0, 3)):
            x, y = rng.random() * width, rng.random() * height
            box = [x, y, rng.random() * (width - x), rng.random() * (height - y)]
            annotations.append({"id": len(annotations) + 1, "image_id": k, "category_id": rng.randint(1, 2), "iscrowd": 0,
                                "area": 4.0, "bbox": box})
    (root / "instances.json").write_bytes(json.dumps(
        {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]}).encode())
    return root


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), target=st.sampled_from(FORMATS), kind=st.sampled_from(list(KINDS)),
       command=st.sampled_from(sorted(COMMANDS)))
def test_random_sets_of_several_formats(seed: int, target: str, kind: str, command: str, tmp_path: Path,
                                        capfd: pytest.CaptureFixture[str], opened: list[str]) -> None:
    home = Path(tempfile.mkdtemp(dir=tmp_path))
    source = random_set(home / "drawn", seed)
    if target != "coco":
        try:
            dsinspect.convert(source, home / "set", to=target)
        except UserError:
            return  # a format that cannot hold this one
        source = home / "set"
    archive = packed(source, home / "archive", kind)
    assert made(command, archive, home / "2", capfd) == made(command, source, home / "1", capfd)
    assert opened == []
    shutil.rmtree(home)


def noise(root: Path, count: int = 60) -> Path:
    """Draw a YOLO set of images of 40 kB."""
    rng = np.random.default_rng(1)
    for k in range(count):
        for folder in ("images", "labels"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (120, 111, 3), dtype=np.uint8)
        (root / f"images/{k}.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
        (root / f"labels/{k}.txt").write_text("0 .5 .5 .2 .2\n")
    (root / "classes.txt").write_text("a\n")
    return root


def room(folder: Path) -> int:
    """Return the bytes that files below a folder take on the disk."""
    return sum(p.lstat().st_blocks * 512 for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("kind", IN_PLACE)
def test_no_room_is_taken_for_images(kind: str, tmp_path: Path, own_temporary_folder: Path) -> None:
    source = noise(tmp_path / "set")
    folder = unpack(packed(source, tmp_path / "archive", kind))
    assert room(folder / "images") == 0
    assert room(own_temporary_folder) <= room(source / "labels") + (64 << 10)
    for path in (source / "images").iterdir():
        assert (folder / "images" / path.name).stat().st_size == path.stat().st_size


def test_where_files_cannot_have_holes_all_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                       capfd: pytest.CaptureFixture[str]) -> None:
    source = SAMPLES / "yolo"
    whole = made("json", source, tmp_path / "1", capfd)
    monkeypatch.setattr(in_place.Leaving, "can", lambda _: False)
    archive = packed(source, tmp_path / "archive", "stored")
    assert room(unpack(archive) / "images") > 0
    assert made("json", archive, tmp_path / "2", capfd) == whole


@pytest.fixture
def placeholder(tmp_path: Path) -> Path:
    source = noise(tmp_path / "set", 1)
    return unpack(packed(source, tmp_path / "archive", "deflated")) / "images/0.png"


@pytest.mark.parametrize("read", [
    lambda p: p.read_bytes(), lambda p: open(p), lambda p: os.open(p, os.O_RDONLY), np.load, np.fromfile,  # noqa: PTH123, SIM115
    lambda p: shutil.copyfile(p, f"{p}.copy"), lambda p: open(os.fspath(p), "r+b")])  # noqa: PTH123, SIM115
def test_a_placeholder_is_never_taken_for_an_image(read: Callable[[Path], object], placeholder: Path) -> None:
    with pytest.raises(PermissionError, match="its bytes are in the archive"):
        read(placeholder)
    assert placeholder.stat().st_mode & 0o777 == 0


def test_a_copy_is_the_image_whoever_asks_for_a_link(placeholder: Path, tmp_path: Path) -> None:
    whole = (tmp_path / "set/images/0.png").read_bytes()
    for link in (True, False):
        target = tmp_path / f"copies/{link}.png"
        assert place_file(placeholder, target, link=link) == "copied"
        assert target.read_bytes() == whole
        assert target.stat().st_mode & 0o600 == 0o600


def test_who_asks_for_a_path_gets_a_file(placeholder: Path, tmp_path: Path) -> None:
    from dsinspect.protocols.probes import ImageFile

    file = ImageFile(str(placeholder))
    assert file.head == (tmp_path / "set/images/0.png").read_bytes()[:4096]
    assert Path(file.path).read_bytes() == (tmp_path / "set/images/0.png").read_bytes() == file.content
    assert not [p for p in placeholder.parent.iterdir() if p != placeholder]


@pytest.mark.parametrize("kind", IN_PLACE)
def test_a_second_run_reads_no_image_and_a_changed_archive_is_measured_anew(
        kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    source = noise(tmp_path / "set", 5)
    archive = packed(source, tmp_path / "archive", kind)
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    read: list[str] = []
    blocks = Member.blocks
    monkeypatch.setattr(Member, "blocks", lambda self: (read.append(self._path), blocks(self))[1])
    told = []
    for _ in range(2):
        read.clear()
        main(["check", str(archive), "--output-format", "json", "--exit-zero", "--jobs", "1"])
        told.append((capfd.readouterr().out, len(read)))
    assert told[0][1] == 5
    assert told[1] == (told[0][0], 0)
    (source / "images/0.png").write_bytes((source / "images/1.png").read_bytes())
    packed(source, tmp_path / "archive", kind)
    main(["check", str(archive), "--output-format", "json", "--exit-zero", "--jobs", "1"])
    assert '"IMG009"' in capfd.readouterr().out
    assert len(read) == 5


def test_several_archives_as_one_set(tmp_path: Path) -> None:
    for split in ("train", "val"):
        shutil.copytree(SAMPLES / "voc", tmp_path / split)
    of_folders = [f"{s}={tmp_path / s}" for s in ("train", "val")]
    for kind in IN_PLACE:
        of_archives = [f"{s}={packed(tmp_path / s, tmp_path / f'{s}-{kind}', kind)}" for s in ("train", "val")]
        runs = []
        for places in (of_folders, of_archives):
            place = located(places)
            run = inspect(Request(place.path, place.root, parts=place.parts, jobs=1), PLUGINS)
            runs.append([(o.code, f.message, f.image) for o in run.outcomes for f in o.iterate()])
        assert runs[0] == runs[1]
        assert len(runs[0]) > 40


def test_samples_of_an_archive_are_those_of_the_folder(tmp_path: Path) -> None:
    source = SAMPLES / "coco"
    for kind in IN_PLACE:
        archive = packed(source, tmp_path / kind, kind)
        for a, b in zip(dsinspect.iter(source, ops=["flip"]), dsinspect.iter(archive, ops=["flip"]), strict=True):
            assert (a.path, a.categories) == (b.path, b.categories)
            assert np.array_equal(a.image, b.image)
            assert np.array_equal(a.boxes_xyxy, b.boxes_xyxy, equal_nan=True)


def test_images_that_a_record_may_mean_are_compared_in_the_archive(tmp_path: Path, capfd: pytest.CaptureFixture[str],
                                                                   opened: list[str]) -> None:
    source = noise(tmp_path / "set", 2)
    for other in ("one", "two"):
        (source / other).mkdir()
        shutil.copy(source / "images/0.png", source / other / "same.png")
    for path in (*source.glob("labels/*"), *source.glob("images/*"), source / "classes.txt"):
        path.unlink()
    (source / "instances.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "same.png", "width": 111, "height": 120}], "categories": [{"id": 1, "name": "a"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "area": 81, "iscrowd": 0}]}))
    whole = made("json", source, tmp_path / "1", capfd)
    assert b"same bytes" in b"".join(whole.values())
    for kind in IN_PLACE:
        assert made("json", packed(source, tmp_path / kind, kind), tmp_path / f"of-{kind}", capfd) == whole
    assert opened == []


def test_decisions_may_lie_beside_an_archive(tmp_path: Path) -> None:
    archive = packed(SAMPLES / "clean", tmp_path / "sets", "stored")
    require_places([str(archive)], Judging(), tmp_path / "sets/review.sqlite", tmp_path / "pages")
    with pytest.raises(UserError, match="is in the dataset's folder"):
        require_places([str(SAMPLES / "clean")], Judging(), SAMPLES / "clean/review.sqlite", tmp_path / "pages")


def test_pages_of_an_archive_are_kept_from_run_to_run(tmp_path: Path) -> None:
    archive = packed(noise(tmp_path / "set", 2), tmp_path / "archive", "deflated")
    made: list[set[str]] = []
    for _ in range(2):
        place = located([str(archive)])
        run = inspect(Request(place.path, place.root, jobs=1, keep_images=True, keep_annotations=True), PLUGINS)
        pixels = Pixels(Catalog(run), tmp_path / "pages")
        assert pixels.whole(1)
        made.append({p.name for p in (tmp_path / "pages").iterdir()})
    assert made[0] == made[1]
    assert len(made[0]) == 1
    with archive.open("ab") as file:
        file.write(b"x")
    assert Pixels(Catalog(run), tmp_path / "pages").whole(0)  # a grey image that says what happened
    assert {p.name for p in (tmp_path / "pages").iterdir()} == made[0]
