"""Each exit code of each command: 0, 1 where something is found or left out, 2 for the user, 3 for a plugin, 130 for ^C."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
COCO, CLEAN = SAMPLES / "coco", SAMPLES / "clean"
READING: dict[str, tuple[str, ...]] = {
    "report": ("SET",), "check": ("SET",), "fix": ("SET", "-o", "out"), "balance": ("SET", "--split", "all"),
    "transform": ("SET", "-o", "out", "--op", "flip"), "convert": ("SET", "-o", "out", "--to", "voc"),
    "simulate": ("SET", "--trainer", "yolox"), "expect": ("SET", "--split", "all"), "view": ("SET", "-o", "sheet.png")}
"""Commands that read a dataset, and options to run them with."""
GOOD = {"report": 0, "check": 1, "fix": 0, "balance": 0, "transform": 1, "convert": 0, "simulate": 0, "expect": 0, "view": 0}
"""Exit code of each on the sample set with its faults: 1 where an error is found, or an image left out."""
OTHERS: tuple[tuple[str, ...], ...] = (
    ("explain", "BOX001"), ("explain", "ultralytics"), ("plugins",), ("init",), ("new", "check", "square-box"), ("cache", "info"),
    ("cache", "clear"))
MISTAKEN: tuple[tuple[str, ...], ...] = (
    ("explain", "BOX0001"), ("plugins", "--no-plugin", "chekcs"), ("init", "none"), ("new", "chek", "square-box"),
    ("new", "check", "Square Box"), ("cache", "info", "--cache-dir", "a.file"), ("cache", "clear", "--cache-dir", "a.file"),
    ("review", "apply", "none.xlsx", str(COCO), "-o", "out"), ("review", "status", "none.xlsx"),
    ("review", "export", "none.xlsx", "-o", "decisions.json"),
    ("review", "import", "none.json", str(COCO), "-o", "report.xlsx"),
    ("review", "serve", "none"))


def arguments(command: str, dataset: object) -> tuple[str, ...]:
    return (command, *(a.replace("SET", str(dataset)) for a in READING[command]))


@pytest.mark.parametrize("command", READING)
def test_of_a_set_with_faults(cli: Any, command: str) -> None:
    assert cli(*arguments(command, COCO)).code == GOOD[command]


@pytest.mark.parametrize("command", READING)
def test_of_a_clean_set(cli: Any, command: str) -> None:
    done = cli(*arguments(command, CLEAN))
    assert done.code == 0, done.err


@pytest.mark.parametrize("command", READING)
def test_a_set_that_is_not_there(cli: Any, command: str) -> None:
    done = cli(*arguments(command, "nowhere"))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "nowhere: no such file or folder" in done.err


@pytest.mark.parametrize("command", READING)
def test_a_format_that_raises(cli: Any, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    from dsinspect_formats.coco import reader

    def raising(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(reader.CocoSource, "__init__", raising)
    done = cli(*arguments(command, COCO))
    assert done.code == 3
    assert "plugin format-coco" in done.err
    assert "ZeroDivisionError: on purpose" in done.err


@pytest.mark.parametrize("command", READING)
def test_an_error_of_our_own(cli: Any, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    from dsinspect.commands import common

    def raising(*_: object, **__: object) -> None:
        raise KeyError("on purpose")

    monkeypatch.setattr(common, "start", raising)
    done = cli(*arguments(command, COCO))
    assert done.code == 3
    assert done.err.startswith("dsinspect: internal error: KeyError")


@pytest.mark.parametrize("number", [2, 15])
@pytest.mark.parametrize("command", READING)
def test_an_interrupt(cli: Any, monkeypatch: pytest.MonkeyPatch, command: str, number: int) -> None:
    from dsinspect.cli import Interrupted
    from dsinspect.commands import common

    def raising(*_: object, **__: object) -> None:
        raise Interrupted(number)

    monkeypatch.setattr(common, "start", raising)
    done = cli(*arguments(command, COCO))
    assert done.code == 128 + number
    assert done.err == ("dsinspect: interrupted\n" if number == 2 else "dsinspect: terminated\n")
    assert not Path("out").exists()


@pytest.mark.parametrize("command", OTHERS)
def test_of_the_other_commands(cli: Any, command: tuple[str, ...]) -> None:
    assert cli(*command).code == 0


@pytest.mark.parametrize("command", MISTAKEN)
def test_mistakes_of_the_other_commands(cli: Any, command: tuple[str, ...]) -> None:
    Path("a.file").touch()
    done = cli(*command)
    assert done.code == 2
    assert done.err.startswith("dsinspect: error: ")


def decided(path: str, **decisions: str) -> str:
    """Write the decision on the first finding of some checks into the report, and save it as another file."""
    from openpyxl import load_workbook

    book = load_workbook("report.xlsx")
    sheet = book["Findings"]
    titles = [c.value for c in sheet[1]]
    for code, decision in decisions.items():
        row = next(r for r in range(2, sheet.max_row + 1) if sheet.cell(r, titles.index("Code") + 1).value == code)
        sheet.cell(row, titles.index("Decision") + 1).value = decision
    book.save(path)
    return path


def test_of_a_review(cli: Any) -> None:
    shutil.copytree(COCO, "set")
    assert cli("report", "set", "-o", "report.xlsx").code == 0
    assert cli("review", "apply", "report.xlsx", "set", "-o", "none").code == 2  # no decision in it
    good = decided("good.xlsx", BOX001="drop")
    assert cli("review", "apply", good, "set", "--diff").code == 0
    assert cli("review", "apply", good, "set", "-o", "out").code == 0
    assert cli("review", "status", good, "--dataset", "set").code == 0
    assert cli("review", "export", good, "-o", "decisions.json").code == 0
    assert len(json.loads(Path("decisions.json").read_text())["decisions"]) == 1
    assert cli("review", "import", "decisions.json", "set", "-o", "again.xlsx").code == 0
    wrong = decided("wrong.xlsx", BOX001="drop-everything")
    assert cli("review", "apply", wrong, "set", "-o", "out2").code == 2
    assert not Path("out2").exists()
    partly = decided("partly.xlsx", BOX001="drop", BOX003="drop-everything")
    assert cli("review", "apply", partly, "set", "--diff", "--partial").code == 1
    assert cli("review", "apply", partly, "set", "-o", "out3", "--partial").code == 1


@pytest.mark.parametrize(("is_worse", "code"), [(True, 1), (False, 0)])
def test_of_a_fix_whose_result_has_new_findings(cli: Any, monkeypatch: pytest.MonkeyPatch, is_worse: bool, code: int) -> None:
    monkeypatch.setattr("dsinspect.commands.fix.warns_of_new", lambda comparison: is_worse)
    assert cli("fix", SAMPLES / "voc", "-o", "out", "--select", "BOX001", "--annotations-only").code == code
