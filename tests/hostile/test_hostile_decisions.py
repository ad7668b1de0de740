"""Decisions are hostile text too: rows of no report, and cells that are formulas; faults by name, nothing run, output bounded."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hostile.conftest import Done, snapshot
from hostile.sets import coco

from dsinspect.cli import main

Cli = Callable[..., Done]
ROWS = 10_000
FORMULAS = ("=1+1", "=cmd|'/c calc'!A0", "=HYPERLINK(\"http://x\")")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a set with a box without area."""
    return coco(tmp_path / "set", annotations=[{"bbox": [1, 1, 0, 5]}])


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The report of a set equal to `source`."""
    folder = tmp_path_factory.mktemp("reported")
    made = coco(folder / "set", annotations=[{"bbox": [1, 1, 0, 5]}])
    assert main(["report", str(made), "-o", str(folder / "r.xlsx"), "--quiet", "--thumbnails", "0", "--no-cache"]) == 0
    return (folder / "r.xlsx").read_bytes()


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps({"schema_version": 1, "tool": {}, "dataset": "set", "decisions": rows}))
    return path


@pytest.mark.parametrize("command", ["apply", "status"])
def test_ten_thousand_decisions_on_findings_of_no_report(cli: Cli, tmp_path: Path, source: Path, command: str) -> None:
    rows = [{"action": "drop", "finding": f"{k:016x}", "comment": "=1+1\x1b[31m"} for k in range(ROWS)]
    decisions = written(tmp_path / "decisions.json", rows)
    before = snapshot(source)
    done = cli("review", "apply", decisions, source, "-o", tmp_path / "out") if command == "apply" else cli(
        "review", "status", decisions, "--dataset", source)
    assert not (tmp_path / "out").exists()
    assert snapshot(source) == before
    told = done.err + done.out
    assert done.code == (2 if command == "apply" else 0)
    assert "10,000 faults" in told
    assert "the dataset has no such finding" in told
    assert len(told.splitlines()) < 80
    assert "\x1b" not in told


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("kind", ["f", "s"])
@pytest.mark.parametrize(("header", "told"), [
    ("Decision", {"f": "Findings!A2: holds a formula without a stored value", "s": "Findings!A2: no such decision: "}),
    ("New value", {"f": "Findings!B2: holds a formula without a stored value", "s": "Findings!B2: "}),
    ("Comment", {"f": "Findings!C2: holds a formula without a stored value"})])
def test_formulas_in_the_cells_of_a_reviewer(cli: Cli, tmp_path: Path, source: Path, header: str, told: dict[str, str], kind: str,
                                             formula: str, reported: bytes) -> None:
    """A formula that no office computed is refused by its cell, and one that is text is that text."""
    book = openpyxl.load_workbook(io.BytesIO(reported))
    sheet: Any = book["Findings"]
    columns = {c.value: c.column for c in sheet[1]}
    row = next(r for r in range(2, sheet.max_row + 1) if sheet.cell(r, columns["Code"]).value == "BOX001")
    sheet.cell(row, columns["Decision"]).value = "set-box" if header == "New value" else "drop"
    cell = sheet.cell(row, columns[header])
    cell.value = formula
    cell.data_type = kind
    book.save(tmp_path / "r.xlsx")
    before = snapshot(source)
    done = cli("review", "apply", tmp_path / "r.xlsx", source, "-o", tmp_path / "out")
    assert snapshot(source) == before
    assert len(done.err.splitlines()) <= 2
    if kind in told:
        assert done.code == 2
        assert told[kind] in done.err
        assert not (tmp_path / "out").exists()
        return
    assert done.code == 0
    assert json.loads((tmp_path / "out/i.json").read_text())["annotations"] == []
    audit = openpyxl.load_workbook(tmp_path / "out-audit.xlsx")
    cells = [c for s in audit for r in s.iter_rows() for c in r]
    assert all(c.data_type != "f" for c in cells)
    assert any(c.value == formula for c in cells) == (kind == "s")
