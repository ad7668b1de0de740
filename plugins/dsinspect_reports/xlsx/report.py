"""`xlsx`: the workbook for reviewers. openpyxl is imported when one is written: a gate in CI has no time for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Run


class Options(BaseOptions, frozen=True):
    """What the workbook holds."""

    tables: Annotated[bool, option("put the table of annotations into the workbook")] = False
    thumbnails: Annotated[int, option("crops of findings to embed", ge=0)] = 0


class Xlsx(Report):
    """A workbook: verdicts and charts, findings to filter and decide on, classes, sizes, splits, images."""

    name = "xlsx"
    suffix = ".xlsx"
    is_binary = True
    needs_images = True

    options_type = Options

    def __init__(self, options: BaseOptions | None = None) -> None:
        super().__init__(options)
        self.needs_annotations = self.options.tables

    def write(self, run: Run, out: Path) -> None:
        """Write the workbook; the same run gives the same bytes."""
        from dsinspect_reports.xlsx._book import write_book

        write_book(run, out, tables=self.options.tables, count=self.options.thumbnails)
