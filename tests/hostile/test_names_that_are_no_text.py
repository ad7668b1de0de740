"""File names whose bytes are no UTF-8: every command works on them, and what is written can be read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.conftest import Done, picture
from hostile.sets import coco

Cli = Callable[..., Done]
NAMES = (b"caf\xe9", b"caf\xe8", b"\xff\xfe", b"plain")
WRITERS = ("coco", "createml", "cvat", "dota", "huggingface", "kitti", "labelme", "labelstudio", "mot", "openimages", "table",
           "tfrecord", "via", "voc", "yolo")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a YOLO set of four images; the names of three are no text."""
    made = tmp_path / "set"
    (made / "labels").mkdir(parents=True)
    picture(made / "images/x.png", (32, 24))
    for k, name in enumerate(map(os.fsdecode, NAMES)):
        picture(made / "x.png", (32, 24), k).rename(made / f"images/{name}.png")
        (made / f"labels/{name}.txt").write_text("0 .5 .5 .2 .2\n")
    (made / "images/x.png").unlink()
    (made / "data.yaml").write_text("train: images\nval: images\nnames: [x]\n")
    return made


@pytest.mark.parametrize("command", [
    ("report",), ("fix", "-o", "out"), ("view", "-o", "sheet.png"),
    ("balance", "-o", "b.json"), ("balance", "-o", "b.csv"), ("expect",), ("simulate", "--trainer", "ultralytics"),
    ("transform", "-o", "out", "--op", "flip"), ("transform", "-o", "out", "--op", "flip", "--to", "coco"),
    ("transform", "-o", "out", "--op", "flip", "--to", "voc"), ("check", "--write-baseline", "b.json"),
    *(("report", "-o", f"r.{suffix}") for suffix in ("xlsx", "html", "json", "csv", "md", "sarif")),
    *(("check", "--output-format", name, "--fail-on", "never") for name in ("json", "sarif", "junit", "github", "concise"))],
    ids=lambda c: "-".join(c))
def test_every_command_works(cli: Cli, folder: Path, command: tuple[str, ...]) -> None:
    done = cli(command[0], folder, *command[1:])
    assert done.code == 0, done.err
    assert "cache" not in done.err
    again = cli("check", folder, "--fail-on", "never")
    assert "cache" not in again.err


def test_measurements_are_known_again(cli: Cli, folder: Path) -> None:
    cli("report", folder)
    assert "\n4 files" in cli("cache", "info").out


@pytest.mark.parametrize("to", WRITERS)
def test_a_conversion_is_read_back(cli: Cli, folder: Path, tmp_path: Path, to: str) -> None:
    done = cli("convert", folder, "--to", to, "-o", tmp_path / "out", "-j", 1)
    assert done.code == 0, done.err
    read = cli("check", tmp_path / "out", "--format", to, "--output-format", "json", "--select", "SRC,REC,IMG", "--no-cache")
    report = json.loads(read.out)
    found = (report["dataset"]["images"], report["dataset"]["annotations"])
    assert "  lost: names of image files that are no UTF-8" in done.out
    assert found in ((4, 4), (8, 8)), done.out  # one list of images stands for two splits
    assert not [f["message"] for f in report["findings"] if f["severity"] == "error"]
    manifest = json.loads((tmp_path / "out/conversion.json").read_text())
    assert any("caf\\udce9.png" in o["source"] for o in manifest["outputs"])


def test_a_set_in_a_folder_of_such_a_name(cli: Cli, folder: Path, tmp_path: Path) -> None:
    moved = folder.rename(tmp_path / os.fsdecode(b"s\xe9t"))
    for arguments in (("report", moved, "-o", "r.json", "-o", "r.html"), ("fix", moved, "-o", tmp_path / os.fsdecode(b"f\xe9x")),
                      ("convert", moved, "--to", "coco", "-o", tmp_path / os.fsdecode(b"\xe9")),
                      ("transform", moved, "--op", "flip", "-o", tmp_path / os.fsdecode(b"\xe8"))):
        done = cli(*arguments)
        assert done.code == 0, done.err
        assert "cache" not in done.err


def checked_with(hidden: str, cli: Cli, tmp_path: Path, form: str) -> Done:
    """Check a set that has some characters in the names of classes and of an image; returns what is said."""
    coco(tmp_path / "set", categories=[{"id": 1, "name": f"a{hidden}b"}, {"id": 2, "name": f"a{hidden}b"}],
         images=[{"file_name": f"x{hidden}.png"}, {"file_name": "a1.png"}])
    done = cli("check", tmp_path / "set", "--output-format", form, "--no-cache")
    assert done.code == 1, done.err
    return done


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_json_shows_no_character_that_is_obeyed(cli: Cli, tmp_path: Path, form: str) -> None:
    hidden = "\x7f\x9b31m\u202e\u2028\u2029\u200f\u2066\ufeff\x85"
    done = checked_with(hidden, cli, tmp_path, form)
    assert not set(hidden) - set("31m") & set(done.out)
    assert form == "sarif" or f"x{hidden}.png" in json.dumps(json.loads(done.out), ensure_ascii=False)


@pytest.mark.parametrize("form", ["text", "concise", "github", "junit"])
def test_text_shows_no_character_that_is_obeyed(cli: Cli, tmp_path: Path, form: str) -> None:
    hidden = "\x1b\x7f\x9b\u202e\u2028\u2029\u200f\u2066\ufeff\x85"
    done = checked_with(hidden, cli, tmp_path, form)
    assert not set(hidden) & set(done.out + done.err)
