"""`xlsx`: the workbook for reviewers. openpyxl is imported when one is written: a gate in CI has no time for it."""

from __future__ import annotations

from pathlib import Path

from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Run


class Xlsx(Report):
    """A workbook: verdicts and charts, findings to filter and decide on, classes, sizes, splits, images."""

    name = "xlsx"
    suffix = ".xlsx"
    is_binary = True
    needs_images = True

    def __init__(self, tables: bool = False, thumbnails: int = 0) -> None:
        self.tables = tables
        self.thumbnails = thumbnails
        self.needs_annotations = tables  # type: ignore[misc]

    def write(self, run: Run, out: Path) -> None:
        """Write the workbook; the same run gives the same bytes."""
        from dsinspect_reports.xlsx._book import write_book

        write_book(run, out, tables=self.tables, count=self.thumbnails)
