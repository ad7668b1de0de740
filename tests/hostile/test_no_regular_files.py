"""What has the name of an annotation file and is none is an error that names it: a set without it must not look whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from formats.every_format import FORMATS, drawn
from formats.test_special_files import at_most
from hostile.conftest import Done

Cli = Callable[..., Done]
PUT: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo, "folder": Path.mkdir, "link": lambda path: path.symlink_to("nowhere"),
    "device": lambda path: path.symlink_to("/dev/zero")}


def files_of(root: Path) -> list[str]:
    """Return the files of a drawn set that are no images."""
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and p.suffix != ".bmp")


@pytest.mark.parametrize("kind", PUT)
@pytest.mark.parametrize("name", FORMATS)
def test_in_the_place_of_each_file(cli: Cli, tmp_path: Path, name: str, kind: str) -> None:
    drawn(name, tmp_path / "drawn", 2, 2)
    silent = []
    for k, file in enumerate(files_of(tmp_path / "drawn")):
        root = tmp_path / str(k)
        shutil.copytree(tmp_path / "drawn", root)
        (root / file).unlink()
        PUT[kind](root / file)
        with at_most(60):
            done = cli("check", root, "--format", name, "--select", "SRC", "--output-format", "json", "--jobs", "1", "--no-cache")
        if done.code == 2:
            told = file in done.err
        else:
            told = done.code == 1 and any(file in f["message"] or file == (f["annotation"] or {}).get("source")
                                          for f in json.loads(done.out)["findings"] if f["severity"] == "error")
        if not told:
            silent.append((file, done))
    assert not silent


@pytest.mark.parametrize(("command", "code"), [("convert --to voc", 0), ("fix", 0), ("transform --op gray", 0)])
@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_written_without_it_names_it(cli: Cli, tmp_path: Path, command: str, code: int, kind: str) -> None:
    shutil.copytree(Path(__file__).parents[2] / "sample_data/coco", tmp_path / "set")
    (tmp_path / "set/annotations/instances_train.json").unlink()
    PUT[kind](tmp_path / "set/annotations/instances_train.json")
    name, *options = command.split()
    with at_most(60):
        done = cli(name, tmp_path / "set", *options, "-o", tmp_path / "out", "--jobs", "1")
    assert done.code == code, done.err
    assert "annotations/instances_train.json: cannot be read: is a " in done.err


def test_a_set_that_is_not_read_at_all_names_it(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a.jpg").touch()
    os.mkfifo(tmp_path / "set/a.json")
    with at_most(60):
        done = cli("check", tmp_path / "set")
    assert done.code == 2
    assert "a.json is no regular file" in done.err


def test_folders_of_parts_are_no_fault(cli: Cli, tmp_path: Path) -> None:
    """As Spark writes a table: a folder of its name with parts in it."""
    shutil.copytree(Path(__file__).parents[2] / "sample_data/coco", tmp_path / "set")
    (tmp_path / "set/table.csv").mkdir()
    (tmp_path / "set/table.csv/part-00000.csv").write_text("a,b\n1,2\n")
    done = cli("check", tmp_path / "set", "--select", "SRC", "--jobs", "1", "--no-cache")
    assert "table.csv" not in done.out
