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
    thumbnails: Annotated[int, option("findings of one check that get an image, at most", ge=0)] = 40
    thumbnails_mb: Annotated[float, option("megabytes of all images together, at most", ge=0,
                                           source="mail servers take 20 to 25 MB")] = 15.0


class Xlsx(Report):
    """A workbook: verdicts and charts, findings with their images to filter and decide on, classes, splits, images."""

    name = "xlsx"
    suffix = ".xlsx"
    is_binary = True
    needs_images = True

    options_type = Options

    def __init__(self, options: BaseOptions | None = None) -> None:
        super().__init__(options)
        self.needs_annotations = self.options.tables or self.options.thumbnails > 0  # the other box of a pair is drawn as well

    def write(self, run: Run, out: Path) -> None:
        """Write the workbook; the same run gives the same bytes."""
        from dsinspect_reports.xlsx._book import write_book

        write_book(run, out, tables=self.options.tables, each=self.options.thumbnails, max_mb=self.options.thumbnails_mb)
