"""The reports of text: what is in them, hostile text in them, and memory that does not grow with the findings."""

from __future__ import annotations

import csv
import html.parser
import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsinspect.findings.findings import Findings
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols.run import Run
from dsinspect_reports.github import GithubReport

PLUGINS = load_plugins()
SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
HOSTILE = ["<script>alert(1)</script>", "]]>", "a&b\"'<>", "::error file=x::y\r\n::set-env", "=cmd|'/c calc'!A1",
           "\x00\x07\x1b[31mred",
           "|a|b|", "`code` *x* [l](javascript:x)", "a,b\"c\nd", "\ud800", "100%", "{value}", "[bold]markup[/bold]"]
TEXTS = ["text", "concise", "json", "jsonl", "csv", "junit", "sarif", "github", "markdown", "html", "terminal"]


@pytest.fixture(scope="module")
def run() -> Run:
    return inspect(Request("sample_data/coco", SAMPLES / "coco", keep_images=True), PLUGINS)


@pytest.fixture(scope="module")
def hostile(run: Run) -> Run:
    found = Findings.of_subjects(HOSTILE, "{text}", {"text": np.array(HOSTILE, object)}, image=HOSTILE, category=HOSTILE)
    return replace(run, path="<b>&set", outcomes=(replace(run.outcomes[0], findings=found, status="found"),))


def text_of(name: str, run: Run, tmp_path: Path, **options: Any) -> str:
    report = PLUGINS.reports[name](PLUGINS.reports[name].options_type(**options))
    path = tmp_path / f"out.{name}"
    report.write(run, path)
    return path.read_bytes().decode("utf-8")


def findings_of(run: Run) -> list[Any]:
    return [f for o in run.outcomes for f in o.iterate()]


@pytest.mark.parametrize("name", TEXTS)
def test_file_and_standard_output_say_the_same(name: str, run: Run, tmp_path: Path) -> None:
    report = PLUGINS.reports[name]()
    report.write(run, tmp_path / "out")
    if name not in ("text", "terminal"):  # these fit the width of the terminal
        assert "".join(report.stream(run)) == (tmp_path / "out").read_bytes().decode("utf-8")
    assert (tmp_path / "out").stat().st_size > 100


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_text_and_the_same_bytes_again(name: str, hostile: Run, tmp_path: Path) -> None:
    first = text_of(name, hostile, tmp_path)
    assert first == text_of(name, hostile, tmp_path)
    if name in ("text", "terminal", "concise"):
        assert "\x1b" not in first, "a name steers the terminal"


def test_json_lines_are_the_findings_of_the_document(run: Run, tmp_path: Path) -> None:
    document = json.loads(text_of("json", run, tmp_path))
    lines = [json.loads(line) for line in text_of("jsonl", run, tmp_path).splitlines()]
    assert document["findings"] == lines
    assert len(lines) == len(findings_of(run))
    assert set(document) == {"schema_version", "tool", "dataset", "checks", "findings"}
    for record, f in zip(lines, findings_of(run), strict=True):
        assert set(record) == {"code", "severity", "message", "image", "split", "category", "annotation", "bbox_xyxy", "values",
                               "fingerprint", "fix"}
        assert (record["code"], record["message"], record["fingerprint"]) == (f.code, f.message, f.fingerprint)
        assert record["severity"] == str(f.severity)
        assert (record["annotation"] or {}).get("id") == f.annotation_id


def test_json_of_hostile_text(hostile: Run, tmp_path: Path) -> None:
    found = json.loads(text_of("json", replace(hostile, outcomes=hostile.outcomes), tmp_path))["findings"]
    assert [f["image"] for f in found] == [h if h != "\ud800" else found[k]["image"] for k, h in enumerate(HOSTILE)]


def test_csv_has_no_formulas(hostile: Run, tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(text_of("csv", hostile, tmp_path), newline="")))
    assert len(rows) == 1 + len(HOSTILE)
    assert not any(cell[:1] in ("=", "+", "-", "@") for row in rows[1:] for cell in row)


def test_junit_counts(run: Run, hostile: Run, tmp_path: Path) -> None:
    root = ET.fromstring(text_of("junit", run, tmp_path))
    suite = root[0]
    assert int(suite.attrib["tests"]) == len(run.outcomes) == len(suite)
    failed = [c.attrib["name"].split()[0] for c in suite if c.find("failure") is not None]
    assert failed == [o.code for o in run.outcomes if any(f.severity.rank >= 2 for f in o.iterate())], "as the gate fails"
    assert int(suite.attrib["failures"]) == len(failed)
    assert int(suite.attrib["skipped"]) == sum(o.status == "skipped" for o in run.outcomes)
    ET.fromstring(text_of("junit", hostile, tmp_path))


def test_sarif(run: Run, hostile: Run, tmp_path: Path) -> None:
    for of in (run, hostile):
        log = json.loads(text_of("sarif", of, tmp_path))
        assert set(log) == {"$schema", "version", "runs"}
        assert log["version"] == "2.1.0"
        (one,) = log["runs"]
        rules = one["tool"]["driver"]["rules"]
        assert len({r["id"] for r in rules}) == len(rules)
        assert len(one["results"]) == len(findings_of(of))
        for result in one["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["level"] in ("none", "note", "warning", "error")
            assert result["message"]["text"] is not None
            assert all(isinstance(v, str) for v in result["partialFingerprints"].values())
            for place in (*result.get("locations", ()), *result.get("relatedLocations", ())):
                uri = place["physicalLocation"]["artifactLocation"]["uri"]
                assert re.fullmatch(r"[A-Za-z0-9._~/%\-]+", uri), uri
                assert place["physicalLocation"].get("region", {"startLine": 1})["startLine"] >= 1


def test_github_commands_stay_on_their_lines(hostile: Run, tmp_path: Path) -> None:
    lines = text_of("github", hostile, tmp_path, max_findings=0).splitlines()
    assert len(lines) == len(HOSTILE) + 1  # and the summary
    assert all(re.match(r"::(error|warning|notice) file=[^:]*,title=[^:]*::", line) for line in lines[:-1])


def test_github_limits_annotations(run: Run, tmp_path: Path) -> None:
    text = text_of("github", run, tmp_path, max_findings=1)
    assert sum(line.startswith("::") for line in text.splitlines()) <= 2 * len([o for o in run.outcomes if len(o.findings)])
    assert GithubReport().options.max_findings == 10


class Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href")]
        assert not any(k.startswith("on") for k, _ in attrs)


def test_html_is_self_contained_and_escapes(run: Run, hostile: Run, tmp_path: Path) -> None:
    plain, bad = Tags(), Tags()
    plain.feed(text_of("html", run, tmp_path))
    page = text_of("html", hostile, tmp_path)
    bad.feed(page)
    assert not [link for link in plain.links + bad.links if link.startswith(("http", "//"))]
    assert bad.tags.count("script") <= plain.tags.count("script")
    assert "<script>alert(1)" not in page


def test_markdown_names_what_was_found(run: Run, tmp_path: Path) -> None:
    text = text_of("markdown", run, tmp_path)
    assert all(o.code in text for o in run.outcomes if len(o.findings))


@pytest.mark.parametrize("name", ["json", "jsonl", "csv", "sarif", "concise"])
def test_a_hundred_thousand_findings_come_in_pieces(name: str, run: Run) -> None:
    n = 100_000
    paths = np.array([f"images/{k}.jpg" for k in range(n)], object)
    found = Findings.of_places({"image": paths, "annotation_id": np.arange(n), "source": np.full(n, "a.json", object)},
                               "box is {width:g} px wide; {limit:g} (min_side)", {"width": np.arange(n), "limit": 1.0})
    many = replace(run, outcomes=(replace(run.outcomes[0], findings=found, status="found"),))
    sizes = [len(piece) for piece in PLUGINS.reports[name]().stream(many)]
    assert sum(sizes) > 5_000_000
    assert max(sizes) < 5_000_000


@pytest.mark.parametrize("name", ["text", "terminal", "markdown", "github", "junit"])
def test_a_hundred_thousand_findings_stay_short_to_read(name: str, run: Run) -> None:
    n = 100_000
    found = Findings.of_places({"image": np.array([f"{k}.jpg" for k in range(n)], object)}, "is {what}", {"what": "odd"})
    many = replace(run, outcomes=(replace(run.outcomes[0], findings=found, status="found"),))
    text = PLUGINS.reports[name]().text(many)
    assert len(text.splitlines()) < 250
    assert "100,000" in text or "99,9" in text


def test_summary_takes_the_spread_of_sizes_from_their_own_check(run: Run, tmp_path: Path) -> None:
    spread = {o.code: o.metrics["spread"] for o in run.outcomes if "spread" in o.metrics}
    assert spread["SIZ001"] != spread["SIZ002"]
    assert f"spread {spread['SIZ001']:.3g}" in text_of("terminal", run, tmp_path)


def test_summary_does_not_suggest_the_report_that_is_written(run: Run, tmp_path: Path) -> None:
    assert "-o report.xlsx" in text_of("terminal", run, tmp_path)
    assert "-o report.xlsx" not in text_of("terminal", run, tmp_path, written=".json,.xlsx")


def test_markdown_shows_no_escaped_backticks(run: Run, tmp_path: Path) -> None:
    quoting = replace(run, outcomes=tuple(replace(o, summary="Paths with `..` in them.") for o in run.outcomes))
    table = text_of("markdown", quoting, tmp_path).partition("<details>")[0]
    assert "Paths with .. in them." in table
    assert "`" not in table


def test_an_annotation_of_an_unknown_image_shows_no_other_image(run: Run) -> None:
    from dsinspect_reports._places import Places

    whole = inspect(Request("sample_data/coco", SAMPLES / "coco", keep_images=True, keep_annotations=True), PLUGINS)
    unknown = whole.outcome("REC005")
    assert unknown is not None
    found = list(unknown.iterate())
    assert found
    assert all(f.category is not None and not Places(whole).of(f) for f in found)


@pytest.mark.parametrize("name", ["concise", "markdown", "text", "junit"])
def test_names_of_thousands_of_characters_are_cut(run: Run, tmp_path: Path, name: str) -> None:
    long = "x" * 10_000
    found = Findings.of_subjects([long], "Class {text} has 1 box", {"text": np.array([long], object)}, category=[long])
    written = text_of(name, replace(run, outcomes=(replace(run.outcomes[0], findings=found, status="found"),)), tmp_path)
    assert "xxx" in written
    assert "x" * 1000 not in written
    assert "has 1 box" in written
