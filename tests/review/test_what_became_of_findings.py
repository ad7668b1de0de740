"""What a corrected set is said to have: a finding of a renamed class is changed, not fixed, and a new error is exit code 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from convert.sets import png

ROWS = {
    "rename-class": ("rename-class", None, "dog", "puppy"),
    "add-box": ("add-box", "a.png", "cat", "5, 5, 25, 25"),
    "add-box-inside": ("add-box", "c.png", "cat", "10, 10, 30, 40"),
}


@pytest.mark.parametrize(("added", "code", "told"), [
    ("rename-class", 0, "changed: 1 BOX007, 1 CLS002 (found still, in other words: another class or number)\n"),
    ("add-box-inside", 0, ""), ("add-box", 1, "new:   1 BOX006\n")])
def test_what_became_of_findings(cli: Any, tmp_path: Path, added: str, code: int, told: str) -> None:
    (tmp_path / "set").mkdir()
    for k, name in enumerate("abc"):
        (tmp_path / f"set/{name}.png").write_bytes(png(100 + k, 80))
    box = {"bbox": [5, 5, 20, 20], "area": 400, "iscrowd": 0}
    (tmp_path / "set/i.json").write_text(json.dumps({
        "images": [{"id": k, "file_name": f"{n}.png", "width": 100 + k, "height": 80} for k, n in enumerate("abc")],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [{"id": 1, "image_id": 0, "category_id": 1, **box}, {"id": 2, "image_id": 0, "category_id": 2, **box}]}))
    assert cli("report", tmp_path / "set", "-o", tmp_path / "r.xlsx", "-q").code == 0
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    for column, value in enumerate(ROWS[added], 1):
        book["Add"].cell(book["Add"].max_row + 1 if column == 1 else book["Add"].max_row, column, value)
    book.save(tmp_path / "r.xlsx")
    done = cli("review", "apply", tmp_path / "r.xlsx", tmp_path / "set", "-o", tmp_path / "out")
    assert done.code == code, done.err
    assert told in done.out, done.out
    assert ("new:" in done.out) is (code == 1)
    assert ("the result has findings that were not there" in done.err) is (code == 1)
    assert (tmp_path / "out/i.json").is_file()
