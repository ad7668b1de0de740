"""Values of a wrong type or of any size: an error of the data or of the command line, never nothing and never a crash."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile.conftest import Done, picture

Cli = Callable[..., Done]
DIGITS = 5000
"""More than Python turns into a whole number."""


def coco(folder: Path, **changed: Any) -> Path:
    """Write a set of three images and three boxes, with some members of its file changed."""
    for k in range(3):
        picture(folder / f"a{k}.jpg", shade=k)
    document = {
        "images": [{"id": k + 1, "file_name": f"a{k}.jpg", "width": 64, "height": 48} for k in range(3)],
        "annotations": [{"id": k + 1, "image_id": k + 1, "category_id": 1, "bbox": [1 + k, 2, 20, 20], "area": 400, "iscrowd": 0}
                        for k in range(3)],
        "categories": [{"id": 1, "name": "x", "supercategory": ""}]}
    by_id = {k: {str(r["id"]): r for r in records} for k, records in document.items()}
    document |= {k: by_id[k] if v == "by id" else v for k, v in changed.items()}
    (folder / "instances.json").write_text(json.dumps(document))
    return folder


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
@pytest.mark.parametrize("value", ["", {}, 5, None, "abc", True, "by id"], ids=str)
def test_a_list_of_another_type_is_an_error_with_its_place(cli: Cli, tmp_path: Path, key: str, value: object) -> None:
    done = cli("check", coco(tmp_path / "set", **{key: value}), "--format", "coco", "--output-format", "json")
    assert done.code == 1, done.err
    told = [f for f in json.loads(done.out)["findings"] if f["code"] == "SRC001"]
    assert len(told) == 1
    assert told[0]["severity"] == "error"
    assert f"{key} is " in told[0]["message"]
    assert told[0]["annotation"]["line"] == 1


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 10**25 - 1, -2**63 - 1], ids=str)
def test_ids_of_any_size(cli: Cli, tmp_path: Path, key: str, number: int) -> None:
    source = coco(tmp_path / "set")
    document = json.loads((source / "instances.json").read_text())
    document[key][0]["id"] = number
    (source / "instances.json").write_text(json.dumps(document))
    for arguments in (["check", source], ["report", source, "-o", "r.xlsx"], ["balance", source], ["fix", source, "-o", "fixed"],
                      ["convert", source, "--to", "voc", "-o", "voc"], ["simulate", source, "--trainer", "mmdet"]):
        assert cli(*arguments, "-q", "-j", 1).code in (0, 1, 2), arguments
    if not -2**63 < number < 2**63:
        told = json.loads(cli("check", source, "--output-format", "json").out)["findings"]
        assert any(f["code"] == "SRC001" and f"{key}: id" in f["message"] for f in told)


@pytest.mark.parametrize("to", ["labelme", "createml", "via", "labelstudio", "coco", "huggingface"])
def test_a_number_of_thousands_of_digits_stops_no_fix(cli: Cli, tmp_path: Path, to: str) -> None:
    """A file that cannot be read is reported, and the others are fixed; it stays as it is."""
    document = json.loads((coco(tmp_path / "set") / "instances.json").read_text())
    document["annotations"][0]["bbox"] = document["annotations"][1]["bbox"] = [50, 30, 20, 20]  # beyond the image: BOX003
    (tmp_path / "set/instances.json").write_text(json.dumps(document))
    assert cli("convert", tmp_path / "set", "--to", to, "-o", "out", "-q").code == 0
    for file in sorted(p for p in (tmp_path / "out").rglob("*.json*") if b"50" in p.read_bytes()):
        file.write_text(re.sub(r'(?<![\w".#])50(\.0)?(?![\w"])', "9" * DIGITS, file.read_text(), count=1))
        break
    done = cli("fix", "out", "-o", "fixed", "-q", "--unsafe-fixes")
    assert done.code in (0, 1, 2), done.err
    assert "internal" not in done.err


@pytest.mark.parametrize("value", ["1" * 30, "1" * 400, "9" * DIGITS, "inf", "-inf", "nan", "1e999"])
@pytest.mark.parametrize("limit", ["CLS002.min_boxes", "BOX005.min_side", "SIZ004.imgsz", "BOX010.fence"])
def test_a_limit_is_a_finite_number(cli: Cli, tmp_path: Path, limit: str, value: str) -> None:
    done = cli("check", coco(tmp_path / "set"), "--set", f"{limit}={value}")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert limit in done.err
    assert len(done.err) < 300


@pytest.mark.parametrize("value", ["-1", "0", "12", "10,-3", "nan,5", "inf,5", "1,2,3", "a,b", "1e999,3"])
def test_anchors_are_sizes(cli: Cli, tmp_path: Path, value: str) -> None:
    done = cli("check", coco(tmp_path / "set"), "--set", f"SIZ004.anchors={value}")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "anchors" in done.err


def test_frames_of_openlabel_that_are_a_text(cli: Cli, tmp_path: Path) -> None:
    picture(tmp_path / "set/a.jpg")
    (tmp_path / "set/a.json").write_text(json.dumps({"openlabel": {"metadata": {"schema_version": "1.0.0"}, "frames": "12"}}))
    done = cli("check", "set", "--format", "openlabel", "--output-format", "json")
    assert done.code == 1, done.err
    assert any(f["code"] == "SRC001" and "frames" in f["message"] for f in json.loads(done.out)["findings"])
