"""A safe fix loses nothing, and rests on no disputed fact."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hostile.conftest import Done, picture

Cli = Callable[..., Done]


def coco(folder: Path, annotations: list[dict[str, Any]], size: tuple[int, int] = (64, 48), declared: tuple[int, int] | None = None,
         images: int = 1) -> Path:
    """Write images of one declared size, and annotations of the first one."""
    for k in range(images):
        picture(folder / f"a{k}.png", size, k)
    width, height = declared or size
    base = {"image_id": 1, "category_id": 1, "iscrowd": 0, "segmentation": []}
    folder.joinpath("i.json").write_text(json.dumps({
        "images": [{"id": k + 1, "file_name": f"a{k}.png", "width": width, "height": height} for k in range(images)],
        "annotations": [{**base, "id": k + 1, "area": a["bbox"][2] * a["bbox"][3], **a} for k, a in enumerate(annotations)],
        "categories": [{"id": 1, "name": "x"}]}))
    return folder


def boxes(folder: Path) -> list[list[float]]:
    """Return the boxes of a set that `coco` wrote."""
    return [a["bbox"] for a in json.loads((folder / "i.json").read_text())["annotations"]]


def test_two_outlines_in_one_box_are_two_objects(cli: Cli, tmp_path: Path) -> None:
    one, two = [10, 10, 30, 10, 10, 30], [30, 30, 10, 30, 30, 10]
    source = coco(tmp_path / "set", [{"bbox": [10, 10, 20, 20], "area": 200, "segmentation": [one]},
                                     {"bbox": [10, 10, 20, 20], "area": 200, "segmentation": [two]},
                                     {"bbox": [10, 10, 20, 20], "area": 200, "segmentation": [one]}])
    done = cli("fix", source, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    left = json.loads((tmp_path / "out/i.json").read_text())["annotations"]
    assert [a["id"] for a in left] == [1, 2]


@pytest.mark.parametrize("images", [1, 8])
def test_boxes_that_fit_a_disputed_size_are_not_clipped(cli: Cli, tmp_path: Path, images: int) -> None:
    wanted = [[1, 1, 40, 60], [1, 70, 5, 5], [2, 2, 5, 5], [2, 2, 5, 5]]
    source = coco(tmp_path / "set", [{"bbox": b} for b in wanted], size=(64, 48), declared=(48, 64), images=images)
    for select in ([], ["--select", "BOX003,BOX004,BOX006"]):
        done = cli("fix", source, "-o", tmp_path / f"out{len(select)}", *select)
        assert done.code == 0, done.err
        assert boxes(tmp_path / f"out{len(select)}") == wanted
    cli("fix", source, "-o", tmp_path / "unsafe", "--unsafe-fixes")
    assert boxes(tmp_path / "unsafe") != wanted


def test_boxes_past_an_undisputed_size_are_clipped(cli: Cli, tmp_path: Path) -> None:
    source = coco(tmp_path / "set", [{"bbox": [1, 1, 40, 60]}])
    assert cli("fix", source, "-o", tmp_path / "out", "--select", "BOX003").code == 0
    assert boxes(tmp_path / "out") == [[1, 1, 40, 47]]


NAMES = {"shift_jis": "犬と猫", "x-sjis": "犬と猫", "euc-kr": "고양이", "gb2312": "猫", "big5": "貓", "windows-1251": "кошка",
         "iso-8859-1": "Bär", "utf-8": "猫"}


def voc(folder: Path, encoding: str, name: str, codec: str) -> Path:
    """Write one image whose class name is in an encoding."""
    picture(folder / "a.jpg")
    text = (f'<?xml version="1.0" encoding="{encoding}"?>\n<annotation><filename>a.jpg</filename>'
            "<size><width>64</width><height>48</height></size>"
            f"<object><name>{name}</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>20</xmax><ymax>22</ymax></bndbox></object>"
            "</annotation>\n")
    (folder / "a.xml").write_bytes(text.encode(codec))
    return folder


@pytest.mark.parametrize("encoding", NAMES)
def test_the_declared_encoding_of_xml_is_read_and_kept(cli: Cli, tmp_path: Path, encoding: str) -> None:
    name = NAMES[encoding]
    source = voc(tmp_path / "set", encoding, name, {"x-sjis": "shift_jis"}.get(encoding, encoding))
    document = json.loads(cli("check", source, "--output-format", "json").out)
    assert [c["name"] for c in document["dataset"]["categories"]] == [name]
    assert cli("fix", source, "-o", tmp_path / "out").code == 0
    fixed = (tmp_path / "out/a.xml").read_bytes()
    if encoding in ("windows-1251", "iso-8859-1", "utf-8"):
        assert fixed == (source / "a.xml").read_bytes()
    else:
        assert ElementTree.fromstring(fixed).findtext("object/name") == name


@pytest.mark.parametrize("encoding", ["ansi", "unicode", "x-sjis", "gb2312", "big5", "no-such", "hex", "rot13", "utf-7", "utf-16"])
def test_a_strange_declared_encoding_loses_nothing(cli: Cli, tmp_path: Path, encoding: str) -> None:
    source = voc(tmp_path / "set", encoding, "cat", "ascii")
    done = cli("check", source, "--output-format", "json")
    assert done.code in (0, 1), done.err
    document = json.loads(done.out)
    assert document["dataset"]["annotations"] == 1
    assert not [c["code"] for c in document["checks"] if c["status"] == "crashed"]
    assert cli("fix", source, "-o", tmp_path / "out").code == 0
    fixed = json.loads(cli("check", tmp_path / "out", "--output-format", "json").out)
    assert [c["name"] for c in fixed["dataset"]["categories"]] == ["cat"]


def test_utf8_that_declares_another_encoding_stays_right(cli: Cli, tmp_path: Path) -> None:
    source = voc(tmp_path / "set", "gb2312", "犬と猫", "utf-8")
    document = json.loads(cli("check", source, "--output-format", "json").out)
    assert [c["name"] for c in document["dataset"]["categories"]] == ["犬と猫"]
    assert cli("fix", source, "-o", tmp_path / "out").code == 0
    assert ElementTree.fromstring((tmp_path / "out/a.xml").read_bytes()).findtext("object/name") == "犬と猫"
