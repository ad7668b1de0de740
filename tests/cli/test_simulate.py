"""`dsinspect simulate`, and `--trainer` on check and report."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

from dsinspect.cli import main

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Three images without a class list of many: one clean, one with a coordinate above 1, one with a row twice."""
    import cv2
    import numpy as np

    root = tmp_path / "set"
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    rows = {"a": "0 0.5 0.5 0.2 0.2\n", "b": "0 0.5 0.5 0.2 0.2\n1 1.02 0.5 0.1 0.1\n", "c": 2 * "1 0.5 0.5 0.2 0.2\n"}
    for name, text in rows.items():
        assert cv2.imwrite(str(root / "images" / f"{name}.png"), np.zeros((40, 60, 3), np.uint8))
        (root / "labels" / f"{name}.txt").write_text(text)
    (root / "classes.txt").write_text("cat\ndog\n")
    return root


def simulated(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(["simulate", *arguments, "--output-format", "json", "--no-cache", "--quiet"]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_says_what_arrives_and_why_not(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = simulated(capsys, str(labels), "--trainer", "ultralytics@8.4")
    (trainer,) = document["trainers"]
    assert {k: trainer[k] for k in ("name", "release", "stops", "images", "annotations")} == {
        "name": "ultralytics", "release": "8.4.190", "stops": None, "images": {"kept": 2, "left_out": 1},
        "annotations": {"kept": 2, "dropped": 3, "changed": 0}}
    assert trainer["fates"] == [
        {"image": "images/b.png", "fate": "left-out", "reason": "a coordinate is above 1.01", "annotations": [
            {"annotation": {"id": k, "source": "labels/b.txt", "line": k + 1}, "fate": "dropped",
             "reason": "a coordinate is above 1.01", "category": category, "label": None, "bbox_xyxy": None}
            for k, category in enumerate(("cat", "dog"))]},
        {"image": "images/c.png", "fate": "kept", "reason": None, "annotations": [
            {"annotation": {"id": 1, "source": "labels/c.txt", "line": 2}, "fate": "dropped",
             "reason": "the row repeats another one of its file", "category": "dog", "label": None, "bbox_xyxy": None}]}]
    assert trainer["classes"] == [
        {"name": "cat", "images_before": 2, "annotations_before": 2, "images_after": 1, "annotations_after": 1},
        {"name": "dog", "images_before": 2, "annotations_before": 3, "images_after": 1, "annotations_after": 1}]


def test_all_fates_are_told_when_asked(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = simulated(capsys, str(labels), "--trainer", "ultralytics", "--fates", "all")
    (trainer,) = document["trainers"]
    assert [i["image"] for i in trainer["fates"]] == ["images/a.png", "images/b.png", "images/c.png"]
    assert trainer["fates"][0]["annotations"][0]["bbox_xyxy"] == pytest.approx([24, 16, 36, 24], abs=1e-4)


def test_several_trainers_stand_beside_each_other(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(labels), "--trainer", "ultralytics@8.3.0", "--trainer", "yolox", "--no-cache"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "ultralytics@8.3.0" in text
    assert "yolox@0.3.0" in text
    assert "as if converted" in text
    assert 'data/utils.py: verify_image_label "non-normalized or out of bounds coordinates"' in text


def test_stop_is_told_in_the_trainers_words(capsys: pytest.CaptureFixture[str]) -> None:
    document = simulated(capsys, str(SAMPLES / "coco"), "--trainer", "yolox")
    stop = document["trainers"][0]["stops"]
    assert stop["error"] == "ValueError: 99 is not in list"
    assert stop["where"] == "yolox/data/datasets/coco.py: COCODataset.load_anno_from_ids"
    assert stop["record"] == {"source": "annotations/instances_train.json", "index": 136}


@pytest.mark.parametrize(("trainer", "box", "reason"), [
    ("mmdet", {"image_id": 1, "bbox": [10, 5, 0, 20]}, "the box has no width or height"),
    ("mmdet", {"image_id": 1, "bbox": [70, 5, 10, 20]}, "the box lies outside of the image"),
    ("ultralytics@8.4", {"image_id": 4242, "bbox": [10, 5, 10, 20]}, "the annotation belongs to no image"),
    ("ultralytics@8.4", {"image_id": 1, "bbox": [float("nan"), 5, 10, 20]},
     "the box is not finite or the size of the image is unknown, so no label can be written")])
def test_the_reason_is_that_of_the_box(trainer: str, box: dict, reason: str, tmp_path: Path,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    image = {"id": 1, "file_name": "a.png", "width": 60, "height": 40}
    whole = {"id": 1, "category_id": 1, "area": 200, "iscrowd": 0, "image_id": 1, "bbox": [10, 5, 10, 20]}
    (tmp_path / "a.json").write_text(json.dumps({
        "images": [image], "categories": [{"id": 1, "name": "cat"}], "annotations": [whole, {**whole, "id": 2, **box}]}))
    (trainer_record,) = simulated(capsys, str(tmp_path), "--trainer", trainer)["trainers"]
    dropped = [a for i in trainer_record["fates"] for a in i["annotations"] if a["fate"] == "dropped"]
    assert [(a["annotation"]["id"], a["reason"]) for a in dropped] == [(2, reason)]


def test_files_hold_the_same(labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = [tmp_path / f"s.{suffix}" for suffix in ("json", "xlsx", "html")]
    arguments = [a for path in out for a in ("-o", str(path))]
    assert main(["simulate", str(labels), "--trainer", "ultralytics,mmdet", *arguments, "--no-cache", "--quiet"]) == 0
    assert len(json.loads(out[0].read_text())["trainers"]) == 2
    book = openpyxl.load_workbook(out[1], read_only=True)
    cells = {str(c.value) for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None}
    assert any("leaves out this image: a coordinate is above 1.01" in c for c in cells)
    assert "leaves out this image" in out[2].read_text()
    rows = list(openpyxl.load_workbook(out[1])["What arrives"].iter_rows(values_only=True))
    assert [(r[0], *r[1:6]) for r in rows[1:]] == [("ultralytics@8.4.190", 2, 1, 2, 3, 0), ("mmdet@3.3.0", 3, 0, 5, 0, 0)]
    assert capsys.readouterr().out == ""


def test_check_judges_by_the_trainer(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(labels), "--select", "TRN", "--trainer", "ultralytics", "--no-cache", "--output-format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {(f["code"], f["image"]) for f in found["findings"]} == {("TRN001", "images/b.png"), ("TRN002", "images/c.png")}
    assert main(["check", str(labels), "--select", "TRN", "--no-cache", "--output-format", "json"]) == 0
    assert {c["status"] for c in json.loads(capsys.readouterr().out)["checks"]} == {"skipped"}


def test_configuration_names_the_trainer(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (labels.parent / "dsinspect.toml").write_text('trainer = "ultralytics@8.4"\n')
    assert main(["check", str(labels), "--select", "TRN001", "--no-cache", "--quiet"]) == 1
    assert "leaves out this image" in capsys.readouterr().out
    assert main(["simulate", str(labels), "--no-cache"]) == 0


@pytest.mark.parametrize(("arguments", "says"), [
    (["--trainer", "ultralitics"], "no such trainer (did you mean 'ultralytics'?)"),
    (["--trainer", "ultralytics@7.0"], "the rules are known from 8.3.0 to 8.4.190"),
    (["--trainer", "ultralytics@new"], "'new' is not a release"),
    ([], "name a trainer with --trainer"),
    (["--trainer", "yolox", "-o", "a.txt"], "written as .json, .xlsx or .html"),
])
def test_mistakes_are_one_line(labels: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(labels), *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_python_gives_frames(labels: Path) -> None:
    import dsinspect

    (trainer,) = dsinspect.simulate(labels, "ultralytics@8.4").trainers
    assert trainer.image_fates.frame["path"].tolist() == ["images/b.png", "images/c.png"]
    assert trainer.annotation_fates.frame["path"].tolist() == ["images/b.png", "images/b.png", "images/c.png"]
    assert [rule.key for rule, _ in trainer.losses] == ["above-limit", "duplicate"]


def test_rules_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "ultralytics@8.3.66"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "a coordinate is above 1 (before 8.3.163)" in text
    assert main(["explain", "mmdet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["limits"]["IMG020"] == {"min_side": 32}


@pytest.mark.parametrize("trainer", ["mmdet", "cocoeval"])
def test_a_stop_says_what_the_record_holds_and_which_it_is(trainer: str, capsys: pytest.CaptureFixture[str],
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["simulate", str(SAMPLES / "coco"), "--trainer", trainer, "--no-cache"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert 'TypeError (bbox is [5, "five", 20, 20])' in text
    if trainer == "mmdet":
        assert "annotations/instances_train.json [137]" in text
        assert "Annotation ids in ... (2 annotations of annotations/instances_train.json have the id 78)" in text
        assert "and 1 more; -o FILE.json has them all" in text


@pytest.mark.parametrize(("named", "kept", "left_out", "with_class"), [
    (((1, "a.png"), (1, "a.png")), 1, 1, 1), (((1, "a.png"), (2, "a.png")), 1, 1, 1), (((1, "a.png"), (1, "b.png")), 2, 0, 1)])
def test_records_of_one_file_are_one_image_where_a_set_is_judged_as_converted(
        named: tuple[tuple[int, str], ...], kept: int, left_out: int, with_class: int, tmp_path: Path,
        capsys: pytest.CaptureFixture[str]) -> None:
    import cv2
    import numpy as np

    root = tmp_path / "set"
    root.mkdir()
    for _, name in named:
        cv2.imwrite(str(root / name), np.zeros((40, 60, 3), np.uint8))
    (root / "all.json").write_text(json.dumps({
        "images": [{"id": k, "file_name": name, "width": 60, "height": 40} for k, name in named],
        "annotations": [{"id": k + 1, "image_id": of, "category_id": 1, "bbox": [5, 5, 10, 10 * k + 10], "area": 100, "iscrowd": 0}
                        for k, (of, _) in enumerate((*named, *named))], "categories": [{"id": 1, "name": "cat"}]}))
    (trainer,) = simulated(capsys, str(root), "--trainer", "ultralytics", "--fates", "all")["trainers"]
    assert trainer["images"] == {"kept": kept, "left_out": left_out}
    assert trainer["annotations"] == {"kept": 4, "dropped": 0, "changed": 0}
    assert trainer["classes"][0]["images_after"] == with_class
    assert sum(len(i["annotations"]) for i in trainer["fates"] if i["fate"] == "kept") == 4
    assert main(["convert", str(root), "-o", str(tmp_path / "out"), "--for", "ultralytics", "--quiet"]) == 0
    assert len(list((tmp_path / "out").rglob("*.png"))) == kept
    capsys.readouterr()
    (again,) = simulated(capsys, str(tmp_path / "out"), "--trainer", "ultralytics", "--fates", "all")["trainers"]
    assert len({i["image"] for i in again["fates"] if i["fate"] == "kept"}) == kept
    assert (again["images"]["left_out"], again["annotations"]["kept"]) == (0, 2 * 4)  # the only split is read for val as well


@pytest.mark.parametrize("width", [80, 100])
def test_names_and_numbers_are_whole_on_a_terminal_of(width: int, capsys: pytest.CaptureFixture[str],
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    names = ("ultralytics", "mmdet", "detectron2", "torchvision", "yolox")
    assert main(["simulate", str(SAMPLES / "coco"), "--trainer", ",".join(names), "--no-cache"]) == 0
    text = capsys.readouterr().out
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert all(len(line) <= width for line in text.splitlines())
    assert all(f"{name}@" in text for name in names)
