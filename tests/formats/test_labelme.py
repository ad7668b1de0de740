"""LabelMe JSON: corners in any order, shapes, images inside the file, edits, and what is written."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from format_laws import Read, assert_edits_that_change_nothing, assert_survives_broken_files, by_image

from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.loader import load_plugins
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import OpenRequest
from dsinspect.testing import assert_format

LABELME = load_plugins().formats["labelme"]
MASK = base64.b64encode(cv2.imencode(".png", np.array([[255, 255, 0], [0, 255, 255]], np.uint8))[1].tobytes()).decode()
FILE = """{
  "version": "5.2.1", "flags": {},
  "shapes": [
    {"label": "cat", "points": [[30.5, 40], [10, 2.0]], "group_id": 4, "shape_type": "rectangle", "flags": {"old": true}},
    {"label": "dog", "points": [[1, 2], [9, 2], [5, 8.5]], "shape_type": "polygon"},
    {"label": "dog", "points": [[50, 40], [53, 44]], "shape_type": "circle"},
    {"label": "cat", "points": [[4, 1], [6, 2]], "shape_type": "mask", "mask": "MASK"},
    {"label": "cat", "points": [[4, 1], [6, 2]], "shape_type": "line"},
    {"label": "cat", "points": [[4, "x"], [6, 2]], "shape_type": "rectangle"},
    {"label": "cat", "points": [[20, 10], [30, 20], [20, 30], [10, 20]], "shape_type": "oriented_rectangle", "difficult": true}
  ],
  "imagePath": "..\\\\img\\\\one.jpg", "imageData": null, "imageHeight": 80, "imageWidth": 100
}
""".replace("MASK", MASK)


def picture(path: Path, width: int = 100, height: int = 80) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.zeros((height, width, 3), np.uint8))
    return path.read_bytes()


def put(root: Path, content: str = FILE) -> Path:
    (root / "train").mkdir(parents=True, exist_ok=True)
    (root / "train/one.json").write_text(content)
    picture(root / "train/one.jpg")
    picture(root / "train/background.jpg")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return put(tmp_path / "set")


def patched(root: Path, *changes: dict[str, Any]) -> str:
    found = list(LABELME().patch(OpenRequest(root), Edits.of([{"source": "train/one.json", **c} for c in changes])))
    assert [p.path for p in found] == ["train/one.json"]
    assert found[0].after is not None
    return found[0].after.decode()


def test_shapes(root: Path) -> None:
    read = Read("labelme", root)
    assert [(i["path"], i["split"], i["width"]) for i in read.images.to_dict("records")][:1] == [("train/one.jpg", "train", 100)]
    assert read.images["path"].tolist() == ["train/one.jpg", "train/background.jpg"]
    assert [(*r[1:], i) for r, i in zip(read.rows(), read.column("index"), strict=True)] == [
        ("cat", 10, 2, 30.5, 40, 0), ("dog", 1, 2, 9, 8.5, 1), ("dog", 45, 35, 55, 45, 2), ("cat", 4, 1, 7, 3, 3),
        ("cat", 10, 10, 30, 30, 6)]
    assert [r for _, r in read.told()] == ["has backslashes, which are no separators but on Windows", "points: 'x' is not a number"]
    assert read.column("is_ignored") == [False] * 4 + [True]
    assert json.loads(read.column("attributes")[0]) == {"old": True}
    assert json.loads(read.column("segmentation")[1]) == [[1, 2, 9, 2, 5, 8.5]]
    assert json.loads(read.column("segmentation")[3])["counts"] == [4 * 80 + 1, 1, 79, 2, 79, 1, 80 - 3 + 93 * 80]
    assert read.annotations.filter(like="corner").to_numpy()[4].tolist() == [20, 10, 30, 20, 20, 30, 10, 20]
    assert read.info.problems == ()


def test_the_only_picture_is_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    content = picture(tmp_path / "x.png", 40, 30)
    root = tmp_path / "set"
    root.mkdir()
    (root / "a.json").write_text(FILE.replace('"imageData": null', f'"imageData": "{base64.b64encode(content).decode()}"'))
    only = Read("labelme", root)
    assert only.info.has_files, "the only image stands in its JSON file"
    (root / "b.json").write_text(FILE.replace('"imageData": null', '"imageData": "no picture"'))
    read = Read("labelme", root)
    assert read.images["path"].tolist() == ["one.jpg", "one.jpg"]
    assert Path(read.images["file"][0]).read_bytes() == content
    assert sorted(p.name for p in root.iterdir()) == ["a.json", "b.json"]


@pytest.mark.parametrize(("content", "reason"), [
    (FILE.replace('"shapes": [', '"shapes": [,'), "not valid JSON: expecting value, column"),
    (FILE.replace('"shapes"', '"shapes": 3, "forms"'), "shapes is not a list"),
    (FILE.replace('"polygon"', '"heptagon"'), "shape_type 'heptagon' is not known"),
    (FILE.replace("[1, 2], [9, 2],", ""), "a polygon of 1 point, at least 3 expected"),
    (FILE.replace(MASK, "@@"), "mask is not a PNG of 3 x 2 px, the size of its box"),
    (FILE.replace("[4, 1], [6, 2]", "[4, 1], [60000000, 2]"), "does not lie in the 100 x 80 px image"),
    (FILE.replace('"imageWidth": 100', '"imageWidth": "100"'), "imageWidth: '100' is not a number"),
    (FILE.replace("40]", "NaN]"), "not valid JSON: NaN is no number there"),
    (FILE.replace('"label": "dog"', '"label": 3'), "label is not a text"),
])
def test_what_cannot_be_read_is_a_problem(tmp_path: Path, content: str, reason: str) -> None:
    assert any(reason in r for _, r in Read("labelme", put(tmp_path / "set", content)).told())


def test_contract(root: Path) -> None:
    assert_format(LABELME, root)
    assert_format(LABELME, root / "train/one.json")


def test_the_same_objects_as_in_voc(shared_data: Path) -> None:
    gts = shared_data / "rop_metrics/gts"
    images = shared_data / "rop_metrics/images"
    labelme, voc = (by_image(Read(n, gts / f, images=images), 0) for n, f in (
        ("labelme", "labelme_format"), ("voc", "pascalvoc_format")))
    with_objects = {k: v for k, v in labelme.items() if v}
    assert len(with_objects) == 25
    assert {k: [n for n, *_ in v] for k, v in with_objects.items()} == {k: [n for n, *_ in voc[k]] for k in with_objects}


@pytest.mark.parametrize(("change", "old", "new"), [
    ({"action": "set-box", "index": 0, "x_min": 10, "y_min": 3, "x_max": 31, "y_max": 40},
     "[[30.5, 40], [10, 2.0]]", "[[31.0, 40], [10, 3.0]]"),
    ({"action": "set-category", "index": 0, "text": "dog"}, '"cat", "points": [[30.5', '"dog", "points": [[30.5'),
    ({"action": "set-box", "index": 1, "x_min": 2, "y_min": 2, "x_max": 9, "y_max": 8},
     "[[1, 2], [9, 2], [5, 8.5]]", "[[2, 2], [9, 2], [5, 8.0]]"),
    ({"action": "drop-polygon", "index": 1}, '[[1, 2], [9, 2], [5, 8.5]], "shape_type": "polygon"',
     '[[1.0, 2.0], [9.0, 8.5]], "shape_type": "rectangle"'),
    ({"action": "drop-record", "index": 5}, '    {"label": "cat", "points": [[4, "x"], [6, 2]], "shape_type": "rectangle"},\n', ""),
    ({"action": "set-image-size", "image": "train/one.jpg", "text": "90x80"}, '"imageWidth": 100', '"imageWidth": 90'),
    ({"action": "set-path", "image": "train/one.jpg"}, '"..\\\\\\\\img\\\\\\\\one.jpg"'.replace("\\\\\\\\", "\\\\"), '"one.jpg"'),
    ({"action": "set-field", "index": 1, "text": "difficult=true"}, '"shape_type": "polygon"}',
     '"shape_type": "polygon", "difficult": true}'),
    ({"action": "add-box", "image": "train/one.jpg", "text": "dog", "x_min": 1, "y_min": 2, "x_max": 3, "y_max": 4},
     '"difficult": true}', '"difficult": true},\n    {"label": "dog", "points": [[1.0, 2.0], [3.0, 4.0]], "group_id": null, '
     '"description": "", "shape_type": "rectangle", "flags": {}}'),
])
def test_an_edit_changes_what_it_names(root: Path, change: dict[str, Any], old: str, new: str) -> None:
    assert old in FILE
    assert patched(root, change) == FILE.replace(old, new, 1)


def test_edits_of_images_and_classes(root: Path) -> None:
    dropped = list(LABELME().patch(OpenRequest(root), Edits.of([{"action": "drop-image", "image": "train/one.jpg"}])))
    assert [(p.path, p.after) for p in dropped] == [("train/one.json", None)]
    assert patched(root, {"action": "rename-category", "category": "dog", "text": "wolf"}) == FILE.replace('"dog"', '"wolf"')
    with pytest.raises(UserError, match="cannot take that box; add drop-polygon to make it a rectangle"):
        patched(root, {"action": "set-box", "index": 2, "x_min": 0, "y_min": 0, "x_max": 5, "y_max": 5})


def test_edits_that_change_nothing(root: Path, shared_data: Path) -> None:
    assert_edits_that_change_nothing("labelme", root)
    assert_edits_that_change_nothing("labelme", shared_data / "rop_metrics/gts/labelme_format")


def test_what_is_written_comes_back(root: Path) -> None:
    assert main(["convert", str(root), "-o", str(root.parent / "out"), "--to", "labelme", "-q"]) == 0
    a, b = Read("labelme", root), Read("labelme", root.parent / "out")
    assert [r[1:] for r in a.rows()] == [r[1:] for r in b.rows()]
    assert a.column("corner_x2") == b.column("corner_x2")
    assert a.column("is_ignored") == b.column("is_ignored")
    assert a.images["split"].tolist() == b.images["split"].tolist()
    losses = json.loads((root.parent / "out/conversion.json").read_text())["losses"]
    assert losses == {"records that cannot be read": 1, "masks": 1, "shapes: circle (the boxes stay)": 1,
                      "lines (left out by the reader)": 1}


def test_broken_files(root: Path, tmp_path: Path) -> None:
    opened, refused = assert_survives_broken_files("labelme", root, ["train/one.json"], tmp_path / "copy", 200)
    assert opened > 100
    assert opened + refused == 200


def test_images_of_lines_alone_are_no_background(tmp_path: Path) -> None:
    shape = {"label": "cat", "points": [[4, 1], [6, 2]], "shape_type": "line"}
    root = tmp_path / "set"
    root.mkdir()
    for name, shapes in (("a", [shape]), ("b", []), ("c", [shape | {"shape_type": "rectangle"}])):
        document = {"version": "5", "flags": {}, "shapes": shapes, "imagePath": f"{name}.png", "imageHeight": 8, "imageWidth": 9}
        (root / f"{name}.json").write_text(json.dumps(document))
        assert cv2.imwrite(str(root / f"{name}.png"), np.zeros((8, 9, 3), np.uint8))
    told = tmp_path / "told.json"
    assert main(["report", str(root), "--no-cache", "-q", "-o", str(told)]) == 0
    messages = [f["message"] for f in json.loads(told.read_text())["findings"] if f["code"] == "DST001"]
    assert len(messages) == 2
    assert messages[0].startswith("1 image has only shapes that are left out")
    assert messages[1].startswith("1 of 3 annotated images have no box: 33.3%")
