"""`convert --for`: the trainer's simulation of the output keeps everything, with the ids and the layout it expects."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

import dsinspect
from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols.trainers import Trainer
from dsinspect.simulation.simulate import simulate

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
PLUGINS = load_plugins()
TRAINERS = [name for name, t in PLUGINS.trainers.items() if t.target is not None]
RELEASES = {"ultralytics": ("8.3.0", "8.4")}


def target_format(trainer: Trainer) -> str:
    assert trainer.target is not None
    return trainer.target.format


def converted(source: Path, out: Path, trainer: str) -> Path:
    assert main(["convert", str(source), "-o", str(out), "--for", trainer, "--quiet"]) == 0
    return out


@pytest.mark.parametrize("kind", ["coco", "voc", "yolo", "table", "clean"])
@pytest.mark.parametrize("name", TRAINERS)
def test_nothing_is_lost_on_the_output(kind: str, name: str, tmp_path: Path) -> None:
    for release in RELEASES.get(name, ("",)):
        trainer = PLUGINS.trainers[name](release or None)
        assert trainer.target is not None
        out = converted(SAMPLES / kind, tmp_path / f"out{release}", trainer.label)
        (seen,) = simulate(Request(str(out), out, format=trainer.target.format), PLUGINS, [trainer]).trainers
        assert not seen.converted
        assert not seen.stops, seen.stops[:2]
        assert not [(rule.reason, loss) for rule, loss in seen.losses]
        assert seen.part.images[0] > 10


@pytest.mark.parametrize(("name", "ids"), [("rtdetr", [0, 1, 2]), ("yolox", [1, 2, 3]), ("torchvision", [1, 2, 3])])
def test_ids_are_those_the_trainer_expects(name: str, ids: list[int], tmp_path: Path) -> None:
    source = {"images": [{"id": 7, "file_name": "a.png", "width": 60, "height": 40}],
              "annotations": [{"id": 0, "image_id": 7, "category_id": c, "bbox": [5, 5, 10 + k, 10]}
                              for k, c in enumerate((30, 10, 20))],
              "categories": [{"id": c, "name": f"class {c}"} for c in (30, 10, 20)]}
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "all.json").write_text(json.dumps(source))
    assert cv2.imwrite(str(tmp_path / "set" / "a.png"), np.zeros((40, 60, 3), np.uint8))
    out = converted(tmp_path / "set", tmp_path / "out", name)
    document = json.loads(next((out / "annotations").glob("instances_train*.json")).read_text())
    names = ["class 10", "class 20", "class 30"]
    assert [(c["id"], c["name"]) for c in document["categories"]] == list(zip(ids, names, strict=True))
    assert [a["category_id"] for a in document["annotations"]] == [ids[2], ids[0], ids[1]]
    assert [a["id"] for a in document["annotations"]] == [1, 2, 3]
    assert all(a["iscrowd"] == 0 and a["area"] == a["bbox"][2] * 10 for a in document["annotations"])


def test_yaml_names_both_splits(tmp_path: Path) -> None:
    (tmp_path / "set" / "images").mkdir(parents=True)
    (tmp_path / "set" / "labels").mkdir()
    assert cv2.imwrite(str(tmp_path / "set" / "images" / "a.png"), np.zeros((40, 60, 3), np.uint8))
    (tmp_path / "set" / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    out = converted(tmp_path / "set", tmp_path / "out", "ultralytics")
    assert yaml.safe_load((out / "data.yaml").read_text()) == {"train": "images/train", "val": "images/train", "names": {0: "0"}}


def turned_set(root: Path) -> Path:
    """One JPEG stored 60 x 40 with orientation 6, its box at the top left of the upright image."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[30:, :10] = 255
    root.mkdir()
    content = bytes(cv2.imencode(".jpg", pixels)[1])
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    (root / "a.jpg").write_bytes(content[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + content[2:])
    (root / "all.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "a.jpg", "width": 40, "height": 60}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10], "area": 100, "iscrowd": 0}],
        "categories": [{"id": 1, "name": "white"}]}))
    return root


@pytest.mark.parametrize(("name", "is_baked"), [("rtdetr", True), ("rfdetr", True), ("detectron2", False), ("mmdet", False)])
def test_pixels_are_turned_for_trainers_that_do_not(name: str, is_baked: bool, tmp_path: Path) -> None:
    out = converted(turned_set(tmp_path / "set"), tmp_path / "out", name)
    file = next(out.rglob("a.jpg"))
    stored = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    assert stored.shape[:2] == ((60, 40) if is_baked else (40, 60))
    upright = cv2.imread(str(file))
    assert upright.shape[:2] == (60, 40)
    assert upright[:9, :9].min() > 200
    document = json.loads(next(p for p in out.rglob("*.json") if p.name != "conversion.json").read_text())
    assert (document["images"][0]["width"], document["images"][0]["height"]) == (40, 60)
    assert document["annotations"][0]["bbox"] == [0, 0, 10, 10]


def test_cut_and_empty_boxes_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = turned_set(tmp_path / "set")
    document = json.loads((root / "all.json").read_text())
    document["annotations"] += [
        {"id": 2, "image_id": 1, "category_id": 1, "bbox": [-5, 20, 15, 10], "area": 150, "iscrowd": 0},
        {"id": 3, "image_id": 1, "category_id": 1, "bbox": [5, 5, 0, 10], "area": 0, "iscrowd": 0},
        {"id": 4, "image_id": 1, "category_id": 1, "bbox": [5, 5, 10, 10], "area": 100, "iscrowd": 1}]
    (root / "all.json").write_text(json.dumps(document))
    assert main(["convert", str(root), "-o", str(tmp_path / "out"), "--for", "yolox"]) == 0
    text = capsys.readouterr().out
    assert "1  lost: parts of boxes beyond the edge of their image" in text
    assert "1  lost: annotations: `area` is 0 or negative" in text
    assert "1  lost: crowd regions" in text
    assert "yolox@0.3.0 reads 1 image and 2 annotations of it: all there are" in text  # though val is read from train too


@pytest.mark.parametrize("name", TRAINERS)
def test_boxes_without_a_width_or_height_are_the_trainers_to_judge(name: str, tmp_path: Path) -> None:
    root = turned_set(tmp_path / "set")
    document = json.loads((root / "all.json").read_text())
    document["annotations"] += [
        {"id": k, "image_id": 1, "category_id": 1, "bbox": bbox, "area": bbox[2] * bbox[3], "iscrowd": 0}
        for k, bbox in enumerate(([5, 5, 0, 10], [7, 9, 12, 0], [3, 4, 0, 0], [9, 9, 8, 8]), 2)]
    (root / "all.json").write_text(json.dumps(document))
    trainer = PLUGINS.trainers[name](None)
    (told,) = simulate(Request(str(root), root), PLUGINS, [trainer]).trainers
    out = converted(root, tmp_path / "out", trainer.label)
    (seen,) = simulate(Request(str(out), out, format=target_format(trainer)), PLUGINS, [trainer]).trainers
    arrive = {s.part.annotations[:2].sum() // s.part.images[0] for s in (told, seen)}
    assert arrive == ({5} if name == "ultralytics" else {2})


def test_ids_of_images_are_counted_as_lost_only_where_there_were_some(tmp_path: Path, shared_data: Path) -> None:
    out = converted(shared_data / "bccd", tmp_path / "out", "ultralytics@8.4")
    losses = json.loads((out / "conversion.json").read_text())["losses"]
    assert losses["attributes: truncated"] == 1131
    assert not [what for what in losses if "ids" in what or "boxes" in what or "annotations" in what]


@pytest.mark.parametrize("name", TRAINERS)
@pytest.mark.parametrize("between", [0, 300])
def test_records_that_name_one_file_become_one_image(name: str, between: int, tmp_path: Path) -> None:
    root = turned_set(tmp_path / "set")
    document = json.loads((root / "all.json").read_text())
    document["images"] += [{"id": 2 + k, "file_name": f"none{k}.jpg", "width": 40, "height": 60} for k in range(between)]
    document["images"].append({**document["images"][0], "id": 999})
    document["annotations"] += [{**document["annotations"][0], "id": 2, "image_id": 999, "bbox": [20, 30, 10, 10]}]
    (root / "all.json").write_text(json.dumps(document))
    trainer = PLUGINS.trainers[name](None)
    out = converted(root, tmp_path / "out", trainer.label)
    assert [p.name for p in out.rglob("*.jpg")] == ["a.jpg"]
    (seen,) = simulate(Request(str(out), out, format=target_format(trainer)), PLUGINS, [trainer]).trainers
    assert seen.part.annotations[0] == 2 * seen.part.images[0] > 0
    losses = json.loads((out / "conversion.json").read_text())["losses"]
    assert losses["image records that name the file of another one (their boxes go to it)"] == 1
    assert "annotations of unknown images" not in losses


def test_judge_is_no_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(SAMPLES / "coco"), "-o", str(tmp_path / "out"), "--for", "cocoeval"]) == 2
    assert "trains nothing" in capsys.readouterr().err
    assert main(["convert", str(SAMPLES / "coco"), "-o", str(tmp_path / "out"), "--for", "yolox", "--to", "voc"]) == 2
    assert "yolox reads coco; leave --to out" in capsys.readouterr().err


def test_the_python_api_writes_the_same(tmp_path: Path) -> None:
    done = dsinspect.convert(SAMPLES / "coco", tmp_path / "api", trainer="mmdet")
    assert done.fitted is not None
    converted(SAMPLES / "coco", tmp_path / "out", "mmdet")
    files = {p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    again = {p.relative_to(tmp_path / "api"): p.read_bytes() for p in (tmp_path / "api").rglob("*") if p.is_file()}
    assert files.keys() == again.keys()
    assert all(files[k] == again[k] for k in files if k.suffix != ".py")  # the configuration names the set after its folder


@pytest.mark.parametrize(("arguments", "says"), [
    ({}, "name the format to write"), ({"trainer": "mmdet", "to": "yolo"}, "mmdet reads coco"),
    ({"trainer": "cocoeval"}, "trains nothing"), ({"trainer": "mmdett"}, "no such trainer")])
def test_the_python_api_says_what_is_wrong(arguments: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=says):
        dsinspect.convert(SAMPLES / "coco", tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["rtdetr", "torchvision"])
def test_keypoints_go_where_their_numbers_would_stop_the_trainer(name: str, tmp_path: Path) -> None:
    source = {"images": [{"id": 1, "file_name": "a.png", "width": 60, "height": 40}],
              "annotations": [{"id": k, "image_id": 1, "category_id": 1, "bbox": [5, 5, 10, 10], "area": 100, "iscrowd": 0,
                               "keypoints": [6, 6, 2] * k} for k in (3, 4)],
              "categories": [{"id": 1, "name": "cat"}]}
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "all.json").write_text(json.dumps(source))
    assert cv2.imwrite(str(tmp_path / "set" / "a.png"), np.zeros((40, 60, 3), np.uint8))
    done = dsinspect.convert(tmp_path / "set", tmp_path / "out", trainer=name)
    assert done.losses == {"keypoints": 2}
    (seen,) = dsinspect.simulate(tmp_path / "out", name).trainers
    assert not seen.stops
    assert seen.part.annotations.tolist() == [4, 0, 0]  # train stands for val
