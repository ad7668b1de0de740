"""Tables as people have them: columns recognised and said, or one line that asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dsinspect.cli import main
from dsinspect.config import Config
from dsinspect.errors import UserError
from dsinspect.inspection.opening import open_dataset
from dsinspect.inspection.request import DatasetRequest
from dsinspect.loader import load_plugins

PLUGINS = load_plugins()
BOX = [1.0, 2.0, 21.0, 22.0]


def written(root: Path, text: str, name: str = "t.csv") -> Path:
    for k in range(2):
        (root / f"a{k}.jpg").write_bytes(b"image")
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    return root


def read(root: Path, **options: Any) -> tuple[Any, list[list[float]], list[str], list[str | None]]:
    source = open_dataset(DatasetRequest(str(root), root, Config(formats={"table": options})), PLUGINS)
    shards = [ref.load() for ref in source.shards(100)]
    boxes = [row for s in shards for row in s.annotation_columns.stacked("x_min", "y_min", "x_max", "y_max").tolist()]
    names = [c for s in shards for c in s.annotation_columns["category"].tolist()]
    return source.info, boxes, names, [f and Path(f).name for s in shards for f in s.image_columns["file"].tolist()]


@pytest.mark.parametrize("text", [
    "filename,class,xmin,ymin,xmax,ymax\na0.jpg,c,1,2,21,22\n",
    "image,x,y,width,height,label\na0.jpg,1,2,20,20,c\n",
    "filename,class,x_center,y_center,width,height\na0.jpg,c,11,12,20,20\n",
    'image_id,width,height,bbox,class\na0,64,48,"[1.0, 2.0, 20.0, 20.0]",c\n',
    "a0.jpg,1,2,21,22,c\na1.jpg,,,,,\n",
    "/data/img/a0,1,2,21,22,c\n",
    "a0.jpg,1,2,21,22,c,0.9\n",
    "File name;Type;x min;y min;x max;y max\na0.jpg;c;1,0;2,0;21,0;22,0\n"])
def test_the_same_box_in_each_kind_of_table(tmp_path: Path, text: str) -> None:
    info, boxes, names, files = read(written(tmp_path, text))
    assert (boxes, names, files[0]) == ([BOX], ["c"], "a0.jpg")
    assert info.notes[0].startswith("columns read: ")


def test_a_box_in_one_cell_may_be_two_corners(tmp_path: Path) -> None:
    root = written(tmp_path, 'image,bbox,class\na0,"1 2 21 22",c\na1,"1 2 3",c\n')
    info, boxes, _, _ = read(root, bbox="xyxy")
    assert boxes == [BOX]
    assert "boxes in one cell are read as x, y, x, y (--set table.bbox)" in info.notes[0]


@pytest.mark.parametrize("head", ["filename,xmin,ymin,xmax,ymax", "filename,xmin,ymin,xmax,ymax,cell_kind"])
def test_no_column_for_the_class_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], head: str) -> None:
    root = written(tmp_path, f"{head}\na0.jpg,1,2,21,22,c\na1.jpg,1,2,21,22,c\n")
    assert main(["check", str(root), "--no-cache"]) == 2
    told = capsys.readouterr().err
    assert f"t.csv: no column for the class recognised among {head.replace(',', ', ')}; name it with --columns" in told
    assert told.count("\n") == 1
    assert read(root, one_class="cell")[2] == ["cell", "cell"]
    if "cell_kind" in head:
        assert read(root, columns="category=cell_kind")[2] == ["c", "c"]


@pytest.mark.parametrize(("names", "splits"), [
    (("train_labels.csv", "test_labels.csv"), {"train", "test"}),
    (("train/_annotations.csv", "valid/_annotations.csv"), {"train", "val"})])
def test_tables_named_as_splits_are_one_set(tmp_path: Path, names: tuple[str, str], splits: set[str]) -> None:
    for k, name in enumerate(names):
        written(tmp_path, f"filename,class,xmin,ymin,xmax,ymax\na{k}.jpg,c{k},1,2,21,22\n", name)
    info, boxes, classes, _ = read(tmp_path)
    assert set(info.splits) == splits
    assert boxes == [BOX, BOX]
    assert sorted(classes) == ["c0", "c1"]


def test_tables_that_are_no_splits_are_not_merged(tmp_path: Path) -> None:
    for name in ("north.csv", "south.csv"):
        written(tmp_path, "filename,class,xmin,ymin,xmax,ymax\na0.jpg,c,1,2,21,22\n", name)
    with pytest.raises(UserError, match=r"holds 2 tables \(north.csv, south.csv\), and their names are not those of splits"):
        read(tmp_path)


def test_fix_works_where_no_size_is_declared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "set"
    root.mkdir()
    written(root, "filename,class,xmin,ymin,xmax,ymax\na0.jpg,c,1,2,21,22\na0.jpg,c,-9,12,21,28\na1.jpg,c,1,2,9,9\n")
    for k in range(2):
        assert cv2.imwrite(str(root / f"a{k}.jpg"), np.full((30, 40, 3), k * 90, np.uint8))
    assert main(["fix", str(root), "-o", str(tmp_path / "out"), "--no-cache", "-q"]) == 0
    assert (tmp_path / "out/t.csv").read_text().splitlines()[2] == "a0.jpg,c,0,12,21,28"


def test_a_row_that_swallowed_the_next_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = "filename,class,xmin,ymin,xmax,ymax\n"
    rows = ["a0.jpg,c,1,2,21,22\n"] * 3
    broken = "a0.jpg,c,1,2,21,22a1.jpg,c,1,2,21,22\n"
    main(["check", str(written(tmp_path, head + "".join(rows[:2]) + broken)), "--no-cache", "--select", "SRC001"])
    told = capsys.readouterr().out
    assert "t.csv:4" in told
    noted = "".join(r.replace("\n", ",note\n") for r in rows)
    main(["check", str(written(tmp_path, head + noted)), "--no-cache", "--select", "SRC001"])
    assert "no findings" in capsys.readouterr().out  # the table is like that


@pytest.mark.parametrize("row", range(4))
@pytest.mark.parametrize("column", range(6))
def test_a_quotation_mark_that_is_not_closed_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str], row: int,
                                                         column: int) -> None:
    lines = ["filename,class,xmin,ymin,xmax,ymax", *(f"a{k}.jpg,c,1,2,21,22" for k in range(5))]
    cells = lines[row].split(",")
    cells[column] = '"' + cells[column]
    lines[row] = ",".join(cells)
    code = main(["check", str(written(tmp_path, "\n".join(lines))), "--no-cache", "--select", "SRC001"])
    told = capsys.readouterr()
    assert code, told
    assert "a quotation mark is not closed" in " ".join(told.out.split()) or code == 2  # without a header nothing is read at all


@pytest.mark.parametrize("row", range(4))
@pytest.mark.parametrize("column", range(7))
def test_a_quotation_mark_in_open_images_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str], row: int,
                                                     column: int) -> None:
    lines = ["ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf", *(f"a{k},/m/1,0.1,0.4,0.2,0.5,0" for k in range(5))]
    cells = lines[row].split(",")
    cells[column] = '"' + cells[column]
    lines[row] = ",".join(cells)
    (tmp_path / "train-annotations-bbox.csv").write_text("\n".join(lines))
    code = main(["check", str(tmp_path), "--no-cache", "--select", "SRC001"])
    told = capsys.readouterr()
    assert code, told
    assert "a quotation mark is not closed" in " ".join(told.out.split()) or code == 2 or row == 0


def test_line_ends_in_quoted_cells_are_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = 'filename,class,xmin,ymin,xmax,ymax,note\na.jpg,"traffic\nlight",1,2,21,22,"[1,\n2]"\n'
    main(["check", str(written(tmp_path, text)), "--no-cache", "--select", "SRC001"])
    assert "no findings" in capsys.readouterr().out


def test_a_file_of_an_image_that_was_cut_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for k in range(3):
        cv2.imwrite(str(tmp_path / f"{k}.jpg"), np.zeros((20, 30, 3), np.uint8))
        (tmp_path / f"{k}.json").write_text(
            '{"version": "5", "shapes": [{"label": "a", "points": [[1, 2], [9, 8]], "shape_type": "rectangle"}], '
            f'"imagePath": "{k}.jpg", "imageData": null, "imageHeight": 20, "imageWidth": 30}}')
    whole = (tmp_path / "1.json").read_text()
    for content in (whole[:60], "", "garbage"):
        (tmp_path / "1.json").write_text(content)
        assert main(["check", str(tmp_path), "--no-cache", "--select", "SRC001"]) == 1
        assert "1.json" in capsys.readouterr().out
