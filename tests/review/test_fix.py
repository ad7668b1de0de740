"""Autofix: what it mends is gone, nothing new is there, and all else is as it was."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from books import changed, contents

from dsinspect.fixing.sheet_diff import workbook_diff
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.io.files import IMAGE_SUFFIXES
from dsinspect.loader import load_plugins

PLUGINS = load_plugins()
SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
FORMATS = ("coco", "voc", "yolo", "table")
ABOUT_THE_SET = ("CLS", "SPL", "SIZ", "DST")  # counts in their messages move when records go


def codes(path: Path, **options: Any) -> Counter[str]:
    run = inspect(Request("set", path, **options), PLUGINS)
    assert not run.crashed
    return Counter(f.code for o in run.outcomes for f in o.iterate())


@pytest.mark.parametrize("unsafe", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_fixed_findings_are_gone_and_none_is_new(cli: Any, tmp_path: Path, name: str, unsafe: bool) -> None:
    source = contents(SAMPLES / name)
    done = cli("fix", SAMPLES / name, "-o", tmp_path / "out", *(["--unsafe-fixes"] if unsafe else []))
    assert done.code == 0, done.err
    assert contents(SAMPLES / name) == source
    before, after = codes(SAMPLES / name), codes(tmp_path / "out")
    assert set(after - before) <= ({"REC015"} if unsafe else set())  # a note: BOX015's group is a crowd now, which has no mask
    gone = {c for c in before - after if not c.startswith(ABOUT_THE_SET)}
    assert gone >= {"BOX001", "BOX003", "BOX006"}
    if unsafe:
        assert gone >= {"BOX005", "IMG002", "IMG008", "SRC001"}
    else:
        assert not gone & {"BOX005", "IMG002", "IMG008", "SRC001"}
        files, left_out = changed(SAMPLES / name, tmp_path / "out")
        assert left_out == set()
        assert not [f for f in files if f.endswith((".jpg", ".png"))]
    again = cli("fix", tmp_path / "out", "-o", tmp_path / "again", *(["--unsafe-fixes"] if unsafe else []))
    assert again.code == 0, again.err
    assert changed(tmp_path / "out", tmp_path / "again") == (set(), set()), "a second fix finds more to mend"


@pytest.mark.parametrize("name", FORMATS)
def test_diff_is_a_patch(cli: Any, tmp_path: Path, name: str) -> None:
    shutil.copytree(SAMPLES / name, tmp_path / "set")
    before = contents(tmp_path / "set")
    diff = cli("fix", tmp_path / "set", "--diff")
    assert diff.code == 0
    assert contents(tmp_path / "set") == before
    assert cli("fix", tmp_path / "set", "-o", tmp_path / "out").code == 0
    if shutil.which("patch") is None or "Binary files" in diff.out:
        pytest.skip("no patch program, or no text")
    subprocess.run(["patch", "-p1", "--binary", "-s"], input=diff.out.encode(), cwd=tmp_path / "set", check=True)
    assert changed(tmp_path / "set", tmp_path / "out") == (set(), set())


def test_the_diff_of_a_workbook_names_its_cells(cli: Any, tmp_path: Path) -> None:
    diff = cli("fix", SAMPLES / "table", "--diff", "--unsafe-fixes")
    assert cli("fix", SAMPLES / "table", "-o", tmp_path / "out", "--unsafe-fixes", "--quiet").code == 0
    first, *lines = diff.out.splitlines()
    assert first == "Binary files a/boxes.xlsx and b/boxes.xlsx differ, in these cells:"
    before = openpyxl.load_workbook(SAMPLES / "table" / "boxes.xlsx").worksheets[0]
    after = openpyxl.load_workbook(tmp_path / "out" / "boxes.xlsx").worksheets[0]
    cells = [re.fullmatch(rf" {before.title}!([A-Z]+\d+): (.*) -> (.*)", line) for line in lines if line.startswith(" ")]
    gone = [line for line in lines if line.startswith("-")]
    assert cells
    assert len(gone) == before.max_row - after.max_row > 0
    for found in cells:
        assert found is not None
        assert str(before[found[1]].value) == found[2] != found[3]


def test_the_diff_of_a_workbook_is_bounded_and_shows_formulas() -> None:
    before, after = openpyxl.Workbook(), openpyxl.Workbook()
    for k in range(1, 2001):
        before.active.append([k, f"=A{k}*2"])
        after.active.append([k + 1 if k > 1 else k, f"=A{k}*2"])
    lines = list(workbook_diff("a.xlsx", saved(before), saved(after)))
    assert lines[1] == " Sheet!A2: 2 -> 3\n"
    assert len(lines) == 1002
    assert lines[-1] == "... and 999 changes more\n"


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_images_are_copied_or_linked_or_left_out(cli: Any, tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "voc", tmp_path / "set")
    image = next(p for p in sorted((tmp_path / "set/JPEGImages").iterdir()) if p.stat().st_size)
    assert cli("fix", tmp_path / "set", "-o", tmp_path / "linked", "--link").code == 0
    assert image.samefile(tmp_path / "linked/JPEGImages" / image.name)
    xml = next((tmp_path / "set/Annotations").iterdir())
    assert not xml.samefile(tmp_path / "linked/Annotations" / xml.name)
    assert cli("fix", tmp_path / "set", "-o", tmp_path / "copied").code == 0
    assert not image.samefile(tmp_path / "copied/JPEGImages" / image.name)
    done = cli("fix", tmp_path / "set", "-o", tmp_path / "text", "--annotations-only")
    assert done.code == 0, done.err
    assert not (tmp_path / "text/JPEGImages").exists()


def test_annotations_only_leaves_out_images_of_every_suffix(cli: Any, tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "voc", tmp_path / "set")
    images = sorted(p for p in (tmp_path / "set/JPEGImages").iterdir() if p.suffix == ".jpg")
    for image, suffix in zip(images, sorted(IMAGE_SUFFIXES | {".JPE"}), strict=False):
        image.rename(image.with_suffix(suffix))
    assert {".jpe", ".JPE"} & {p.suffix for p in (tmp_path / "set/JPEGImages").iterdir()}
    done = cli("fix", tmp_path / "set", "-o", tmp_path / "text", "--annotations-only")
    assert done.code == 0, done.err
    assert {p.suffix for p in (tmp_path / "text").rglob("*") if p.is_file()} <= {".xml", ".txt"}


def test_select_limits_what_is_mended(cli: Any, tmp_path: Path) -> None:
    done = cli("fix", SAMPLES / "voc", "-o", tmp_path / "out", "--select", "BOX001")
    assert done.code == 0
    assert "1 change\n" in done.out
    assert len(changed(SAMPLES / "voc", tmp_path / "out")[0]) == 1


def test_nothing_to_mend(cli: Any, tmp_path: Path) -> None:
    done = cli("fix", SAMPLES / "voc", "-o", tmp_path / "out", "--select", "BOX007")
    assert done.code == 0
    assert "nothing to fix" in done.out
    assert changed(SAMPLES / "voc", tmp_path / "out") == (set(), set())


def test_places_that_cannot_be_written(cli: Any, tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "yolo", tmp_path / "set")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for out, told in ((tmp_path / "full", "not empty"), (tmp_path / "file", "is a file"), (tmp_path / "set/out", "elsewhere"),
                      (tmp_path, "elsewhere"), (tmp_path / "none/out", "no folder")):
        done = cli("fix", tmp_path / "set", "-o", out)
        assert done.code == 2
        assert told in done.err
    assert cli("fix", tmp_path / "set").code == 2
    assert (tmp_path / "full/file").read_text() == "mine"
    assert cli("fix", tmp_path / "set", "-o", tmp_path / "full", "--force").code == 0
    assert (tmp_path / "full/file").read_text() == "mine"
    assert not list(tmp_path.glob(".*part*"))


@pytest.mark.parametrize("name", ["bccd", "rbc_coco", "sharks/sharks-tiny-coco", "sharks/sharks-tiny-yolov9", "chess_voc"])
def test_real_sets(cli: Any, shared_data: Path, tmp_path: Path, name: str) -> None:
    for options in ([], ["--unsafe-fixes"]):
        out = tmp_path / f"out{len(options)}"
        done = cli("fix", shared_data / name, "-o", out, *options)
        assert done.code == 0, done.err
        before, after = codes(shared_data / name), codes(out)
        assert not {c for c in after - before if not c.startswith(ABOUT_THE_SET)}


@pytest.mark.parametrize("name", FORMATS)
def test_images_that_stay_behind_make_no_finding_new(cli: Any, tmp_path: Path, name: str) -> None:
    whole = cli("fix", SAMPLES / name, "-o", tmp_path / "whole")
    alone = cli("fix", SAMPLES / name, "-o", tmp_path / "alone", "--annotations-only")
    assert alone.code == whole.code == 0, alone.err
    assert [line for line in alone.out.splitlines() if line.startswith(("fixed:", "left:", "new:"))] == \
        [line for line in whole.out.splitlines() if line.startswith(("fixed:", "left:", "new:"))]


def test_a_folder_of_another_machine_is_told_and_no_fix_of_it_is_promised(cli: Any, tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "yolo", tmp_path / "set")
    settings = tmp_path / "set" / "data.yaml"
    settings.write_text(re.sub(r"(?m)^train: .*$", "train: /content/drive/x/images/train", settings.read_text()))
    told = cli("check", tmp_path / "set", "--select", "SRC006").out
    assert "of another machine" in " ".join(told.split())
    assert "fix:" not in told
    assert cli("fix", tmp_path / "set", "-o", tmp_path / "alone", "--annotations-only", "--select", "SRC").code == 0
