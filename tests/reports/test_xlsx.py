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
from offices import through_libreoffice
from openpyxl.utils.escape import unescape

from dsinspect.findings.findings import Findings
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols import review_sheet as named
from dsinspect.protocols.chart import Chart
from dsinspect.protocols.decisions import choices_of
from dsinspect.protocols.edits import FIX_WORDS
from dsinspect.protocols.run import Census, Run
from dsinspect.render.shapes import Shape
from dsinspect_reports._counted import worst_first
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
    findings = [f for o in worst_first(run.outcomes) for f in o.iterate()]
    assert len(rows) == len(findings)
    column = {name: k for k, name in enumerate(header)}
    for row, f in zip(rows, findings, strict=True):
        assert row[column["Severity"]].split()[1] == f.severity
        assert row[column["Code"]] == f.code
        assert row[column["Message"]] == f.message
        assert row[column["Image"]] == f.image
        assert row[column["Class"]] == f.category
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
    assert book.sheetnames == ["Summary", "Findings", "By check", "Add", "Classes", "Co-occurrence", "Sizes", "Splits", "Images",
                               "Annotations", "Measures", "Charts", "Chart data", "About", "Settings"]
    findings = book["Findings"]
    headers = [c.value for c in findings[1]]
    assert headers[:7] == ["Thumbnail", "Decision", "New value", "Comment", "Message", "Class", "Image"]
    assert headers[headers.index("Severity"):headers.index("Reviewer")] == ["Severity", "Code", "Check", "Fix", "Split"]
    assert headers == [h for h in named.FINDING_COLUMNS if h in headers]
    assert findings.freeze_panes == "D2"
    assert findings.auto_filter.ref.startswith("A1:")
    assert findings.column_dimensions["V"].hidden
    assert [s for s in book.sheetnames if book[s].sheet_state != "visible"] == ["Chart data", "Settings"]
    assert len(book["Summary"]._charts) == 3
    assert book["Images"].max_row == run.census.images + 1
    assert book["Annotations"].max_row == run.census.annotations + 1
    links = [h.target for h in findings._hyperlinks] if hasattr(findings, "_hyperlinks") else []
    assert all(not str(t).startswith("/") for t in links)


def test_a_row_offers_what_its_finding_can_take(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    Xlsx().write(run, path)
    sheet = openpyxl.load_workbook(path)["Findings"]
    offered, noted = {}, {}
    for made in sheet.data_validations.dataValidation:
        if made.showErrorMessage:
            for area in made.sqref.ranges:
                offered.update({row: made.formula1.strip('"').split(",") for row in range(area.min_row, area.max_row + 1)})
                noted.update(dict.fromkeys(range(area.min_row, area.max_row + 1), made.prompt))
    findings = [f for o in worst_first(run.outcomes) for f in o.iterate()]
    for row, f in enumerate(findings, 2):
        assert offered.pop(row) == list(choices_of(
            has_annotation=f.annotation_id is not None, source=f.source, index=f.index, image=f.image, category=f.category,
            fix=f.fix.action if f.fix else None, no_place=run.no_place,
            is_file=f.image is not None and f.source == f.image)), f
        assert noted[row] == (f"{FIX_WORDS[f.fix.action]} ({f.fix.safety})" if f.fix else None), f
    assert not offered
    assert len({tuple(o) for o in (c.formula1 for c in sheet.data_validations.dataValidation)}) > 3


def test_every_table_and_chart_is_shown_whatever_its_check(run: Run, tmp_path: Path) -> None:
    chart = Chart("bar", "Teapots", ("a", "b"), (1, 2), "kind", "number")
    frame = pd.DataFrame({"kind": ["a", "b"], "cups": [3, 4]})
    per_class = pd.DataFrame({"class": ["car", "person"], "boxes": [1, 1], "tea_weight": [0.5, 2.0]})
    outcome = replace(run.outcomes[0], code="TEA001", name="tea", made={"Pots/1": frame, "Weights": lambda: per_class},
                      charts=(chart,), metrics={"deep": {"er": 7}})
    for without in ("SIZ001", "CLS001", "SIZ002"):
        path = tmp_path / f"{without}.xlsx"
        outcomes = tuple(o for o in run.outcomes if o.code != without)
        Xlsx().write(replace(run, outcomes=(*outcomes, outcome)), path)
        book = openpyxl.load_workbook(path)
        assert rows_of(path, "Pots 1") == [("Kind", "Cups"), ("a", 3), ("b", 4)]
        classes = rows_of(path, "Classes")
        assert "Tea weight" in classes[0]
        assert {r[0]: r[classes[0].index("Tea weight")] for r in classes[1:] if len(r) == len(classes[0])}["car"] == 0.5
        assert ("TEA001", "tea", "deep, er", 7) in rows_of(path, "Measures")
        assert "Teapots" in str([c[0].value for c in book["Chart data"].iter_cols()]) or ("kind", "number") in zip(
            rows_of(path, "Chart data")[0], rows_of(path, "Chart data")[0][1:], strict=False)
        assert ("Sizes" in book.sheetnames) == (without != "SIZ001")


def test_counts_agree(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    Xlsx().write(run, path)
    for sheet, column in (("Classes", 1), ("Splits", 3)):
        counts = [r[column] for r in rows_of(path, sheet)[1:] if len(r) > column and r[column] is not None]  # notes follow them
        assert sum(counts) == run.census.annotations
    assert sum(r[1] for r in rows_of(path, "Splits")[1:]) == run.census.images
    text = str(rows_of(path, "Summary"))
    assert f"{run.census.annotations:,} boxes (2 of no known class or image)" in text


def test_images_are_for_people(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    Xlsx().write(run, path)
    header, *rows = rows_of(path, "Images")
    assert not [h for h in header if "hash" in h.lower()]
    assert not [v for r in rows for v in r if isinstance(v, bool)]
    flags = [k for k, h in enumerate(header) if h in ("Truncated", "Cannot be decoded", "Colour channels equal")]
    assert len(flags) == 3
    assert {r[k] for r in rows for k in flags} == {"yes", None}


def test_progress_counts_by_itself(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    Xlsx().write(run, path)
    book = openpyxl.load_workbook(path)
    codes = [c.value for c in book["By check"]["D"][1:]]
    assert codes == [o.code for o in worst_first(run.outcomes) if len(o.findings)]
    sheet: Any = book["Findings"]
    sheet["B2"] = sheet["B3"] = "keep"
    book["By check"]["A5"] = "keep"
    book.save(tmp_path / "decided.xlsx")
    again = through_libreoffice(tmp_path / "decided.xlsx", "xlsx", tmp_path / "office")
    values = openpyxl.load_workbook(again, data_only=True)
    decided = 2 + values["By check"]["F5"].value
    shown = [c for r in values["Summary"].iter_rows(values_only=True) for c in r if isinstance(c, str)]
    total = sum(len(o.findings) for o in run.outcomes)
    assert f"{decided} of {total} findings decided" in shown


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
    parts = {n: zipfile.ZipFile(path).read(n) for n in zipfile.ZipFile(path).namelist() if n.startswith("xl/worksheets/sheet")}
    formulas = [f for content in parts.values() for f in re.findall(rb"<f>(.*?)</f>", content)]
    assert all(re.match(rb"REPT\(|TEXT\(|IF\(TRIM\(A\d+\)|F\d+-G\d+$", f) for f in formulas), "ours alone"
    assert not any(word in f for f in formulas for word in (b"cmd", b"calc\"", b"SUM(A1)"))
    _, *rows = rows_of(path, "Findings")
    messages = {r[5] for r in rows}
    assert '=cmd|"/c calc"!A1' in messages
    assert "_x0041_" in {unescape(m) for m in messages if m}, "Excel reads _x005F_ as an underscore"
    assert "a<b>&\"'" in messages
    assert max(len(m) for m in messages if m) == 32_767


def test_sheets_go_on_past_the_last_row(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tables, "MAX_ROWS", 11)
    monkeypatch.setattr(named, "MAX_ROWS", 11)
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


def test_images_stand_in_the_rows_of_their_findings(run: Run, tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        Xlsx(Options(thumbnails=1)).write(run, tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        drawing = next(archive.read(n) for n in archive.namelist() if n.startswith("xl/drawings/drawing")
                       and b"pic>" in archive.read(n)).decode()
        media = [n for n in archive.namelist() if n.startswith("xl/media/")]
    rows = sorted(int(r) + 1 for r in re.findall(r"<(?:xdr:)?from>.*?row>(\d+)</", drawing))
    assert len(media) == len(rows) > 8
    header, *cells = rows_of(tmp_path / "a.xlsx", "Findings")
    codes = [cells[r - 2][header.index("Code")] for r in rows]
    assert len(set(codes)) == len(codes), "the first of each check"
    assert all(cells[r - 2][header.index("Image")] or cells[r - 2][header.index("Class")] for r in rows)


def test_every_finding_without_an_image_has_its_reason(run: Run, tmp_path: Path) -> None:
    Xlsx(Options(thumbnails_mb=100, thumbnails=10_000)).write(run, tmp_path / "a.xlsx")
    (note,) = [str(c) for row in rows_of(tmp_path / "a.xlsx", "Summary") for c in row if "an image here" in str(c)]
    found = re.fullmatch(r"(\d+) of (\d+) findings have an image here; (\d+) are about no image; "
                         r"the image of (\d+) is missing or cannot be read\.", note)
    assert found, note
    shown, total, about_none, unseen = map(int, found.groups())
    assert shown + about_none + unseen == total == sum(len(o.findings) for o in run.outcomes)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert len([n for n in archive.namelist() if n.startswith("xl/media/")]) == shown


def test_images_stay_under_their_limits_and_what_is_left_out_is_said(run: Run, tmp_path: Path) -> None:
    Xlsx(Options(thumbnails_mb=0.02)).write(run, tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        media = [archive.getinfo(n).file_size for n in archive.namelist() if n.startswith("xl/media/")]
    assert 0 < sum(media) < 20_000
    assert "0.02 MB in all (options thumbnails and thumbnails_mb" in str(rows_of(tmp_path / "a.xlsx", "Summary"))
    Xlsx(Options(thumbnails=0)).write(run, tmp_path / "b.xlsx")
    header, *_ = rows_of(tmp_path / "b.xlsx", "Findings")
    assert header[:3] == ("Decision", "New value", "Comment")
    assert openpyxl.load_workbook(tmp_path / "b.xlsx")["Findings"].freeze_panes == "C2"


def test_places_of_a_finding_stand_side_by_side_with_their_boxes(tmp_path: Path) -> None:
    import cv2

    from dsinspect.render.side_by_side import side_by_side

    pixels = np.zeros((200, 300, 3), np.uint8)
    cv2.rectangle(pixels, (120, 60), (159, 99), (255, 255, 255), -1)
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    image = {"file": str(tmp_path / "a.png"), "width": 300.0, "height": 200.0, "orientation": 1, "boxes_upright": True,
             "frame_width": 300.0, "frame_height": 200.0}
    made = side_by_side([(image, [Shape((120, 60, 160, 100))], ())], 140, 98)
    assert made is not None
    shown = cv2.imdecode(np.frombuffer(made[0], np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape[1::-1] == made[1]
    assert made[1][0] <= 140
    assert made[1][1] <= 98
    red = (shown[..., 2] > 150) & (shown[..., 0] > 120) & (shown[..., 1] < 120)  # magenta, as on all surfaces
    white = (shown > 200).all(axis=2)
    rows, columns = np.nonzero(white)
    red_rows, red_columns = np.nonzero(red)
    assert abs(int(rows.min()) - int(red_rows.min())) <= 4, "a line of 2 px and its dark edge"
    assert abs(int(columns.max()) - int(red_columns.max())) <= 4
    two = side_by_side([(image, (), ()), (image, [Shape((120, 60, 160, 100)), Shape((0, 0, 50, 50))], ())], 206, 136)
    assert two is not None
    assert two[1][0] > 150
    assert side_by_side([(image, [Shape((900, 900, 950, 950))], ())], 140, 98) is not None
    assert side_by_side([({**image, "file": str(tmp_path / "none.png")}, (), ())], 140, 98) is None


def test_boxes_of_an_image_that_a_finding_is_about_are_drawn_thin(tmp_path: Path) -> None:
    import cv2

    from dsinspect.render.side_by_side import PLAIN, side_by_side

    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((100, 100, 3), np.uint8))
    image = {"file": str(tmp_path / "a.png"), "frame_width": 100.0, "frame_height": 100.0}
    made = side_by_side([(image, (), [Shape((20, 20, 80, 80))])], 140, 140)
    assert made is not None
    shown = cv2.imdecode(np.frombuffer(made[0], np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(shown[50, 20].astype(int) - PLAIN[::-1]).max() < 40


def test_findings_about_an_image_show_its_boxes(run: Run) -> None:
    from dsinspect_reports._places import Places

    (finding,) = next(o for o in run.outcomes if o.code == "IMG005").iterate()
    (place,) = Places(run).of(finding)
    assert not place.marks
    assert len(place.around) == int((np.asarray(run.annotations["path"]) == finding.image).sum()) > 0


def test_points_and_boxes_that_hide_each_other_are_seen(tmp_path: Path) -> None:
    import cv2

    from dsinspect.render.side_by_side import OWN, SECOND, side_by_side

    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((100, 100, 3), np.uint8))
    image = {"file": str(tmp_path / "a.png"), "frame_width": 100.0, "frame_height": 100.0}

    def seen(boxes: list[tuple[int, ...]], colour: tuple[int, ...]) -> int:
        made = side_by_side([(image, [Shape(tuple(map(float, b))) for b in boxes], ())], 140, 140)
        assert made is not None
        shown = cv2.imdecode(np.frombuffer(made[0], np.uint8), cv2.IMREAD_COLOR)
        return int((np.abs(shown.astype(int) - np.array(colour[::-1])).max(axis=2) < 60).sum())

    assert seen([(50, 50, 50, 50)], OWN) > 40
    for other in ((30, 30, 70, 70), (30, 30, 70, 71)):
        both = [(30, 30, 70, 70), other]
        assert seen(both, SECOND) > 250, "two px wide, all around"
        assert seen(both, OWN) > 200


def test_names_are_read_from_the_left_and_whole(run: Run, tmp_path: Path) -> None:
    long = "a class with a name of many words that nobody would call short"
    categories = pd.DataFrame({"category_id": [0, 1], "name": ["سيارة", long], "annotations": [2, 1], "images": [2, 1]})
    paths = ["صور/سيارة-1.jpg", "训练集/一张图片的文件名字很长测试列宽.jpg", "a.jpg"]
    found = Findings.of_subjects(paths, "{text}", {"text": np.array(paths, object)}, image=paths, category=["سيارة"] * 3)
    outcome = replace(run.outcomes[0], findings=found, status="found")
    named_so = replace(run, outcomes=(outcome,), census=Census(3, 3, categories, run.census.splits))
    Xlsx(Options(thumbnails=0)).write(named_so, tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    sheet = book["Findings"]
    headers = [c.value for c in sheet[1]]
    for header in ("Class", "Image"):
        shown = sheet.cell(2, headers.index(header) + 1).alignment
        assert (shown.horizontal, shown.readingOrder) == ("left", 1)
    linked = [sheet.cell(k, headers.index("Image") + 1).hyperlink is not None for k in (2, 3, 4)]
    assert linked == [True, False, True], "LibreOffice would cut the second, which is wider than its column"
    assert book["Classes"].row_dimensions[3].height > 30


def test_checks_that_do_not_apply_are_told_from_those_that_were_skipped(run: Run, tmp_path: Path) -> None:
    Xlsx().write(run, tmp_path / "a.xlsx")
    rows = {r[3]: r for r in rows_of(tmp_path / "a.xlsx", "Summary") if len(r) > 5}
    assert rows["OBB001"][1] == "does not apply"
    assert rows["OBB001"][5] == "the coco format has no rotated boxes"
    outside = [o.code for o in run.outcomes if not o.applies]
    assert len(outside) > 3
    assert {rows[c][1] for c in outside} == {"does not apply"}


def test_long_names_of_classes_wrap_on_the_sheets_of_tables(run: Run, tmp_path: Path) -> None:
    name = "a class with a name of many words that nobody would call short"
    frame = pd.DataFrame({"class": ["x", name], name: [1, 2]})
    one = replace(run, outcomes=(replace(run.outcomes[0], made={"Long": frame}),))
    Xlsx().write(one, tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["Long"]
    assert sheet["B1"].alignment.wrap_text
    assert sheet["A3"].alignment.wrap_text
    assert sheet.row_dimensions[1].height >= 50
    assert sheet.row_dimensions[3].height >= 30


def test_rows_are_as_high_as_their_text(run: Run, tmp_path: Path) -> None:
    found = Findings.of_subjects(["a"], "{text}", {"text": "many words " * 200}, image="train/train_00.jpg")
    one = replace(run, outcomes=(replace(run.outcomes[0], findings=found, status="found"),))
    Xlsx().write(one, tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["Findings"]
    assert sheet.row_dimensions[2].height > 15 * len("many words " * 200) / 58
    Xlsx(Options(thumbnails=0)).write(one, tmp_path / "b.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "b.xlsx")["Findings"]
    assert sheet.row_dimensions[2].height is None, "the program that opens it fits the height"


def test_rows_without_an_image_are_as_high_as_their_message(run: Run, tmp_path: Path) -> None:
    Xlsx(Options(thumbnails=1)).write(run, tmp_path / "report.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "report.xlsx")["Findings"]
    at = [c.value for c in sheet[1]].index("Message")
    heights = {len(row[at].value): sheet.row_dimensions[k].height for k, row in enumerate(sheet.iter_rows(min_row=2), 2)}
    longest = max(heights)
    assert longest > 116  # of three lines at least
    assert heights[longest] >= 48
    assert min(h for h in heights.values()) >= 18


def test_no_link_leads_out_of_the_dataset() -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet: Any = book.create_sheet("Images")
    paths = ["a b.jpg", "../out.jpg", "sub/../../out.jpg", "/etc/passwd", "file:///etc/passwd", "javascript:alert(1)",
             "..\\out.jpg", "http://x/y.jpg", "sub/../in.jpg"]
    for base in ("", "../set/"):
        sheet._hyperlinks = []
        _tables.link_images(sheet, 1, paths, base)
        assert [h.target for h in sheet._hyperlinks] == [base + t for t in (
            "a%20b.jpg", "file%3A///etc/passwd", "javascript%3Aalert%281%29", "http%3A//x/y.jpg", "sub/../in.jpg")]
