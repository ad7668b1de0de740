"""Reports know no check by its code: what a check measures and draws is shown whichever it is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from dsinspect.findings.severity import Severity
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols.chart import Chart
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Run
from dsinspect_reports._counted import per_class
from dsinspect_reports._drawn import lines_of
from dsinspect_reports.json_report import JsonReport
from dsinspect_reports.markdown import MarkdownReport
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


def test_the_last_of_the_bars_of_numbers_is_the_largest_number() -> None:
    (line,) = lines_of(Chart("histogram", "Boxes per image", (0, 1, 2, 3), (4, 1, 2), "boxes", "images"), unicode=False)
    assert line.split()[0] == "0"
    assert line.split()[-2:] == ["2", "boxes"]
    (line,) = lines_of(Chart("histogram", "Image side", (0.0, 2.5, 5.0), (4, 1), "px", "images"), unicode=False)
    assert line.split()[-2:] == ["5", "px"]


def test_what_a_chart_counts_is_whole_on_a_narrow_terminal(run: Run) -> None:
    chart = Chart("histogram", "Cups of tea", tuple(range(52)), tuple(range(51)), "cups that were drunk in one day", "people")
    tea = replace(run.outcomes[0], code="TEA001", charts=(chart,))
    text = TerminalReport(TerminalReport.options_type(width=80, colour=False)).text(replace(run, outcomes=(tea,)))
    assert "cups that were drunk in one day" in text
    assert max(map(len, text.splitlines())) <= 80


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


def _tea(run: Run) -> Run:
    cups = pd.DataFrame({"cup": [f"cup {k} \x1b[31m|`x`" for k in range(30)], "depth": range(30), "full_share": [0.5] * 30})
    charts = (Chart("bar", "Drinkers", tuple(f"who {k}" for k in range(9)), tuple(range(9)), "who", "cups"),
              Chart("histogram", "Depth \x1b[31m of tea", (0.0, 1.0, 2.0), (3, 5), "cm", "cups"),
              Chart("scatter", "Places of cups", (0.0, 1.0, 2.0), (3.0, 5.0, 9.0), "x", "y"),
              Chart("heatmap", "Warm places", (2, 2), ((0, 1), (4, 2)), "across the table", "along it"))
    tea = replace(run.outcomes[0], code="TEA001", status="clean", charts=charts, metrics={},
                  made={"Cups <b>": cups, "Of cars": pd.DataFrame({"class": ["car"], "share": [0.25]})})
    return replace(run, outcomes=(tea,), described=())


@pytest.mark.parametrize("report", [TerminalReport, MarkdownReport])
def test_tables_and_charts_of_any_check_are_shown_and_what_is_left_out_is_counted(run: Run, report: type[Report]) -> None:
    text = report().text(_tea(run))
    for said in ("TEA001 Drinkers", "TEA001 Depth", "TEA001 Places of cups", "TEA001 Warm places", "TEA001 Cups", "Of cars",
                 "25.0%", "50.0%", "and 3 more", "across the table across, along it down", "x: 0 to 2"):
        assert said in text, said
    assert "\x1b" not in text
    shown = 6 if report is TerminalReport else 20
    assert text.count("cup ") == shown
    assert f"{30 - shown} more rows: report.xlsx or report.json" in text


@pytest.mark.parametrize("report", [TerminalReport, MarkdownReport])
def test_no_check_floods_a_report(run: Run, report: type[Report]) -> None:
    many = {f"Table {k}": pd.DataFrame({f"column {c}": ["y" * 500] for c in range(50)}) for k in range(9)}
    tea = replace(run.outcomes[0], code="TEA001", made=many, charts=(_tea(run).outcomes[0].charts[0],) * 8)
    text = report().text(replace(run, outcomes=(tea,), described=()))
    assert "Table 5" in text
    assert "Table 6" not in text
    assert "3 more tables of TEA001, 2 more charts of TEA001: report.xlsx or report.json" in text
    assert "more columns: report.xlsx or report.json" in text
    assert "y" * 81 not in text


def test_a_narrow_terminal_leaves_columns_out_and_cuts_no_number(run: Run) -> None:
    wide = pd.DataFrame({f"measure {c}": [123_456 + c] for c in range(8)})
    tea = replace(run.outcomes[0], code="TEA001", made={"Wide": wide}, charts=())
    text = TerminalReport(TerminalReport.options_type(width=50)).text(replace(run, outcomes=(tea,), described=()))
    assert "123,456" in text
    assert "123,458" in text
    assert "123,463" not in text
    assert re.search(r"\d more columns: report.xlsx", text)


def test_markdown_is_the_same_whatever_standard_output_can_show(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    here = MarkdownReport().text(_tea(run))
    monkeypatch.setattr("dsinspect_reports._terminal.speaks_unicode", lambda: False)
    monkeypatch.setattr("dsinspect_reports._drawn.speaks_unicode", lambda: False)
    assert MarkdownReport().text(_tea(run)) == here


def test_json_holds_tables_and_charts_whole(run: Run) -> None:
    document = json.loads("".join(JsonReport().stream(_tea(run))))
    check, = document["checks"]
    assert list(check["tables"]) == ["Cups <b>", "Of cars"]
    assert check["tables"]["Cups <b>"]["depth"] == list(range(30))
    assert [c["title"] for c in check["charts"]][2:] == ["Places of cups", "Warm places"]
    assert check["charts"][3]["y"] == [[0, 1], [4, 2]]
    plain = json.loads("".join(JsonReport().stream(replace(run, outcomes=(replace(run.outcomes[0], made={}, charts=()),)))))
    assert not {"tables", "charts"} & set(plain["checks"][0]), "the record of a check without any is as it was"


def test_a_table_per_class_of_which_the_census_knows_every_column_is_shown(run: Run) -> None:
    assert per_class(_tea(run))["Of cars, share"].values == {"car": 0.25}
