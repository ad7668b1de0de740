"""`junit`: one test case per check, for the test views of CI servers."""

from __future__ import annotations

import re

from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Outcome, Run
from dsinspect_reports.text import concise_line

MAX_FINDINGS = 100
"""Findings listed per check: CI servers keep the file in memory."""
_ILLEGAL = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""What XML cannot hold; compiled when first used, which takes 4 ms."""


class JUnitReport(Report):
    """JUnit XML: a check that makes the gate fail is a failure; other findings pass, with their text as output."""

    name = "junit"
    suffix = ".xml"

    def text(self, run: Run) -> str:
        """Return the XML."""
        failed = [o for o in run.outcomes if o.status in ("found", "clean") and run.fails(o)]
        skipped = sum(o.status == "skipped" for o in run.outcomes)
        empty = int(run.fails_empty)
        counts = (f'tests="{len(run.outcomes) + empty}" failures="{len(failed) + empty}" errors="{len(run.crashed)}" '
                  f'skipped="{skipped}"')
        cases = "".join(case(o, fails=run.fails(o)) for o in run.outcomes)
        if run.fails_empty:
            cases += (f'  <testcase classname="dsinspect" name="something to judge" time="0"><failure type="error" '
                      f"message={attribute(run.emptiness or '')}/></testcase>\n")
        return ('<?xml version="1.0" encoding="UTF-8"?>\n'
                f'<testsuites name="dsinspect" {counts}>\n<testsuite name={attribute(run.path)} {counts} time="0">\n'
                f"{cases}</testsuite>\n</testsuites>\n")


def case(outcome: Outcome, *, fails: bool) -> str:
    """Return one check as a test case; it fails where it makes the gate fail, and nowhere else."""
    head = f'  <testcase classname="dsinspect.{outcome.code[:3]}" name={attribute(f"{outcome.code} {outcome.name}")} time="0"'
    if outcome.status == "clean":
        return head + "/>\n"
    reason = str(outcome.metrics.get("reason", ""))
    if outcome.status == "skipped":
        told = reason if outcome.applies else f"does not apply: {reason}"
        return f"{head}><skipped message={attribute(told)}/></testcase>\n"
    if outcome.status == "crashed":
        return f"{head}><error message={attribute(reason)}/></testcase>\n"
    from xml.sax.saxutils import escape

    n = len(outcome.findings)
    lines = "".join(map(concise_line, outcome.first(MAX_FINDINGS)))
    if n > MAX_FINDINGS:
        lines += f"and {n - MAX_FINDINGS:,} more\n"
    body = escape(legal(lines))
    if fails:
        told = attribute(f"findings: {n:,}. {outcome.summary}")
        return f'{head}><failure type="{outcome.worst}" message={told}>{body}</failure></testcase>\n'
    return f"{head}><system-out>{body}</system-out></testcase>\n"


def legal(text: str) -> str:
    """Return text without the characters that XML cannot hold."""
    return re.sub(_ILLEGAL, "\N{REPLACEMENT CHARACTER}", text)


def attribute(text: str) -> str:
    """Return text as a quoted attribute."""
    from xml.sax.saxutils import quoteattr  # takes urllib and ssl with it

    return quoteattr(legal(text))
