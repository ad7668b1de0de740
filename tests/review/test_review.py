"""A workbook out, decisions in, a corrected dataset back; and every way in which a workbook can be wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from books import Book, changed, contents
from offices import through_libreoffice

from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins

PLUGINS = load_plugins()
SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


@pytest.fixture
def voc(cli: Any, tmp_path: Path) -> Path:
    """A report on the VOC sample set."""
    assert cli("report", SAMPLES / "voc", "-o", tmp_path / "report.xlsx", "--quiet").code == 0
    return tmp_path / "report.xlsx"


def findings_of(folder: Path) -> list[Any]:
    return [f for o in inspect(Request("set", folder), PLUGINS).outcomes for f in o.iterate()]


def reviewed(path: Path) -> Book:
    """Drop the flat box, set the box that sticks out, set the class of the tiny one, keep the turned picture."""
    book = Book(path)
    book.decide(book.rows("BOX001")[0], "drop", Reviewer="Ada", Comment="nothing there")
    book.decide(book.rows("BOX003")[0], "set-box", New_value="10, 12, 60, 64")
    book.decide(book.rows("BOX005")[0], "set-category", New_value="person", Reviewer="Bob")
    book.decide(book.rows("IMG005")[0], "Keep ")
    return book


def check_result(out: Path) -> None:
    files, gone = changed(SAMPLES / "voc", out)
    assert gone == set()
    assert len(files) == 3
    assert all(f.startswith("Annotations/") for f in files)
    before = findings_of(SAMPLES / "voc")
    after = {(f.code, f.image) for f in findings_of(out)}
    for code in ("BOX001", "BOX003"):
        (finding,) = [f for f in before if f.code == code]
        assert (code, finding.image) not in after


def test_decisions_change_exactly_their_records(cli: Any, voc: Path, tmp_path: Path) -> None:
    source = contents(SAMPLES / "voc")
    book = reviewed(voc)
    done = cli("review", "apply", book.save(tmp_path / "reviewed.xlsx"), SAMPLES / "voc", "-o", tmp_path / "out",
               "--update-baseline", tmp_path / "known.json")
    assert done.code == 0, done.err
    check_result(tmp_path / "out")
    assert contents(SAMPLES / "voc") == source
    audit = json.loads((tmp_path / "out-audit.json").read_text())["decisions"]
    assert [(d["code"], d["decision"], d["action"], d["reviewer"]) for d in audit] == [
        ("BOX001", "drop", "drop-annotation", "Ada"), ("BOX003", "set-box", "set-box", None),
        ("BOX005", "set-category", "set-category", "Bob"), ("IMG005", "keep", None, None)]
    assert audit[1]["new"] == "10, 12, 60, 64"
    assert audit[1]["new_bbox_xyxy"] == [10, 12, 60, 64]
    assert len(audit[1]["bbox_xyxy"]) == 4
    assert audit[0]["comment"] == "nothing there"
    rows = list(openpyxl.load_workbook(tmp_path / "out-audit.xlsx").active.values)  # type: ignore[union-attr]
    assert len(rows) == 5
    known = json.loads((tmp_path / "known.json").read_text())["findings"]
    assert [k["code"] for k in known] == ["IMG005"]
    quiet = cli("check", tmp_path / "out", "--baseline", tmp_path / "known.json", "--select", "IMG005")
    assert "no findings" in quiet.out


@pytest.mark.parametrize("suffix", ["xlsx", "xls"])
def test_the_same_after_libreoffice(cli: Any, voc: Path, tmp_path: Path, suffix: str) -> None:
    path = through_libreoffice(reviewed(voc).save(tmp_path / "reviewed.xlsx"), suffix, tmp_path / "office")
    done = cli("review", "apply", path, SAMPLES / "voc", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    check_result(tmp_path / "out")


def test_columns_and_rows_may_move(cli: Any, voc: Path, tmp_path: Path) -> None:
    rows = list(Book(reviewed(voc).save(tmp_path / "a.xlsx")).sheet.values)
    order = list(range(len(rows[0])))[::-1]
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "my findings"
    sheet.append(["exported on Monday"])
    sheet.append(["my note", *(rows[0][k] for k in order)])
    for row in sorted(rows[1:], key=lambda r: str(r[3]))[::-1]:
        if row[1] != "SIZ001":
            sheet.append(["x", *(row[k] for k in order)])
    sheet.column_dimensions["B"].hidden = True
    book.save(tmp_path / "moved.xlsx")
    done = cli("review", "apply", tmp_path / "moved.xlsx", SAMPLES / "voc", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    check_result(tmp_path / "out")


def test_diff_changes_nothing(cli: Any, voc: Path, tmp_path: Path) -> None:
    done = cli("review", "apply", reviewed(voc).save(tmp_path / "r.xlsx"), SAMPLES / "voc", "-o", tmp_path / "out", "--diff")
    assert done.code == 0
    assert done.out.count("\n--- a/Annotations/") + done.out.startswith("--- a/") == 3
    assert "set-box" in done.err
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob("out-audit*"))


def test_applying_twice_is_refused(cli: Any, voc: Path, tmp_path: Path) -> None:
    path = reviewed(voc).save(tmp_path / "r.xlsx")
    assert cli("review", "apply", path, SAMPLES / "voc", "-o", tmp_path / "out").code == 0
    again = cli("review", "apply", path, SAMPLES / "voc", "-o", tmp_path / "out")
    assert again.code == 2
    assert "not empty" in again.err
    first = contents(tmp_path / "out")
    onto_itself = cli("review", "apply", path, tmp_path / "out", "-o", tmp_path / "out2")
    assert onto_itself.code == 2
    assert "it changed since the report" in onto_itself.err
    assert not (tmp_path / "out2").exists()
    assert contents(tmp_path / "out") == first


@pytest.mark.parametrize(("decision", "cells", "told"), [
    ("dorp", {}, "did you mean"), ("fix it", {}, "no such decision"), ("set-box", {"New_value": "1,2,3"}, "four numbers"),
    ("set-box", {"New_value": "50, 50, 10, 90"}, "no area"), ("set-box", {"New_value": "0, 0, 5000, 20"}, "not inside"),
    ("set-box", {"New_value": "nan nan nan nan"}, "four numbers"), ("set-category", {"New_value": "persn"}, "no class"),
    ("set-category", {}, "missing"), ("drop", {"Fingerprint": "0123"}, "no fingerprint"),
    ("drop", {"Fingerprint": "0123456789abcdef"}, "no such finding"), ("drop", {"Image": "other.jpg"}, "sorted apart"),
    ("drop", {"Annotation": 999}, "sorted apart"),
])
def test_wrong_cells_are_told_by_address(cli: Any, voc: Path, tmp_path: Path, decision: str, cells: dict[str, Any],
                                         told: str) -> None:
    book = Book(voc)
    row = book.rows("BOX005")[0]
    book.decide(row, decision, **cells)
    book.decide(book.rows("BOX001")[0], "drop")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "voc", "-o", tmp_path / "out")
    assert done.code == 2
    assert told in done.err
    assert f"Findings!{''}" in done.err
    assert str(row) in done.err
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_several_wrong_cells_are_told_together(cli: Any, voc: Path, tmp_path: Path) -> None:
    book = Book(voc)
    book.decide(book.rows("BOX005")[0], "dorp")
    book.decide(book.rows("CLS001")[0], "drop")
    book.decide(book.rows("SIZ001")[0], "fix")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "voc", "-o", tmp_path / "out")
    assert "for 3 faults" in done.err
    assert done.err.count("Findings!") == 3


def test_two_decisions_on_one_finding_and_on_one_annotation(cli: Any, voc: Path, tmp_path: Path) -> None:
    book = Book(voc)
    row = book.rows("BOX005")[0]
    book.decide(row, "drop")
    book.sheet.append([c.value for c in book.sheet[row]])
    last = book.sheet.max_row
    same = cli("review", "apply", book.save(tmp_path / "same.xlsx"), SAMPLES / "voc", "-o", tmp_path / "same")
    assert same.code == 0, same.err
    book.decide(last, "keep")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "voc", "-o", tmp_path / "out")
    assert done.code == 2
    assert "two decisions on one finding" in done.err


def test_edited_cells_of_the_box_count_where_no_new_value_is_given(cli: Any, voc: Path, tmp_path: Path) -> None:
    book = Book(voc)
    row = book.rows("BOX003")[0]
    book.decide(row, "set-box", x_min=20, x_max=40, y_min="21,5", y_max=33)
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "voc", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    audit = json.loads((tmp_path / "out-audit.json").read_text())["decisions"]
    assert audit[0]["new"] == "20, 21.5, 40, 33"


def test_workbooks_that_are_none(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "text.xlsx").write_text("hello")
    other = openpyxl.Workbook()
    other.save(tmp_path / "other.xlsx")
    whole = (tmp_path / "other.xlsx").read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(whole[:len(whole) // 2])
    for name in ("text.xlsx", "other.xlsx", "cut.xlsx", "none.xlsx"):
        done = cli("review", "apply", tmp_path / name, SAMPLES / "voc", "-o", tmp_path / "out")
        assert done.code == 2
        assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_no_decision_writes_nothing(cli: Any, voc: Path, tmp_path: Path) -> None:
    done = cli("review", "apply", voc, SAMPLES / "voc", "-o", tmp_path / "out")
    assert done.code == 2
    assert "no decision in" in done.err
    assert not (tmp_path / "out").exists()


def test_images_are_dropped_and_left_out(cli: Any, voc: Path, tmp_path: Path) -> None:
    book = Book(voc)
    row = book.rows("BOX001")[0]
    image = book.get(row, "Image")
    book.decide(row, "drop-image")
    path = book.save(tmp_path / "r.xlsx")
    assert cli("review", "apply", path, SAMPLES / "voc", "-o", tmp_path / "out").code == 0
    _, gone = changed(SAMPLES / "voc", tmp_path / "out")
    assert gone == {image, image.replace("JPEGImages", "Annotations").replace(".jpg", ".xml")}
    assert cli("review", "apply", path, SAMPLES / "voc", "-o", tmp_path / "text", "--annotations-only").code == 0
    assert not list((tmp_path / "text").rglob("*.jpg"))


@pytest.mark.parametrize("name", ["coco", "yolo", "table"])
def test_other_formats(cli: Any, tmp_path: Path, name: str) -> None:
    root = SAMPLES / name
    assert cli("report", root, "-o", tmp_path / "report.xlsx", "--quiet").code == 0
    book = reviewed(tmp_path / "report.xlsx")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), root, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    files, gone = changed(root, tmp_path / "out")
    assert 1 <= len(files) <= 3
    assert gone == set()
    after = {f.code for f in findings_of(tmp_path / "out")}
    assert not after & {"BOX001", "BOX003"}


def test_dataset_that_is_a_file(cli: Any, tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "coco", tmp_path / "set")
    file = tmp_path / "set/annotations/instances_train.json"
    assert cli("report", file, "-o", tmp_path / "report.xlsx", "--quiet").code == 0
    book = Book(tmp_path / "report.xlsx")
    book.decide(book.rows("BOX001")[0], "drop")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), file, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["instances_train.json"]
    assert "outside of the dataset's folder stay" in done.out


def test_bccd(cli: Any, shared_data: Path, tmp_path: Path) -> None:
    root = shared_data / "bccd"
    assert cli("report", root, "-o", tmp_path / "report.xlsx", "--quiet").code == 0
    book = Book(tmp_path / "report.xlsx")
    rows = book.rows("BOX001")
    assert len(rows) == 2
    for row in rows:
        book.decide(row, "drop")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), root, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    files, gone = changed(root, tmp_path / "out")
    assert files == {"Annotations/BloodImage_00338.xml", "Annotations/BloodImage_00343.xml"}
    assert gone == set()
    run = inspect(Request("set", tmp_path / "out"), PLUGINS)
    assert run.census.annotations == 4886
    assert not [o for o in run.outcomes if o.code == "BOX001" and len(o.findings)]
