"""Every writer keeps each image with its own boxes, whatever the names of files, and names what became one."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import pytest

import dsinspect
from dsinspect.cli import main
from dsinspect.io.containment import SECOND_RECORDS
from dsinspect.loader import load_plugins

FORMATS = sorted(name for name, kind in load_plugins().formats.items() if kind.writable)


def coco(root: Path, files: list[str]) -> Path:
    """Write a set with a record for each name, each with one box that begins at its number, and return its folder."""
    root.mkdir()
    for name in set(files):
        cv2.imwrite(str(root / name), np.full((80, 100, 3), 200, np.uint8))
    document: dict[str, Any] = {
        "images": [{"id": k, "file_name": f, "width": 100, "height": 80} for k, f in enumerate(files, 1)],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": k, "image_id": k, "category_id": 1, "bbox": [k, 2, 30, 40], "area": 1200, "iscrowd": 0}
                        for k in range(1, len(files) + 1)]}
    (root / "instances_train.json").write_text(json.dumps(document))
    return root


@pytest.mark.parametrize("name", FORMATS)
def test_two_records_of_one_file_stay_two_or_are_named(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = coco(tmp_path / "set", ["a.png", "b.png", "a.png"])
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", name]) == 0
    told = capsys.readouterr().out
    kept = len(dsinspect.open(tmp_path / "out", format=name))
    assert kept == 3 or (kept == 2 and f"1  lost: {SECOND_RECORDS}" in told and "of its own each" not in told)
    assert main(["transform", str(source), "--op", "flip", "-o", str(tmp_path / "flipped"), "--to", name, "-q"]) == 0
    flipped = dsinspect.open(tmp_path / "flipped", format=name)
    assert len(flipped) == kept
    assert len(flipped.annotations) == 3
    assert flipped.images["file"].notna().all()


@pytest.mark.parametrize("name", FORMATS)
def test_odd_names_keep_their_boxes(tmp_path: Path, name: str) -> None:
    files = ["a.png", "b .png", " lead.png", "d,e.png", "f;g.png", "#h.png", "x y.png", "01.png", "001.png", "a\\b.png", "a.jpg",
             "A.png", "..png", "...png", "a..png"]
    source = coco(tmp_path / "set", files)
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", name, "-q"]) == 0
    placed = {e["source"]: e["path"] for e in json.loads((tmp_path / "out/conversion.json").read_text())["outputs"]}
    written = dsinspect.open(tmp_path / "out", format=name)
    assert len(written) == len(files)
    assert written.images["file"].notna().all()
    names = written.images["path"].to_numpy()[written.annotations["image_row"]]
    found = {PurePosixPath(p).name: round(x) for p, x in zip(names, written.annotations["x_min"], strict=True)}
    assert found == {PurePosixPath(placed[f]).name: k for k, f in enumerate(files, 1)}
