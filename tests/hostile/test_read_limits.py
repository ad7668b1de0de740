"""Each limit on what is read is an option, and is named where it is hit."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hostile.conftest import Done, picture
from hostile.sets import HEAD, _row, coco, png, table, voc, xlsx, yolo
from openpyxl import Workbook

from dsinspect.errors import UserError
from dsinspect.io.limits import NAMES, limits
from dsinspect.io.spreadsheets import sheets_of
from dsinspect.io.workbooks import _parsed

Cli = Callable[..., Done]
RLE = {"size": [2000, 2000], "counts": [4_000_000]}


def workbook(folder: Path, *, rows: int = 3, sheet: str = "", strings: str = "", extra: dict[str, bytes] | None = None) -> Path:
    """Write a set of one image and an .xlsx of some rows."""
    picture(folder / "a0.png", (32, 24))
    body = "".join(_row(k, ["a0.png", "x", 1, 1, 9, 9]) for k in range(3, rows + 1))
    xlsx(folder / "t.xlsx", sheet or f"<sheetData>{HEAD}{body}</sheetData>", strings, extra)
    return folder


def deep_json(folder: Path) -> Path:
    """Write a COCO set with a value of 2,000 brackets."""
    coco(folder)
    text = (folder / "i.json").read_text()
    (folder / "i.json").write_text(text.replace('"iscrowd": 0', '"iscrowd": 0, "x": ' + "[" * 2000 + "]" * 2000, 1))
    return folder


def huge_image(folder: Path) -> Path:
    """Write a COCO set with an image of 300 x 200 px."""
    coco(folder)
    (folder / "a0.png").write_bytes(png(300, 200))
    return folder


def large_image(folder: Path) -> Path:
    """Write a COCO set with an image of 2 MB."""
    coco(folder)
    (folder / "a0.png").write_bytes(png(300, 200) + bytes(2 << 20))
    return folder


def large_text(folder: Path) -> Path:
    """Write a COCO set of 2 MB."""
    coco(folder)
    (folder / "i.json").write_text((folder / "i.json").read_text() + " " * (2 << 20))
    return folder


def large_label(folder: Path) -> Path:
    """Write a VOC set with an XML file of 2 MB."""
    voc(folder, "<note>" + "x" * (2 << 20) + "</note>")
    return folder


@pytest.mark.parametrize(("name", "value", "make"), [
    ("text_mb", 1, large_text),
    ("label_mb", 1, large_label),
    ("label_lines", 10, lambda f: yolo(f, row="0 .5 .5 .2 .2\n" * 50)),
    ("rows", 5, lambda f: workbook(f, rows=9)),
    ("columns", 8, lambda f: table(f, "a0.png,x,1,1,9,9,7,8,9,10\n")),
    ("classes", 5, lambda f: yolo(f, f"train: images/train\nval: images/train\nnames: {[str(k) for k in range(9)]}\n")),
    ("json_depth", 1000, deep_json),
    ("yaml_mb", 1, lambda f: yolo(f, "train: images/train\nval: images/train\nnames: [x]\n#" + "x" * (2 << 20))),
    ("yaml_depth", 50, lambda f: yolo(f, f"train: images/train\nval: images/train\nnames: [x]\nz: {'[' * 60}{']' * 60}\n")),
    ("xlsx_mb", 1, lambda f: workbook(f, sheet=f"<sheetData>{HEAD}</sheetData>" + os.urandom(1 << 20).hex())),
    ("xlsx_ratio", 250, lambda f: workbook(f, sheet=f"<sheetData>{HEAD}{'<row/>' * 3_000_000}</sheetData>")),
    ("xlsx_cells", 10, lambda f: workbook(f, rows=9)),
    ("xlsx_texts", 10, lambda f: workbook(f, strings="<si><t>x</t></si>" * 50)),
    ("xlsx_texts_mb", 1, lambda f: workbook(f, strings=f"<si><t>{os.urandom(1 << 20).hex()}</t></si>")),
    ("xlsx_elements", 100, lambda f: workbook(f, sheet=f"<sheetData><row>{'<c/>' * 500}</row></sheetData>")),
    ("image_mb", 1, large_image),
    ("pixels", 1000, huge_image),
])
def test_a_limit_is_named_where_it_is_hit(cli: Cli, tmp_path: Path, name: str, value: int, make: Callable[[Path], Path]) -> None:
    source = tmp_path / "set"
    source.mkdir()
    make(source)
    arguments = ["check", source, "--output-format", "json", "--read-limit", f"{name}={value}", "--no-cache"]
    done = cli(*arguments, *(["--format", "table"] if list(source.glob("t.*")) else []))
    assert f"option --read-limit {name}" in done.out + done.err
    assert " mb" not in done.out + done.err  # a reason stands within a line, and its unit keeps its case
    assert done.code in (1, 2)


def test_every_limit_is_tried() -> None:
    tried = {m.args[1][k][0] for m in test_a_limit_is_named_where_it_is_hit.pytestmark for k in range(len(m.args[1]))}  # type: ignore[attr-defined]
    elsewhere = {"mask_pixels", "archive_files", "archive_mb", "archive_ratio"} | {"xls_mb", "decisions_mb", "config_mb"}
    assert tried | elsewhere == set(NAMES)


def test_a_raised_limit_reads_what_the_default_refuses(cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "set"
    (tmp_path / "dsinspect.toml").write_text("[limits]\nlabel_lines = 10\n")
    yolo(source, row="0 .5 .5 .2 .2\n" * 50)
    assert "50 lines, more than the 10 that are read" in cli("check", source, "--output-format", "json").out
    done = cli("check", source, "--read-limit", "label_lines=100", "--output-format", "json")
    assert json.loads(done.out)["dataset"]["annotations"] > 100
    assert limits().label_lines == 1_000_000  # what one command was told does not hold for the next


def test_a_dataset_does_not_raise_its_own_limits(cli: Cli, tmp_path: Path) -> None:
    yolo(tmp_path / "set")
    (tmp_path / "set/dsinspect.toml").write_text("[limits]\npixels = 99999999999\n")
    done = cli("check", tmp_path / "set")
    assert done.code == 2
    assert "lies in the dataset, so the limits it sets are not used" in done.err
    assert cli("check", tmp_path / "set", "--config", tmp_path / "set/dsinspect.toml", "--exit-zero").code == 0


@pytest.mark.parametrize(("setting", "told"), [
    ("pixel=9", "no limit 'pixel' (did you mean 'pixels'?)"), ("pixels=many", "write a whole number"), ("pixels=0", "whole number"),
    ("pixels", "whole number")])
def test_a_wrong_limit_is_one_line(cli: Cli, tmp_path: Path, setting: str, told: str) -> None:
    done = cli("check", yolo(tmp_path / "set"), "--read-limit", setting)
    assert done.code == 2
    assert told in done.err
    assert done.err.count("\n") == 1


def test_a_mask_beyond_its_limit_is_named(cli: Cli, tmp_path: Path) -> None:
    source = coco(tmp_path / "set", annotations=[{"segmentation": RLE, "iscrowd": 1}])
    done = cli("transform", source, "-o", tmp_path / "out", "--op", "flip", "--read-limit", "mask_pixels=1000")
    assert "mask of more than 1,000 px (option --read-limit mask_pixels)" in done.out + done.err


def test_shared_texts_are_parsed_once(tmp_path: Path) -> None:
    _parsed.cache_clear()
    path = workbook(tmp_path / "set", strings="<si><t>a</t></si>"
                    "<si><r><t>b</t></r><r><t>c</t></r><rPh><t>no</t></rPh></si>") / "t.xlsx"
    for _ in range(3):
        assert sum(1 for s in sheets_of(path) for _ in s.rows()) == 3
    assert _parsed.cache_info().misses == 1
    assert _parsed.cache_info().hits >= 5


def test_no_sheet_is_parsed_before_its_rows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "two.xlsx"
    book = Workbook(write_only=True)  # which states no size of its sheets: openpyxl would look for it to their end
    for name in ("a", "b"):
        book.create_sheet(name).append(["x", datetime(2024, 2, 29), 1])
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content.replace(b"</sheetData>", b"</sheet>") if name.endswith("sheet2.xml") else content)
    whole, broken = sheets_of(path)
    assert [r.values for r in whole.rows()] == [["x", datetime(2024, 2, 29), 1]]
    with pytest.raises(UserError, match="sheet 'b' cannot be read after row 1"):
        list(broken.rows())


def test_entities_of_a_workbook_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "set") / "t.xlsx"
    xlsx(path, f'<!DOCTYPE x [<!ENTITY a "b">]><sheetData>{HEAD}</sheetData>')
    with pytest.raises(UserError, match="declares XML entities"):
        sheets_of(path)


def test_a_sparse_file_takes_no_memory(cli: Cli, tmp_path: Path) -> None:
    source = coco(tmp_path / "set")
    with (source / "i.json").open("ab") as file:
        file.truncate(3 << 30)
    done = cli("check", source)
    assert done.code == 2
    assert "sparse" in done.err
