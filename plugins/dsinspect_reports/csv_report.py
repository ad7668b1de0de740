"""`csv`: the findings as a table (RFC 4180, UTF-8), one row each.

A text that a spreadsheet would take for a formula (it begins with =, +, -, @ or a control character) gets an apostrophe
in front.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dsinspect.findings.findings import Finding
from dsinspect.findings.rendering import guarded, without_controls
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Run

HEADER = ("code", "severity", "message", "image", "split", "category", "annotation_id", "source", "line", "index",
          "x_min", "y_min", "x_max", "y_max", "values", "fingerprint", "fix")


class CsvReport(Report):
    """The findings as CSV."""

    name = "csv"
    suffix = ".csv"

    def stream(self, run: Run) -> Iterator[str]:
        """Yield some thousand rows at a time."""
        yield _written([HEADER])
        for outcome in run.outcomes:
            for chunk in outcome.chunks():
                yield _written(_rows(chunk.findings()))


def _written(rows: Iterable[Sequence[Any]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    return without_controls(file.getvalue())


def _rows(findings: Iterator[Finding]) -> Iterator[list[Any]]:
    for f in findings:
        values = "; ".join(f"{k}={v}" for k, v in f.values.items())
        fix = f"{f.fix.safety}: {f.fix.action}" if f.fix else None
        texts = (f.code, str(f.severity), f.message, f.image, f.split, f.category)
        yield [*map(guarded, texts), f.annotation_id, guarded(f.source), f.line, f.index, *(f.bbox_xyxy or [None] * 4),
               guarded(values), f.fingerprint, fix]
