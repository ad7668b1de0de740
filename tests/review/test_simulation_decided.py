"""What simulate writes takes decisions, and review apply takes them back: for one trainer and for several."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from books import Book, changed

SET = Path(__file__).resolve().parents[2] / "sample_data" / "coco"


def simulated(cli: Any, out: Path, *trainers: str) -> Path:
    named = [a for t in trainers for a in ("--trainer", t)]
    assert cli("simulate", SET, *named, "-o", out, "--quiet").code == 0
    return out


@pytest.mark.parametrize("trainers", [("ultralytics@8.4",), ("ultralytics@8.4", "mmdet")])
def test_a_workbook_applies(cli: Any, tmp_path: Path, trainers: tuple[str, ...]) -> None:
    book = Book(simulated(cli, tmp_path / "sim.xlsx", *trainers))
    row = next(r for r in range(2, book.sheet.max_row + 1) if str(book.get(r, "Code")).startswith("TRN002")
               and "drop" in book.choices(r))
    book.decide(row, "drop")
    done = cli("review", "apply", book.save(tmp_path / "reviewed.xlsx"), SET, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert changed(SET, tmp_path / "out")[0] == {"annotations/instances_train.json"}
    assert "new:" not in done.out


def test_a_decision_on_a_check_of_one_of_several_trainers_applies(cli: Any, tmp_path: Path) -> None:
    book = Book(simulated(cli, tmp_path / "sim.xlsx", "ultralytics@8.4", "mmdet@3.3.0"))
    book.check("TRN002 mmdet@3.3.0", "keep")
    done = cli("review", "apply", book.save(tmp_path / "reviewed.xlsx"), SET, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert "decisions on whole checks" in done.out


def test_decisions_of_a_page_apply(cli: Any, tmp_path: Path) -> None:
    page = simulated(cli, tmp_path / "sim.html", "ultralytics@8.4", "mmdet").read_text()
    book = Book(simulated(cli, tmp_path / "sim.xlsx", "ultralytics@8.4", "mmdet"))
    settings = json.loads(re.search(r'"settings":(\{.*?\}),"fields"', page)[1])
    assert settings["trainer"] == "ultralytics@8.4.190,mmdet@3.3.0"
    row = book.rows("TRN002 mmdet@3.3.0")[0]
    (tmp_path / "decisions.json").write_text(json.dumps({
        "schema_version": 1, "settings": settings,
        "decisions": [{"action": "keep", "finding": book.get(row, "Fingerprint")}]}))
    done = cli("review", "apply", tmp_path / "decisions.json", SET, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    imported = cli("review", "import", tmp_path / "decisions.json", SET, "-o", tmp_path / "with.xlsx")
    assert imported.code == 0, imported.err
    assert len(Book(tmp_path / "with.xlsx").decisions()) == 1


def test_codes_that_name_the_trainer_are_seen_whole(cli: Any, tmp_path: Path) -> None:
    book = Book(simulated(cli, tmp_path / "sim.xlsx", "ultralytics@8.4", "mmdet")).book
    longest = len("TRN001 ultralytics@8.4.190")
    for sheet, row in (("Findings", 1), ("By check", 1)):
        column = next(c.column_letter for c in book[sheet][row] if c.value == "Code")
        assert book[sheet].column_dimensions[column].width >= longest
    assert book["Summary"].column_dimensions["D"].width >= longest
