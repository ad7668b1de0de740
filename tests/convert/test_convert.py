"""`dsinspect convert`: losses, collisions, refusals, and outputs that are whole or not there."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
import yaml
from convert.sets import coco, content, put, tree

from dsinspect.cli import main
from dsinspect.conversion import pipeline as converting

FORMATS = ("coco", "voc", "yolo", "table")


def losses(out: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((out / "conversion.json").read_text())["losses"]
    return found


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """A COCO set with one of everything that some format cannot keep."""
    box = [1, 2, 30, 40]
    return coco(tmp_path / "set", [{"file_name": "a.png", "id": 70}, {"file_name": "b.png", "id": 60}], [
        {"id": 500, "image_id": 70, "bbox": box, "segmentation": [[1, 2, 9, 2, 5, 8]], "area": 24},
        {"id": 400, "image_id": 70, "bbox": box, "segmentation": {"counts": [0, 4], "size": [2, 2]}, "iscrowd": 1},
        {"id": 300, "image_id": 70, "bbox": box, "keypoints": [1, 1, 2], "ignore": 1},
        {"id": 3, "image_id": 9999, "bbox": box},
        {"id": 4, "image_id": 70, "bbox": box, "category_id": 99}],
        [{"id": 1, "name": "cat", "supercategory": "animal"}, {"id": 7, "name": "never"}])


RUNNING = "that are not the running number of their record"


@pytest.mark.parametrize(("name", "expected"), [
    ("coco", {"annotations of unknown images": 1}),
    ("voc", {"annotations of unknown images": 1, "annotations of unknown categories": 1, "polygons": 1, "masks": 1,
             "keypoints": 1, "crowd flags (the boxes stay)": 1, f"annotation ids {RUNNING}": 3, f"image ids {RUNNING}": 2,
             "areas that are not their box's": 1, "category ids, and the order of categories": 2,
             "categories without an annotation": 1, "supercategories": 1}),
    ("yolo", {"annotations of unknown images": 1, "annotations of unknown categories": 1,
              "polygons (--set yolo.task=segment keeps them where each annotation has exactly one)": 1, "masks": 1,
              "keypoints (--set yolo.task=pose keeps them where all annotations have the same number of them)": 1,
              "crowd flags (the boxes stay)": 1, "ignored or difficult flags (the boxes stay)": 1,
              f"annotation ids {RUNNING}": 3, f"image ids {RUNNING}": 2, "areas that are not their box's": 1,
              "supercategories": 1}),
    ("table", {"annotations of unknown images": 1, "classes of boxes whose category is in no list: their cell is empty": 1,
               "polygons": 1, "masks": 1, "keypoints": 1,
               "crowd flags (the boxes stay)": 1, "ignored or difficult flags (the boxes stay)": 1, f"annotation ids {RUNNING}": 3,
               f"image ids {RUNNING}": 2, "areas that are not their box's": 1, "category ids, and the order of categories": 2,
               "categories without an annotation": 1, "supercategories": 1}),
])
def test_the_losses_named_are_the_losses_there_are(rich: Path, tmp_path: Path, name: str, expected: dict[str, int],
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["convert", str(rich), "-o", str(out), "--to", name]) == 0
    assert losses(out) == expected
    shown = capsys.readouterr().out
    for what, count in expected.items():
        assert f"{count:>9,}  lost: {what}" in shown


@pytest.mark.parametrize("name", FORMATS)
def test_strict_refuses_and_leaves_nothing(rich: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(rich)
    assert main(["convert", str(rich), "-o", str(tmp_path / "out"), "--to", name, "--strict"]) == 2
    assert "annotations of unknown images (1)" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set"]
    assert tree(rich) == before


def test_bad_records_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = coco(tmp_path / "set", [{"file_name": "a.png"}], [{"image_id": 0, "bbox": [1, 2, 3, 4]}])
    file = source / "annotations/instances_train.json"
    document = json.loads(file.read_text())
    document["annotations"].append({"id": 9, "image_id": 0, "category_id": 1, "bbox": [1, 2, 3]})
    file.write_text(json.dumps(document))
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", "table"]) == 0
    assert "instances_train.json:1: annotations: bbox has 3 numbers, not 4" in capsys.readouterr().err
    assert losses(tmp_path / "out")["records that cannot be read"] == 1


@pytest.mark.parametrize("name", FORMATS)
def test_images_of_one_name_do_not_collide(tmp_path: Path, name: str) -> None:
    files = ["one/x.png", "two/x.png", "two/X.png", "x.png", "two/x.jpg", "one__x.png"]
    source = coco(tmp_path / "set", [{"file_name": f} for f in files],
                  [{"image_id": k, "bbox": [k, 0, 10, 10]} for k in range(len(files))])
    outs = [tmp_path / "out", tmp_path / "again"]
    for out in outs:
        assert main(["convert", str(source), "-o", str(out), "--to", name, "-q", "--copy"]) == 0
    assert {k: v for k, v in tree(outs[0]).items() if k != "conversion.json"} \
        == {k: v for k, v in tree(outs[1]).items() if k != "conversion.json"}
    placed = {e["source"]: e["path"] for e in json.loads((outs[0] / "conversion.json").read_text())["outputs"]}
    for path in files:
        assert (outs[0] / placed[path]).read_bytes() == (source / path).read_bytes()
    if name in ("coco", "table"):
        assert placed == {f: f for f in files}
    else:
        found = content(outs[0], name, whole=True)
        assert sorted(boxes[0][1] for boxes in found.values()) == [0, 1, 2, 3, 4, 5]


def test_a_record_of_an_image_twice_keeps_both(tmp_path: Path) -> None:
    source = coco(tmp_path / "set", [{"file_name": "x.png"}, {"file_name": "x.png"}],
                  [{"image_id": 0, "bbox": [0, 0, 10, 10]}, {"image_id": 1, "bbox": [5, 0, 10, 10]}])
    for name in ("voc", "yolo"):
        assert main(["convert", str(source), "-o", str(tmp_path / name), "--to", name, "-q"]) == 0
        assert sorted(b[0][1] for b in content(tmp_path / name).values()) == [0, 5]


def test_an_image_in_two_splits(tmp_path: Path) -> None:
    source = coco(tmp_path / "set", [{"file_name": "x.png"}], [{"image_id": 0, "bbox": [0, 0, 10, 10]}])
    coco(source, [{"file_name": "x.png"}], [{"image_id": 0, "bbox": [0, 0, 10, 10]}], split="val")
    for name in FORMATS:
        assert main(["convert", str(source), "-o", str(tmp_path / name), "--to", name, "-q"]) == 0
        twice = {("train", "x.png"), ("val", "x.png")}
        assert set(content(tmp_path / name)) == (twice if name != "voc" else {("train", "x.png")})  # SPL008 tells the other
        assert not any("two splits" in what for what in losses(tmp_path / name))
    coco(source, [{"file_name": "x.png"}], [{"image_id": 0, "bbox": [0, 0, 20, 10]}], split="val")
    assert main(["convert", str(source), "-o", str(tmp_path / "other"), "--to", "voc", "-q"]) == 0
    assert losses(tmp_path / "other")["annotations of an image that stands in two splits with other boxes"] == 1


def test_two_files_of_one_split_do_not_share_ids(tmp_path: Path) -> None:
    source = coco(tmp_path / "set", [{"file_name": "x.png", "id": 3}], [{"id": 8, "image_id": 3, "bbox": [0, 0, 10, 10]}],
                  split="train_1")
    coco(source, [{"file_name": "y.png", "id": 3}], [{"id": 8, "image_id": 3, "bbox": [5, 0, 10, 10]}], split="train_2")
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", "coco", "-q"]) == 0
    document = json.loads((tmp_path / "out/annotations/instances_train.json").read_text())
    assert [i["id"] for i in document["images"]] == [3, 4]
    assert [(a["id"], a["image_id"]) for a in document["annotations"]] == [(8, 3), (9, 4)]
    assert losses(tmp_path / "out") == {"image ids (of a second file of a split)": 1,
                                        "annotation ids (of a second file of a split)": 1}


def test_class_numbers_of_yolo(tmp_path: Path) -> None:
    box = [0, 0, 10, 10]
    kept = coco(tmp_path / "kept", [{"file_name": "x.png"}], [{"image_id": 0, "bbox": box, "category_id": 1}],
                [{"id": 1, "name": "b"}, {"id": 0, "name": "yes"}])
    moved = coco(tmp_path / "moved", [{"file_name": "x.png"}], [{"image_id": 0, "bbox": box, "category_id": 40}],
                 [{"id": 40, "name": "b"}, {"id": 5, "name": "a"}])
    for source in (kept, moved):
        assert main(["convert", str(source), "-o", str(tmp_path / f"{source.name}_out"), "--to", "yolo", "-q"]) == 0
    settings = yaml.safe_load((tmp_path / "kept_out/data.yaml").read_text())
    assert settings == {"train": "images/train", "names": {0: "yes", 1: "b"}}
    assert not (tmp_path / "kept_out/categories.json").exists()
    assert (tmp_path / "moved_out/labels/train/x.txt").read_text().startswith("1 ")
    assert json.loads((tmp_path / "moved_out/categories.json").read_text()) == {"classes": [
        {"source_id": 5, "name": "a", "class": 0}, {"source_id": 40, "name": "b", "class": 1}]}


def test_polygons_become_segments_when_asked(tmp_path: Path) -> None:
    polygon = {"image_id": 0, "bbox": [10, 20, 30, 20], "segmentation": [[10, 20, 40, 20, 25, 40]]}
    source = coco(tmp_path / "set", [{"file_name": "x.png"}], [polygon])
    segments = ["--to", "yolo", "-q", "--set", "yolo.segments=true"]
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), *segments]) == 0
    assert (tmp_path / "out/labels/train/x.txt").read_text() == "0 0.1 0.25 0.4 0.25 0.25 0.5\n"
    assert content(tmp_path / "out") == content(source)
    coco(source, [{"file_name": "x.png"}], [polygon, {"image_id": 0, "bbox": [0, 0, 9, 9]}])
    assert main(["convert", str(source), "-o", str(tmp_path / "other"), *segments]) == 2
    assert not (tmp_path / "other").exists()


def test_background_images_stay(tmp_path: Path) -> None:
    source = coco(tmp_path / "set", [{"file_name": "x.png"}, {"file_name": "y.png"}], [{"image_id": 0, "bbox": [0, 0, 10, 10]}])
    for name in FORMATS:
        assert main(["convert", str(source), "-o", str(tmp_path / name), "--to", name, "-q"]) == 0
        assert content(tmp_path / name)["train", "y.png"] == []
    assert (tmp_path / "yolo/labels/train/y.txt").read_bytes() == b""


def test_links_copies_and_annotations_only(tmp_path: Path) -> None:
    source = coco(tmp_path / "set", [{"file_name": "x.png"}], [])
    for out, options in (("linked", ["--link"]), ("copied", []), ("none", ["--annotations-only"])):
        assert main(["convert", str(source), "-o", str(tmp_path / out), "--to", "coco", "-q", *options]) == 0
    assert (tmp_path / "linked/x.png").samefile(source / "x.png")
    assert not (tmp_path / "copied/x.png").samefile(source / "x.png")
    assert not (tmp_path / "none/x.png").exists()


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = coco(tmp_path / "set", [{"file_name": "x.png"}], [])
    (tmp_path / "full").mkdir()
    (tmp_path / "full/other.txt").write_text("mine")
    for arguments, text in [
        (["-o", str(tmp_path / "out")], "--to"),
        (["--to", "coco"], "-o OUT"),
        (["-o", str(tmp_path / "out"), "--to", "coko"], "did you mean 'coco'"),
        (["-o", str(source / "out"), "--to", "voc"], "lies in the dataset's folder"),
        (["-o", str(tmp_path / "full"), "--to", "voc"], "not empty"),
        (["-o", str(tmp_path / "no/such"), "--to", "voc"], "no folder"),
        (["-o", str(tmp_path / "out"), "--to", "voc", "--images", str(tmp_path / "nowhere")], "no such folder"),
    ]:
        assert main(["convert", str(source), *arguments]) == 2
        error = capsys.readouterr().err
        assert text in error
        assert error.count("\n") == 1
        assert not (tmp_path / "out").exists()
    assert main(["convert", str(source), "-o", str(tmp_path / "full"), "--to", "voc", "--force", "-q"]) == 0
    assert (tmp_path / "full/other.txt").read_text() == "mine"
    assert (tmp_path / "full/Annotations/x.xml").exists()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("jobs", ["1", "3"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, name: str, jobs: str, monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture[str]) -> None:
    source = coco(tmp_path / "set", [{"file_name": f"{k}.png"} for k in range(6)], [{"image_id": 1, "bbox": [0, 0, 9, 9]}])
    monkeypatch.setattr(converting, "SHARD", 2)
    before, calls = tree(source), []

    def full(*_: object, **__: object) -> str:
        calls.append(1)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")
        return "linked"

    monkeypatch.setattr(converting, "place_file", full)
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", name, "--jobs", jobs]) == 2
    assert "no space left on device" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set"]
    assert tree(source) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = coco(tmp_path / "set", [{"file_name": "x.png"}], [])
    (tmp_path / "locked").mkdir(mode=0o500)
    assert main(["convert", str(source), "-o", str(tmp_path / "locked/out"), "--to", "voc"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_missing_images_and_sizes(tmp_path: Path) -> None:
    source = coco(tmp_path / "set", [{"file_name": "x.png"}, {"file_name": "y.png"}, {"file_name": "z.png"}],
                  [{"image_id": k, "bbox": [0, 0, 10, 10]} for k in range(3)])
    file = source / "annotations/instances_train.json"
    document = json.loads(file.read_text())
    for image in document["images"][1:]:
        (source / image["file_name"]).unlink()
    for key in ("width", "height"):
        del document["images"][0][key], document["images"][2][key]
    file.write_text(json.dumps(document))
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", "yolo", "-q"]) == 0
    assert losses(tmp_path / "out") == {"annotations of images whose size nobody knows": 1,
                                        "names of images without a file (their label files are there)": 2}
    assert (tmp_path / "out/labels/train/x.txt").read_text() == "0 0.05 0.0625 0.1 0.125\n"


@pytest.mark.parametrize("name", ["voc", "yolo", "table"])
def test_transform_writes_other_formats(tmp_path: Path, name: str) -> None:
    cv2 = pytest.importorskip("cv2")
    import numpy as np

    source = coco(tmp_path / "set", [{"file_name": "one/x.png"}, {"file_name": "two/x.png"}],
                  [{"image_id": k, "bbox": [10 * k, 0, 10, 10]} for k in range(2)])
    for k, folder in enumerate(("one", "two")):
        cv2.imwrite(str(source / folder / "x.png"), np.full((80, 100, 3), 100 * k, np.uint8))
    out = tmp_path / "out"
    assert main(["transform", str(source), "-o", str(out), "--op", "flip", "--to", name, "-q"]) == 0
    assert sorted(b[0][1] for b in content(out, name, whole=True).values()) == [80, 90]
    manifest = json.loads((out / "manifest.json").read_text())
    shades = {e["source"]["path"]: int(cv2.imread(str(out / e["path"])).max()) for e in manifest["outputs"]}
    assert shades == {"one/x.png": 0, "two/x.png": 100}
    assert manifest["losses"].keys() <= {"category ids, and the order of categories", "categories without an annotation"}
    assert not (out / ".dsinspect-transform").exists()


def test_a_transform_that_was_broken_off_while_its_pictures_moved_goes_on(tmp_path: Path,
                                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    cv2 = pytest.importorskip("cv2")
    import numpy as np

    source = coco(tmp_path / "set", [{"file_name": f"{k}.png"} for k in range(4)], [{"image_id": 1, "bbox": [0, 0, 9, 9]}])
    for k in range(4):
        cv2.imwrite(str(source / f"{k}.png"), np.full((80, 100, 3), 60 * k, np.uint8))
    arguments = [str(source), "--op", "flip", "--to", "yolo", "-q"]
    assert main(["transform", *arguments, "-o", str(tmp_path / "whole")]) == 0
    replace, moved = Path.replace, []

    def broken(path: Path, target: Path) -> Path:
        moved.append(path)
        if "pictures" in path.parts and sum("pictures" in p.parts for p in moved) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", broken)
        assert main(["transform", *arguments, "-o", str(tmp_path / "out")]) == 2
    assert main(["transform", *arguments, "-o", str(tmp_path / "out"), "--resume"]) == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_a_plain_folder_name_of_a_set_is_untouched(tmp_path: Path) -> None:
    source = tmp_path / "set"
    put(source, "images/train/cam/x.png")
    (source / "labels/train/cam").mkdir(parents=True)
    (source / "labels/train/cam/x.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (source / "data.yaml").write_text("train: images/train\nnames: [a]\n")
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", "yolo", "-q", "--strict"]) == 0
    assert (tmp_path / "out/labels/train/cam/x.txt").read_text() == "0 0.5 0.5 0.5 0.5\n"


def test_polygons_and_poses_of_yolo_are_kept_in_coco(tmp_path: Path) -> None:
    import cv2
    import numpy as np

    (tmp_path / "set/images").mkdir(parents=True)
    (tmp_path / "set/labels").mkdir()
    cv2.imwrite(str(tmp_path / "set/images/a.png"), np.zeros((100, 200, 3), np.uint8))
    (tmp_path / "set/labels/a.txt").write_text("0 .1 .2 .3 .2 .3 .4\n1 .5 .5 .2 .2\n")
    assert main(["convert", str(tmp_path / "set"), "-o", str(tmp_path / "out"), "--to", "coco", "-q"]) == 0
    (first, second) = json.loads((tmp_path / "out/annotations/instances.json").read_text())["annotations"]
    assert first["segmentation"] == [pytest.approx([20, 20, 60, 20, 60, 40])]
    assert first["area"] == pytest.approx(400)
    assert first["bbox"] == pytest.approx([20, 20, 40, 20])
    assert not second.get("segmentation")
    assert second["area"] == pytest.approx(800)
    assert main(["transform", str(tmp_path / "set"), "-o", str(tmp_path / "flipped"), "--op", "flip", "-q"]) == 0
    flipped = json.loads((tmp_path / "flipped/annotations/instances.json").read_text())["annotations"][0]
    assert flipped["segmentation"] == [pytest.approx([180, 20, 140, 20, 140, 40])]


def test_an_error_of_our_own_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("told\nin two lines")

    monkeypatch.setattr("dsinspect.conversion.pipeline.convert", broken)
    (tmp_path / "set").mkdir()
    assert main(["convert", str(tmp_path / "set"), "-o", str(tmp_path / "out"), "--to", "coco"]) == 3
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "internal error: RuntimeError: told in two lines" in line


def test_records_that_name_one_file_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = coco(tmp_path / "set", [{"file_name": "a.png", "id": 1}, {"file_name": "a.png", "id": 2}],
                [{"id": 1, "image_id": 1, "bbox": [1, 2, 30, 40]}])
    assert main(["convert", str(root), "-o", str(tmp_path / "out"), "--to", "yolo"]) == 0
    assert "1  image record names the file of another one" in capsys.readouterr().out
