"""Names with newlines and control characters, from formats that allow them, written into formats that are lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.conftest import Done, picture

Cli = Callable[..., Done]
WRITERS = ("coco", "createml", "cvat", "kitti", "mot", "openimages", "table", "via", "voc", "yolo")
ALL_WRITERS = (*WRITERS, "dota", "huggingface", "labelme", "labelstudio", "tfrecord")
NAMES = {"newline": "a\nb.png", "return": "a\rb.png", "both": "a\r\nb.png", "feed": "a\x0cb.png", "separator": "a\u2028b.png",
         "next line": "a\x85b.png", "tab": "a\tb.png", "escape": "a\x1bb.png", "inner space": "a b.png", "quote": 'a",b.png',
         "space first": " ab.png", "no-break space": "\xa0b.png", "not XML": "a\uffff\x1cb.png"}
CLASSES = ("a\rb", "a\x85b", " a", "a\x00b", "a\u2028b", "\ufeffa", "a\x1bb")


def source(folder: Path, name: str, category: str = "x") -> Path:
    """Write a COCO set of an image with this name and two others, all of one class."""
    names = [name, "b.png", "c.png"]
    for k, n in enumerate(names):
        picture(folder / n, (32, 24), k)
    (folder / "i.json").write_text(json.dumps({
        "images": [{"id": k + 1, "file_name": n, "width": 32, "height": 24} for k, n in enumerate(names)],
        "annotations": [{"id": k + 1, "image_id": k + 1, "category_id": 1, "bbox": [2 + k, 3, 10, 10], "area": 100, "iscrowd": 0,
                         "segmentation": []} for k in range(3)],
        "categories": [{"id": 1, "name": category}]}))
    return folder


@pytest.mark.parametrize("to", WRITERS)
@pytest.mark.parametrize("kind", NAMES)
def test_what_is_written_is_read_back_or_refused_in_one_line(cli: Cli, tmp_path: Path, to: str, kind: str) -> None:
    out = tmp_path / "out"
    done = cli("convert", source(tmp_path / "set", NAMES[kind]), "--to", to, "-o", out, "-j", 1)
    if done.code == 2:
        assert done.err.count("\n") == 1, done.err
        assert not out.exists()
        return
    assert done.code == 0, done.err
    read = cli("check", out, "--format", to, "--output-format", "json", "--select", "SRC,REC,IMG", "--no-cache")
    report = json.loads(read.out)
    assert (report["dataset"]["images"], report["dataset"]["annotations"]) == (3, 3), (report["dataset"], done.err)
    errors = [f["message"] for f in report["findings"] if f["severity"] == "error"]
    assert not errors


@pytest.mark.parametrize("to", ALL_WRITERS)
def test_class_names_are_read_back_named_as_lost_or_refused(cli: Cli, tmp_path: Path, to: str) -> None:
    refused = []
    for number, name in enumerate(CLASSES):
        out = tmp_path / f"out{number}"
        done = cli("convert", source(tmp_path / f"set{number}", "a.png", name), "--to", to, "-o", out, "-j", 1)
        if done.code == 2:
            assert done.err.count("\n") == 1, (name, done.err)
            assert not out.exists()
            refused.append(name)
            continue
        assert done.code == 0, (name, done.err)
        read = cli("check", out, "--format", to, "--output-format", "json", "--select", "BOX001", "--no-cache")
        dataset = json.loads(read.out)["dataset"]
        assert (dataset["images"], dataset["annotations"]) == (3, 3), (name, done.out)
        if [c["name"] for c in dataset["categories"] if c["annotations"]] != [name]:
            assert any("lost:" in line and ("class" in line or "name" in line) for line in done.out.splitlines()), (name, done.out)
    assert len(refused) < len(CLASSES)
