"""`csv`: the findings as a table (RFC 4180, UTF-8), one row each.

A text that a spreadsheet would take for a formula (it begins with =, +, -, @ or a control character) gets an apostrophe
in front.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from dsinspect.findings import Finding
from dsinspect.reports import Report, Run

HEADER = ("code", "severity", "message", "image", "split", "category", "annotation_id", "source", "line", "index",
          "x_min", "y_min", "x_max", "y_max", "values", "fingerprint", "fix")


class CsvReport(Report):
    """The findings as CSV."""

    name = "csv"
    suffix = ".csv"

    def write(self, run: Run, out: Path) -> None:
        """Write the file."""
        with out.open("w", encoding="utf-8", newline="") as file:
            self._write(run, file)

    def text(self, run: Run) -> str:
        """Return it as text."""
        file = io.StringIO(newline="")
        self._write(run, file)
        return file.getvalue()

    @staticmethod
    def _write(run: Run, file: TextIO) -> None:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(HEADER)
        writer.writerows(row for o in run.outcomes for row in _rows(o.iterate()))


def _rows(findings: Iterator[Finding]) -> Iterator[list[Any]]:
    for f in findings:
        values = "; ".join(f"{k}={v}" for k, v in f.values.items())
        fix = f"{f.fix.safety}: {f.fix.action}" if f.fix else None
        texts = (f.code, str(f.severity), f.message, f.image, f.split, f.category)
        yield [*map(guarded, texts), f.annotation_id, guarded(f.source), f.line, f.index, *(f.bbox_xyxy or [None] * 4),
               guarded(values), f.fingerprint, fix]


def guarded(text: str | None) -> str | None:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text and text[0] in "=+-@\t\r" else text
