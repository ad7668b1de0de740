"""Edits of tables: cells and rows change where edits say; delimiters, quoting, encodings and other cells stay."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment
from openpyxl.styles import Font
from rewriting import Read, patches, write

from dsinspect.errors import UserError

FILE = """Boxes of 2024,,
filename,x1,y1,x2,y2,class,id,width,height,note
a.jpg,1.50,2,30,40,cat,1,100,80,"said ""no"", twice"
"b,c.jpg", 5 ,6.0,7,8,"dog",2,100,80,

a.jpg,10,20,30.25,40,dog,3,100,80,=1+1
d.jpg,,,,,,,50,50
"""
SIDES = "image;x;y;w;h;label\na.jpg;1,5;2;3;4;cat\nb.jpg;1.50;2;3;4;dog\n"
AT = {"source": "set.csv"}


def make(folder: Path, text: str | bytes = FILE) -> Path:
    return write(folder, "set.csv", text)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return make(tmp_path / "set")


def after(file: Path, *changes: dict[str, Any]) -> bytes:
    found = patches("table", file, *changes)
    assert list(found) == [file.name]
    new = found[file.name]
    assert new is not None
    return new


def box(index: int, *px: float, source: str = "set.csv") -> dict[str, Any]:
    return {"action": "set-box", "source": source, "index": index,
            **dict(zip(("x_min", "y_min", "x_max", "y_max"), px, strict=True))}


@pytest.mark.parametrize(("change", "old", "new"), [
    (box(0, 1.5, 3, 30, 41.25), "1.50,2,30,40", "1.50,3,30,41.25"),
    (box(1, 4, 6, 7, 8), " 5 ,6.0", " 4 ,6.0"),
    ({"action": "set-category", **AT, "index": 1, "text": "cat"}, '"dog"', '"cat"'),
    ({"action": "set-annotation-id", **AT, "index": 2, "text": "9"}, "dog,3,", "dog,9,"),
    ({"action": "set-field", **AT, "index": 1, "text": 'note="a,b"'}, "80,\n\n", '80,"a,b"\n\n'),
    ({"action": "set-field", **AT, "index": 0, "text": "note=3"}, '"said ""no"", twice"', '"3"'),
    ({"action": "set-image-size", "image": "d.jpg", "text": "60x50"}, ",50,50", ",60,50"),
    ({"action": "set-path", "image": "d.jpg", "text": 'e".jpg'}, "d.jpg", '"e"".jpg"'),
    ({"action": "drop-annotation", **AT, "index": 0}, FILE.split("\n")[2] + "\n", ""),
    ({"action": "drop-annotation", **AT, "index": 1}, ' 5 ,6.0,7,8,"dog",2,', '  ,,,,"",,'),
    ({"action": "drop-image", "image": "b,c.jpg"}, FILE.split("\n")[3] + "\n", ""),
    ({"action": "drop-image", "image": "d.jpg"}, FILE.split("\n")[6] + "\n", ""),
    ({"action": "drop-record", **AT, "index": 3}, FILE.split("\n")[6] + "\n", "d.jpg,,,,,,,50,50\n"),
])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_one_value_changes(tmp_path: Path, change: dict[str, Any], old: str, new: str, ends: str) -> None:
    text, old, new = (t.replace("\n", ends) for t in (FILE, old, new))
    file = make(tmp_path / "set", text)
    assert old in text
    if old == new:
        assert patches("table", file, change) == {}
    else:
        assert after(file, change).decode() == text.replace(old, new, 1)


def test_dropping_all_boxes_leaves_backgrounds(file: Path, tmp_path: Path) -> None:
    before = Read("table", file)
    new = after(file, *({"action": "drop-annotation", **AT, "index": k} for k in range(3)))
    now = Read("table", make(tmp_path / "to", new))
    assert now.paths() == before.paths()
    assert not len(now.annotations)


def test_categories(file: Path, tmp_path: Path) -> None:
    merged = after(file, {"action": "merge-category", "category": "dog", "text": "cat"},
                   {"action": "rename-category", "category": "cat", "text": "a,b"})
    assert Read("table", make(tmp_path / "to", merged)).names() == ["a,b"] * 3
    dropped = after(file, {"action": "drop-category", "category": "cat"})
    assert dropped.decode() == FILE.replace(FILE.split("\n")[2] + "\n", "")


@pytest.mark.parametrize(("change", "old", "new"), [
    (box(0, 1.5, 2, 5.5, 6), "1,5;2;3;4", "1,5;2;4;4"),
    (box(0, 2.5, 2, 4.5, 6), "1,5;2;3;4", "2,5;2;2;4"),
    (box(1, 1.25, 2, 4.5, 6), "1.50;2;3;4", "1.25;2;3.25;4"),
])
def test_sides_and_decimal_commas(tmp_path: Path, change: dict[str, Any], old: str, new: str) -> None:
    assert after(make(tmp_path / "set", SIDES), change).decode() == SIDES.replace(old, new)


def test_fractions_are_written_as_fractions(tmp_path: Path) -> None:
    file = make(tmp_path / "set", "image,x1,y1,x2,y2,class\na.jpg,0.10,0.2,0.5,0.5,cat\n")
    assert patches("table", file, *Read("table", file).same_again()) == {}
    assert b"0.10,0.2,0.25,0.5," in after(file, box(0, 64, 96, 160, 240))


def test_without_a_header_and_without_a_last_line_end(tmp_path: Path) -> None:
    text = "a.jpg,1,2,3,4,cat\r\nb.jpg,,,,,\r\na.jpg,5,6,7,8,dog"
    file = make(tmp_path / "set", text)
    assert after(file, {"action": "drop-annotation", **AT, "index": 2}) == b"a.jpg,1,2,3,4,cat\r\nb.jpg,,,,,"
    assert after(file, {"action": "drop-image", "image": "b.jpg"}).decode() == text.replace("b.jpg,,,,,\r\n", "")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_stays_unless_asked(tmp_path: Path, encoding: str) -> None:
    text = FILE.replace("said", "Bär")
    file = make(tmp_path / "set", text.encode(encoding))
    change = {"action": "set-category", **AT, "index": 0, "text": "dog"}
    expected = text.replace("cat", "dog", 1)
    assert after(file, change) == expected.encode(encoding)
    assert after(file, change, {"action": "rewrite-utf8", **AT}) == expected.encode()


@pytest.mark.parametrize(("change", "says"), [
    ({"action": "drop-annotation", **AT, "index": 3}, "set.csv, record 3: no such row with a box"),
    ({"action": "drop-annotation", "source": "z.csv", "index": 0}, "no such file"),
    ({"action": "set-area", **AT, "index": 0, "text": "3"}, "the table format has no place for that"),
    ({"action": "set-field", **AT, "index": 0, "text": "nope=3"}, "no column 'nope'; there are filename"),
    ({"action": "set-category", **AT, "index": 0, "text": "dgo"}, "no category 'dgo'"),
    ({"action": "drop-image", "image": "z.jpg"}, "drop-image of z.jpg: no row names"),
    ({"action": "rewrite-utf8", "source": "z.txt"}, "no such file"),
])
def test_what_cannot_be_done_is_told(file: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        patches("table", file, {"action": "set-category", **AT, "index": 1, "text": "cat"}, change)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "set" / "set.xlsx"
    path.parent.mkdir()
    made = openpyxl.Workbook()
    other = made.active
    assert other is not None
    other.title = "Notes"
    other["A1"] = "=SUM(1, 2)"
    sheet = made.create_sheet("Boxes")
    for row in csv.reader(io.StringIO(FILE)):
        sheet.append([float(c) if c.replace(".", "").isdigit() else None if c == "" else c for c in row] or [None])
    sheet["F3"].font = Font(bold=True)
    sheet["F3"].comment = Comment("sure?", "me")
    sheet.column_dimensions["A"].width = 33
    made.save(path)
    return path


def cells(content: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Boxes"]
    return [[c.value for c in row] for row in sheet.iter_rows()]


def test_a_workbook_is_left_alone_when_nothing_changes(book: Path) -> None:
    read = Read("table", book)
    assert len(read.annotations) == 3
    assert patches("table", book, *read.same_again()) == {}


def test_cells_and_rows_of_a_workbook(book: Path, tmp_path: Path) -> None:
    changes = [box(0, 1.5, 3, 30, 40, source="set.xlsx"), {"action": "drop-annotation", "source": "set.xlsx", "index": 2},
               {"action": "rename-category", "category": "cat", "text": "=cmd"}]
    new = after(book, *changes)
    expected = cells(book.read_bytes())
    expected[2][2], expected[2][5] = 3, "=cmd"
    del expected[5]
    assert cells(new) == expected
    made = openpyxl.load_workbook(io.BytesIO(new))
    assert made["Notes"]["A1"].value == "=SUM(1, 2)"
    cell = made["Boxes"]["F3"]
    assert cell.data_type == "s"
    assert cell.font.bold
    assert cell.comment is not None
    assert made["Boxes"].column_dimensions["A"].width == 33
    assert after(book, *changes[::-1]) == new


def test_old_workbooks_are_not_written(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsinspect_formats.table.patcher.kind_of", lambda _: "xls")
    with pytest.raises(UserError, match=r"save it as \.xlsx or \.csv"):
        patches("table", book, box(0, 1, 2, 3, 4, source="set.xlsx"))


def test_workbooks_are_no_text(book: Path) -> None:
    with pytest.raises(UserError, match="a workbook is no text"):
        patches("table", book, {"action": "rewrite-utf8", "source": "set.xlsx"})


CELLS = st.sampled_from(["cat", '"cat"', '"d""og"', '" a,b "', "x y", "é", '"two\nlines"', "''"])
NUMBERS = st.sampled_from(["12", "2.50", '"3"', " 4 ", "1e1", "7.0"])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(CELLS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, CELLS), min_size=1, max_size=5),
       st.sampled_from(["\n", "\r\n"]), st.booleans(), st.data())
def test_drawn_tables(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], ends: str, is_ended: bool,
                      data: st.DataObject) -> None:
    lines = ["image,class,x1,y1,x2,y2,note", *(f"i{k}.jpg,{r[0]},{','.join(r[1:])}" for k, r in enumerate(rows))]
    text = ends.join(lines) + (ends if is_ended else "")
    file = make(tmp_path_factory.mktemp("drawn"), text)
    before = Read("table", file)
    assert patches("table", file, *before.same_again()) == {}
    boxed = data.draw(st.sets(st.integers(0, len(rows) - 1)))
    gone = data.draw(st.sets(st.integers(0, len(rows) - 1)))
    content = patches("table", file, *(box(k, 100.25, 200, 300, 400) for k in boxed),
                      *({"action": "drop-image", "image": f"i{k}.jpg"} for k in gone)).get("set.csv", text.encode())
    assert content is not None
    kept = [lines[0], *(f"i{k}.jpg,{r[0]},{','.join(r[1:])}" for k, r in enumerate(rows) if k not in gone)]
    if not boxed - gone:
        assert content.decode() == ends.join(kept) + (ends if is_ended else "")
    if len(kept) > 1:
        now = Read("table", make(tmp_path_factory.mktemp("to"), content))
        columns = ("category", "x_min", "y_min", "x_max", "y_max")
        assert now.rows(*columns) == [(r[0], 100.25, 200, 300, 400) if k in boxed else r
                                      for k, r in enumerate(before.rows(*columns)) if k not in gone]
