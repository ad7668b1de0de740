"""What the writers of KITTI, DOTA, MOT, Open Images, Hugging Face and TFRecord write is read back, but for what they name."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from convert.sets import coco, content, put
from convert.test_round_trips import sets
from formats.reading import FORMATS, Read
from formats.row_sets import SETS
from hypothesis import given, settings

from dsinspect.cli import main
from dsinspect.output.image_layout import Places
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect_formats.coco.writer import _Categories

NAMES = ("kitti", "dota", "mot", "openimages", "huggingface", "tfrecord")
ALLOWED = {"category ids, and the order of categories", "categories without an annotation", "spaces in class names (written as _)",
           "spaces in class names (written as -)", "line ends and spaces of class names",
           "boxes that float32 moves by more than 0.001 px"}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(drawn=sets())
def test_what_is_written_is_read_back(name: str, drawn: tuple[DatasetInfo, list[Shard], list[tuple[int, int]]]) -> None:
    info, shards, sizes = drawn
    kind = FORMATS[name]()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        places = Places(kind)
        placed, expected, k = [], {}, 0
        for shard in shards:
            paths = [places.of(p, s) for p, s in zip(shard.images["path"], shard.images["split"], strict=True)]
            for row, path in enumerate(paths):
                put(out, path, sizes[k])
                k += 1
                a = shard.annotations[shard.annotations["image_row"] == row]
                expected[shard.images["split"].iat[row], path.rpartition("/")[2]] = list(
                    a[["category", "x_min", "y_min", "x_max", "y_max"]].itertuples(index=False, name=None))
            placed.append(shard.replace(images=shard.images.assign(path=np.array(paths, object))))
        lost = kind.write(info, iter(placed), out)
        read = content(out, name)
        joint = {"kitti": "_", "dota": "-"}.get(name, " ")
        assert read.keys() == expected.keys()
        for key, boxes in expected.items():
            names = [joint.join(b[0].split()) if name in ("kitti", "dota", "mot") else b[0] for b in boxes]
            assert [b[0] for b in read[key]] == names
            got, want = (np.array([b[1:] for b in x], float).reshape(-1, 4) for x in (read[key], boxes))
            rounding = {"kitti": 0.0, "dota": 0.0, "tfrecord": 0.01}.get(name, 1e-9)
            if "boxes that float32 moves by more than 0.001 px" not in lost:
                np.testing.assert_allclose(got, want, rtol=0, atol=rounding)
        assert set(lost) <= ALLOWED
        assert not list(out.rglob("*.part"))


@pytest.mark.parametrize("name", NAMES)
def test_losses_are_named(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = coco(tmp_path / "set", [{"file_name": "000001.png", "id": 77}, {"file_name": "000002.png", "id": 78}], [
        {"id": 900, "image_id": 77, "bbox": [1, 2, 3, 4], "segmentation": [[1, 2, 4, 2, 4, 6]], "area": 3.25, "category_id": 2},
        {"id": 4, "image_id": 77, "bbox": [1, 2, 3, 4], "iscrowd": 1, "segmentation": {"counts": [0, 4], "size": [2, 2]}}])
    file = next(source.glob("annotations/*.json"))
    file.write_text(json.dumps(json.loads(file.read_text()), indent=1))
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", name, "-q"]) == 0
    losses: dict[str, int] = json.loads((tmp_path / "out/conversion.json").read_text())["losses"]
    read = Read(name, tmp_path / "out")
    if read.info.box_units == "px":
        assert [b[1:] for b in read.boxes()] == [("dog", 1, 2, 4, 6), ("cat", 1, 2, 4, 6)]
    keeps = {"kitti": (), "dota": (), "mot": (), "openimages": ("crowd",), "huggingface": ("crowd", "polygons", "masks", "areas"),
             "tfrecord": ("crowd", "areas")}[name]
    for what in ("crowd", "polygons", "masks", "areas"):
        assert any(what in text for text in losses) is (what not in keeps), (what, losses)
    if "crowd" in keeps:
        assert read.annotations["is_crowd"].tolist() == [False, True]
    if name == "huggingface":
        assert json.loads(read.annotations["segmentation"][0]) == [[1, 2, 4, 2, 4, 6]]
    if "areas" in keeps:
        assert read.annotations["area"].tolist()[0] == 3.25


def attributes(read: Read) -> list[Any]:
    return [None if v is None else json.loads(v) for v in read.annotations["attributes"]]


def test_fields_of_a_format_come_back_in_it(tmp_path: Path) -> None:
    for name in ("kitti", "dota", "mot"):
        files = {n: c for n, c in SETS[name].items() if n.endswith((".txt", ".ini"))}
        for image in (n for n in SETS[name] if n not in files):
            put(tmp_path / name, image, (640, 480))
        for file, text in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("broken\r\n", ""), newline="")  # type: ignore[union-attr]
        (tmp_path / "out").mkdir(exist_ok=True)
        assert main(["convert", str(tmp_path / name), "-o", str(tmp_path / "out" / name), "--to", name, "-q"]) == 0
        before, after = Read(name, tmp_path / name), Read(name, tmp_path / "out" / name)
        assert [b[1:] for b in before.boxes()] == [b[1:] for b in after.boxes()]
        for old, new in zip(attributes(before), attributes(after), strict=True):
            assert old in (None, new)  # what a row leaves out has a value that says so afterwards
        for column in {"track", "corner_x1"} & set(before.annotations):
            np.testing.assert_array_equal(before.annotations[column], after.annotations[column])


def test_no_class_of_tfrecord_has_the_number_of_the_background(tmp_path: Path) -> None:
    own = [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}]
    boxes = [{"image_id": 0, "category_id": k, "bbox": [1, 2, 3, 4]} for k in (0, 1)]
    source = coco(tmp_path / "set", [{"file_name": "a.png"}], boxes, own)
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", "tfrecord", "--quiet"]) == 0
    assert re.findall(r"id: (\d+)\n  name: '(\w+)'", (tmp_path / "out/label_map.pbtxt").read_text()) == [("1", "cat"), ("2", "dog")]


def test_a_sequence_is_as_long_as_its_last_frame_wherever_that_stands(tmp_path: Path) -> None:
    names = ["000003", "000001", "000002"]
    source = coco(tmp_path / "set", [{"file_name": f"a/{n}.png"} for n in names],
                  [{"image_id": k, "bbox": [1, 2, 3, 4]} for k in range(3)])
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", "mot", "--quiet"]) == 0
    (sequence,) = (tmp_path / "out").rglob("seqinfo.ini")
    assert "seqLength=3\n" in sequence.read_text()


@pytest.mark.parametrize("name", ["coco", "cvat", "huggingface", "labelme", "labelstudio", "mot", "table", "tfrecord", "voc"])
def test_width_and_height_come_back_as_such(name: str, tmp_path: Path) -> None:
    source = coco(tmp_path / "set", [{"file_name": "a.png", "width": 96, "height": 40}], [{"image_id": 0, "bbox": [1, 2, 3, 4]}])
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", name, "--quiet"]) == 0
    images = Read(name, tmp_path / "out").images
    assert images[["width", "height"]].to_numpy().tolist() == [[96, 40]]


def test_a_class_of_coco_gets_no_id_that_another_has() -> None:
    declared = DatasetInfo("voc", Path(), (Category(1, "cat"), Category(4, "dog")))
    categories = _Categories(declared)
    pairs = [(1, "cat"), (1, "cow"), (7, "owl"), (7, "elk"), (-1, "fox"), (9, None), (1, "cow")]
    assert [categories._id(*p) for p in pairs] == [1, 5, 7, 8, 9, 9, 5]
    assert {c["name"]: c["id"] for c in categories.of(None)} == {"cat": 1, "dog": 4, "cow": 5, "owl": 7, "elk": 8, "fox": 9}
