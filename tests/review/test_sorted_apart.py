"""Columns of a workbook that were sorted without the rest: one fault that says so, not one for each row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from convert.sets import png


@pytest.mark.parametrize("apart", [True, False])
def test_columns_sorted_apart_are_one_fault(cli: Any, tmp_path: Path, apart: bool) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a.png").write_bytes(png(100, 80))
    (tmp_path / "set/i.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}], "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": k, "image_id": 1, "category_id": 1, "bbox": [85 - k, 3 * k, 30, 20.5], "area": 615, "iscrowd": 0}
                        for k in range(1, 7)]}))
    assert cli("report", tmp_path / "set", "-o", tmp_path / "r.xlsx", "-q", "--select", "BOX003").code == 0
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    sheet = book["Findings"]
    at = {c.value: c.column for c in sheet[1]}
    rows = range(2, sheet.max_row + 1)
    sheet.cell(2, at["Decision"], "fix")
    moved = range(1, at["y max"] + 1) if apart else range(1, sheet.max_column + 1)
    cells = [[sheet.cell(r, c).value for c in moved] for r in reversed(rows)]
    for r, values in zip(rows, cells, strict=True):
        for c, value in zip(moved, values, strict=True):
            sheet.cell(r, c, value)
    book.save(tmp_path / "r.xlsx")
    done = cli("review", "apply", tmp_path / "r.xlsx", tmp_path / "set", "-o", tmp_path / "out")
    assert done.code == (2 if apart else 0), done.err
    assert done.err.count("Findings!") == apart
    assert ("boxes and classes of 6 rows are those of other rows: some columns were sorted" in done.err) is apart
    assert (tmp_path / "out").exists() is not apart
