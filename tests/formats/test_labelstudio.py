"""Label Studio JSON: percent and turns, whose work is read, where images are, edits, and its own converter's view of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from format_laws import Read, assert_edits_that_change_nothing, assert_survives_broken_files

from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.loader import load_plugins
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import OpenRequest
from dsinspect.testing import assert_format
from dsinspect_formats.labelstudio._looks import Options
from dsinspect_formats.labelstudio._regions import path_of, without_prefix

LABELSTUDIO = load_plugins().formats["labelstudio"]
SIZE = '"original_width": 200, "original_height": 100, "image_rotation": 0'
FILE = """[{"id": 1, "data": {"image": "/data/upload/3/0a1b2c3d-one%20cat.jpg", "split": "val"}, "annotations": [
  {"id": 5, "completed_by": {"id": 1, "email": "a@x.org"}, "was_cancelled": false, "result": [
    {"id": "p", "type": "rectanglelabels", "from_name": "label", "to_name": "image", SIZE,
     "value": {"x": 10, "y": 20.0, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}},
    {"id": "q", "type": "rectanglelabels", "from_name": "label", "to_name": "image", SIZE,
     "value": {"x": 50, "y": 50, "width": 10, "height": 10, "rotation": 90, "rectanglelabels": ["dog", "cat"]}},
    {"id": "r", "type": "polygonlabels", "from_name": "poly", "to_name": "image", SIZE,
     "value": {"points": [[1, 2], [5, 2], [3, 10]], "closed": true, "polygonlabels": ["dog"]}},
    {"id": "s", "type": "ellipselabels", "from_name": "ell", "to_name": "image", SIZE,
     "value": {"x": 50, "y": 50, "radiusX": 5, "radiusY": 10, "rotation": 0, "ellipselabels": ["cat"]}},
    {"id": "t", "type": "choices", "from_name": "c", "to_name": "image", "value": {"choices": ["night"]}},
    {"id": "u", "type": "rectangle", "from_name": "r", "to_name": "image", SIZE,
     "value": {"x": 0, "y": 0, "width": 5, "height": 5, "rotation": 0}},
    {"id": "u", "type": "labels", "from_name": "l", "to_name": "image", "value": {"labels": ["fox"]}},
    {"id": "v", "type": "rectanglelabels", SIZE, "value": {"x": 1, "y": 2, "width": 3, "rectanglelabels": ["cat"]}},
    {"id": "w", "type": "keypointlabels", SIZE, "value": {"x": 1, "y": 2, "width": 3, "keypointlabels": ["cat"]}}
  ]},
  {"id": 6, "completed_by": 2, "result": [
    {"id": "p", "type": "rectanglelabels", "from_name": "label", "to_name": "image", SIZE,
     "value": {"x": 11, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}}]},
  {"id": 7, "completed_by": 3, "was_cancelled": true, "result": [
    {"id": "p", "type": "rectanglelabels", SIZE, "value": {"x": 1, "y": 2, "width": 3, "height": 4, "rectanglelabels": ["no"]}}]}
 ], "predictions": [{"result": []}], "drafts": [{"result": []}]},
 {"id": 2, "data": {"image": "s3://bucket/folder/two.jpg"}, "annotations": [{"id": 8, "result": []}], "predictions": []}]
""".replace("SIZE", SIZE)


def put(root: Path, content: str = FILE) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "export.json").write_text(content)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return put(tmp_path / "set")


def patched(root: Path, *changes: dict[str, Any]) -> str:
    found = list(LABELSTUDIO().patch(OpenRequest(root), Edits.of([{"source": "export.json", **c} for c in changes])))
    assert [p.path for p in found] == ["export.json"]
    assert found[0].after is not None
    return found[0].after.decode()


def test_regions(root: Path) -> None:
    read = Read("labelstudio", root)
    assert [(*r[1:], i) for r, i in zip(read.rows(), read.column("index"), strict=True)] == [
        ("cat", 20, 20, 80, 60, 0), ("dog", 90, 50, 100, 70, 1), ("dog", 2, 2, 10, 10, 2), ("cat", 90, 40, 110, 60, 3),
        ("fox", 0, 0, 10, 5, 5), ("cat", 22, 20, 82, 60, 9)]
    corners = read.annotations.filter(like="corner").to_numpy()
    np.testing.assert_allclose(corners[1], [100, 50, 100, 70, 90, 70, 90, 50], atol=1e-12)
    assert np.isnan(corners[[0, 2, 3, 4, 5]]).all()
    assert json.loads(read.column("segmentation")[2]) == [[2, 2, 10, 2, 6, 10]]
    assert json.loads(read.column("attributes")[1]) == {"labels": ["dog", "cat"]}
    assert read.told() == [(-1, "height is missing")]
    assert read.images["path"].tolist() == ["data/upload/3/0a1b2c3d-one cat.jpg", "folder/two.jpg"]
    assert (read.images["width"].tolist()[0], read.images["split"].tolist()[0]) == (200.0, "val")
    assert read.info.notes == (
        "left out: 1 draft, 1 keypoint, 1 prediction, 1 skipped annotation",
        "1 task has the work of several people, and all of it is read (option annotator)",
        "1 region has several labels: the first is the class, all are in the attributes")
    assert_format(LABELSTUDIO, root)


@pytest.mark.parametrize(("annotator", "count"), [("", 6), ("1", 5), ("a@x.org", 5), ("2", 1), ("9", 0)])
def test_annotators(root: Path, annotator: str, count: int) -> None:
    assert len(Read("labelstudio", root, options=Options(annotator=annotator)).annotations) == count


@pytest.mark.parametrize(("text", "path"), [
    ("/data/local-files/?d=images%2Fa%20b.jpg", "images/a b.jpg"),
    ("/data/upload/1/12345678-x.jpg", "data/upload/1/12345678-x.jpg"),
    ("s3://bucket/x/y.jpg", "x/y.jpg"), ("https://host/p/q.jpg?X-Amz=1", "p/q.jpg"), ("images/a%20b.jpg", "images/a%20b.jpg"),
    ("C:\\x.jpg", "C:\\x.jpg"), ("http://[", "http://[")])
def test_where_images_are(text: str, path: str) -> None:
    assert path_of(text) == path


def test_an_upload_is_found_by_the_name_it_had(root: Path) -> None:
    (root / "one cat.jpg").write_bytes(b"x")
    assert Read("labelstudio", root).images["path"].tolist()[0] == "one cat.jpg"
    assert without_prefix("a/0a1b2c3d-.jpg") == "a/.jpg"


@pytest.mark.parametrize(("content", "reason"), [
    (FILE.replace('"original_width": 200, ', "", 1), "original_width is missing"),
    (FILE.replace("[[1, 2], [5, 2], [3, 10]]", "[[1, 2], [5]]"), "points is not a list of at least three x and y"),
    (FILE.replace('"data": {"image": "s3://bucket/folder/two.jpg"}', '"data": 3'), "the task names no image"),
    (FILE + "]", "not valid JSON"),
])
def test_what_cannot_be_read_is_a_problem(tmp_path: Path, content: str, reason: str) -> None:
    root = put(tmp_path / "set", content)
    (root / "more.json").write_text(FILE)
    assert any(reason in r for _, r in Read("labelstudio", root).told())


@pytest.mark.parametrize(("change", "old", "new"), [
    ({"action": "set-box", "index": 0, "x_min": 30, "y_min": 20, "x_max": 80, "y_max": 60},
     '"x": 10, "y": 20.0, "width": 30,', '"x": 15, "y": 20.0, "width": 25,'),
    ({"action": "set-category", "index": 1, "text": "fox"}, '["dog", "cat"]', '["fox", "cat"]'),
    ({"action": "set-box", "index": 2, "x_min": 3, "y_min": 2, "x_max": 10, "y_max": 10},
     "[[1, 2], [5, 2], [3, 10]]", "[[1.5, 2], [5, 2], [3, 10]]"),
    ({"action": "drop-polygon", "index": 2}, '"type": "polygonlabels", "from_name": "poly"',
     '"type": "rectanglelabels", "from_name": "poly"'),
    ({"action": "drop-image", "image": "folder/two.jpg"},
     ',\n {"id": 2, "data": {"image": "s3://bucket/folder/two.jpg"}, "annotations": [{"id": 8, "result": []}], '
     '"predictions": []}', ""),
    ({"action": "set-path", "image": "folder/two.jpg", "text": "b.jpg"}, "s3://bucket/folder/two.jpg", "b.jpg"),
])
def test_an_edit_changes_what_it_names(root: Path, change: dict[str, Any], old: str, new: str) -> None:
    assert old in FILE
    expected = FILE.replace(old, new, 1)
    if change["action"] == "drop-polygon":
        expected = expected.replace('{"points": [[1, 2], [5, 2], [3, 10]], "closed": true, "polygonlabels": ["dog"]}',
                                    '{"x": 1.0, "y": 2.0, "width": 4.0, "height": 8.0, "rotation": 0, "rectanglelabels": ["dog"]}')
    assert patched(root, change) == expected


def test_more_edits(root: Path) -> None:
    assert patched(root, {"action": "rename-category", "category": "dog", "text": "wolf"}) == FILE.replace('"dog"', '"wolf"')
    added = json.loads(patched(root, {"action": "add-box", "image": "data/upload/3/0a1b2c3d-one cat.jpg", "text": "fox",
                                      "x_min": 2, "y_min": 1, "x_max": 4, "y_max": 3}))
    new = added[0]["annotations"][0]["result"][-1]
    assert new["value"] == {"x": 1, "y": 1, "width": 1, "height": 2, "rotation": 0, "rectanglelabels": ["fox"]}
    assert new["from_name"] == "label"
    with pytest.raises(UserError, match="a rotated rectangle, which cannot take that box"):
        patched(root, {"action": "set-box", "index": 1, "x_min": 0, "y_min": 0, "x_max": 9, "y_max": 9})
    assert_edits_that_change_nothing("labelstudio", root)


def test_what_is_written_comes_back(root: Path) -> None:
    put(root, FILE.replace('"width": 3, "rectanglelabels"', '"width": 3, "height": 4, "rectanglelabels"'))
    assert main(["convert", str(root), "-o", str(root.parent / "out"), "--to", "labelstudio", "-q"]) == 0
    a, b = Read("labelstudio", root), Read("labelstudio", root.parent / "out")
    assert [r[1] for r in a.rows()] == [r[1] for r in b.rows()]
    np.testing.assert_allclose(a.annotations.filter(regex="^[xy]_|corner").to_numpy(float),
                               b.annotations.filter(regex="^[xy]_|corner").to_numpy(float), atol=1e-9)
    assert a.images["split"].tolist() == b.images["split"].tolist()
    losses = json.loads((root.parent / "out/conversion.json").read_text())["losses"]
    left_out = {f"{what} (left out by the reader)": 1 for what in ("drafts", "keypoints", "predictions", "skipped annotations")}
    assert losses == {"attributes": 1, "shapes: ellipse (the boxes stay)": 1, "attributes: annotator": 7, **left_out}


def test_broken_files(root: Path, tmp_path: Path) -> None:
    (root / "more.json").write_text(FILE)
    opened, refused = assert_survives_broken_files("labelstudio", root, ["export.json"], tmp_path / "copy", 200)
    assert opened + refused == 200
    assert opened > 150
