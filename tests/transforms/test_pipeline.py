"""`dsinspect transform` over whole sets: pixels, boxes, ids, failures, resuming, and the way back."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from transforms.drawing import drawn, found

from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.geometry.affine import polygon_area
from dsinspect.geometry.rle import decode_mask, encode_mask, text_from_counts
from dsinspect.io import image_codec as pictures
from dsinspect.transformation import pipeline

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `dsinspect ARGUMENTS`: exit code, stdout, stderr; never a traceback."""
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = int(main([str(a) for a in arguments]))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return call


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several parts even in a small set."""
    monkeypatch.setattr(pipeline, "SHARD", 5)


def coco_set(root: Path, pictures_: Sequence[tuple[str, np.ndarray]], annotations: Sequence[dict[str, Any]],
             names: Sequence[str] = ("cat", "dog"), split: str = "train") -> Path:
    """Write a COCO set; annotations name their picture by `image`, its position."""
    images = []
    for k, (name, pixels) in enumerate(pictures_):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), pixels)
        images.append({"id": 100 + k, "file_name": name, "width": pixels.shape[1], "height": pixels.shape[0]})
    records = []
    for k, a in enumerate(annotations):
        rest = {n: v for n, v in a.items() if n != "image"}
        records.append({"id": 7 * k + 3, "image_id": 100 + a["image"], "category_id": 5, "iscrowd": 0,
                        "area": a["bbox"][2] * a["bbox"][3], **rest})
    document = {"images": images, "annotations": records,
                "categories": [{"id": 5 + 3 * k, "name": n, "supercategory": "x"} for k, n in enumerate(names)]}
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / "annotations" / f"instances_{split}.json").write_text(json.dumps(document))
    return root


def drawn_set(root: Path, n: int = 12) -> Path:
    """Pictures of several sizes with one white box each, as PNG."""
    rng = np.random.default_rng(4)
    pictures_, annotations = [], []
    for k in range(n):
        width, height = (int(v) for v in rng.integers(60, 140, 2))
        x, y = int(rng.integers(0, width - 30)), int(rng.integers(0, height - 30))
        box = (x, y, x + int(rng.integers(12, 30)), y + int(rng.integers(12, 30)))
        pictures_.append((f"images/{k:02}.png", drawn(width, height, box)))
        annotations.append({"image": k, "bbox": [x, y, box[2] - x, box[3] - y], "category_id": 5 + 3 * (k % 2)})
    return coco_set(root, pictures_, annotations)


def read(out: Path, split: str = "train") -> dict[str, Any]:
    document: dict[str, Any] = json.loads((out / "annotations" / f"instances_{split}.json").read_text())
    return document


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("ops", [
    ["flip"], ["letterbox:size=100,colour=0"], ["rot90", "resize:scale=0.7"],
    ["resize:long=90", "pad:multiple=32,colour=0", "flip:axis=both"],
    ["crop:size=50x50,min_kept=0"], ["tile:size=40,overlap=0.3,min_kept=0"], ["bgr", "gray"],
])
def test_every_box_lies_where_its_pixels_are(run: Run, tmp_path: Path, ops: list[str]) -> None:
    source = drawn_set(tmp_path / "set")
    code, _, err = run("transform", source, "-o", tmp_path / "out", *(x for o in ops for x in ("--op", o)))
    assert (code, err) == (0, "")
    document = read(tmp_path / "out")
    boxes: dict[int, list[list[float]]] = {}
    for a in document["annotations"]:
        boxes.setdefault(a["image_id"], []).append(a["bbox"])
    assert document["images"]
    for image in document["images"]:
        pixels = cv2.imread(str(tmp_path / "out" / image["file_name"]))
        assert (image["width"], image["height"]) == (pixels.shape[1], pixels.shape[0])
        seen = found(pixels)
        if image["id"] not in boxes:
            assert seen is None
            continue
        (x, y, w, h), = boxes[image["id"]]
        if min(w, h) >= 2:
            assert seen is not None
            np.testing.assert_allclose(seen, [x, y, x + w, y + h], atol=1.01)


def test_ids_splits_and_categories_stay(run: Run, tmp_path: Path) -> None:
    assert run("transform", SAMPLES / "clean", "-o", tmp_path / "out", "--op", "flip")[0] == 0
    for split in ("train", "val"):
        before, after = (read(r, split) for r in (SAMPLES / "clean", tmp_path / "out"))
        for key in ("images", "annotations", "categories"):
            assert [r["id"] for r in before[key]] == [r["id"] for r in after[key]]
        assert [c["name"] for c in before["categories"]] == [c["name"] for c in after["categories"]]
        width = {i["id"]: i["width"] for i in before["images"]}
        for a, b in zip(before["annotations"], after["annotations"], strict=True):
            x, y, w, h = a["bbox"]
            np.testing.assert_allclose(b["bbox"], [width[a["image_id"]] - x - w, y, w, h])
    code, out, _ = run("check", tmp_path / "out", "--ignore", "CLS007")
    assert code == 0, out


@pytest.mark.parametrize("name", ["coco", "voc", "yolo", "table"])
def test_faulty_sets_go_through_and_annotations_are_all_accounted_for(run: Run, tmp_path: Path, name: str) -> None:
    code, _, err = run("transform", SAMPLES / name, "-o", tmp_path / "out", "--op", "letterbox:size=128")
    assert code == 1
    assert "IMG002" in err
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    report = json.loads(run("check", SAMPLES / name, "--output-format", "json")[1])
    assert sum(v for k, v in manifest["annotations"].items() if k == "kept" or k.startswith("dropped")) == \
        report["dataset"]["annotations"]
    assert {f["code"] for f in manifest["failures"]} <= {"IMG001", "IMG002", "IMG003"}
    assert manifest["pictures"] == report["dataset"]["images"]
    assert manifest["pictures"] == len(manifest["outputs"]) + len(manifest["failures"])
    assert str(tmp_path) not in json.dumps(manifest["outputs"])


def test_the_same_bytes_whatever_the_workers(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trees = []
    for k, more in enumerate((("--jobs", 1), ("--jobs", 4), ("--executor", "serial"))):
        monkeypatch.setattr(pipeline, "SHARD", (5, 3, 1000)[k])
        run("transform", SAMPLES / "coco", "-o", tmp_path / str(k), "--op", "tile:size=90", "--op", "flip", *more)
        trees.append(tree(tmp_path / str(k)))
    assert trees[0] == trees[1] == trees[2]


@pytest.mark.parametrize("jobs", [1, 3])
def test_resume_completes_to_the_same_bytes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
    arguments = ("--op", "letterbox:size=96", "--op", "flip", "--jobs", jobs)
    source = drawn_set(tmp_path / "set", 23)
    run("transform", source, "-o", tmp_path / "whole", *arguments)
    write, written = pictures.Outputs.write, []

    def failing(self: pictures.Outputs, path: str, content: bytes) -> None:
        if len(written) >= 11:
            raise UserError("broken off")
        write(self, path, content)  # of another thread, it may be swept away half written: then it is not done
        written.append(path)

    monkeypatch.setattr(pictures.Outputs, "write", failing)
    out = tmp_path / "out"
    assert run("transform", source, "-o", out, *arguments)[0] == 2
    monkeypatch.setattr(pictures.Outputs, "write", write)
    assert not (out / "manifest.json").exists()
    assert not list((out / ".dsinspect-transform" / "tmp").iterdir())
    code, _, err = run("transform", source, "-o", out, *arguments)
    assert code == 2
    assert "go on with --resume" in err
    again: list[str] = []
    monkeypatch.setattr(pictures.Outputs, "write", lambda s, p, c: (again.append(p), write(s, p, c))[1])
    assert run("transform", source, "-o", out, *arguments, "--resume")[0] == 0
    assert tree(out) == tree(tmp_path / "whole")
    assert not set(again) & set(written), "nothing is done twice"
    code, _, err = run("transform", source, "-o", out, *arguments, "--resume")
    assert code == 2
    assert "finished run already" in err


def test_resume_with_other_settings_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = drawn_set(tmp_path / "set", 7)
    monkeypatch.setattr(pipeline, "finish", lambda *a: (_ for _ in ()).throw(UserError("broken off")))
    assert run("transform", source, "-o", tmp_path / "out", "--op", "flip")[0] == 2
    code, _, err = run("transform", source, "-o", tmp_path / "out", "--op", "rot90", "--resume")
    assert code == 2
    assert "other settings" in err


@pytest.mark.parametrize(("where", "name"), [(cv2, "__version__"), (pipeline, "__version__")])
def test_resume_with_another_release_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any,
                                                name: str) -> None:
    """Another OpenCV may resize and encode otherwise: half of the images would come from each."""
    source, out = drawn_set(tmp_path / "set", 7), tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "finish", lambda *a: (_ for _ in ()).throw(UserError("broken off")))
        assert run("transform", source, "-o", out, "--op", "flip")[0] == 2
    with monkeypatch.context() as patch:
        patch.setattr(where, name, "0.0.1")
        code, _, err = run("transform", source, "-o", out, "--op", "flip", "--resume")
    assert code == 2
    assert "another release of dsinspect or OpenCV" in err
    assert run("transform", source, "-o", out, "--op", "flip", "--resume")[0] == 0


@pytest.mark.parametrize("other", ["dataset", "format", "size"])
def test_resume_of_another_set_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    source, out = drawn_set(tmp_path / "set", 7), tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "finish", lambda *a: (_ for _ in ()).throw(UserError("broken off")))
        assert run("transform", source, "-o", out, "--op", "flip")[0] == 2
    if other == "dataset":
        source = drawn_set(tmp_path / "other", 7)
    elif other == "size":
        monkeypatch.setattr(pipeline, "SHARD", 3)
    code, _, err = run("transform", source, "-o", out, "--op", "flip", "--resume", *(("--to", "voc") if other == "format" else ()))
    assert code == 2
    assert "another dataset" in err


def test_full_disk(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = drawn_set(tmp_path / "set", 8)
    real, count = Path.write_bytes, []

    def full(self: Path, content: bytes) -> int:
        count.append(self)
        if len(count) > 5:
            real(self, content[:7])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = run("transform", source, "-o", tmp_path / "out", "--op", "flip", "--jobs", 1)
    monkeypatch.setattr(Path, "write_bytes", real)
    assert code == 2
    assert "no space left on device" in err
    assert "--resume" in err
    assert err.count("\n") == 1
    assert not list((tmp_path / "out" / ".dsinspect-transform" / "tmp").iterdir())
    for path in (tmp_path / "out").rglob("*.png"):
        assert cv2.imread(str(path)) is not None
    assert run("transform", source, "-o", tmp_path / "out", "--op", "flip", "--resume")[0] == 0


def test_a_transform_that_changes_nothing_copies_the_bytes(run: Run, tmp_path: Path) -> None:
    source = drawn_set(tmp_path / "set", 4)
    assert run("transform", source, "-o", tmp_path / "out", "--op", "upright", "--op", "crop:left=0,size=5000")[0] == 0
    before, after = tree(source / "images"), tree(tmp_path / "out" / "images")
    assert before == after
    assert all(e["copied"] for e in json.loads((tmp_path / "out" / "manifest.json").read_text())["outputs"])


def test_invert_boxes(run: Run, tmp_path: Path) -> None:
    source = drawn_set(tmp_path / "set")
    run("transform", source, "-o", tmp_path / "out", "--op", "letterbox:size=77", "--op", "flip", "--op", "rot90")
    predictions = [{"image_id": a["image_id"], "category_id": a["category_id"], "bbox": a["bbox"], "score": 0.5, "own": [1]}
                   for a in read(tmp_path / "out")["annotations"]] + [{"image_id": 9999, "bbox": [0, 0, 1, 1]}]
    (tmp_path / "predictions.json").write_text(json.dumps(predictions))
    code, _, err = run("transform", tmp_path / "out", "--invert-boxes", tmp_path / "predictions.json", "-o", tmp_path / "back.json")
    assert code == 0
    assert "1 prediction of an image that the manifest does not have is left out" in err
    back = json.loads((tmp_path / "back.json").read_text())
    for prediction, a in zip(back, read(source)["annotations"], strict=True):
        assert prediction["image_id"] == a["image_id"]
        np.testing.assert_allclose(prediction["bbox"], a["bbox"], atol=1e-6)
        assert prediction["own"] == [1]


def test_invert_boxes_of_tiles(run: Run, tmp_path: Path) -> None:
    source = drawn_set(tmp_path / "set", 5)
    run("transform", source, "-o", tmp_path / "out", "--op", "tile:size=70,min_kept=1")
    predictions = [{"image_id": a["image_id"], "bbox": a["bbox"]} for a in read(tmp_path / "out")["annotations"]]
    (tmp_path / "p.json").write_text(json.dumps(predictions))
    assert run("transform", tmp_path / "out", "--invert-boxes", tmp_path / "p.json", "-o", tmp_path / "back.json")[0] == 0
    truth = {a["image_id"]: a["bbox"] for a in read(source)["annotations"]}
    back = json.loads((tmp_path / "back.json").read_text())
    assert back
    for prediction in back:
        np.testing.assert_allclose(prediction["bbox"], truth[prediction["image_id"]], atol=1e-6)


@pytest.mark.parametrize(("content", "told"), [
    ("{}", "no COCO results"), ("nonsense", "no COCO results"), ('[{"image_id": 100, "bbox": "x"}]', "record 0: bbox is no list"),
])
def test_bad_predictions(run: Run, tmp_path: Path, content: str, told: str) -> None:
    run("transform", drawn_set(tmp_path / "set", 2), "-o", tmp_path / "out", "--op", "flip")
    (tmp_path / "p.json").write_text(content)
    code, _, err = run("transform", tmp_path / "out", "--invert-boxes", tmp_path / "p.json", "-o", tmp_path / "b.json")
    assert (code, told in err) == (2, True), err
    assert run("transform", tmp_path / "set", "--invert-boxes", tmp_path / "p.json", "-o", tmp_path / "b.json")[0] == 2


def outlined_set(root: Path) -> Path:
    mask = np.zeros((80, 100), bool)
    mask[10:40, 20:60] = True
    runs = encode_mask(mask)
    polygon = [20.0, 10, 60, 10, 60, 40, 20, 40]
    base = {"image": 0, "bbox": [20, 10, 40, 30]}
    return coco_set(root, [("a.png", drawn(100, 80, (20, 10, 60, 40)))], [
        {**base, "segmentation": [polygon]},
        {**base, "iscrowd": 1, "segmentation": {"size": [80, 100], "counts": runs}},
        {**base, "iscrowd": 1, "segmentation": {"size": [80, 100], "counts": text_from_counts(runs)}},
        base])


@pytest.mark.parametrize(("op", "area"), [
    ("flip", 1200), ("rot90", 1200), ("resize:size=200x80", 2400), ("letterbox:size=50", 300), ("crop:left=40,top=20", 400)])
def test_polygons_and_masks_follow(run: Run, tmp_path: Path, op: str, area: float) -> None:
    assert run("transform", outlined_set(tmp_path / "set"), "-o", tmp_path / "out", "--op", op)[0] == 0
    document = read(tmp_path / "out")
    image, = document["images"]
    polygon, numbers, text, plain = document["annotations"]
    x, y, w, h = polygon["bbox"]
    points = np.reshape(polygon["segmentation"][0], (-1, 2))
    np.testing.assert_allclose([*points.min(axis=0), *points.max(axis=0)], [x, y, x + w, y + h])
    assert polygon_area(points) == pytest.approx(area)
    for a in (polygon, plain):
        assert a["area"] == pytest.approx(area)
    for a, kind in ((numbers, list), (text, str)):
        assert isinstance(a["segmentation"]["counts"], kind)
        assert a["segmentation"]["size"] == [image["height"], image["width"]]
        mask = decode_mask(a["segmentation"]["counts"], a["segmentation"]["size"])
        assert found(mask.astype(np.uint8) * 255) is not None
        np.testing.assert_allclose(found(mask.astype(np.uint8) * 255), [x, y, x + w, y + h], atol=0.51)
        assert a["area"] == pytest.approx(area, rel=0.03)


def test_crop_clips_drops_and_counts(run: Run, tmp_path: Path) -> None:
    source = coco_set(tmp_path / "set", [("a.png", drawn(100, 80, (0, 0, 10, 10)))], [
        {"image": 0, "bbox": [0, 0, 20, 20]}, {"image": 0, "bbox": [45, 10, 20, 20]}, {"image": 0, "bbox": [48, 0, 50, 10]},
        {"image": 0, "bbox": [48, 40, 50, 10], "iscrowd": 1}, {"image": 0, "bbox": [70, 0, 9, 9]}])
    code, out, _ = run("transform", source, "-o", tmp_path / "out", "--op", "crop:size=50x80,anchor=left", "--min-kept", 0.1)
    assert code == 0
    kept = read(tmp_path / "out")["annotations"]
    assert [a["bbox"] for a in kept] == [[0, 0, 20, 20], [45, 10, 5, 20], [48, 40, 2, 10]]
    assert [a["area"] for a in kept] == [400, 100, 20]
    assert "1  annotation dropped: less than 0.1 of the area left" in out
    assert "1  annotation dropped: outside what is left" in out
    assert re.search(r"3  annotations kept\n +2  of those kept are clipped\n", out)


def test_boxes_out_of_bounds_stay_findable_when_nothing_is_cut(run: Run, tmp_path: Path) -> None:
    source = coco_set(tmp_path / "set", [("a.png", drawn(100, 80, (0, 0, 10, 10)))], [{"image": 0, "bbox": [90, 0, 30, 10]}])
    run("transform", source, "-o", tmp_path / "out", "--op", "resize:scale=2")
    assert read(tmp_path / "out")["annotations"][0]["bbox"] == [180, 0, 60, 20]
    assert "BOX003" in run("check", tmp_path / "out")[1]


def test_variants_only_classes_and_new_ids(run: Run, tmp_path: Path) -> None:
    source = drawn_set(tmp_path / "set", 6)
    assert run("transform", source, "-o", tmp_path / "out", "--op", "flip", "--variants", "--only-classes", "dog")[0] == 0
    document = read(tmp_path / "out")
    assert len(document["images"]) == 6 + 3
    assert [i["id"] for i in document["images"]] == list(range(1, 10))
    outputs = json.loads((tmp_path / "out/manifest.json").read_text())["outputs"]
    assert [(o["image_id"], o["path"]) for o in outputs] == [(i["id"], i["file_name"]) for i in document["images"]]
    assert len({a["id"] for a in document["annotations"]}) == 9
    originals = [i for i in document["images"] if "__" not in i["file_name"]]
    assert len(originals) == 6
    for i in originals:
        assert (tmp_path / "out" / i["file_name"]).read_bytes() == (source / i["file_name"]).read_bytes()


def test_weights_of_another_kind_are_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text("[" * 100_000)
    code, _, told = run("transform", drawn_set(tmp_path / "set", 2), "-o", tmp_path / "out", "--op", "flip", "--repeat",
                        tmp_path / "w.json")
    assert code == 2
    assert "not what dsinspect balance" in told


def test_only_classes_names_a_class_that_is_there(run: Run, tmp_path: Path) -> None:
    source = drawn_set(tmp_path / "set", 6)
    code, _, told = run("transform", source, "-o", tmp_path / "out", "--op", "flip", "--only-classes", "dgo")
    assert (code, told) == (2, "dsinspect: error: --only-classes dgo: the dataset has no such class (did you mean 'dog'?)\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("options", "outputs"), [((), 6 + 2), (("--variants",), 6 + 6 + 1)])
def test_pictures_of_rare_classes_are_repeated(run: Run, tmp_path: Path, options: tuple[str, ...], outputs: int) -> None:
    source = drawn_set(tmp_path / "set", 6)
    assert run("balance", source, "-o", tmp_path / "w.json", "--threshold", "1", "-q")[0] == 0
    weights = json.loads((tmp_path / "w.json").read_text())
    for image in weights["images"]:
        image["repeat_factor"] = 3.2 if image["image"] == weights["images"][1]["image"] else 1.2
    (tmp_path / "w.json").write_text(json.dumps(weights))
    assert run("transform", source, "-o", tmp_path / "out", "--op", "flip", "--repeat", tmp_path / "w.json", *options)[0] == 0
    document = read(tmp_path / "out")
    assert len(document["images"]) == outputs
    assert len({i["file_name"] for i in document["images"]}) == outputs
    assert all((tmp_path / "out" / i["file_name"]).is_file() for i in document["images"])
    assert {a["image_id"] for a in document["annotations"]} == {i["id"] for i in document["images"]}
    (tmp_path / "w.json").write_text("[]")
    assert run("transform", source, "-o", tmp_path / "no", "--op", "flip", "--repeat", tmp_path / "w.json")[0] == 2


def test_swap_mirrored(run: Run, tmp_path: Path) -> None:
    source = coco_set(tmp_path / "set", [("a.png", drawn(100, 80, (0, 0, 10, 10)))],
                      [{"image": 0, "bbox": [0, 0, 10, 10], "category_id": c} for c in (5, 8, 11)],
                      ("hand_left", "hand_right", "cup"))
    for op, expect in (("flip", [8, 5, 11]), ("rot90", [5, 8, 11])):
        run("transform", source, "-o", tmp_path / op, "--op", op, "--swap-mirrored")
        assert [a["category_id"] for a in read(tmp_path / op)["annotations"]] == expect
    run("transform", source, "-o", tmp_path / "plain", "--op", "flip")
    assert [a["category_id"] for a in read(tmp_path / "plain")["annotations"]] == [5, 8, 11]


def test_drop_empty(run: Run, tmp_path: Path) -> None:
    source = coco_set(tmp_path / "set", [("a.png", drawn(100, 80, (0, 0, 10, 10))), ("b.png", drawn(100, 80, (0, 0, 1, 1)))],
                      [{"image": 0, "bbox": [0, 0, 10, 10]}])
    run("transform", source, "-o", tmp_path / "out", "--op", "tile:size=50,overlap=0", "--drop-empty")
    names = [i["file_name"] for i in read(tmp_path / "out")["images"]]
    assert names == ["a__x0y0.png", "b__x0y0.png", "b__x50y0.png", "b__x0y30.png", "b__x50y30.png"]
    assert sorted(p.name for p in (tmp_path / "out").glob("*.png")) == sorted(names)


def test_tensors(run: Run, tmp_path: Path) -> None:
    source = drawn_set(tmp_path / "set", 3)
    shutil.copy(source / "images" / "00.png", source / "images" / "00.bmp")  # shares its stem with a picture of the set
    assert run("transform", source, "-o", tmp_path / "out", "--op", "letterbox:size=64", "--op", "tensor:preset=caffe")[0] == 0
    names = [i["file_name"] for i in read(tmp_path / "out")["images"]]
    assert names == ["images/00.png.npy", "images/01.npy", "images/02.npy"]
    array = np.load(tmp_path / "out" / names[1], allow_pickle=False)
    assert (array.shape, array.dtype) == ((3, 64, 64), np.float32)
    step = json.loads((tmp_path / "out" / "manifest.json").read_text())["outputs"][0]["steps"][-1]
    assert (step["mean"], step["scale"], step["order"], step["layout"]) == ([127.5], [0.007843], "bgr", "CHW float32")
    code, _, _ = run("view", tmp_path / "out" / names[1], "-o", tmp_path / "sheet.png")
    assert code == 0


def test_encoding_options(run: Run, tmp_path: Path) -> None:
    source = drawn_set(tmp_path / "set", 2)
    sizes = []
    for quality in (30, 95):
        out = tmp_path / str(quality)
        assert run("transform", source, "-o", out, "--op", "flip", "--image-format", "jpg", "--jpeg-quality", quality)[0] == 0
        assert [i["file_name"] for i in read(out)["images"]] == ["images/00.jpg", "images/01.jpg"]
        sizes.append((out / "images" / "00.jpg").stat().st_size)
    assert sizes[0] < sizes[1]
    content = (tmp_path / "95" / "images" / "00.jpg").read_bytes()
    assert content.startswith(b"\xff\xd8")


@pytest.mark.parametrize(("arguments", "told"), [
    ((), "name what to do with --op"),
    (("--op", "flipp"), "did you mean 'flip'?"),
    (("--op", "flip", "--image-format", "gif"), "write one of jpg, png"),
    (("--op", "flip", "--frame", "up"), "auto, stored, upright"),
    (("--op", "flip", "--resume"), "no run to resume"),
    (("--op", "flip", "--executor", "threads"), "did you mean 'thread'?"),
])
def test_mistakes(run: Run, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    code, _, err = run("transform", SAMPLES / "clean", "-o", tmp_path / "out", *arguments)
    assert (code, told in err, err.count("\n")) == (2, True, 1), err
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_output_folder_mistakes(run: Run, tmp_path: Path) -> None:
    source = drawn_set(tmp_path / "set", 2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    for out, told in ((source, "lies in the dataset's folder"), (source / "out", "lies in the dataset's folder"),
                      (tmp_path, "or holds it"), (tmp_path / "full", "not empty"), (tmp_path / "full" / "mine.txt", "is a file")):
        code, _, err = run("transform", source, "-o", out, "--op", "flip")
        assert (code, told in err) == (2, True), err
    assert run("transform", source, "-o", tmp_path / "full", "--op", "flip", "--force")[0] == 0
    assert (tmp_path / "full" / "mine.txt").read_text() == "x"


def test_operations_from_the_configuration(run: Run, tmp_path: Path) -> None:
    source = drawn_set(tmp_path / "set", 2)
    config = tmp_path / "dsinspect.toml"
    config.write_text('[transform]\nops = ["flip", {name = "letterbox", size = 64, colour = 0}]\n')
    assert run("transform", source, "-o", tmp_path / "out", "--config", config)[0] == 0
    assert {(i["width"], i["height"]) for i in read(tmp_path / "out")["images"]} == {(64, 64)}
    config.write_text('[transform]\nop = ["flip"]\n')
    code, _, err = run("transform", source, "-o", tmp_path / "out2", "--config", config)
    assert (code, "did you mean 'ops'?" in err) == (2, True), err


def test_exif_frames(run: Run, tmp_path: Path, shared_data: Path) -> None:
    """Boxes drawn in the stored frame turn with `upright`; boxes in the upright frame stay, and pixels come to them."""
    source = tmp_path / "set"
    (source / "annotations").mkdir(parents=True)
    shutil.copy(shared_data / "exif_orientation" / "Landscape_6.jpg", source / "a.jpg")
    stored = cv2.imread(str(source / "a.jpg"), cv2.IMREAD_UNCHANGED)
    height, width = stored.shape[:2]
    for frame, size in (("stored", (width, height)), ("upright", (height, width))):
        (source / "annotations" / "instances_train.json").write_text(json.dumps({
            "images": [{"id": 1, "file_name": "a.jpg", "width": size[0], "height": size[1]}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 30, 50], "iscrowd": 0, "area": 1500}],
            "categories": [{"id": 1, "name": "x"}]}))
        out = tmp_path / frame
        assert run("transform", source, "-o", out, "--op", "upright")[0] == 0
        pixels = cv2.imread(str(out / "a.jpg"), cv2.IMREAD_UNCHANGED)
        assert pixels.shape[:2] == (width, height)
        assert b"Exif" not in (out / "a.jpg").read_bytes()[:100]
        expected = [height - 50, 0, 50, 30] if frame == "stored" else [0, 0, 30, 50]
        assert read(out)["annotations"][0]["bbox"] == expected
        kept = tmp_path / f"kept-{frame}"
        run("transform", source, "-o", kept, "--op", "resize:scale=0.5")
        assert cv2.imread(str(kept / "a.jpg"), cv2.IMREAD_UNCHANGED).shape[:2] == (size[1] // 2, size[0] // 2)


DEAD = 2**31 - 1
"""No system counts its processes so high."""


@pytest.mark.parametrize("option", ["--force", "--resume"])
def test_what_a_killed_run_was_writing_is_swept(run: Run, tmp_path: Path, option: str) -> None:
    out = tmp_path / "out"
    flip = ("transform", SAMPLES / "clean", "-o", out, "--op", "flip", "--drop-unsupported")
    if option == "--resume":  # broken off at the manifest: a folder is in its place
        (out / "manifest.json").mkdir(parents=True)
        assert run(*flip, "--force")[0] == 2
        (out / "manifest.json").rmdir()
    else:
        assert run(*flip)[0] == 0
    left = [out / f"annotations/.instances_train.{DEAD}-12.part.json", out / f".instances_train.{DEAD}-12.part.annotations",
            out / f"train/.train_00.{DEAD}-3.part.jpg"]
    kept = [out / f".mine.{os.getpid()}-1.part.json", out / ".mine.part", out / f"mine.{DEAD}-1.part"]
    for path in left + kept:
        path.parent.mkdir(exist_ok=True)
        path.write_text("half")
    assert run(*flip, option)[0] == 0
    assert [p for p in left if p.exists()] == []
    assert [p for p in kept if not p.exists()] == []
