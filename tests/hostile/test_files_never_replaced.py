"""No report, sheet, store or folder of output takes the place of a file of the dataset; reports of ours are replaced."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.conftest import Done, snapshot

Cli = Callable[..., Done]
SAMPLES = Path(__file__).parents[2] / "sample_data"
WRITERS = {
    "report": ("report", "SET", "-o", "FILE"), "check": ("check", "SET", "--output-file", "FILE", "--output-format", "json"),
    "baseline": ("check", "SET", "--write-baseline", "FILE"), "view": ("view", "SET", "-o", "FILE"),
    "balance": ("balance", "SET", "-o", "FILE"), "expect": ("expect", "SET", "-o", "FILE"),
    "simulate": ("simulate", "SET", "--trainer", "mmdet", "-o", "FILE"), "serve": ("review", "serve", "SET", "--store", "FILE")}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    shutil.copytree(SAMPLES / "coco", tmp_path / "set")
    (tmp_path / "set/classes.csv").write_text("a\n")
    (tmp_path / "set/notes.xlsx").write_bytes(b"PK\x03\x04")
    return tmp_path / "set"


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("root", ["set", "set/annotations/instances_train.json"])
def test_no_file_of_the_set_is_replaced(cli: Cli, source: Path, writer: str, root: str) -> None:
    before = snapshot(source)
    image = next(p for p in source.rglob("*.jpg"))
    for target in ("annotations/instances_train.json", "annotations/instances_val.json", "classes.csv", "notes.xlsx",
                   image.relative_to(source)):
        for more in ((), ("--force",)) if writer == "report" else ((),):
            named = {"SET": source.parent / root, "FILE": source / target}
            done = cli(*(named.get(a, a) for a in WRITERS[writer]), *more)
            assert done.code == 2, (target, done.out)
            assert done.err.count("\n") == 1 or "Usage" in done.err
    assert snapshot(source) == before


def test_no_image_in_a_folder_that_is_named_is_replaced(cli: Cli, source: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    shutil.move(source / "annotations", tmp_path / "elsewhere/annotations")
    file = tmp_path / "elsewhere/annotations/instances_train.json"
    before = snapshot(source)
    image = next(p for p in source.rglob("*.jpg"))
    assert cli("view", file, "--images", source, "-o", image).code == 2
    (source / "r.json").write_text("{}")
    for command in (("report",), ("check", "--output-format", "json")):
        done = cli(command[0], file, "--images", source, "-o" if command[0] == "report" else "--output-file", source / "r.json",
                   *command[1:])
        assert done.code == 2
    (source / "r.json").unlink()
    for command in (("fix",), ("convert", "--to", "voc"), ("transform", "--op", "flip")):
        done = cli(command[0], file, "--images", source, "-o", source / "new", *command[1:])
        assert (done.code, done.err.count("\n")) == (2, 1)
    assert snapshot(source) == before


@pytest.mark.parametrize("name", ["report.xlsx", "report.html", "report.json", "report.md", "report.csv"])
def test_a_report_of_ours_in_the_set_is_replaced(cli: Cli, source: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(source)
    for _ in range(2):
        done = cli("report", ".", "-o", name, "-q")
        assert done.code == 0, done.err
        done = cli("report", "annotations/instances_train.json", "-o", name, "-q")
        assert done.code == 0, done.err


@pytest.mark.parametrize("name", ["sheet.png", "sheet.jpg"])
def test_a_sheet_of_ours_in_the_set_is_replaced(cli: Cli, source: Path, name: str) -> None:
    for _ in range(2):
        done = cli("view", source, "-o", source / name, "-q")
        assert done.code == 0, done.err
    import cv2

    assert cv2.imread(str(source / name)) is not None


@pytest.mark.parametrize("command", [("fix",), ("convert", "--to", "voc"), ("transform", "--op", "flip")], ids=lambda c: c[0])
def test_no_folder_in_the_set_of_a_file(cli: Cli, source: Path, command: tuple[str, ...]) -> None:
    before = snapshot(source)
    for target in ("new", "annotations/new", "train/new"):
        done = cli(command[0], source / "annotations/instances_train.json", "-o", source / target, *command[1:])
        assert (done.code, done.err.count("\n")) == (2, 1), done.err
        assert "dataset" in done.err
    assert snapshot(source) == before
