"""CreateML JSON: boxes by their centres, edits, and the same sharks as in COCO."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from format_laws import Read, assert_edits_that_change_nothing, assert_survives_broken_files, by_image

from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.loader import load_plugins
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import OpenRequest
from dsinspect.testing import assert_format

CREATEML = load_plugins().formats["createml"]
FILE = """[
  {"image": "a.jpg", "annotations": [
    {"label": "cat", "coordinates": {"x": 20, "y": 30.50, "width": 10, "height": 8.0}},
    {"label": "dog", "coordinates": {"x": 1, "y": 2, "width": "3", "height": 4}}
  ]},
  {"imagefilename": "b.jpg", "annotation": [{"label": "dog", "coordinates": {"x": 2, "y": 2, "width": 2, "height": 2}}]},
  {"image": "background.jpg", "annotations": []}
]
"""
SOURCE = "train/_annotations.createml.json"


def put(root: Path, content: str = FILE) -> Path:
    (root / "train").mkdir(parents=True, exist_ok=True)
    (root / SOURCE).write_text(content)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return put(tmp_path / "set")


def patched(root: Path, *changes: dict[str, Any]) -> str:
    found = list(CREATEML().patch(OpenRequest(root), Edits.of([{"source": SOURCE, **c} for c in changes])))
    assert [p.path for p in found] == [SOURCE]
    assert found[0].after is not None
    return found[0].after.decode()


def test_boxes(root: Path) -> None:
    read = Read("createml", root)
    assert read.rows() == [("a.jpg", "cat", 15, 26.5, 25, 34.5), ("b.jpg", "dog", 1, 1, 3, 3)]
    assert read.column("index") == [0, 2]
    assert read.images["path"].tolist() == ["a.jpg", "b.jpg", "background.jpg"]
    assert read.images["split"].tolist() == ["train"] * 3
    assert read.told() == [(-1, "width: '3' is not a number")]
    assert_format(CREATEML, root)


@pytest.mark.parametrize(("content", "reason"), [
    (FILE.replace('"image": "a.jpg", ', ""), "the image has no name"),
    (FILE.replace('"label": "cat", ', ""), "label is missing"),
    (FILE.replace('"x": 20', '"x": NaN'), "not valid JSON: NaN is no number there"),
    (FILE.replace('{"x": 20, "y": 30.50, "width": 10, "height": 8.0}', "4"), "coordinates is missing"),
])
def test_what_cannot_be_read_is_a_problem(tmp_path: Path, content: str, reason: str) -> None:
    assert any(reason in r for _, r in Read("createml", put(tmp_path / "set", content)).told())


@pytest.mark.parametrize(("change", "old", "new"), [
    ({"action": "set-box", "index": 0, "x_min": 15, "y_min": 26.5, "x_max": 27, "y_max": 34.5},
     '"x": 20, "y": 30.50, "width": 10', '"x": 21, "y": 30.50, "width": 12'),
    ({"action": "set-category", "index": 0, "text": "dog"}, '"cat"', '"dog"'),
    ({"action": "drop-annotation", "index": 0},
     '\n    {"label": "cat", "coordinates": {"x": 20, "y": 30.50, "width": 10, "height": 8.0}},\n    ', "\n    "),
    ({"action": "drop-record", "index": 1},
     ',\n    {"label": "dog", "coordinates": {"x": 1, "y": 2, "width": "3", "height": 4}}', ""),
    ({"action": "drop-image", "image": "background.jpg"}, ',\n  {"image": "background.jpg", "annotations": []}', ""),
    ({"action": "set-path", "image": "a.jpg", "text": "c.jpg"}, '"a.jpg"', '"c.jpg"'),
    ({"action": "add-box", "image": "background.jpg", "text": "cat", "x_min": 0, "y_min": 2, "x_max": 4, "y_max": 5},
     '"annotations": []', '"annotations": [{"label": "cat", "coordinates": {"x": 2.0, "y": 3.5, "width": 4.0, "height": 3.0}}]'),
])
def test_an_edit_changes_what_it_names(root: Path, change: dict[str, Any], old: str, new: str) -> None:
    assert old in FILE
    assert patched(root, change) == FILE.replace(old, new, 1)


def test_edits_that_change_nothing(root: Path, shared_data: Path) -> None:
    assert_edits_that_change_nothing("createml", root)
    assert_edits_that_change_nothing("createml", shared_data / "sharks/sharks-tiny-createml")


def test_the_same_sharks_as_in_coco(shared_data: Path) -> None:
    """The same photographs at 640 px here and 256 px there, where corners are whole numbers: within a pixel of these."""
    one, other = (
        {re.sub(r"\.rf\..*", "", k): v for k, v in by_image(Read(n, shared_data / "sharks" / f), 6).items()}
        for n, f in (("createml", "sharks-tiny-createml"), ("coco", "sharks-tiny-coco")))
    assert one.keys() == other.keys()
    assert sum(map(len, one.values())) == sum(map(len, other.values())) == 60
    for image, objects in one.items():
        for name, *box in objects:
            near = [np.abs(np.array(b) - np.array(box) / 2.5).max() for n, *b in other[image] if n == name]
            assert min(near) < 1


def test_what_is_written_comes_back(root: Path) -> None:
    put(root, FILE.replace('"3"', "3"))
    assert main(["convert", str(root), "-o", str(root.parent / "out"), "--to", "createml", "-q", "--strict"]) == 0
    a, b = Read("createml", root), Read("createml", root.parent / "out")
    assert [r[1:] for r in a.rows()] == [r[1:] for r in b.rows()]
    assert json.loads((root.parent / "out" / SOURCE).read_text())[2] == {"image": "background.jpg", "annotations": []}


def test_a_file_in_which_nothing_can_be_read_is_named_with_the_line(tmp_path: Path) -> None:
    root = put(tmp_path / "set", FILE.replace('"label": "cat",', '"label": "cat",,'))
    with pytest.raises(UserError, match="not a CreateML file: line 3: not valid JSON"):
        Read("createml", root)


def test_broken_files(root: Path, tmp_path: Path) -> None:
    opened, refused = assert_survives_broken_files("createml", root, [SOURCE], tmp_path / "copy", 200)
    assert opened + refused == 200
    assert opened > 30
