"""The workbook: what openpyxl reads back is what was meant, text is never a formula, and the bytes repeat."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from dsinspect.findings.findings import Findings
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols.review_sheet import DECISIONS
from dsinspect.protocols.run import Run
from dsinspect_reports.xlsx import _book as xlsx_book
from dsinspect_reports.xlsx import _tables
from dsinspect_reports.xlsx._xml import NumberColumn, TextColumn, escaped
from dsinspect_reports.xlsx.report import Options, Xlsx

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
HOSTILE = ['=cmd|"/c calc"!A1', "+1", "-1", "@SUM(A1)", "\x00\x07bell", "_x0041_", "a<b>&\"'", " lead", "x\ny", "\ud800",
           "é" * 40_000, "</t></is>", "", "#REF!", "1e5"]


@pytest.fixture(scope="module")
def run() -> Run:
    return inspect(Request("coco", SAMPLES / "coco", keep_images=True, keep_annotations=True), load_plugins())


def rows_of(path: Path, sheet: str) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(path, read_only=True)
    rows = list(book[sheet].iter_rows(values_only=True))
    book.close()
    return rows


def hostile_run(run: Run) -> Run:
    subjects = [f"s{k}" for k in range(len(HOSTILE))]
    found = Findings.of_subjects(subjects, "{text}", {"text": np.array(HOSTILE, object)}, image=HOSTILE, category=HOSTILE)
    return replace(run, outcomes=(replace(run.outcomes[0], findings=found, status="found"),))


def test_findings_are_read_back_as_they_were_meant(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    Xlsx().write(run, path)
    header, *rows = rows_of(path, "Findings")
    findings = [f for o in run.outcomes for f in o.iterate()]
    assert len(rows) == len(findings)
    column = {name: k for k, name in enumerate(header)}
    for row, f in zip(rows, findings, strict=True):
        assert row[column["Severity"]].split()[1] == f.severity
        assert row[column["Code"]] == f.code
        assert row[column["Message"]] == f.message
        assert row[column["Image"]] == f.image
        assert row[column["Category"]] == f.category
        assert row[column["Annotation"]] == f.annotation_id
        assert row[column["Line"]] == f.line
        assert row[column["Fingerprint"]] == f.fingerprint
        if f.bbox_xyxy:
            assert [row[column[c]] for c in ("x min", "y min", "x max", "y max")] == list(f.bbox_xyxy)
        assert row[column["Decision"]] is None


def test_sheets_and_their_equipment(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    Xlsx(Options(tables=True)).write(run, path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Summary", "Findings", "Classes", "Sizes", "Splits", "Images", "Annotations", "About"]
    findings = book["Findings"]
    assert findings.freeze_panes == "A2"
    assert findings.auto_filter.ref.startswith("A1:")
    assert findings.column_dimensions["U"].hidden
    (choices,) = findings.data_validations.dataValidation
    assert choices.formula1 == '"' + ",".join(DECISIONS) + '"'
    assert len(book["Summary"]._charts) == 2
    assert book["Images"].max_row == run.census.images + 1
    assert book["Annotations"].max_row == run.census.annotations + 1
    links = [h.target for h in findings._hyperlinks] if hasattr(findings, "_hyperlinks") else []
    assert all(not str(t).startswith("/") for t in links)


def test_links_lead_to_the_images(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    Xlsx().write(run, path)
    sheet = openpyxl.load_workbook(path)["Images"]
    targets = [row[0].hyperlink.target for row in sheet.iter_rows(min_row=2) if row[0].hyperlink]
    assert len(targets) == run.census.images
    assert (path.parent / targets[0]).resolve() == (SAMPLES / "coco" / "train" / "train_00.jpg").resolve()


def test_same_run_same_bytes(run: Run, tmp_path: Path) -> None:
    one, two = tmp_path / "1.xlsx", tmp_path / "2.xlsx"
    Xlsx().write(run, one)
    Xlsx().write(run, two)
    assert one.read_bytes() == two.read_bytes()


def test_hostile_text_stays_text(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    Xlsx().write(hostile_run(run), path)
    for part in zipfile.ZipFile(path).namelist():
        if part.startswith("xl/worksheets/sheet"):
            assert b"<f>" not in zipfile.ZipFile(path).read(part)
    _, *rows = rows_of(path, "Findings")
    messages = {r[3] for r in rows}
    assert '=cmd|"/c calc"!A1' in messages
    assert "_x0041_" in {unescape(m) for m in messages if m}, "Excel reads _x005F_ as an underscore"
    assert "a<b>&\"'" in messages
    assert max(len(m) for m in messages if m) == 32_767


def test_sheets_go_on_past_the_last_row(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tables, "MAX_ROWS", 11)
    monkeypatch.setattr(xlsx_book, "MAX_ROWS", 11)
    path = tmp_path / "report.xlsx"
    Xlsx().write(run, path)
    book = openpyxl.load_workbook(path, read_only=True)
    parts = [s for s in book.sheetnames if s.startswith("Findings")]
    assert parts[:2] == ["Findings", "Findings (2)"]
    n = sum(len(o.findings) for o in run.outcomes)
    assert sum(len(list(book[s].iter_rows())) - 1 for s in parts) == n


def test_no_findings_and_no_images(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    empty = replace(run, outcomes=(), image_columns=run.image_columns and run.image_columns.take(slice(0)))
    Xlsx().write(empty, path)
    assert len(rows_of(path, "Findings")) == 1


@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=50))
def test_text_round_trip(text: str) -> None:
    import xml.etree.ElementTree as ElementTree

    cell = TextColumn().cells([text])[0]
    found = ElementTree.fromstring(cell).findtext("is/t")
    if not text:
        assert found is None
    else:
        # A parser reads a carriage return as a line feed; the last two code points of the plane are no characters.
        due = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
        assert unescape(found or "") == due


def test_numbers() -> None:
    cells = NumberColumn(3).cells(np.array([1.5, np.nan, np.inf, -0.1, 1e300]))
    assert cells == ['<c s="3"><v>1.5</v></c>', '<c s="3"/>', '<c s="3"/>', '<c s="3"><v>-0.1</v></c>',
                     '<c s="3"><v>1e+300</v></c>']
    assert NumberColumn().cells(np.array([7], np.int64)) == ['<c s="0"><v>7</v></c>']
    assert escaped("\x01") == "_x0001_"


def test_frame_columns_keep_their_kind(tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("x")
    table = _tables.frame_table("x", pd.DataFrame({"a": [1], "b": [True], "c": pd.Series(["t"], dtype=object)}), sheet)
    assert [type(maker).__name__ for maker, _ in table.columns] == ["NumberColumn", "NumberColumn", "TextColumn"]


def test_thumbnails_stand_in_the_rows_of_their_findings(tmp_path: Path) -> None:
    run = inspect(Request("coco", SAMPLES / "coco", keep_images=True), load_plugins())
    for name in ("a.xlsx", "b.xlsx"):
        Xlsx(Options(thumbnails=8)).write(run, tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert len([n for n in archive.namelist() if n.startswith("xl/media/")]) == 8
        drawing = archive.read(next(n for n in archive.namelist() if (n.startswith("xl/drawings/drawing") and "rel" not in n
                                    and b"<xdr:pic>" in archive.read(n)) or b"pic>" in archive.read(n))).decode()
    rows = sorted(int(r) + 1 for r in re.findall(r"from>.*?row>(\d+)</", drawing))
    book = openpyxl.load_workbook(tmp_path / "a.xlsx", read_only=True)
    header, *cells = book["Findings"].iter_rows(values_only=True)
    assert "Picture" in header
    assert all(cells[r - 2][header.index("Image")] for r in rows)
    codes = [cells[r - 2][header.index("Code")] for r in rows]
    assert len(set(codes)) == 8, "every check shows some before one shows many"


def test_thumbnail_shows_the_box_where_it_is(tmp_path: Path) -> None:
    import cv2

    from dsinspect.render.thumbnails import thumbnail

    pixels = np.zeros((200, 300, 3), np.uint8)
    cv2.rectangle(pixels, (120, 60), (159, 99), (255, 255, 255), -1)
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    image = {"file": str(tmp_path / "a.png"), "width": 300.0, "height": 200.0, "orientation": 1, "frame_width": 300.0,
             "frame_height": 200.0}
    content = thumbnail(image, (120, 60, 160, 100), 140, 98)
    assert content is not None
    made = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert made.shape[0] <= 98
    assert made.shape[1] <= 140
    red = (made[..., 2] > 150) & (made[..., 0] < 100)
    white = (made > 200).all(axis=2)
    rows, columns = np.nonzero(white)
    red_rows, red_columns = np.nonzero(red)
    assert abs(int(rows.min()) - int(red_rows.min())) <= 2
    assert abs(int(columns.max()) - int(red_columns.max())) <= 2
    assert thumbnail(image, (900, 900, 950, 950), 140, 98) is not None
    assert thumbnail({**image, "file": str(tmp_path / "none.png")}, None, 140, 98) is None
