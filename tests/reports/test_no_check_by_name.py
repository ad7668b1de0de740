"""Reports know no check by its code: what a check measures and draws is shown whichever it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from dsinspect.findings.severity import Severity
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols.chart import Chart
from dsinspect.protocols.run import Run
from dsinspect_reports.terminal import TerminalReport

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run() -> Run:
    return inspect(Request("coco", ROOT / "sample_data/coco"), load_plugins())


@pytest.mark.parametrize("name", ["_summary.py", "xlsx"])
def test_no_code_in_the_source(name: str) -> None:
    place = ROOT / "plugins/dsinspect_reports" / name
    for path in place.glob("*.py") if place.is_dir() else [place]:
        assert not re.findall(r"""outcome\(["'][A-Z]{3}\d{3}""", path.read_text()), path


def test_the_terminal_shows_histograms_of_any_check(run: Run) -> None:
    chart = Chart("histogram", "Depth of tea", (0.0, 1.0, 2.0), (3, 5), "cm", "cups")
    tea = replace(run.outcomes[0], code="TEA001", charts=(chart,))
    text = TerminalReport().text(replace(run, outcomes=(tea,)))
    assert "Depth of tea" in text
    assert "largest to smallest" in text, "the classes are those of the census"


def test_the_terminal_says_which_boxes_belong_to_no_class_or_split(run: Run) -> None:
    text = TerminalReport().text(run)
    assert "2 boxes are of no known class or image" in text
    assert "1 box is of no image in a split" in text


def test_the_worst_severity_of_a_check_is_found_in_one_place(run: Run) -> None:
    for path in [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "dsinspect").rglob("*.py")]:
        if path.name != "run.py":
            assert not re.findall(r"severities\([^)]*\)\.max", path.read_text("utf-8")), path
    of = {o.code: o.worst for o in run.outcomes}
    assert (of["BOX001"], of["BOX005"], of["DST001"], of["BOX002"]) == (Severity.ERROR, Severity.WARNING, Severity.INFO, None)
