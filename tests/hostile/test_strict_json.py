"""What a strict parser refuses is an error with line and column, whatever can still be read beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile.conftest import Done, picture

Cli = Callable[..., Done]
BASE = json.dumps({
    "images": [{"id": k + 1, "file_name": f"a{k}.jpg", "width": 64, "height": 48} for k in range(3)],
    "annotations": [{"id": k + 1, "image_id": k + 1, "category_id": 1, "bbox": [1 + k, 2, 20, 20], "area": 400, "iscrowd": 0,
                     "segmentation": []} for k in range(3)],
    "categories": [{"id": 1, "name": "x", "supercategory": ""}]})
BROKEN = {
    "trailing comma in a list": BASE.replace('}], "annotations"', '},], "annotations"'),
    "trailing comma in an object": BASE[:-1] + ",}",
    "missing comma": BASE.replace('}, {"id": 2', '} {"id": 2'),
    "double comma": BASE.replace('}, {"id": 2', '},, {"id": 2'),
    "second document": BASE + BASE,
    "extra brace": BASE + "}",
    "garbage after": BASE + " garbage",
    "missing brace": BASE[:-1],
    "missing bracket": BASE[:-2],
    "cut in the middle": BASE[:len(BASE) // 2],
    "cut in a text": BASE[:BASE.index("file_name") + 4],
    "comment": BASE.replace('"images"', '/* c */ "images"', 1),
    "single quotes": BASE.replace('"x"', "'x'"),
    "leading zero": BASE.replace('"width": 64', '"width": 064', 1),
    "hexadecimal": BASE.replace('"width": 64', '"width": 0x40', 1),
    "plus": BASE.replace('"width": 64', '"width": +64', 1),
    "control character": BASE.replace('"x"', '"x\n"'),
    "bad escape": BASE.replace('"x"', '"x\\q"'),
    "missing colon": BASE.replace('"annotations":', '"annotations"'),
    "missing comma between lists": BASE.replace('], "annotations"', '] "annotations"'),
}


def checked(cli: Cli, folder: Path, text: str) -> dict[str, Any]:
    """Return the JSON report of a set of three images with this annotation file."""
    for k in range(3):
        picture(folder / f"a{k}.jpg", shade=k)
    (folder / "i.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    done = cli("check", folder, "--format", "coco", "--output-format", "json")
    assert done.code in (0, 1, 2), done.err
    return json.loads(done.out) if done.code < 2 else {"findings": [{"code": "SRC001", "message": done.err, "annotation": {}}]}


def test_the_whole_file_is_clean(cli: Cli, tmp_path: Path) -> None:
    assert not [f for f in checked(cli, tmp_path / "set", BASE)["findings"] if f["severity"] == "error"]


@pytest.mark.parametrize("name", BROKEN)
def test_no_json_is_an_error(cli: Cli, tmp_path: Path, name: str) -> None:
    with pytest.raises(json.JSONDecodeError) as refused:
        json.loads(BROKEN[name])
    report = checked(cli, tmp_path / "set", BROKEN[name])
    told = [f for f in report["findings"] if f["code"] == "SRC001"]
    assert told
    if "dataset" in report:
        place = f"(line {refused.value.lineno:,}, column {refused.value.colno:,})"
        assert [f["annotation"]["line"] for f in told if place in f["message"]] == [refused.value.lineno]
    if name.startswith(("missing b", "cut")):
        assert "dataset" not in report or any("cut off" in f["message"] for f in told)
        assert not [f for f in report["findings"] if f["code"] in ("REC005", "REC006")]


@pytest.mark.parametrize("where", ["top", "annotation", "segmentation"])
@pytest.mark.parametrize("depth", [100, 1000, 100_000])
def test_deep_nesting_is_no_crash(cli: Cli, tmp_path: Path, where: str, depth: int) -> None:
    nest = "[" * depth + "]" * depth
    text = {"top": BASE[:-1] + f',"x":{nest}}}', "annotation": BASE.replace('"iscrowd": 0', f'"iscrowd": 0, "x": {nest}', 1),
            "segmentation": BASE.replace('"segmentation": []', f'"segmentation": {nest}', 1)}[where]
    for k in range(3):
        picture(tmp_path / f"set/a{k}.jpg", shade=k)
    (tmp_path / "set/i.json").write_text(text)
    for command in (["check"], ["fix", "-o", tmp_path / "fixed"], ["convert", "--to", "coco", "-o", tmp_path / "converted"],
                    ["transform", "--op", "flip", "-o", tmp_path / "flipped"]):
        done = cli(*command, tmp_path / "set")
        assert done.code in (0, 1, 2), (command, done.err)


@pytest.mark.parametrize("escape", ["\\ud800", "\\udfff", "\\ud800\\ud800", "a\\uDC00b"])
@pytest.mark.parametrize("field", ['"x"', '"a0.jpg"'])
def test_a_lone_surrogate_is_no_crash(cli: Cli, tmp_path: Path, escape: str, field: str) -> None:
    for k in range(3):
        picture(tmp_path / f"set/a{k}.jpg", shade=k)
    (tmp_path / "set/i.json").write_text(BASE.replace(field, f'"{escape}"'))
    for suffix in (".json", ".html", ".xlsx", ".csv", ".md", ".jsonl"):
        done = cli("report", tmp_path / "set", "-o", tmp_path / f"r{suffix}")
        assert done.code == 0, done.err
    for output_format in ("text", "concise", "junit", "sarif", "github", "markdown"):
        assert cli("check", tmp_path / "set", "--output-format", output_format).code in (0, 1)
    for to in ("coco", "voc", "yolo", "table"):
        assert cli("convert", tmp_path / "set", "--to", to, "-o", tmp_path / to).code == 0
    assert cli("balance", tmp_path / "set", "-o", tmp_path / "w.csv").code == 0
    assert cli("view", tmp_path / "set", "-o", tmp_path / "s.png").code == 0
    assert cli("fix", tmp_path / "set", "-o", tmp_path / "fixed").code in (0, 1)


@pytest.mark.parametrize(("old", "new", "line", "column"), [
    (b'"categories"', b'\n\n"categories"', 3, 0), (b'{"images"', b"\xef\xbb\xbf" b'{"images"', 1, 1)])
def test_another_encoding_is_named_with_its_place(cli: Cli, tmp_path: Path, old: bytes, new: bytes, line: int, column: int) -> None:
    content = BASE.encode().replace(old, new)
    if not column:
        content = content.replace(b'"x"', b'"caf\xe9"')
        column = content.splitlines()[2].index(b"\xe9") + 1
    for k in range(3):
        picture(tmp_path / f"set/a{k}.jpg", shade=k)
    (tmp_path / "set/i.json").write_bytes(content)
    done = cli("check", tmp_path / "set", "--select", "SRC007", "--output-format", "json")
    found = json.loads(done.out)["findings"]
    assert [f["severity"] for f in found] == ["error"]
    assert found[0]["message"].endswith(f"(first at line {line}, column {column})")
    assert found[0]["annotation"]["line"] == line
