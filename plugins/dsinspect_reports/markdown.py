"""`markdown`: a summary for a pull request or an issue."""

from __future__ import annotations

from html import escape

from dsinspect.findings.rendering import printable, without_controls
from dsinspect.findings.severity import Severity
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Outcome, Run
from dsinspect_reports._counted import charts_of_checks
from dsinspect_reports._drawn import lines_of
from dsinspect_reports._excerpts import Excerpt, excerpts, first_of_each, more_of_each
from dsinspect_reports._terminal import clipped
from dsinspect_reports.text import line_of, summary_line, where

FINDINGS_EACH = 5
MAX_CLASSES = 30
TABLE_ROWS, TABLE_COLUMNS = 20, 12
"""Of a table, shown at most."""
CELL_WIDTH = 80
FENCE = "```"
MARKS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️"}  # noqa: RUF001 - the sign, not a letter


class MarkdownReport(Report):
    """A summary in Markdown."""

    name = "markdown"
    suffix = ".md"

    def text(self, run: Run) -> str:
        """Return the summary."""
        lines = [f"# dsinspect: {escaped(run.path)}", "", f"**{summary_line(run)}**", ""]
        found = [o for o in run.outcomes if o.status in ("found", "crashed")]
        if found:
            lines += ["| | check | findings | what it reports |", "|---|---|---:|---|"]
            for o in sorted(found, key=lambda o: (-worst(o).rank, o.code)):
                count = "crashed" if o.status == "crashed" else f"{len(o.findings):,}"
                lines.append(f"| {MARKS[worst(o)]} | {o.code} {o.name} | {count} | {escaped(o.summary.replace('`', ''))} |")
            lines.append("")
        for o in sorted(found, key=lambda o: (-worst(o).rank, o.code)):
            if worst(o) is Severity.INFO or o.status == "crashed":
                continue
            lines += _folded(f"{o.code} {o.name}")
            n = len(o.findings)
            for f in o.first(FINDINGS_EACH):
                place = line_of(where(f))
                lines.append(f"- {'`' + place.replace('`', '') + '`: ' if place else ''}{escaped(line_of(f.message))}")
            if n > FINDINGS_EACH:
                lines.append(f"- and {n - FINDINGS_EACH:,} more")
            lines += ["", "</details>", ""]
        classes = run.census.largest_first()
        if classes:
            lines += ["| class | boxes | images |", "|---|---:|---:|"]
            lines += [f"| {escaped(clipped(str(n), CELL_WIDTH, unicode=True))} | {a:,} | {i:,} |"
                      for n, a, i in classes[:MAX_CLASSES]]
            if len(classes) > MAX_CLASSES:
                lines.append(f"| and {len(classes) - MAX_CLASSES:,} more | | |")
            lines.append("")
        lines += [line for e in excerpts(run, TABLE_ROWS, TABLE_COLUMNS) for line in _table(e)]
        for outcome, chart in first_of_each(charts_of_checks(run)):
            if drawn := lines_of(chart, unicode=True):
                lines += [*_folded(f"{outcome.code} {chart.title}"), FENCE, *(line.replace("`", "'") for line in drawn), FENCE, "",
                          "</details>", ""]
        if more := more_of_each(run):
            lines += [more, ""]
        return without_controls("\n".join(lines))


def _folded(title: str) -> list[str]:
    return [f"<details><summary>{escape(printable(title))}</summary>", ""]


def _table(excerpt: Excerpt) -> list[str]:
    """Return the rows of a table, folded."""
    def row(cells: list[str]) -> str:
        return f"| {' | '.join(escaped(clipped(c, CELL_WIDTH, unicode=True)) for c in cells)} |"

    return [*_folded(f"{excerpt.origin} {excerpt.title}".strip()), row(excerpt.headers),
            f"|{'|'.join('---:' if n else '---' for n in excerpt.numbers)}|", *map(row, excerpt.rows), "",
            *([excerpt.left_out, ""] if excerpt.left_out else []), "</details>", ""]


def worst(outcome: Outcome) -> Severity:
    """Return the worst severity among the findings; a crash is an error."""
    if outcome.status == "crashed":
        return Severity.ERROR
    return outcome.worst or Severity.INFO


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    text = " ".join(text.split())
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, "\\" + mark)
    return text
