"""Names with newlines and control characters, from formats that allow them, written into formats that are lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.conftest import Done, picture

Cli = Callable[..., Done]
WRITERS = ("coco", "createml", "kitti", "mot", "table", "via", "voc", "yolo")
NAMES = {"newline": "a\nb.png", "return": "a\rb.png", "both": "a\r\nb.png", "feed": "a\x0cb.png", "separator": "a\u2028b.png",
         "next line": "a\x85b.png", "tab": "a\tb.png", "escape": "a\x1bb.png", "inner space": "a b.png", "quote": 'a",b.png'}


def source(folder: Path, name: str) -> Path:
    """Write a COCO set of an image with this name and two others."""
    names = [name, "b.png", "c.png"]
    for k, n in enumerate(names):
        picture(folder / n, (32, 24), k)
    (folder / "i.json").write_text(json.dumps({
        "images": [{"id": k + 1, "file_name": n, "width": 32, "height": 24} for k, n in enumerate(names)],
        "annotations": [{"id": k + 1, "image_id": k + 1, "category_id": 1, "bbox": [2 + k, 3, 10, 10], "area": 100, "iscrowd": 0,
                         "segmentation": []} for k in range(3)],
        "categories": [{"id": 1, "name": "x"}]}))
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
