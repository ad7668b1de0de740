"""What a review must do whatever it was written in: the same bytes out, nothing lost, whatever is wrong told with its place."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from books import Book, contents
from offices import through_libreoffice
from openpyxl.utils import get_column_letter

from dsinspect.fixing.autofix import compare
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols import review_sheet as named
from dsinspect.protocols.decisions import Settings
from dsinspect.review.decision import read_decisions
from dsinspect.review.store import Store

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
FORMATS = ("coco", "voc", "yolo", "table")
KILLED = """
import os, signal, sys
from openpyxl.writer.excel import ExcelWriter
from dsinspect.cli import main
def save(self):
    self._archive.writestr("half", b"written")
    os.kill(os.getpid(), signal.SIGKILL)
ExcelWriter.save = save
main(sys.argv[1:])
"""


@pytest.fixture
def report(cli: Any, tmp_path: Path) -> Any:
    """Write a report on a sample set."""
    def made(name: str, *options: object) -> Path:
        path = tmp_path / f"{name}.xlsx"
        assert cli("report", SAMPLES / name, "-o", path, "--quiet", "--thumbnails", 0, *options).code == 0
        return path

    return made


def decide_twenty(book: Book, image: str) -> int:
    """Take twenty decisions of all kinds, one a record; return how many rows of findings have one."""
    done: set[Any] = set()
    wishes = ["fix", "set-box", "set-category", "drop", "keep", "mark-as-crowd"]
    count = 0
    for row in range(2, book.sheet.max_row + 1):
        record = (book.get(row, "Image"), book.get(row, "Annotation"), book.get(row, "Source"), book.get(row, "Index"))
        near = {(record[0], None), record[:2]}
        if count == 16 or near & done or book.get(row, "Code") in ("IMG001", "IMG002") or (
                record[1] is None and any(d[0] == record[0] for d in done)):
            continue
        choices = book.choices(row)
        action = next(w for w in wishes[count % len(wishes):] + wishes if w in choices)
        value = {"set-box": "2, 3, 40, 50", "set-category": "car"}.get(action)
        book.decide(row, action, New_value=value, Reviewer="Ada" if count % 2 else "Bob", Comment=f"no {count}")
        done.add(record[:2])
        count += 1
    book.add("add-box", image, "car", "1, 2, 30, 40")
    book.add("add-box", image, "person", "5 6 70 80")
    book.add("rename-class", "bicycle", None)
    sheet: Any = book.book["Add"]
    sheet["B4"], sheet["C4"], sheet["D4"] = None, "bicycle", "bike"
    book.check("DST001", "keep")
    return count


@pytest.mark.parametrize("name", FORMATS)
def test_twenty_decisions_give_the_same_bytes_from_every_surface(cli: Any, report: Any, tmp_path: Path, name: str) -> None:
    book = Book(report(name))
    image = next(c.value for c in book.book["Images"]["A"][1:] if c.value.endswith("_05.jpg"))
    assert decide_twenty(book, image) >= 14
    reviewed = book.save(tmp_path / "reviewed.xlsx")
    saved = through_libreoffice(reviewed, "xlsx", tmp_path / "office")
    assert cli("review", "export", reviewed, "-o", tmp_path / "decisions.json").code == 0
    done = cli("review", "import", tmp_path / "decisions.json", SAMPLES / name, "-o", tmp_path / "again.xlsx")
    assert done.code == 0, done.err
    document = read_decisions(tmp_path / "decisions.json")
    store = Store(tmp_path / "store.db", document.dataset, document.settings)
    for n, decision in enumerate(document.decisions):
        store.add(f"{decision.reviewer}", [(f"f:{n}", decision)])
    store.close()
    results = []
    for k, surface in enumerate((reviewed, saved, tmp_path / "decisions.json", tmp_path / "again.xlsx", tmp_path / "store.db")):
        out = tmp_path / f"out{k}"
        done = cli("review", "apply", surface, SAMPLES / name, "-o", out, "--annotations-only")
        assert done.code == 1, done.err
        assert "the result has findings that were not there: 1 BOX007" in done.err
        results.append(contents(out))
        rows = json.loads((tmp_path / f"out{k}-audit.json").read_text())["decisions"]
        assert len(rows) >= 18
    assert all(r == results[0] for r in results)
    assert results[0] != contents(SAMPLES / name)


def test_seven_decisions_survive_ten_runs_with_findings_that_come_and_go(cli: Any, tmp_path: Path) -> None:
    root, path = tmp_path / "set", tmp_path / "report.xlsx"
    shutil.copytree(SAMPLES / "voc", root)
    assert cli("report", root, "-o", path, "--quiet").code == 0
    book = Book(path)
    rows = [book.rows(code)[0] for code in ("BOX001", "BOX003", "BOX005", "BOX006", "IMG005", "IMG007", "CLS001")]
    for row, action, value in zip(rows, ("drop", "set-box", "set-category", "drop", "keep", "keep", "keep"),
                                  (None, "10, 12, 60, 64", "person", None, None, None, None), strict=True):
        book.decide(row, action, New_value=value, Reviewer="Ada", Comment="ünïcode = +1")
    book.sheet.cell(book.rows("SIZ001")[0], book.columns["Comment"]).value = "only a comment"
    before = book.decisions()
    assert len(before) == 7
    sound, flat = (root / f"Annotations/{Path(book.get(r, 'Image')).stem}.xml" for r in (rows[3], rows[0]))
    book.save(path)
    texts = {p: p.read_bytes() for p in (sound, flat)}
    for k in range(10):
        for p, text in texts.items():
            p.write_bytes(text)
        if k % 2 == 0:  # the finding of a decision is gone, and new ones are there
            flat.write_bytes(texts[flat].replace(b"<object>", b"<part>").replace(b"</object>", b"</part>"))
        done = cli("report", root, "-o", path, "--quiet")
        assert done.code == 0, done.err
        assert "decisions carried over" in done.err
        again = Book(path)
        now = again.decisions()
        gone = set(before) - set(now)
        assert {f: before[f] for f in now} == now
        assert bool(gone) == (k % 2 == 0)
        if gone:
            assert f"{len(gone)} on a finding that is gone" in done.err
            earlier: Any = again.book["Earlier decisions"]
            assert {r[14] for r in earlier.iter_rows(min_row=2, values_only=True)} == gone
    after = Book(path)
    assert after.decisions() == before
    values = {after.get(r, "Comment") for r in range(2, after.sheet.max_row + 1)}
    assert values == {"ünïcode = +1", "only a comment", None}
    assert cli("review", "apply", path, root, "-o", tmp_path / "out").code == 0
    anew = cli("report", root, "-o", path, "--quiet", "--force")
    assert anew.code == 0
    assert not Book(path).decisions()


def test_columns_that_a_reviewer_added_are_carried_over_by_finding(cli: Any, tmp_path: Path) -> None:
    root, path = tmp_path / "set", tmp_path / "report.xlsx"
    shutil.copytree(SAMPLES / "voc", root)
    assert cli("report", root, "-o", path, "--quiet").code == 0
    book = Book(path)
    at = book.sheet.max_column + 1
    book.sheet.cell(1, at).value, book.sheet.cell(1, at + 1).value = "Ticket", "Asked"
    wanted = {}
    for code, ticket in (("BOX001", "=not a formula"), ("BOX005", 4711), ("IMG005", "T-3")):
        row = book.rows(code)[0]
        cell = book.sheet.cell(row, at)
        cell.value = ticket
        cell.data_type = "n" if ticket == 4711 else "s"
        wanted[book.get(row, "Fingerprint")] = ticket
    book.sheet.cell(book.rows("SIZ001")[0], at + 1).value = "Ada"
    gone = next(f for f, t in wanted.items() if t == 4711)
    image = book.get(book.rows("BOX005")[0], "Image")
    book.save(path)
    label = root / f"Annotations/{Path(image).stem}.xml"
    text = label.read_bytes()
    for k in range(4):
        label.write_bytes(text.replace(b"<object>", b"<part>").replace(b"</object>", b"</part>") if k % 2 == 0 else text)
        done = cli("report", root, "-o", path, "--quiet")
        assert done.code == 0, done.err
        assert "0 decisions carried over; 2 columns of your own as well" in done.err
        again = Book(path)
        here = {again.get(r, "Fingerprint"): again.get(r, "Ticket") for r in range(2, again.sheet.max_row + 1)}
        assert {f: t for f, t in here.items() if t is not None} == {f: t for f, t in wanted.items() if k % 2 or f != gone}
        assert "Ada" in [again.get(r, "Asked") for r in again.rows("SIZ001")]
        if k % 2 == 0:
            earlier: Any = again.book["Earlier decisions"]
            headers = [c.value for c in earlier[1]]
            assert [(row[headers.index("Fingerprint")], row[headers.index("Ticket")])
                    for row in earlier.iter_rows(min_row=2, values_only=True)] == [(gone, 4711)]


def test_columns_that_a_reviewer_added_to_other_sheets_are_carried_over(cli: Any, tmp_path: Path) -> None:
    root = shutil.copytree(SAMPLES / "voc", tmp_path / "voc")
    path = tmp_path / "report.xlsx"
    assert cli("report", root, "-o", path, "--quiet").code == 0
    book = openpyxl.load_workbook(path)
    wanted: dict[str, dict[str, Any]] = {}
    for title, key in named.KEY_HEADERS.items():
        sheet: Any = book[title]
        column = sheet.max_column + 1
        about = [c.value for c in sheet[1]].index(key) + 1
        for row, value in ((1, "=Team"), (2, 2), (3, "=1+1")):
            sheet.cell(row, column).value = value
            sheet.cell(row, column).data_type = "n" if value == 2 else "s"
        wanted[title] = {sheet.cell(2, about).value: 2}
    book["Classes"].title = "Kinds"
    book.save(path)
    gone = next(iter(wanted["Images"]))
    for place in [p for p in root.rglob("*") if p.stem == Path(gone).stem]:
        place.unlink()
    for name in root.rglob("ImageSets/**/*.txt"):
        name.write_text("".join(x for x in name.read_text().splitlines(keepends=True) if Path(gone).stem not in x))
    for _ in range(3):  # and again, from what was carried
        done = cli("report", root, "-o", path, "--quiet")
        assert done.code == 0, done.err
        assert "4 columns of your own as well" in done.err
        book = openpyxl.load_workbook(path)
        for title, key in named.KEY_HEADERS.items():
            sheet = book[title]
            headers = [c.value for c in sheet[1]]
            assert headers.count("=Team") == 1
            cells = [(row[headers.index(key)].value, row[headers.index("=Team")]) for row in sheet.iter_rows(min_row=2)]
            written = {about: cell.value for about, cell in cells if cell.value is not None}
            assert written.items() >= wanted[title].items(), title
            assert all(cell.data_type != "f" for _, cell in cells), "no formula"
    assert gone not in [c.value for c in book["Findings"]["G"]]


def test_columns_that_a_reviewer_added_to_additions_and_tables_are_carried_over(cli: Any, tmp_path: Path) -> None:
    root = shutil.copytree(SAMPLES / "coco", tmp_path / "set")
    path = tmp_path / "report.xlsx"
    assert cli("report", root, "-o", path, "--quiet").code == 0
    book = openpyxl.load_workbook(path)
    add: Any = book["Add"]
    headers = [c.value for c in add[1]]
    at = len(headers) + 1
    add.cell(1, at).value = "Ticket"
    for row, (action, image, name, value, ticket) in enumerate((
            ("add-box", "train/train_06.jpg", "car", "1, 2, 30, 40.5", "T-1"), ("merge-class", None, "Person", "person", 17),
            (None, None, None, None, "beside nothing")), 2):
        for header, cell in zip(headers, (action, image, name, value), strict=False):
            add.cell(row, headers.index(header) + 1).value = cell
        add.cell(row, at).value = ticket
    sizes: Any = book["Sizes"]
    names = [c.value for c in sizes[1]]
    sizes.cell(1, len(names) + 1).value = "Why"
    sizes.cell(3, len(names) + 1).value = "=1+1"
    sizes.cell(3, len(names) + 1).data_type = "s"
    about = sizes.cell(3, 1).value
    matrix: Any = book["Co-occurrence"]
    matrix.cell(1, matrix.max_column + 1).value = "Note"
    matrix.cell(2, matrix.max_column).value = 4
    book.save(path)

    def written(title: str, header: str, *keys: int) -> dict[Any, Any]:
        sheet = openpyxl.load_workbook(path)[title]
        k = [c.value for c in sheet[1]].index(header)
        return {tuple(row[j].value for j in keys): row[k].value for row in sheet.iter_rows(min_row=2) if row[k].value is not None}

    for again in range(3):
        done = cli("report", root, "-o", path, "--quiet", *(("--ignore", "SIZ001") if again == 1 else ()))
        assert done.code == 0, done.err
        assert "2 decisions carried over; 3 columns of your own as well" in done.err
        tickets = written("Add", "Ticket", 0, 1)
        assert tickets[("add-box", "train/train_06.jpg")] == "T-1"
        assert tickets[("merge-class", None)] == 17
        assert "beside nothing" in tickets.values()
        assert written("Co-occurrence", "Note", 0) == {("Person",): 4}
        assert {float(key[0]): v for key, v in written("Sizes", "Why", 0).items()} == {about: "=1+1"}
    book = openpyxl.load_workbook(path)
    changed: Any = book["Add"]
    for k in range(1, at):
        changed.cell(2, k).value = None
    book.save(path)
    assert cli("report", root, "-o", path, "--quiet").code == 0
    notes = [row[[c.value for c in changed[1]].index("Ticket")] for row in openpyxl.load_workbook(path)["Add"].iter_rows(
        min_row=2, values_only=True)]
    assert [n for n in notes if n is not None] == [17, "T-1", "beside nothing"], "a note outlives what it stood beside"


@pytest.mark.parametrize(("sheet", "header"), [
    ("Findings", "Decision"), ("Findings", "New value"), ("Findings", "Comment"), ("Findings", "Class"), ("By check", "Decision"),
    ("Add", "What to add or change"), ("Add", "Class")])
def test_a_formula_without_a_stored_value_is_refused_by_name(cli: Any, tmp_path: Path, sheet: str, header: str) -> None:
    path = tmp_path / "report.xlsx"
    assert cli("report", SAMPLES / "coco", "-o", path, "--quiet").code == 0
    book = openpyxl.load_workbook(path)
    page: Any = book[sheet]
    column = [c.value for c in page[1]].index(header) + 1
    row = 12 if header != "Class" or sheet == "Add" else next(
        r for r in range(2, page.max_row + 1) if page.cell(r, column).value not in (None, "", "-"))
    cell = page.cell(row, column)
    cell.value = '=IF(1=1,"drop","keep")'
    book.save(path)
    place = f"'{sheet}'!{cell.coordinate}" if " " in sheet else f"{sheet}!{cell.coordinate}"
    done = cli("review", "apply", path, SAMPLES / "coco", "-o", tmp_path / "out")
    assert done.code == 2
    assert f"{place}: holds a formula without a stored value; open and save the file in a spreadsheet program, or write the value" \
        in done.err
    assert not (tmp_path / "out").exists()
    status = cli("review", "status", path)
    assert "formula without a stored value" in status.out + status.err
    assert cli("report", SAMPLES / "coco", "-o", path, "--quiet").code == 0
    kept = [c.value for row in openpyxl.load_workbook(path)[sheet].iter_rows() for c in row]
    assert '=IF(1=1,"drop","keep")' in kept, "nothing that was written is lost"
    cells = [c for row in openpyxl.load_workbook(path)[sheet].iter_rows() for c in row if c.value == '=IF(1=1,"drop","keep")']
    assert all(c.data_type == "s" for c in cells), "but as a text now, for a report holds no formula of a stranger"


def test_killed_while_writing_the_old_workbook_stays(tmp_path: Path, report: Any) -> None:
    path = report("voc")
    book = Book(path)
    book.decide(2, "keep")
    book.save(path)
    whole = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", KILLED, "report", str(SAMPLES / "voc"), "-o", str(path), "--no-cache"],
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == whole


def test_a_damaged_workbook_is_not_replaced_unasked(cli: Any, tmp_path: Path, report: Any) -> None:
    path = report("voc")
    path.write_bytes(path.read_bytes()[:5000])
    done = cli("report", SAMPLES / "voc", "-o", path, "--quiet")
    assert done.code == 2
    assert "--force" in done.err
    assert path.stat().st_size == 5000
    assert cli("report", SAMPLES / "voc", "-o", path, "--quiet", "--force").code == 0


def test_two_reviewers_who_disagree_are_named_and_the_rest_can_be_applied(cli: Any, report: Any, tmp_path: Path) -> None:
    path = report("coco")
    image = next(c.value for c in Book(path).book["Images"]["A"][1:] if c.value.endswith("_05.jpg"))
    ada, bob = Book(path), Book(path)
    for book in (ada, bob):
        assert decide_twenty(book, image) + 4 == 20
    row = next(r for r in range(2, ada.sheet.max_row + 1) if ada.get(r, "Decision") and "drop" in ada.choices(r))
    code, place = ada.get(row, "Code"), (ada.get(row, "Image"), ada.get(row, "Annotation"))
    ada.decide(row, "drop", New_value=None, Reviewer="Ada")
    bob.decide(row, "keep", New_value=None, Reviewer="Bob", Comment="a real car")
    first, second = ada.save(tmp_path / "ada.xlsx"), bob.save(tmp_path / "bob.xlsx")
    done = cli("review", "apply", first, second, SAMPLES / "coco", "-o", tmp_path / "out")
    assert done.code == 2
    assert f"drop by Ada (ada.xlsx Findings!A{row})" in done.err
    assert f"keep by Bob (bob.xlsx Findings!A{row})" in done.err
    assert not (tmp_path / "out").exists()
    done = cli("review", "apply", first, second, SAMPLES / "coco", "-o", tmp_path / "out", "--partial")
    assert done.code == 1, done.err
    assert "19 decisions applied" in done.out
    assert "2 decisions not applied, for 1 fault" in done.err
    assert "  2 decisions: ada.xlsx Findings!A" in done.err
    audit = json.loads((tmp_path / "out-audit.json").read_text())["decisions"]
    assert len(audit) == 19
    assert not [a for a in audit if a["code"] == code and (a["image"], a["annotation_id"]) == place]
    rest = Book(tmp_path / "out-rest.xlsx")
    assert rest.sheet.max_row == 2
    reason = rest.get(2, "Not applied because")
    assert "drop by Ada" in reason
    assert "keep by Bob" in reason
    assert rest.get(2, "Decision") is None
    assert "a real car" in rest.get(2, "Comment")
    rest.decide(2, "keep")
    final = cli("review", "apply", rest.save(tmp_path / "settled.xlsx"), tmp_path / "out", "-o", tmp_path / "out2")
    assert final.code == 0, final.err


def test_partial_hands_back_what_is_wrong_with_its_reason(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("yolo"))
    book.decide(book.rows("BOX001")[0], "drop")
    book.decide(book.rows("BOX003")[0], "set-box", New_value="1, 2")
    book.decide(book.rows("BOX005")[0], "dorp", Comment="mistyped")
    book.add("add-box", "nowhere.jpg", "car", "1, 2, 3, 4")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "yolo", "-o", tmp_path / "out", "--partial")
    assert done.code == 1, done.err
    assert "1 decision applied" in done.out
    rest = Book(tmp_path / "out-rest.xlsx")
    told = {rest.get(r, "Code"): (rest.get(r, "Decision"), rest.get(r, "New value"), rest.get(r, "Not applied because"))
            for r in range(2, rest.sheet.max_row + 1)}
    assert set(told) == {"BOX003", "BOX005"}
    front = [[c.value for c in row] for row in rest.book["Summary"].iter_rows()]
    assert front[1][1] == str(tmp_path / "out")
    assert any(f"review apply WORKBOOK {tmp_path / 'out'} -o" in str(row[1]) for row in front)
    assert not [row for row in front if row[1] in ("error", "warning", "info") and row[4] == 0]
    assert told["BOX003"][:2] == ("set-box", "1, 2")
    assert "four numbers" in told["BOX003"][2]
    assert told["BOX005"][0] == "dorp"
    assert "did you mean" in told["BOX005"][2]
    sheet: Any = rest.book["Add"]
    assert [c.value for c in sheet[2]][:4] == ["add-box", "nowhere.jpg", "car", "1, 2, 3, 4"]
    assert "no image of the dataset" in sheet["J2"].value


@pytest.mark.parametrize("others", [False, True], ids=["alone", "among others"])
def test_a_wrong_decision_on_a_check_is_handed_back_where_it_can_be_corrected(cli: Any, report: Any, tmp_path: Path,
                                                                              others: bool) -> None:
    book = Book(report("coco"))
    rows = book.rows("IMG008")
    book.decide(book.rows("BOX005")[0], "drop")
    book.decide(rows[0], "keep", Comment="a real one")
    if others:
        book.decide(book.rows("BOX003")[0], "dorp")
    book.check("IMG008", "drop-imgae")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "coco", "-o", tmp_path / "out", "--partial")
    assert done.code == 1, done.err
    path = tmp_path / "out-rest.xlsx"
    again = cli("review", "apply", path, tmp_path / "out", "-o", tmp_path / "none")
    assert again.code == 2
    assert again.err.count("no such decision: 'drop-imgae'") == 1
    assert again.err.count("no such decision: 'dorp'") == others
    rest = Book(path)
    assert len(rest.rows("IMG008")) == len(rows)
    assert [(rest.get(r, "Decision"), rest.get(r, "Comment")) for r in rest.rows("IMG008") if rest.get(r, "Decision")] == [
        ("keep", "a real one")]
    by_check: Any = rest.book["By check"]
    headers = [c.value for c in by_check[1]]
    told = {row[3].value: dict(zip(headers, (c.value for c in row), strict=True)) for row in by_check.iter_rows(min_row=2)}
    assert set(told) == ({"BOX003", "IMG008"} if others else {"IMG008"})
    assert told["IMG008"]["Decision"] == "drop-imgae"
    assert "did you mean 'drop-image'" in told["IMG008"]["Not applied because"]
    rest.check("IMG008", "drop-image")
    for row in rest.rows("BOX003"):
        rest.decide(row, "keep")
    final = cli("review", "apply", rest.save(tmp_path / "settled.xlsx"), tmp_path / "out", "-o", tmp_path / "out2")
    assert final.code == 0, final.err
    dropped = [p for p in contents(tmp_path / "out") if p not in contents(tmp_path / "out2")]
    assert len(dropped) == len(rows) - 1


def test_a_decision_on_a_check_without_findings_is_kept_among_the_earlier_ones(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco", "--select", "BOX"))
    book.check("BOX005", "drop")
    path = book.save(tmp_path / "r.xlsx")
    for arguments in (("--set", "BOX005.min_side=0"), ()):
        assert cli("report", SAMPLES / "coco", "-o", path, "--quiet", "--select", "BOX", *arguments).code == 0
    again: Any = Book(path).book["By check"]
    assert [row[0].value for row in again.iter_rows(min_row=2) if row[3].value == "BOX005"] == ["drop"]


def test_what_the_format_refuses_is_found_and_handed_back(cli: Any, tmp_path: Path) -> None:
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    shutil.copy(next((SAMPLES / "yolo").rglob("*_05.jpg")), root / "images/a.jpg")
    (root / "data.yaml").write_text("train: images\nnames: [cat, dog]\n")
    (root / "labels/a.txt").write_text("0 0.5 0.5 0.5001 0.5 0.5001 0.5001 0.5 0.5001\n1 0.2 0.2 0.001 0.001\n")
    assert cli("report", root, "-o", tmp_path / "r.xlsx", "--quiet", "--select", "BOX005").code == 0
    book = Book(tmp_path / "r.xlsx")
    assert len(book.rows("BOX005")) == 2
    for row in book.rows("BOX005"):
        book.decide(row, "set-box", New_value="10, 10, 60, 60")
    path = book.save(tmp_path / "reviewed.xlsx")
    done = cli("review", "apply", path, root, "-o", tmp_path / "out")
    assert done.code == 2
    assert "cannot grow" in done.err
    done = cli("review", "apply", path, root, "-o", tmp_path / "out", "--partial")
    assert done.code == 1, done.err
    assert "1 decision applied" in done.out
    rest = Book(tmp_path / "out-rest.xlsx")
    assert "cannot grow" in rest.get(2, "Not applied because")


def test_settings_of_the_report_are_used_again(cli: Any, report: Any, tmp_path: Path) -> None:
    path = report("coco", "--set", "BOX005.min_side=30", "--select", "BOX005,IMG", "--ignore", "IMG009", "--imgsz", 320)
    book = Book(path)
    rows = book.rows("BOX005")
    assert len(rows) > 20
    for row in rows[:20]:
        book.decide(row, "keep")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "coco", "-o", tmp_path / "out", "--annotations-only")
    assert done.code == 0, done.err
    assert "20 decisions applied" in done.out
    cli("review", "export", tmp_path / "r.xlsx", "-o", tmp_path / "d.json")
    settings = json.loads((tmp_path / "d.json").read_text())["settings"]
    assert settings["select"] == ["BOX005", "IMG"]
    assert settings["checks"] == {"BOX005": {"min_side": "30"}}
    assert settings["shared_options"] == {"imgsz": 320}


def test_plugins_never_come_with_a_workbook(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    book.decide(2, "keep")
    sheet: Any = book.book["Settings"]
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w').write('')")
    sheet.append(["plugins", json.dumps([str(tmp_path / "evil.py")])])
    sheet.append(["config", json.dumps(str(tmp_path / "evil.toml"))])
    (tmp_path / "evil.toml").write_text(f'plugins = ["{tmp_path / "evil.py"}"]\n')
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "coco", "-o", tmp_path / "out", "--annotations-only")
    assert done.code == 0, done.err
    assert not (tmp_path / "run").exists()


def test_new_values_and_contradictions_are_told_with_their_places(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    rows = {code: book.rows(code)[0] for code in ("BOX001", "BOX003", "BOX005", "BOX009", "IMG004")}
    assert book.get(rows["BOX005"], "Annotation") == book.get(rows["BOX009"], "Annotation"), "two findings on one annotation"
    book.sheet.cell(rows["BOX001"], book.columns["New value"]).value = "1, 2, 3, 4"
    book.decide(rows["BOX003"], "drop", New_value="car")
    book.decide(rows["BOX005"], "drop")
    book.decide(rows["BOX009"], "keep")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "coco", "-o", tmp_path / "out")
    assert done.code == 2
    assert f"Findings!B{rows['BOX001']}: '1, 2, 3, 4' has no Decision beside it" in done.err
    assert f"Findings!B{rows['BOX003']}: drop takes no new value" in done.err
    here, there = (f"Findings!A{rows[code]}" for code in ("BOX005", "BOX009"))
    assert f"{here}: drop ({here}) here contradicts keep ({there})" in done.err
    assert not (tmp_path / "out").exists()


def test_a_decision_on_a_check_stands_for_the_rest_of_its_findings(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco", "--set", "BOX005.min_side=30", "--select", "BOX005"))
    rows = book.rows("BOX005")
    book.decide(rows[0], "keep")
    book.check("BOX005", "drop")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "coco", "-o", tmp_path / "out", "--annotations-only")
    assert done.code == 0, done.err
    audit = json.loads((tmp_path / "out-audit.json").read_text())["decisions"]
    assert [a["decision"] for a in audit].count("drop") == len(rows) - 1
    assert [a["decision"] for a in audit].count("keep") == 1
    assert f"{len(rows) - 1} of them from decisions on whole checks" in done.out
    book.decide(rows[0], "drop")  # the same as the check's: it is one decision, and the finding's own
    done = cli("review", "apply", book.save(tmp_path / "r1.xlsx"), SAMPLES / "coco", "-o", tmp_path / "out1", "--annotations-only")
    assert done.code == 0, done.err
    audit = json.loads((tmp_path / "out1-audit.json").read_text())["decisions"]
    assert [a["decision"] for a in audit] == ["drop"] * len(rows)
    assert len({a["fingerprint"] for a in audit}) == len(rows)
    assert f"{len(rows) - 1} of them from decisions on whole checks" in done.out
    book.check("BOX005", "set-box")
    done = cli("review", "apply", book.save(tmp_path / "r2.xlsx"), SAMPLES / "coco", "-o", tmp_path / "out2")
    assert done.code == 2
    assert "'By check'!A2" in done.err


def test_classes_are_added_renamed_and_merged(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    image = next(c.value for c in book.book["Images"]["A"][1:] if c.value.endswith("_05.jpg"))
    book.add("add-class", None, "lorry", None)
    book.add("add-box", image, "lorry", "1, 2, 30, 40")
    book.add("merge-class", None, "Person", "person")
    book.add("rename-class", None, "bicycle", "bike")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "coco", "-o", tmp_path / "out", "--annotations-only")
    assert done.code == 0, done.err
    documents = [json.loads(p.read_text()) for p in (tmp_path / "out/annotations").glob("*train*.json")]
    names = {c["name"] for d in documents for c in d["categories"]}
    assert {"lorry", "bike", "person"} <= names
    assert not {"Person", "bicycle"} & names
    for cells, told in ((("add-class", None, "car", None), "already"), (("rename-class", None, "cra", "x"), "did you mean 'car'"),
                        (("merge-class", None, "car", "none"), "no class of the dataset"), ((None, image, None, None), "is empty"),
                        (("add-box", image, "car", "0, 0, 9999, 9"), "not inside"),
                        (("add-box", image, None, "1 2 3 4"), "class is missing"),
                        (("add-bxo", image, "car", "1 2 3 4"), "did you mean 'add-box'")):
        wrong = Book(tmp_path / "coco.xlsx")
        wrong.add(*cells)
        done = cli("review", "apply", wrong.save(tmp_path / "w.xlsx"), SAMPLES / "coco", "-o", tmp_path / "none")
        assert done.code == 2, cells
        assert told in done.err
        assert "Add!" in done.err


def test_annotations_without_a_finding_are_decided_on(cli: Any, tmp_path: Path) -> None:
    name = "annotations/instances_train.json"
    before = json.loads((SAMPLES / "coco" / name).read_text())["annotations"]
    image = {i["id"]: i["file_name"] for i in json.loads((SAMPLES / "coco" / name).read_text())["images"]}
    x, y, w, h = before[5]["bbox"]
    decisions = [
        {"action": "drop", "record": {"source": name, "index": 3, "image": f"train/{image[before[3]['image_id']]}"}},
        {"action": "set-box", "record": {"source": name, "index": 5}, "value": [x, y, x + w - 1, y + h], "comment": "too wide",
         "seen": {"bbox_xyxy": [x, y, x + w, y + h]}},
        {"action": "mark-as-crowd", "record": {"source": name, "index": 6}}]
    path = tmp_path / "d.json"
    path.write_text(json.dumps({"decisions": decisions}))
    assert cli("review", "import", path, SAMPLES / "coco", "-o", tmp_path / "r.xlsx").code == 0
    results = []
    for k, surface in enumerate((path, tmp_path / "r.xlsx")):
        done = cli("review", "apply", surface, SAMPLES / "coco", "-o", tmp_path / f"out{k}", "--annotations-only")
        assert done.code == 0, done.err
        results.append(contents(tmp_path / f"out{k}"))
    assert results[0] == results[1]
    after = json.loads(results[0][name])["annotations"]
    assert [a["id"] for a in after] == [a["id"] for a in before if a is not before[3]]
    assert after[4]["bbox"] == [x, y, w - 1, h]
    assert after[5]["iscrowd"] == 1
    for wrong, told in (({"record": {"source": name, "index": 9999}}, "no annotation"),
                        ({"record": {"source": name, "index": 5}, "seen": {"bbox_xyxy": [0, 0, 1, 1]}}, "when it was decided on")):
        path.write_text(json.dumps({"decisions": [{"action": "drop", **wrong}]}))
        done = cli("review", "apply", path, SAMPLES / "coco", "-o", tmp_path / "none")
        assert done.code == 2
        assert told in done.err
        assert "d.json, decision 1" in done.err


def test_an_image_without_a_finding_is_dropped(cli: Any, tmp_path: Path) -> None:
    image = next(p.relative_to(SAMPLES / "coco").as_posix() for p in (SAMPLES / "coco").rglob("*_05.jpg"))
    path = tmp_path / "d.json"
    path.write_text(json.dumps({"decisions": [{"action": "drop-image", "record": {"image": image}}]}))
    assert cli("review", "import", path, SAMPLES / "coco", "-o", tmp_path / "r.xlsx").code == 0
    results = []
    for k, surface in enumerate((path, tmp_path / "r.xlsx")):
        done = cli("review", "apply", surface, SAMPLES / "coco", "-o", tmp_path / f"out{k}")
        assert done.code == 0, done.err
        results.append(contents(tmp_path / f"out{k}"))
    assert results[0] == results[1]
    assert image not in results[0]
    book = Book(tmp_path / "r.xlsx")
    book.add("drop-image", None, None, None)
    book.add("drop-image", image, "car", None)
    done = cli("review", "apply", book.save(tmp_path / "w.xlsx"), SAMPLES / "coco", "-o", tmp_path / "none")
    assert done.code == 2
    assert "Add!B3: drop-image: image is missing" in done.err
    assert "Add!C4: drop-image takes no class" in done.err


def counted_by_libreoffice(path: Path, folder: Path) -> str:
    """What the first sheet of a workbook says of its progress."""
    book = openpyxl.load_workbook(through_libreoffice(path, "xlsx", folder), data_only=True)
    sheet: Any = book["Summary"]
    return next(str(c.value) for row in sheet.iter_rows() for c in row if str(c.value).endswith(" decided"))


def test_status_counts(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("voc"))
    book.decide(2, "keep", Reviewer="Ada")
    book.decide(3, "dorp")
    book.check("CLS001", "keep")
    done = cli("review", "status", book.save(tmp_path / "r.xlsx"))
    assert done.code == 0
    assert f"r.xlsx: 3 of {book.sheet.max_row - 1} findings decided" in done.out
    assert "by decision:\n        1  (cannot be applied)\n        2  keep\n" in done.out
    assert "by reviewer:\n        1  Ada\n        2  without a reviewer's name" in done.out
    assert "1  on whole checks" in done.out
    assert "Findings!A3: no such decision" in done.out


def test_old_and_new_are_told_alike(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    book.decide(book.rows("BOX003")[0], "fix")
    book.decide(book.rows("REC006")[0], "set-category", New_value="car")
    book.decide(book.rows("IMG001")[0], "drop-image")
    path = book.save(tmp_path / "r.xlsx")
    told = cli("review", "apply", path, SAMPLES / "coco", "--diff").err
    assert "train_08.jpg (annotation 10)  set-box 150, 100, 204, 140 -> 150, 100, 192, 140\n" in told
    assert "(annotation 9002)  no class -> car\n" in told
    assert "IMG001  train_15.jpg\n" in told
    assert cli("review", "apply", path, SAMPLES / "coco", "-o", tmp_path / "out").code in (0, 1)
    fixed = json.loads((tmp_path / "out-audit.json").read_text())["decisions"][0]
    assert (fixed["action"], fixed["old"], fixed["new"]) == ("set-box", "150, 100, 204, 140", "150, 100, 192, 140")
    assert (fixed["bbox_xyxy"], fixed["new_bbox_xyxy"]) == ([150, 100, 204, 140], [150, 100, 192, 140])
    sheet: Any = openpyxl.load_workbook(tmp_path / "out-audit.xlsx").active
    hidden = [row[-1] for row in sheet.iter_rows(min_row=2)]
    assert sheet.column_dimensions[hidden[0].column_letter].hidden
    assert not any(c.alignment.wrap_text for c in hidden)  # LibreOffice prints them a character a line


def test_what_cannot_be_applied_is_not_decided(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    count = {code: len(book.rows(code)) for code in ("IMG008", "BOX005", "BOX003")}
    book.check("IMG008", "drop-imgae")
    book.check("BOX005", "keep")
    book.decide(book.rows("BOX005")[0], "dorp")
    book.decide(book.rows("BOX003")[0], "drop")
    book.decide(book.rows("IMG001")[0], "set-box", New_value="1, 2")
    path = book.save(tmp_path / "r.xlsx")
    told = (f"r.xlsx: {count['BOX005'] - 1 + 1} of {book.sheet.max_row - 1} findings decided; 3 decisions cannot be applied, for 3 "
            "faults")
    assert cli("review", "status", path).out.splitlines()[0] == told
    book.decide(book.rows("BOX003")[0], "set-box", New_value="0, 0, 9999, 9")
    path = book.save(tmp_path / "r2.xlsx")
    told = (f"r2.xlsx: {count['BOX005'] - 1} of {book.sheet.max_row - 1} findings decided; 4 decisions cannot be applied, for 4 "
            "faults")
    assert cli("review", "status", path, "--dataset", SAMPLES / "coco").out.splitlines()[0] == told


def test_a_decision_on_a_check_never_stands_for_a_finding_whose_own_cannot_be_read(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco", "--set", "BOX005.min_side=30", "--select", "BOX005"))
    rows = book.rows("BOX005")
    book.decide(rows[0], "keeep")
    book.check("BOX005", "drop")
    path = book.save(tmp_path / "r.xlsx")
    done = cli("review", "apply", path, SAMPLES / "coco", "-o", tmp_path / "out", "--annotations-only", "--partial")
    assert done.code == 1, done.err
    audit = json.loads((tmp_path / "out-audit.json").read_text())["decisions"]
    assert [a["decision"] for a in audit] == ["drop"] * (len(rows) - 1)
    rest = Book(tmp_path / "out-rest.xlsx")
    assert [rest.get(r, "Decision") for r in rest.rows("BOX005")] == ["keeep"]


def test_a_decision_on_a_check_that_stands_for_no_finding_is_said(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    (row,) = book.rows("IMG001")
    book.decide(row, "drop-image")
    book.check("IMG001", "keep")
    book.check("CLS001", "keep")
    path = book.save(tmp_path / "r.xlsx")
    said = "stands for no finding: each has another decision"
    done = cli("review", "apply", path, SAMPLES / "coco", "-o", tmp_path / "out", "--annotations-only")
    assert done.code == 0, done.err
    for told in (done.out, cli("review", "apply", path, SAMPLES / "coco", "--diff").err, cli("review", "status", path).out,
                 cli("review", "status", path, "--dataset", SAMPLES / "coco").out):
        assert [line.strip() for line in told.splitlines() if said in line] == [f"IMG001: keep on the whole check {said}"]


def test_what_changes_nothing_is_refused(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    row = book.rows("BOX005")[0]
    book.decide(row, "set-box")
    refused = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "coco", "-o", tmp_path / "out")
    assert refused.code == 2
    assert "is the box it has; give another as New value, or choose keep" in refused.err
    assert not (tmp_path / "out").exists()


def test_decisions_that_are_applied_already_are_told_in_few_lines(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    of_boxes = [code for code in (f"BOX{k:03}" for k in range(1, 10)) if book.rows(code)]
    for code in of_boxes[:5]:
        book.decide(book.rows(code)[0], "drop")
    path = book.save(tmp_path / "r.xlsx")
    assert cli("review", "apply", path, SAMPLES / "coco", "-o", tmp_path / "out").code == 0
    again = cli("review", "apply", path, tmp_path / "out", "-o", tmp_path / "two")
    assert again.code == 2
    assert "perhaps it is applied to this dataset already" in again.err.splitlines()[0]
    assert len(again.err.splitlines()) == 2
    assert "and 2 more: the dataset has no such finding" in again.err


def test_a_file_that_no_record_names_is_no_image_to_drop(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    book.decide(book.rows("SRC002")[0], "drop-image")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "coco", "-o", tmp_path / "out")
    assert done.code == 2
    assert f"Findings!A{book.rows('SRC002')[0]}: drop-image: the finding is about a file that no record names" in done.err


@pytest.mark.parametrize("content", ['{"a": 1}', "{}", "[]", '{"decisions": 3}'])
def test_json_without_decisions_is_no_file_of_decisions(cli: Any, tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    done = cli("review", "status", tmp_path / "x.json")
    assert done.code == 2
    assert len(done.err.splitlines()) == 1


def test_faults_are_in_the_order_of_the_rows(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    for row in (11, 2, 9):
        book.decide(row, "dorp")
    book.decide(3, "set-box", New_value="one")
    path = book.save(tmp_path / "r.xlsx")
    for told in (cli("review", "status", path).out, cli("review", "status", path, "--dataset", SAMPLES / "coco").out,
                 cli("review", "apply", path, SAMPLES / "coco", "-o", tmp_path / "out").err):
        assert re.findall(r"Findings![A-Z]+([0-9]+):", told) == ["2", "3", "9", "11"]


def test_one_box_without_a_finding_is_one_box(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    book.add("add-box", "train/train_00.jpg", "car", "1, 2, 30, 40")
    told = cli("review", "status", book.save(tmp_path / "r.xlsx")).out
    assert "1  box, image or class without a finding" in told


def test_a_store_says_how_many_findings_there_are(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    Store(path, "set", Settings(config="dsinspect.toml"), 45).close()
    Store(path, "set", Settings(), 45).close()  # the same in effect
    assert "r.sqlite: 0 of 45 findings decided" in cli("review", "status", path).out


def test_a_finding_that_is_kept_is_not_called_fixed() -> None:
    run = inspect(Request("coco", SAMPLES / "coco", keep_images=True), load_plugins())
    after = replace(run, outcomes=tuple(replace(o, findings=o.findings.take([])) for o in run.outcomes))
    kept = next(o for o in run.outcomes if o.code == "BOX007").first(1)[0]
    plain, made = compare(run, after), compare(run, after, [kept.fingerprint])
    assert (plain.fixed["BOX007"], dict(plain.kept)) == (1, {})
    assert ("BOX007" in made.fixed, dict(made.kept)) == (False, {"BOX007": 1})
    assert made.fixed["BOX005"] == plain.fixed["BOX005"]


def test_long_lists_of_codes_wrap(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    book.decide(book.rows("BOX005")[0], "drop")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "coco", "-o", tmp_path / "out")
    lines = done.out.splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("left:"))
    assert lines[at + 1].startswith("       1 ")
    assert max(map(len, lines[at:at + 3])) <= 100


def test_status_finds_the_faults_that_apply_finds(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("coco"))
    book.decide(2, "dorp")
    book.decide(3, "set-box", New_value="0, 0, 9999, 9")
    book.decide(book.rows("BOX005")[0], "drop")
    book.decide(book.rows("BOX009")[0], "keep")
    book.add("add-box", "nowhere.jpg", "car", "1, 2, 3, 4")
    path = book.save(tmp_path / "r.xlsx")
    refused = cli("review", "apply", path, SAMPLES / "coco", "-o", tmp_path / "out")
    told = cli("review", "status", path, "--dataset", SAMPLES / "coco")
    assert told.code == 0, told.err
    assert "5 decisions cannot be applied, for 4 faults" in told.out.splitlines()[0]
    assert "for 4 faults" in refused.err
    for line in refused.err.splitlines()[1:]:
        assert line.strip() in told.out
    alone = cli("review", "status", path).out
    assert "1 decision cannot be applied, for 1 fault" in alone
    assert "not checked against the dataset" in alone


def test_status_and_workbook_count_alike(cli: Any, report: Any, tmp_path: Path) -> None:
    book = Book(report("voc"))
    book.decide(2, "keep")
    book.decide(3, "drop")
    for row in book.rows("CLS001"):
        book.decide(row, "keep")
    book.check("CLS001", "keep")
    book.check("IMG008", "fix")
    path = book.save(tmp_path / "r.xlsx")
    told = cli("review", "status", path).out.splitlines()[0]
    assert told == f"r.xlsx: 6 of {book.sheet.max_row - 1} findings decided"
    assert told.endswith(counted_by_libreoffice(path, tmp_path / "office"))


@pytest.mark.parametrize("office", [False, True])
def test_an_edited_cell_without_its_decision_is_told(cli: Any, report: Any, tmp_path: Path, office: bool) -> None:
    book = Book(report("voc"))
    tiny, flat, aspect, beyond, equal = (book.rows(f"BOX00{k}")[0] for k in (5, 1, 9, 3, 6))
    wide = book.get(tiny, "x max")
    book.sheet.cell(tiny, book.columns["x max"]).value = wide + 7
    book.decide(flat, "keep", y_min=1)
    book.decide(aspect, "set-category", Class=next(c for c in ("car", "person") if c != book.get(aspect, "Class")))
    book.decide(beyond, "set-box", x_min=10, y_min=12, x_max=60, y_max=64)
    other = next(c for c in ("car", "person") if c != book.get(equal, "Class"))
    book.sheet.cell(equal, book.columns["Class"]).value = other
    path = book.save(tmp_path / "r.xlsx")
    if office:
        path = through_libreoffice(path, "xlsx", tmp_path / "office")
    places = {h: get_column_letter(book.columns[h]) for h in ("x max", "y min", "Class")}
    for command in (("apply", path, SAMPLES / "voc", "--diff"), ("status", path)):
        done = cli("review", *command)
        told = done.err + done.out
        assert done.code == (2 if command[0] == "apply" else 0)
        assert f"Findings!{places['x max']}{tiny}: was {wide:g}, is now {wide + 7:g}, and Decision is empty: write set-box" in told
        assert f"Findings!{places['y min']}{flat}: was " in told
        assert "Decision is keep, which takes no such change" in told
        assert f"Findings!{places['Class']}{equal}: was " in told
        assert "write set-category in Decision" in told
        assert "3 faults" in told or "3  cannot be applied" in told
    again = tmp_path / "again.xlsx"
    shutil.copyfile(path, again)
    assert cli("report", SAMPLES / "voc", "-o", again, "--quiet", "--thumbnails", 0).code == 0
    carried = Book(again)
    row = carried.rows("BOX005")[0]
    assert carried.get(row, "x max") == wide
    assert carried.get(row, "New value").split(", ")[2] == f"{wide + 7:g}"
    book.decide(tiny, "set-box")
    book.decide(flat, "drop", y_min=Book(tmp_path / "voc.xlsx").get(flat, "y min"))
    book.decide(equal, "set-category")
    done = cli("review", "apply", book.save(tmp_path / "s.xlsx"), SAMPLES / "voc", "-o", tmp_path / "out")
    assert done.code == 1, done.err
    assert "the result has findings that were not there: 1 BOX007" in done.err
    audit = json.loads((tmp_path / "out-audit.json").read_text())["decisions"]
    assert {a["new"] for a in audit} >= {other, "10, 12, 60, 64"}
    assert next(a["new"] for a in audit if a["code"] == "BOX005").split(", ")[2] == f"{wide + 7:g}"


def test_a_workbook_that_is_mailed_alone_has_its_images_inside(cli: Any, tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "coco", tmp_path / "set")
    assert cli("report", tmp_path / "set", "-o", tmp_path / "r.xlsx", "--quiet").code == 0
    (tmp_path / "mailed").mkdir()
    path = Path(shutil.move(tmp_path / "r.xlsx", tmp_path / "mailed"))
    shutil.rmtree(tmp_path / "set")
    with zipfile.ZipFile(path) as archive:
        inside = {n for n in archive.namelist() if n.startswith("xl/media/")}
        relations = b"".join(archive.read(n) for n in archive.namelist() if n.startswith("xl/drawings/_rels/"))
    assert len(inside) > 20
    assert b"External" not in relations
    with zipfile.ZipFile(through_libreoffice(path, "xlsx", tmp_path / "office")) as archive:
        shown = [archive.read(n) for n in archive.namelist() if n.startswith("xl/media/")]
    assert len(shown) > 15  # equal ones are one there
    assert all(content.startswith(b"\xff\xd8") for content in shown)


def test_hostile_names_do_nothing(cli: Any, tmp_path: Path) -> None:
    names = ["=cmd|'/c calc'!A0", "<script>alert(1)</script>", "../../x", "new\nline", "n" * 300, "a\x1b[31mred", "漢字の名前",
             "שלום"]
    root = tmp_path / "set"
    root.mkdir()
    annotations = [{"id": k + 1, "image_id": 1, "category_id": k + 1, "bbox": [1, 1, 0, 5], "area": 0, "iscrowd": 0}
                   for k in range(len(names))]
    (root / "a.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "../../outside.jpg", "width": 100, "height": 100}], "annotations": annotations,
        "categories": [{"id": k + 1, "name": n} for k, n in enumerate(names)]}))
    (tmp_path / "keep.txt").write_text("mine")
    done = cli("report", root, "-o", tmp_path / "r.xlsx", "--quiet")
    assert done.code == 0, done.err
    book = Book(tmp_path / "r.xlsx")
    for sheet in book.book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f" or str(cell.value).startswith(("=REPT", "=TEXT", "=IF(TRIM(A", "=F")), cell.value
    for row in book.rows("BOX001"):
        book.decide(row, "set-category", New_value="=cmd|'/c calc'!A0", Comment="=HYPERLINK(1)")
        for header in ("New value", "Comment"):
            book.sheet.cell(row, book.columns[header]).data_type = "s"
    book.add("add-class", None, "../../y", None)
    book.save(tmp_path / "reviewed.xlsx")
    done = cli("report", root, "-o", tmp_path / "reviewed.xlsx", "--quiet")
    assert done.code == 0, done.err
    done = cli("review", "apply", tmp_path / "reviewed.xlsx", root, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    document = json.loads((tmp_path / "out/a.json").read_text())
    assert {a["category_id"] for a in document["annotations"]} == {1}
    assert document["categories"][-1] == {"id": len(names) + 1, "name": "../../y"}
    audit = openpyxl.load_workbook(tmp_path / "out-audit.xlsx")
    assert not [c for r in audit.active.iter_rows() for c in r if c.data_type == "f"]  # type: ignore[union-attr]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "keep.txt", "out", "out-audit.json", "out-audit.xlsx", "r.xlsx",
                                                          "reviewed.xlsx", "set"]


@pytest.mark.parametrize(("name", "lists"), [("voc", False), ("table", False), ("yolo", True)])
def test_a_class_added_where_no_file_lists_classes_is_said(cli: Any, report: Any, tmp_path: Path, name: str, lists: bool) -> None:
    book = Book(report(name))
    book.add("add-class", None, "zebra", None)
    workbook = book.save(tmp_path / "r.xlsx")
    told = f"add-class zebra: changes no file, for {name} has no list of classes; a class is there as soon as a box has it"
    done = cli("review", "apply", workbook, SAMPLES / name, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert (told in done.out) == (not lists)
    done = cli("review", "apply", workbook, SAMPLES / name, "--diff")
    assert (told in done.err) == (not lists)


def test_the_image_of_a_row_that_cannot_be_read_is_dropped(cli: Any, report: Any, tmp_path: Path) -> None:
    """The row names it without its folder, and the tables with it."""
    book = Book(report("table"))
    book.decide(book.rows("SRC001")[0], "drop-image")
    done = cli("review", "apply", book.save(tmp_path / "r.xlsx"), SAMPLES / "table", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert not (tmp_path / "out/images/train_36.jpg").exists()
