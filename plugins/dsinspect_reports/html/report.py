"""The page: verdict, charts, classes, checks, and findings to search, in one file that works offline."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from dsinspect import __version__
from dsinspect.findings.rendering import without_controls
from dsinspect.findings.severity import Severity
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Outcome, Run
from dsinspect_reports.html._charts import draw
from dsinspect_reports.html._page import SCRIPT, STYLE
from dsinspect_reports.text import where

MAX_FINDINGS = 20_000
"""Findings embedded in the page (about 5 MB); the workbook and JSON hold all."""
MAX_CLASSES = 200
ORDER = {"crashed": 0, "error": 1, "warning": 2, "info": 3, "clean": 4, "skipped": 5}


class HtmlReport(Report):
    """One web page with charts and searchable findings."""

    name = "html"
    suffix = ".html"

    def write(self, run: Run, out: Path) -> None:
        """Write the page."""
        out.write_text(without_controls(self.text(run)), encoding="utf-8", errors="replace")

    def text(self, run: Run) -> str:
        """Return the page."""
        title = escape(f"dsinspect: {run.path}")
        body = "".join((header(run), charts(run), classes(run), checks(run), findings(run)))
        return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
                '<meta name="viewport" content="width=device-width,initial-scale=1">'
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
                "script-src 'unsafe-inline'\">"
                f"<style>{STYLE}</style></head><body><main>{body}</main><script>{SCRIPT}</script></body></html>\n")


def header(run: Run) -> str:
    """Return title, facts and verdict."""
    c = run.census
    tiles = [("", f"{c.images:,}", "images"), ("", f"{c.annotations:,}", "boxes"), ("", f"{len(c.categories):,}", "classes")]
    if len(c.splits):
        tiles.append(("", f"{len(c.splits)}", "splits"))
    counts = [(s, run.count(s)) for s in (Severity.ERROR, Severity.WARNING, Severity.INFO)]
    tiles += [(str(s), f"{n:,}", str(s) if s is Severity.INFO or n == 1 else f"{s}s") for s, n in counts if n]
    if not any(n for _, n in counts):
        tiles.append(("clean", "0", "findings"))
    made = "".join(f'<div class="tile {kind}"><b>{value}</b>{label}</div>' for kind, value, label in tiles)
    notes = "".join(f'<p class="quiet">{escape(n)}</p>' for n in run.info.notes)
    return (f'<header><h1>{escape(run.path)}</h1><p class="quiet">{escape(run.info.format.upper())} dataset, inspected with '
            f"dsinspect {escape(__version__)}</p>{notes}</header><div class=\"tiles\">{made}</div>")


def charts(run: Run) -> str:
    """Return the charts of all checks."""
    drawn = [d for o in run.outcomes for c in o.charts if (d := draw(c))]
    return f'<h2>Pictures</h2><div class="charts">{"".join(drawn)}</div>' if drawn else ""


def classes(run: Run) -> str:
    """Return the table of classes, largest first."""
    largest_first = run.census.largest_first()
    if not largest_first:
        return ""
    top, total = max(largest_first[0][1], 1), max(sum(boxes for _, boxes, _ in largest_first), 1)
    rows = "".join(
        f'<tr><td>{escape(str(n))}</td><td class="n">{a:,}</td><td class="n">{a / total:.1%}</td><td class="n">{i:,}</td>'
        f'<td><span class="bar" style="width:{a / top * 160:.1f}px"></span></td></tr>'
        for n, a, i in largest_first[:MAX_CLASSES])
    left = len(largest_first) - MAX_CLASSES
    more = f'<p class="quiet">and {left:,} more</p>' if left > 0 else ""
    return ('<h2>Classes</h2><div class="scroll"><table><thead><tr><th>class</th><th class="n">boxes</th><th class="n">share</th>'
            f'<th class="n">images</th><th></th></tr></thead><tbody>{rows}</tbody></table></div>{more}')


def checks(run: Run) -> str:
    """Return the verdict per check, worst first."""
    rows = "".join(
        f'<tr><td><span class="badge {status(o)}">{status(o)}</span></td><td><code>{o.code}</code></td>'
        f'<td>{escape(o.name)}</td><td class="n">{len(o.findings):,}</td><td>{told(o)}</td></tr>'
        for o in sorted(run.outcomes, key=lambda o: (ORDER[status(o)], o.code)))
    return ('<h2>Checks</h2><div class="scroll"><table><thead><tr><th>verdict</th><th>code</th><th>check</th>'
            f'<th class="n">findings</th><th>what it reports</th></tr></thead><tbody>{rows}</tbody></table></div>')


def findings(run: Run) -> str:
    """Return the searchable findings; text goes in as data and is only ever shown as text."""
    total = sum(len(o.findings) for o in run.outcomes)
    if not total:
        return ""
    rows: list[list[Any]] = []
    for o in sorted((o for o in run.outcomes if len(o.findings)), key=lambda o: (ORDER[status(o)], o.code)):
        room = min(MAX_FINDINGS - len(rows), len(o.findings))
        rows += [[str(f.severity), f.code, f.message, where(f), f.category, f.split]
                 for f in o.findings.iterate(o.code, o.severity, np.arange(room))]
    data = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    data = data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    codes = "".join(f"<option>{c}</option>" for c in dict.fromkeys(r[1] for r in rows))
    heads = "".join(f'<th><button data-column="{k}" title="sort">{h}</button></th>'
                    for k, h in enumerate(("severity", "code", "message", "place", "class", "split")))
    cut = f'<p class="quiet">The page holds the first {len(rows):,} of {total:,}; write .xlsx or .json for all.</p>' \
        if len(rows) < total else ""
    return (f'<h2>Findings</h2>{cut}<div class="filters"><input id="search" type="search" placeholder="Search" '
            'aria-label="Search findings"><select id="severity" aria-label="Severity"><option value="">all severities</option>'
            "<option>error</option><option>warning</option><option>info</option></select>"
            f'<select id="code" aria-label="Check"><option value="">all checks</option>{codes}</select></div>'
            '<p class="quiet" id="count" aria-live="polite"></p><div class="scroll"><table><thead><tr>'
            f'{heads}</tr></thead><tbody id="rows"></tbody></table></div><p><button id="more" hidden>Show more</button></p>'
            f'<script type="application/json" id="findings">{data}</script>')


def status(outcome: Outcome) -> str:
    """Return a status, or for findings their worst severity."""
    if outcome.status != "found":
        return outcome.status
    return str(list(Severity)[int(outcome.findings.severities(outcome.severity).max())])


def told(outcome: Outcome) -> str:
    """Return what a check reports, or why it did not run."""
    text = str(outcome.metrics.get("reason", "")) if outcome.status in ("skipped", "crashed") else outcome.summary
    return escape(text.replace("`", ""))
