"""One bad record of each kind is a finding with its place, and the rest of the set is judged."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """A copy of the clean COCO set."""
    return Path(shutil.copytree(SAMPLES / "clean", tmp_path / "set"))


def drawn(tmp_path: Path, name: str) -> Path:
    return Path(shutil.copytree(SAMPLES / name, tmp_path / name))


def findings(cli: Any, path: Path, code: str) -> list[dict[str, Any]]:
    done = cli("check", path, "--output-format", "json")
    assert done.code == 1, done.err
    document = json.loads(done.out)
    assert document["dataset"]["annotations"] > 50, "the rest is still judged"
    return [f for f in document["findings"] if f["code"] == code]


def replace_once(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_cut_json(cli: Any, clean: Path) -> None:
    path = clean / "annotations" / "instances_train.json"
    text = path.read_text()
    place = text.index('"annotations"')
    path.write_text(text[:place + (len(text) - place) * 2 // 3])
    (found,) = findings(cli, clean, "SRC001")
    assert found["annotation"]["source"] == "annotations/instances_train.json"
    assert found["annotation"]["line"] > 200
    assert "ends in the middle of annotations" in found["message"]
    assert "the file ends early, it is cut off (line " in found["message"]


@pytest.mark.parametrize(("old", "new", "told"), [
    ('"bbox": [\n    ', '"bbox": [\n    "ten", ', "bbox has 5 numbers"),
    ('"image_id": 3,', '"image_id": "three",', "image_id 'three' is not a whole number"),
    ('"category_id": 1,', '"category_id": null,', "category_id is missing"),
    ('"width": 160', '"width": "wide"', "width 'wide' is not a number"),
    ('"file_name": "train_05.jpg"', '"file_name": 5', "file_name 5 is not text"),
    ('"image_id": 3,', '"image_id": 99999999999999999999,', "image_id 99999999999999999999 is not a whole number"),
    ('"width": 160', f'"width": 1{"0" * 400}', "width is a number of 401 digits"),
    ('"bbox": [\n    ', f'"bbox": [\n    1{"0" * 400}, ', "bbox has 5 numbers"),
])
def test_bad_json_record(cli: Any, clean: Path, old: str, new: str, told: str) -> None:
    replace_once(clean / "annotations" / "instances_train.json", old, new)
    (found,) = findings(cli, clean, "SRC001")
    assert told in found["message"]
    assert found["annotation"]["line"] > 1


def test_nan_in_json(cli: Any, clean: Path) -> None:
    path = clean / "annotations" / "instances_train.json"
    document = json.loads(path.read_text())
    document["annotations"][3]["bbox"][2] = float("nan")
    path.write_text(json.dumps(document))
    (found,) = findings(cli, clean, "BOX002")
    assert found["annotation"]["id"] == 4
    assert found["bbox_xyxy"][2] is None


def test_broken_syntax_in_one_record(cli: Any, clean: Path) -> None:
    replace_once(clean / "annotations" / "instances_train.json", '"iscrowd": 0', '"iscrowd": 0 oops')
    (found,) = findings(cli, clean, "SRC001")
    line = next(k for k, text in enumerate((clean / "annotations" / "instances_train.json").read_text().splitlines(), 1)
                if "oops" in text)
    assert found["annotation"]["line"] == line
    assert f"(line {line}, column " in found["message"]
    begins = int(found["message"].rpartition("; the record begins on line ")[2].partition(":")[0])
    assert 1 < begins < line


@pytest.mark.parametrize(("content", "told"), [
    (b"", "the file is empty"), (b"<annotation><object>", "not well-formed"),
    (b'<!DOCTYPE a [<!ENTITY x "y">]><annotation>&x;</annotation>', "entities"),
])
def test_bad_xml(cli: Any, tmp_path: Path, content: bytes, told: str) -> None:
    root = drawn(tmp_path, "voc")
    (root / "Annotations" / "train_30.xml").write_bytes(content)
    found = [f for f in findings(cli, root, "SRC001") if f["annotation"]["source"] == "Annotations/train_30.xml"]
    assert len(found) == 1
    assert told in found[0]["message"]
    assert found[0]["annotation"]["line"] == 1


@pytest.mark.parametrize(("row", "code", "told"), [
    ("0 0.5 0.5 0.1", "SRC001", "4 columns"), ("0 0.5 x 0.1 0.1", "SRC001", "'x' is not a number"),
    ("0 nan 0.5 0.1 0.1", "BOX002", "no finite number"), ("99 0.5 0.5 0.1 0.1", "REC006", "99"),
    ("-1 0.5 0.5 0.1 0.1", "REC006", "-1"), ("0.5 0.5 0.5 0.1 0.1", "SRC001", "not a whole number"),
    ("0 0.5 0.5 0.1 0.1 0.2 0.3 0.4", "SRC001", "8 columns"),
])
def test_bad_label_row(cli: Any, tmp_path: Path, row: str, code: str, told: str) -> None:
    root = drawn(tmp_path, "yolo")
    label = root / "labels" / "train" / "train_30.txt"
    rows = label.read_text()
    label.write_text(rows + row + "\n")
    found = [f for f in findings(cli, root, code) if f["annotation"]["source"] == "labels/train/train_30.txt"]
    assert len(found) == 1
    assert told in found[0]["message"]
    assert found[0]["annotation"]["line"] == rows.count("\n") + 1


def test_gbk_names(cli: Any, tmp_path: Path) -> None:
    root = drawn(tmp_path, "yolo")
    replace_once(root / "data.yaml", "car", "\u6c7d\u8f66\u7ea2\u8272\u7684")
    path = root / "data.yaml"
    path.write_bytes(path.read_text(encoding="utf-8").encode("gbk"))
    (found,) = findings(cli, root, "SRC007")
    assert "GB18030" in found["message"]
    done = cli("check", root, "--output-format", "json")
    assert "\u6c7d\u8f66\u7ea2\u8272\u7684" in {c["name"] for c in json.loads(done.out)["dataset"]["categories"]}


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.jpg")


def _html(path: Path) -> None:
    path.write_text("<html>404 not found</html>")


@pytest.mark.parametrize(("spoil", "code", "told"), [
    (_empty, "IMG002", "empty"), (_folder, "IMG002", "is a directory"), (_link, "IMG001", "does not exist"),
    (_html, "IMG002", "not an image"), (Path.unlink, "IMG001", "does not exist"),
])
def test_bad_image_file(cli: Any, clean: Path, spoil: Callable[[Path], None], code: str, told: str) -> None:
    spoil(clean / "train" / "train_20.jpg")
    (found,) = findings(cli, clean, code)
    assert found["image"].endswith("train_20.jpg")
    assert told in found["message"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_on_disk(cli: Any, clean: Path) -> None:
    (clean / "train" / "train_20.jpg").chmod(0)
    (found,) = findings(cli, clean, "IMG002")
    assert "permission denied" in found["message"]


def test_unreadable_file(cli: Any, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dsinspect.protocols.probes import ImageFile

    real = ImageFile.read_at

    def refuse(self: ImageFile, offset: int, size: int) -> bytes:
        if self.path.endswith("train_20.jpg"):
            raise PermissionError(13, "Permission denied", self.path)
        return real(self, offset, size)

    monkeypatch.setattr(ImageFile, "read_at", refuse)
    (found,) = findings(cli, clean, "IMG002")
    assert "permission denied" in found["message"]


def test_broken_jpegs_as_a_dataset(cli: Any, shared_data: Path, tmp_path: Path) -> None:
    images = sorted((shared_data / "broken_jpeg").rglob("*.jp*g"))
    rows = "".join(f"{p},0,0,1,1,x\n" for p in images)
    table = tmp_path / "boxes.csv"
    table.write_text("image,x_min,y_min,x_max,y_max,class\n" + rows)
    done = cli("check", table, "--images", shared_data / "broken_jpeg", "--output-format", "json")
    assert done.code == 1
    assert done.err == ""
    document = json.loads(done.out)
    assert document["dataset"]["images"] == len(images)
    bad = {f["image"] for f in document["findings"] if f["code"] in ("IMG002", "IMG003")}
    assert 30 < len(bad) < len(images)
