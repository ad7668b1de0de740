"""Names of formats and outputs that people try are answered with the one that is meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from convert.sets import coco

from dsinspect.cli import main


@pytest.mark.parametrize(("name", "meant"), [
    ("pascal", "voc"), ("Pascal-VOC", "voc"), ("ultralytics", "yolo"), ("coco-json", "coco"), ("hf", "huggingface"),
    ("csv", "table"), ("label_studio", "labelstudio"), ("tf", "tfrecord"), ("openimage", "openimages")])
def test_the_format_that_is_meant_is_suggested(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, meant: str) -> None:
    root = coco(tmp_path / "set", [{"file_name": "a.png"}], [])
    assert main(["convert", str(root), "-o", str(tmp_path / "out"), "--to", name]) == 2
    assert f"--to {name}: no such format (did you mean {meant!r}?); there are" in capsys.readouterr().err
    assert main(["check", str(root), "--format", name]) == 2
    assert f"--format {name}: no such format (did you mean {meant!r}?); there are" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["out.zip", "out.TAR", "out.tar.gz"])
def test_an_archive_is_no_output(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    root = coco(tmp_path / "set", [{"file_name": "a.png"}], [])
    assert main(["convert", str(root), "-o", str(tmp_path / name), "--to", "voc"]) == 2
    assert "names an archive, and a folder is written; name the folder, and pack it afterwards" in capsys.readouterr().err
    assert not (tmp_path / name).exists()
    assert main(["transform", str(root), "-o", str(tmp_path / name), "--op", "flip"]) == 2
    assert "names an archive, and a folder is written; name the folder, and pack it afterwards" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


def test_what_an_option_may_be_is_said_without_an_empty_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = coco(tmp_path / "set", [{"file_name": "a.png"}], [])
    assert main(["convert", str(root), "-o", str(tmp_path / "out"), "--to", "yolo", "--set", "yolo.task=foo"]) == 2
    assert "write one of detect, segment, obb, pose, or nothing, not 'foo'" in capsys.readouterr().err


def test_what_a_program_keeps_for_itself_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "boxes.pkl").write_bytes(b"\x80\x04.")
    assert main(["check", str(tmp_path)]) == 2
    assert "there is 1 .pkl file (.pkl: what a program keeps for itself, which is not opened" in capsys.readouterr().err
