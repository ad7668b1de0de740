"""Rows of a YOLO set: boxes, polygons, rotated boxes and poses; which they are is decided, said, and written back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from format_laws import Read, assert_edits_that_change_nothing, assert_survives_broken_files

from dsinspect.cli import main
from dsinspect.loader import load_plugins
from dsinspect.testing import assert_format
from dsinspect_formats.yolo._kinds import Options

YOLO = load_plugins().formats["yolo"]
OBB = "0 0.5 0.2 0.8 0.5 0.5 0.8 0.2 0.5\n1 0.1 0.1 0.3 0.1 0.3 0.2 0.1 0.2\n"
FOUR_POINTS = "0 0.1 0.1 0.9 0.2 0.5 0.8 0.2 0.9\n"
POLYGON = "0 0.1 0.1 0.9 0.2 0.5 0.8\n"
POSE = "0 0.5 0.5 0.2 0.4 0.4 0.3 2 0.6 0.7 1\n1 0.5 0.5 0.2 0.4 0 0 0 0 0 0\n"
CORNERS = [f"corner_{a}{k}" for k in (1, 2, 3, 4) for a in "xy"]


def put(root: Path, rows: str, more: str = "") -> Path:
    (root / "images/train").mkdir(parents=True, exist_ok=True)
    (root / "labels/train").mkdir(parents=True, exist_ok=True)
    import cv2
    assert cv2.imwrite(str(root / "images/train/a.png"), np.zeros((50, 100, 3), np.uint8))
    (root / "labels/train/a.txt").write_text(rows)
    (root / "data.yaml").write_text(f"train: images/train\nnames: [cat, dog]\n{more}")
    return root


@pytest.mark.parametrize(("rows", "more", "task", "is_obb", "note"), [
    (OBB, "", "", True, "rows of points are read as rotated boxes (of 2 rows looked at, 2 are rectangles; "
     "--set yolo.task=segment|obb says otherwise)"),
    (OBB, "", "segment", False, None), (FOUR_POINTS, "", "obb", True, None),
    (FOUR_POINTS, "", "", False, "rows of points are read as polygons (of 1 row looked at, 0 are rotated boxes; "
     "--set yolo.task=segment|obb says otherwise)"),
    (OBB + POLYGON, "", "", False, "rows of points are read as polygons (of 3 rows looked at, 2 are rotated boxes; "
     "--set yolo.task=segment|obb says otherwise)"),
    ("0 0.5 0.5 0.2 0.4\n", "", "", False, None), (POSE, "kpt_shape: [2, 3]\n", "", False, None),
])
def test_what_rows_are(tmp_path: Path, rows: str, more: str, task: str, is_obb: bool, note: str | None) -> None:
    read = Read("yolo", put(tmp_path / "set", rows, more), options=Options(task=task))  # type: ignore[arg-type]
    assert read.info.notes == (() if note is None else (note,))
    corners = read.annotations[CORNERS].to_numpy()
    assert np.isfinite(corners).all() == is_obb
    assert np.isnan(corners).all() != is_obb
    outlines = read.column("segmentation")
    assert all(o is None for o in outlines) == (is_obb or len(rows.split("\n")[0].split()) in (5, 11))


def test_corners_stand_as_they_are_written(tmp_path: Path) -> None:
    read = Read("yolo", put(tmp_path / "set", OBB))
    assert read.annotations[CORNERS].to_numpy().tolist() == [[float(v) for v in r.split()[1:]] for r in OBB.splitlines()]
    assert read.rows()[0][2:] == (0.2, 0.2, 0.8, 0.8)


def test_samples(shared_data: Path) -> None:
    tiny = shared_data / "formats_tiny/yolo_dataset"
    for name in ("yolov8_oriented_boxes", "yolov8_pose", "yolov8_pose_two_values_per_point", "yolov8_segmentation"):
        assert_format(YOLO, tiny / name)
        assert_edits_that_change_nothing("yolo", tiny / name)
    obb = Read("yolo", tiny / "yolov8_oriented_boxes")
    assert obb.annotations[CORNERS].to_numpy()[1].tolist() == [
        0.557735, 0.090192, 0.357735, 0.609808, 0.242265, 0.509808, 0.442265, -0.009808]
    for name in ("yolov8_pose", "yolov8_pose_two_values_per_point"):
        assert json.loads(Read("yolo", tiny / name).column("keypoints")[0]) == [0.1, 0.2, 2, 0.3, 0.4, 2, 0.5, 0.6, 2]
    assert json.loads(Read("yolo", tiny / "yolov8_segmentation").column("segmentation")[0]) == [[0.1, 0.1, 0.4, 0.1, 0.4, 0.5]]


@pytest.mark.parametrize(("rows", "more", "task", "columns"), [
    (OBB, "", "obb", CORNERS), (POSE, "kpt_shape: [2, 3]\n", "pose", ["keypoints"]), (POLYGON, "", "segment", ["segmentation"])])
def test_each_kind_is_written_back(tmp_path: Path, rows: str, more: str, task: str, columns: list[str]) -> None:
    root = put(tmp_path / "set", rows, more)
    out = tmp_path / "out"
    assert main(["convert", str(root), "-o", str(out), "--to", "yolo", "--strict", "-q", "--set", f"yolo.task={task}"]) == 0
    a, b = Read("yolo", root), Read("yolo", out)
    for column in ("x_min", "y_max", *columns):
        values = [[v if isinstance(v, float) else json.loads(v or "[]") for v in r.column(column)] for r in (a, b)]
        for one, other in zip(*values, strict=True):
            np.testing.assert_allclose(np.ravel(one), np.ravel(other), atol=1e-9)
    assert len((out / "labels/train/a.txt").read_text().splitlines()) == len(rows.splitlines())


def test_boxes_are_written_as_corners_too(tmp_path: Path) -> None:
    root = put(tmp_path / "set", "0 0.5 0.5 0.2 0.4\n")
    assert main(["convert", str(root), "-o", str(tmp_path / "out"), "--to", "yolo", "-q", "--set", "yolo.task=obb"]) == 0
    row = [float(v) for v in (tmp_path / "out/labels/train/a.txt").read_text().split()]
    np.testing.assert_allclose(row, [0, 0.4, 0.3, 0.6, 0.3, 0.6, 0.7, 0.4, 0.7], atol=1e-12)


@pytest.mark.parametrize(("rows", "message"), [
    ("0 0.5 0.5 0.2 0.4\n", "no annotation has keypoints"), (OBB, "no annotation has keypoints")])
def test_a_kind_that_the_set_has_not(tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str, message: str) -> None:
    root = put(tmp_path / "set", rows)
    assert main(["convert", str(root), "-o", str(tmp_path / "out"), "--to", "yolo", "-q", "--set", "yolo.task=pose"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_rotations_that_are_lost_are_counted(tmp_path: Path) -> None:
    root = put(tmp_path / "set", OBB)
    assert main(["convert", str(root), "-o", str(tmp_path / "out"), "--to", "voc", "-q"]) == 0
    losses = json.loads((tmp_path / "out/conversion.json").read_text())["losses"]
    assert losses["rotations of boxes (their envelopes stay)"] == 1


def test_broken_files(tmp_path: Path) -> None:
    root = put(tmp_path / "set", OBB + POLYGON)
    opened, refused = assert_survives_broken_files("yolo", root, ["labels/train/a.txt", "data.yaml"], tmp_path / "copy", 150)
    assert opened + refused == 150
    assert opened > 100


POSE_4 = "0 0.5 0.5 0.4 0.4 0.32 0.32 1 0.68 0.32 1 0.68 0.68 1 0.32 0.68 1\n" \
    "0 0.9 0.5 0.4 0.4 0.72 0.32 2 0.99 0.32 2 0.99 0.68 1 0 0 0\n"
SEVENTEEN = "0 0.1 0.2 0.8 0.1 0.9 0.3 0.9 0.5 0.9 0.6 0.6 0.9 0.4 0.9 0.1 0.7\n"


def bare(root: Path, rows: str) -> Path:
    put(root, rows)
    (root / "data.yaml").unlink()
    return root


@pytest.mark.parametrize("task", ["", "pose", "detect"])
def test_poses_are_known_by_their_rows(tmp_path: Path, task: str) -> None:
    read = Read("yolo", bare(tmp_path / "set", POSE_4), options=Options(task=task))  # type: ignore[arg-type]
    said = ("rows of points are read as poses of 4 keypoints (of 2 rows looked at, 2 have 17 numbers of which every third after "
            "the box is 0, 1 or 2; data.yaml has no kpt_shape; --set yolo.task=segment says otherwise)")
    assert read.info.notes == (() if task == "pose" else (said,))
    assert not read.info.boxes_in_doubt
    assert [o is None for o in read.column("segmentation")] == [True, True]
    np.testing.assert_allclose(read.rows()[0][2:], (0.3, 0.3, 0.7, 0.7))
    assert json.loads(read.column("keypoints")[1]) == [0.72, 0.32, 2, 0.99, 0.32, 2, 0.99, 0.68, 1, 0, 0, 0]


def test_an_even_number_of_values_is_a_pose_too(tmp_path: Path) -> None:
    read = Read("yolo", bare(tmp_path / "set", "0 0.5 0.5 0.4 0.4 0.5 0.4 2\n"))
    assert json.loads(read.column("keypoints")[0]) == [0.5, 0.4, 2]
    assert not len(read.problems)


def test_what_the_user_says_of_poses_goes_first(tmp_path: Path) -> None:
    as_polygons = Read("yolo", bare(tmp_path / "a", POSE_4), options=Options(task="segment"))
    assert all(o is not None for o in as_polygons.column("segmentation"))
    two = Read("yolo", bare(tmp_path / "b", "0 0.5 0.5 0.4 0.4 0.5 0.4 0.6 0.5 0.4 0.45\n"), options=Options(task="pose"))
    assert json.loads(two.column("keypoints")[0]) == [0.5, 0.4, 2, 0.6, 0.5, 2, 0.4, 0.45, 2]


@pytest.mark.parametrize(("rows", "missing"), [
    (OBB + POLYGON + SEVENTEEN, "add kpt_shape: [number of keypoints, 2 or 3] to data.yaml"),
    ("0 0.5 0.5 0.4 0.4\n", "no annotation has keypoints"), (OBB, "no annotation has keypoints")])
def test_poses_that_cannot_be_told_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str, missing: str) -> None:
    assert main(["report", str(put(tmp_path / "set", rows)), "-q", "--set", "yolo.task=pose"]) == 2
    assert missing in capsys.readouterr().err


def test_a_fix_keeps_visibilities(tmp_path: Path) -> None:
    root = bare(tmp_path / "set", POSE_4)
    assert main(["fix", str(root), "-o", str(tmp_path / "out"), "-q"]) in (0, 1)
    rows = [line.split() for line in (tmp_path / "out/labels/train/a.txt").read_text().splitlines()]
    before = [line.split() for line in POSE_4.splitlines()]
    assert rows[0] == before[0]
    assert rows[1][5:] == before[1][5:]
    assert float(rows[1][1]) + float(rows[1][3]) / 2 == pytest.approx(1)


@pytest.mark.parametrize(("rows", "reason"), [
    ("0 0.5 0.5 0.4 0.4 0.32 0.32 2 0.68 0.32 2 0.68 0.68 1 0.32 0.68 1\n" + POLYGON.replace("0.9", "1.1"), "1 fits as a pose"),
    ("0 0.9 0.5 0.4 0.4 0.8 0.4 1.05 0.5 0.85 0.45\n", "1 of 11 numbers fits as a pose of 3 keypoints of 2 values"),
    ("0 0.5 0.2 1.1 0.5 0.8 0.8 0.2 0.5\n" + FOUR_POINTS, "1 is a rectangle")])
def test_nothing_is_fixed_while_the_kind_is_in_doubt(tmp_path: Path, rows: str, reason: str) -> None:
    root = bare(tmp_path / "set", rows)
    info = Read("yolo", root).info
    assert info.boxes_in_doubt
    assert len(info.notes) == 1
    assert reason in info.notes[0]
    main(["fix", str(root), "-o", str(tmp_path / "out"), "-q"])
    assert not (tmp_path / "out").exists() or (tmp_path / "out/labels/train/a.txt").read_text() == rows
    assert not Read("yolo", root, options=Options(task="segment")).info.boxes_in_doubt


@pytest.mark.parametrize("flip", ["[0, 1]", "[1, 0]", "[0, 0]"])
def test_flip_idx_is_kept_or_counted(tmp_path: Path, flip: str) -> None:
    root = put(tmp_path / "set", POSE, f"kpt_shape: [2, 3]\nflip_idx: {flip}\n")
    out = tmp_path / "out"
    assert main(["convert", str(root), "-o", str(out), "--to", "yolo", "--strict", "-q", "--set", "yolo.task=pose"]) == 0
    assert yaml.safe_load((out / "data.yaml").read_text())["flip_idx"] == json.loads(flip)
    assert main(["convert", str(root), "-o", str(tmp_path / "coco"), "--to", "coco", "-q"]) == 0
    losses = json.loads((tmp_path / "coco/conversion.json").read_text())["losses"]
    assert losses["pairs of keypoints that swap places in a mirrored image (flip_idx)"] == 1


def test_flip_idx_that_fits_no_keypoints_is_counted(tmp_path: Path) -> None:
    root = put(tmp_path / "set", POSE, "kpt_shape: [2, 3]\nflip_idx: [0]\n")
    command = ["convert", str(root), "-o", str(tmp_path / "out"), "--to", "yolo", "-q", "--set", "yolo.task=pose"]
    assert main([*command, "--strict"]) == 2
    assert main(command) == 0
    assert json.loads((tmp_path / "out/conversion.json").read_text())["losses"]["flip_idx that does not fit the keypoints"] == 1


def test_boxes_of_four_corners_that_are_upright_lose_no_rotation(tmp_path: Path) -> None:
    upright = "1 0.1 0.1 0.3 0.1 0.3 0.2 0.1 0.2\n0 0.333333 0.2 0.333333 0.1 0.123457 0.1 0.123457 0.2\n"
    root = put(tmp_path / "set", upright)
    out = tmp_path / "out"
    assert main(["convert", str(root), "-o", str(out), "--to", "coco", "--strict", "-q"]) == 0
