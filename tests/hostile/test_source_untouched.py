"""No command writes into a source or outside of its output, whatever a dataset's text and links say."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hostile.conftest import Done, picture, snapshot

Cli = Callable[..., Done]


def yolo(folder: Path, labels: str = "labels/train", images: str = "images/train", row: str = "0 0.9 0.9 0.9 0.9\n") -> Path:
    """Write three images with a box that reaches outside each."""
    for k in range(3):
        picture(folder / images / f"a{k}.jpg", (100, 80), k)
        (folder / labels).mkdir(parents=True, exist_ok=True)
        (folder / labels / f"a{k}.txt").write_text(row)
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A data.yaml whose images and labels lie in a folder beside its own."""
    yolo(tmp_path / "proj/datasets/set")
    (tmp_path / "proj/config").mkdir()
    (tmp_path / "proj/config/data.yaml").write_text(
        "path: ../datasets/set\ntrain: images/train\nval: images/train\nnames: [thing]\n")
    return tmp_path / "proj"


@pytest.mark.parametrize("place", ["../datasets/set", "absolute"])
@pytest.mark.parametrize("named", ["config", "config/data.yaml"])
def test_fix_never_edits_labels_that_lie_elsewhere(cli: Cli, elsewhere: Path, place: str, named: str, tmp_path: Path) -> None:
    config = elsewhere / "config/data.yaml"
    if place == "absolute":
        config.write_text(config.read_text().replace("../datasets/set", str(elsewhere / "datasets/set")))
    before = snapshot(elsewhere)
    done = cli("fix", elsewhere / named, "-o", tmp_path / "fixed")
    assert done.code == 2
    assert "--read-outside" in done.err
    assert done.err.count("\n") == 1
    done = cli("fix", elsewhere / named, "-o", tmp_path / "fixed", "--unsafe-fixes", "--read-outside")
    assert snapshot(elsewhere) == before
    assert done.code == 2, done.out
    assert "lies outside of" in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "fixed").exists()


def test_review_never_edits_labels_that_lie_elsewhere(cli: Cli, elsewhere: Path, tmp_path: Path) -> None:
    assert cli("report", elsewhere / "config", "-o", tmp_path / "r.xlsx", "--read-outside").code == 0
    decide(tmp_path / "r.xlsx", "drop")
    before = snapshot(elsewhere)
    done = cli("review", "apply", tmp_path / "r.xlsx", elsewhere / "config", "-o", tmp_path / "fixed", "--read-outside")
    assert done.code == 2
    assert "lies outside of" in done.err
    assert snapshot(elsewhere) == before
    assert not (tmp_path / "fixed").exists()


@pytest.mark.parametrize("command", ["fix", "convert", "transform"])
def test_an_output_that_holds_the_images_is_refused(cli: Cli, elsewhere: Path, command: str) -> None:
    before = snapshot(elsewhere)
    more = {"fix": [], "convert": ["--to", "coco"], "transform": ["--op", "flip"]}[command]
    done = cli(command, elsewhere / "config", "-o", elsewhere / "datasets/set", "--force", "--read-outside", *more)
    assert done.code == 2
    assert "holds files of the dataset" in done.err
    after = {k: v for k, v in snapshot(elsewhere).items() if ".dsinspect-transform" not in k}
    assert after == before


@pytest.mark.parametrize("to", ["yolo", "coco", "voc", "table"])
@pytest.mark.parametrize("command", ["convert", "transform"])
def test_a_split_cannot_lead_out_of_the_output(cli: Cli, tmp_path: Path, to: str, command: str) -> None:
    source = tmp_path / "deep/set"
    names = ["../../../../x", "/etc/x", "..", "a\\..\\b", "train", "x", ""]
    rows = [f"a{k}.jpg,{s},thing,1,1,9,9\n" for k, s in enumerate(names)]
    for k in range(len(names)):
        picture(source / f"a{k}.jpg", shade=k)
    (source / "t.csv").write_text("image,split,class,xmin,ymin,xmax,ymax\n" + "".join(rows))
    before = snapshot(tmp_path)
    out = tmp_path / "deep/er/out"
    out.parent.mkdir()
    done = cli(command, source, "-o", out, "--to", to, *(["--op", "flip"] if command == "transform" else []))
    assert done.code == 0, done.err
    after = {k: v for k, v in snapshot(tmp_path).items() if not k.startswith(("deep/er", "cache"))}
    assert after == before
    assert sum(p.suffix == ".jpg" for p in out.rglob("*")) == len(names)


def test_a_link_in_the_output_is_not_followed(cli: Cli, tmp_path: Path) -> None:
    source = yolo(tmp_path / "set")
    (source / "data.yaml").write_text("train: images/train\nval: images/train\nnames: [thing]\n")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/a0.txt").write_text("mine")
    (tmp_path / "out/labels").mkdir(parents=True)
    (tmp_path / "out/labels/train").symlink_to(tmp_path / "precious")
    for command in (["fix"], ["convert", "--to", "yolo"], ["transform", "--op", "flip"]):
        done = cli(*command, source, "-o", tmp_path / "out", "--force")
        assert done.code == 2
        assert "leads out of" in done.err
        assert (tmp_path / "precious/a0.txt").read_text() == "mine"


def test_folders_that_are_links_are_copied_whole(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_READ_OUTSIDE", "")
    yolo(tmp_path / "store")
    (tmp_path / "set").mkdir()
    for name in ("images", "labels"):
        (tmp_path / "set" / name).symlink_to(tmp_path / "store" / name)
    (tmp_path / "set/data.yaml").write_text("train: images/train\nval: images/train\nnames: [thing]\n")
    before = snapshot(tmp_path / "store")
    done = cli("fix", tmp_path / "set", "-o", tmp_path / "careful")
    assert "3 text files behind links that lead out of the dataset not read: labels/train/a0.txt" in done.err
    assert not list((tmp_path / "careful").rglob("labels/**/*.txt"))
    done = cli("--read-outside", "fix", tmp_path / "set", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert snapshot(tmp_path / "store") == before
    assert len(list((tmp_path / "out").rglob("labels/train/*.txt"))) == 3
    assert sorted(p.name for p in (tmp_path / "out").rglob("*.jpg")) == ["a0.jpg", "a1.jpg", "a2.jpg"]
    assert not any(p.is_symlink() for p in (tmp_path / "out").rglob("*"))


def test_images_elsewhere_never_bring_other_labels(cli: Cli, tmp_path: Path) -> None:
    for k in range(3):
        picture(tmp_path / "images" / f"a{k}.jpg", (100, 80), k)
    for folder, row in (("labels", "0 0.9 0.9 0.9 0.9\n"), ("mylabels", "0 0.5 0.5 0.2 0.2\n")):
        (tmp_path / folder).mkdir()
        for k in range(3):
            (tmp_path / folder / f"a{k}.txt").write_text(row)
    done = cli("check", tmp_path / "mylabels", "--images", tmp_path / "images", "--output-format", "json")
    assert '"BOX003","name":"out-of-bounds","severity":"error","status":"clean"' in done.out.replace(" ", "")
    assert '"annotations":3' in done.out.replace(" ", "")
    before = snapshot(tmp_path)
    done = cli("fix", tmp_path / "mylabels", "--images", tmp_path / "images", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    after = {k: v for k, v in snapshot(tmp_path).items() if not k.startswith(("out", "cache"))}
    assert after == {k: v for k, v in before.items() if not k.startswith("cache")}


def test_images_share_no_bytes_unless_asked(cli: Cli, tmp_path: Path) -> None:
    source = yolo(tmp_path / "set")
    image = source / "images/train/a0.jpg"
    with image.open("ab") as f:
        f.write(b"bytes after the end marker")  # what Ultralytics saves anew; before 8.4.167 in place
    content = image.read_bytes()
    for command in (["fix"], ["convert", "--to", "yolo"]):
        out = tmp_path / command[0]
        done = cli(*command, source, "-o", out)
        assert "linked" not in done.out
        copy = next(out.rglob("a0.jpg"))
        assert copy.read_bytes() == content
        with copy.open("r+b") as f:
            f.truncate(10)
        assert image.read_bytes() == content
        done = cli(*command, source, "-o", tmp_path / f"{command[0]}-linked", "--link")
        assert "rewrites the original as well" in done.out


def test_a_report_never_replaces_a_file_of_the_dataset(cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "set"
    picture(source / "a0.jpg")
    (source / "t.csv").write_text("image,class,xmin,ymin,xmax,ymax\na0.jpg,thing,1,1,9,9\n")
    picture(source / "sheet.png")
    before = snapshot(source)
    for arguments in (["report", source, "-o", source / "t.csv"], ["report", source / "t.csv", "-o", source / "t.csv"],
                      ["view", source / "t.csv", "-o", source / "sheet.png"],
                      ["balance", source, "-o", source / "t.csv"], ["view", source, "-o", source / "sheet.png"],
                      ["check", source, "--output-format", "json", "--output-file", source / "t.csv"],
                      ["check", source, "--write-baseline", source / "t.csv"]):
        done = cli(*arguments)
        assert done.code == 2, arguments
        assert "name another file" in done.err
        assert snapshot(source) == before
    for _ in range(2):  # what dsinspect wrote itself may be written again
        for name in ("r.json", "r.html", "r.xlsx", "r.csv", "r.md"):
            assert cli("report", source / "t.csv", "-o", source / name).code == 0, name


def test_decisions_are_not_lost_to_a_second_report(cli: Cli, tmp_path: Path) -> None:
    source = yolo(tmp_path / "set")
    (source / "data.yaml").write_text("train: images/train\nval: images/train\nnames: [thing]\n")
    book = tmp_path / "r.xlsx"
    assert cli("report", source, "-o", book).code == 0
    assert cli("report", source, "-o", book).code == 0
    decide(book, "drop")
    assert "1 decision carried over" in cli("report", source, "-o", book).err + cli("report", source, "-o", book).out
    cells = [c.value for sheet in openpyxl.load_workbook(book).worksheets for row in sheet.iter_rows() for c in row]
    assert "drop" in cells


def decide(path: Path, decision: str) -> None:
    """Write one decision into a workbook, at the first finding about an annotation."""
    book = openpyxl.load_workbook(path)
    for sheet in book.worksheets:
        rows = sheet.iter_rows(max_row=20)
        for row in rows:
            names = [c.value for c in row]
            if "Decision" in names:
                cell: Any = sheet.cell(row[0].row + 1, names.index("Decision") + 1)
                cell.value = decision
                book.save(path)
                return
    raise AssertionError("no sheet for decisions")


def test_nothing_but_regular_files_is_copied(cli: Cli, tmp_path: Path) -> None:
    source = yolo(tmp_path / "set")
    (source / "data.yaml").write_text("train: images/train\nval: images/train\nnames: [thing]\n")
    os.mkfifo(source / "images/pipe.jpg")
    (source / "images/zero.png").symlink_to("/dev/zero")
    done = cli("fix", source, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert not list((tmp_path / "out").rglob("pipe.jpg"))
    assert not list((tmp_path / "out").rglob("zero.png"))
