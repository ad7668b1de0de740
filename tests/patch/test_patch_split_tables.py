"""Tables of several splits are edited together: each file gets its own edits, categories are renamed in all of them."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest
from convert.sets import put

from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.loader import load_plugins
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import OpenRequest
from dsinspect.tables.schema import BOX_COLUMNS

TABLE = load_plugins().formats["table"]
HEADER = ["image", "xmin", "ymin", "xmax", "ymax", "class", "note"]
ROWS = {"train": [["a.png", "10", "20", "30", "40", "cat", "x"], ["a.png", "30", "40", "10", "12", "dog", ""],
                  ["b.png", "1.50", "2", "30", "40", "dog", "7"]],
        "test": [["c.png", "10", "20", "30", "40", "Dog", "y"], ["c.png", "50", "20", "300", "40", "cat", ""]]}


def tables(root: Path, suffix: str, *, in_folders: bool = False) -> Path:
    root.mkdir()
    for split, rows in ROWS.items():
        for name in {r[0] for r in rows}:
            put(root, name)
        path = root / (f"{split}/labels{suffix}" if in_folders else f"{split}{suffix}")
        path.parent.mkdir(exist_ok=True)
        if suffix == ".csv":
            with path.open("w", newline="") as file:
                csv.writer(file).writerows([HEADER, *rows])
        else:
            book = openpyxl.Workbook()
            for row in [HEADER, *([r[0], *map(float, r[1:5]), *r[5:]] for r in rows)]:
                book.active.append(row)
            book.save(path)
    return root


def rows_of(path: Path) -> list[list[str]]:
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.reader(file))
    return [["" if v is None else f"{v:g}" if isinstance(v, (int, float)) else str(v) for v in row]
            for row in openpyxl.load_workbook(path).active.iter_rows(values_only=True)]


def patched(root: Path, *changes: dict[str, object]) -> list[str]:
    return [p.path for p in TABLE().patch(OpenRequest(root, options=TABLE.options_type()), Edits.of(list(changes)))]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@pytest.mark.parametrize("in_folders", [False, True])
def test_fix_corrects_each_of_them(tmp_path: Path, suffix: str, in_folders: bool) -> None:
    root = tables(tmp_path / "set", suffix, in_folders=in_folders)
    assert main(["fix", str(root), "-o", str(tmp_path / "out"), "--select", "BOX,CLS004", "--unsafe-fixes", "-q"]) in (0, 1)
    found = {s: rows_of(tmp_path / "out" / (f"{s}/labels{suffix}" if in_folders else f"{s}{suffix}")) for s in ROWS}
    assert found["test"][2][1:5] == ["50", "20", "100", "40"], "cut at the edge of the image"
    assert {r[5] for rows in found.values() for r in rows[1:]} == {"cat", "dog"}, "one name in both tables"
    assert found["train"][1] == ROWS["train"][0]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_what_changes_nothing_keeps_every_byte(tmp_path: Path, suffix: str) -> None:
    root = tables(tmp_path / "set", suffix)
    assert patched(root) == []
    same = {"action": "set-box", "source": f"train{suffix}", "index": 0, **dict(zip(BOX_COLUMNS, (10, 20, 30, 40), strict=True))}
    assert patched(root, same) == []
    assert patched(root, {**same, "x_min": 11}) == [f"train{suffix}"]
    assert main(["fix", str(root), "-o", str(tmp_path / "out"), "--select", "REC", "-q"]) == 0
    for split in ROWS:
        assert (tmp_path / f"out/{split}{suffix}").read_bytes() == (root / f"{split}{suffix}").read_bytes()


def test_edits_of_images_boxes_and_files(tmp_path: Path) -> None:
    root = tables(tmp_path / "set", ".csv")
    assert patched(root, {"action": "drop-image", "image": "b.png"}) == ["train.csv"]
    assert patched(root, {"action": "add-box", "image": "c.png", "text": "cat", **dict.fromkeys(BOX_COLUMNS[:2], 1),
                           **dict.fromkeys(BOX_COLUMNS[2:], 9)}) == ["test.csv"]
    assert sorted(patched(root, {"action": "rename-category", "category": "cat", "text": "lion"})) == ["test.csv", "train.csv"]
    for change, says in (({"action": "drop-record", "source": "val.csv", "index": 0}, "no such file in the set"),
                         ({"action": "drop-image", "image": "z.png"}, "no row names such an image"),
                         ({"action": "drop-record", "source": "test.csv", "index": 9}, "no such row")):
        with pytest.raises(UserError, match=says):
            patched(root, change)
