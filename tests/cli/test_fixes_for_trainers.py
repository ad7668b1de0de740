"""Fixes of what trainers trip over: extra columns, blank rows, bytes after a JPEG, miscounted keypoints, groups as crowds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

Cli = Callable[..., Any]
PICTURE = np.tile(np.arange(60, dtype=np.uint8), (40, 1))


def jpeg() -> bytes:
    done, content = cv2.imencode(".jpg", PICTURE)
    assert done
    return bytes(content)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A YOLO set: one label file with a sixth number and blank rows, in Windows lines, one clean; JPEGs."""
    root = tmp_path / "set"
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    (root / "images" / "a.jpg").write_bytes(jpeg() + b"made by a camera")
    (root / "images" / "b.jpg").write_bytes(jpeg())
    (root / "labels" / "a.txt").write_bytes(
        b"0 0.5 0.50 0.2 0.2  0.87\r\n  \r\n\r\n1 0.3 0.3 0.1 0.1\r\n\t\r\n0 0.7 .7 0.1 0.1 3 \r\n \r\n")
    (root / "labels" / "b.txt").write_bytes(b"0 0.5 0.5 0.2 0.2\n\n1 0.3 0.3 0.1 0.1\n")
    (root / "data.yaml").write_text("train: images\nnames: [cat, dog]\n")
    return root


def test_blank_rows_go_and_nothing_else(labels: Path, cli: Cli, tmp_path: Path) -> None:
    assert cli("fix", labels, "-o", tmp_path / "out", "--select", "SRC012").code == 0
    assert (tmp_path / "out" / "labels" / "a.txt").read_bytes() == (
        b"0 0.5 0.50 0.2 0.2  0.87\r\n\r\n1 0.3 0.3 0.1 0.1\r\n0 0.7 .7 0.1 0.1 3 \r\n \r\n")
    assert (tmp_path / "out" / "labels" / "b.txt").read_bytes() == (labels / "labels" / "b.txt").read_bytes()
    assert cli("check", tmp_path / "out", "--select", "SRC012", "--fail-on", "warning").code == 0


def test_the_sixth_number_goes_when_asked(labels: Path, cli: Cli, tmp_path: Path) -> None:
    assert "nothing to fix" in cli("fix", labels, "-o", tmp_path / "safe", "--select", "SRC011").out
    assert cli("fix", labels, "-o", tmp_path / "out", "--select", "SRC011,SRC012", "--unsafe-fixes").code == 0
    assert (tmp_path / "out" / "labels" / "a.txt").read_bytes() == (
        b"0 0.5 0.50 0.2 0.2\r\n\r\n1 0.3 0.3 0.1 0.1\r\n0 0.7 .7 0.1 0.1 \r\n \r\n")
    assert cli("check", tmp_path / "out", "--select", "SRC011").code == 0
    seen = json.loads(cli("simulate", tmp_path / "out", "--trainer", "ultralytics@8.3.0", "--output-format", "json").out)
    assert seen["trainers"][0]["annotations"] == {"kept": 5, "dropped": 0, "changed": 0}


def test_bytes_after_the_end_marker_are_cut_off_the_copy(labels: Path, cli: Cli, tmp_path: Path) -> None:
    before = (labels / "images" / "a.jpg").read_bytes()
    assert "16 bytes after the end marker are cut off" in cli("fix", labels, "--diff", "--select", "IMG019", "--unsafe-fixes").out
    done = cli("fix", labels, "-o", tmp_path / "out", "--select", "IMG019", "--unsafe-fixes", "--link")
    assert done.code == 0
    assert "1 file changed" in done.out
    assert "fixed: 1 IMG019" in done.out
    assert (tmp_path / "out" / "images" / "a.jpg").read_bytes() == jpeg()
    assert (labels / "images" / "a.jpg").read_bytes() == before
    assert (tmp_path / "out" / "images" / "a.jpg").stat().st_nlink == 1


def coco(root: Path, *annotations: dict[str, Any], **category: Any) -> Path:
    root.mkdir()
    (root / "a.jpg").write_bytes(jpeg())
    (root / "all.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "a.jpg", "width": 60, "height": 40}],
        "annotations": [{"id": k, "image_id": 1, "category_id": 1, "area": a["bbox"][2] * a["bbox"][3], "iscrowd": 0, **a}
                        for k, a in enumerate(annotations, 1)],
        "categories": [{"id": 1, "name": "cat", **category}]}))
    return root


def test_num_keypoints_is_counted_again(cli: Cli, tmp_path: Path) -> None:
    boxes = [[2 + 10 * k, 2, 8, 8] for k in range(3)]
    points = [5, 5, 2, 6, 6, 1, 0, 0, 0]
    root = coco(tmp_path / "set", {"bbox": boxes[0], "keypoints": points, "num_keypoints": 3},
                {"bbox": boxes[1], "keypoints": points, "num_keypoints": 2}, {"bbox": boxes[2], "keypoints": points})
    found = json.loads(cli("check", root, "--select", "KPT001", "--output-format", "json").out)["findings"]
    assert [(f["annotation"]["id"], f["message"], f["fix"]) for f in found] == [
        (1, "num_keypoints is 3, and 2 keypoints are labelled", {"safety": "safe", "action": "set-field"})]
    assert cli("fix", root, "-o", tmp_path / "out", "--select", "KPT001").code == 0
    after = (tmp_path / "out" / "all.json").read_text()
    assert after == (root / "all.json").read_text().replace('"num_keypoints": 3', '"num_keypoints": 2')


def test_a_class_says_how_many_keypoints_it_has_and_which_are_pairs(cli: Cli, tmp_path: Path) -> None:
    names = ["nose", "left_eye", "right_eye", "left_ear"]
    points = [5, 5, 2] * 3
    root = coco(tmp_path / "set", {"bbox": [2, 2, 8, 8], "keypoints": points, "num_keypoints": 3}, keypoints=names)
    found = json.loads(cli("check", root, "--select", "KPT001", "--output-format", "json").out)["findings"]
    assert [(f["severity"], f["message"]) for f in found] == [
        ("warning", "1 keypoint of class cat has no pair to change places with in a mirrored image: left_ear"),
        ("error", "Annotation has 3 keypoints, class cat declares 4")]


@pytest.mark.parametrize(("flip", "severity", "says"), [
    ("", "warning", "flip_idx is missing"), ("flip_idx: [0, 2]\n", "error", "no list of 3 numbers"),
    ("flip_idx: [0, 2, 2]\n", "error", "does not pair"), ("flip_idx: [1, 2, 0]\n", "error", "does not pair"),
    ("flip_idx: [0, 2, 1]\n", None, "")])
def test_pairs_of_keypoints_in_yolo(flip: str, severity: str | None, says: str, cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "set"
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    (root / "images" / "a.jpg").write_bytes(jpeg())
    (root / "labels" / "a.txt").write_text("0 0.5 0.5 0.4 0.4 0.5 0.5 2 0.4 0.4 2 0.6 0.6 1\n")
    (root / "data.yaml").write_text(f"train: images\nnames: [cat]\nkpt_shape: [3, 3]\n{flip}")
    found = json.loads(cli("check", root, "--select", "KPT001", "--output-format", "json").out)["findings"]
    assert [f["severity"] for f in found] == [severity] * (severity is not None)
    assert all(says in f["message"] for f in found)


def test_pairs_of_keypoints_are_written(cli: Cli, tmp_path: Path) -> None:
    root = coco(tmp_path / "set", {"bbox": [2, 2, 8, 8], "keypoints": [5, 5, 2] * 3, "num_keypoints": 3},
                keypoints=["nose", "left_eye", "right_eye"])
    assert cli("convert", root, "-o", tmp_path / "out", "--to", "yolo", "--set", "yolo.task=pose").code == 0
    settings = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text())
    assert (settings["kpt_shape"], settings["flip_idx"]) == ([3, 3], [0, 2, 1])


GROUP = ([2, 2, 50, 30], [4, 4, 14, 24], [20, 4, 14, 24], [36, 4, 14, 24])


def test_a_group_becomes_a_crowd_where_the_format_has_them(cli: Cli, tmp_path: Path) -> None:
    root = coco(tmp_path / "set", *({"bbox": list(b)} for b in GROUP))
    assert cli("fix", root, "-o", tmp_path / "out", "--select", "BOX015", "--unsafe-fixes").code == 0
    crowds = [a["iscrowd"] for a in json.loads((tmp_path / "out" / "all.json").read_text())["annotations"]]
    assert crowds == [1, 0, 0, 0]
    assert cli("check", tmp_path / "out", "--select", "BOX015", "--fail-on", "info").code == 0


def test_no_fix_is_offered_where_the_format_has_no_crowds(cli: Cli, tmp_path: Path) -> None:
    root = coco(tmp_path / "set", *({"bbox": list(b)} for b in GROUP))
    assert cli("convert", root, "-o", tmp_path / "yolo", "--to", "yolo").code == 0
    (found,) = json.loads(cli("check", tmp_path / "yolo", "--select", "BOX015", "--output-format", "json").out)["findings"]
    assert found["fix"] is None
    assert "nothing to fix" in cli("fix", tmp_path / "yolo", "-o", tmp_path / "out", "--select", "BOX015", "--unsafe-fixes").out
