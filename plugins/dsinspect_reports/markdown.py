"""`markdown`: a summary for a pull request or an issue."""

from __future__ import annotations

from dsinspect.findings.rendering import without_controls
from dsinspect.findings.severity import Severity
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Outcome, Run
from dsinspect_reports.text import summary_line, where

FINDINGS_EACH = 5
MAX_CLASSES = 30
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
            lines += [f"<details><summary>{o.code} {o.name}</summary>", ""]
            n = len(o.findings)
            for f in o.first(FINDINGS_EACH):
                place = where(f)
                lines.append(f"- {'`' + place.replace('`', '') + '`: ' if place else ''}{escaped(f.message)}")
            if n > FINDINGS_EACH:
                lines.append(f"- and {n - FINDINGS_EACH:,} more")
            lines += ["", "</details>", ""]
        classes = run.census.largest_first()
        if classes:
            lines += ["| class | boxes | images |", "|---|---:|---:|"]
            lines += [f"| {escaped(str(n))} | {a:,} | {i:,} |" for n, a, i in classes[:MAX_CLASSES]]
            if len(classes) > MAX_CLASSES:
                lines.append(f"| and {len(classes) - MAX_CLASSES:,} more | | |")
            lines.append("")
        return without_controls("\n".join(lines))


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
