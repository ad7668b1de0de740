"""The page: verdict and findings first, with their images, to filter and decide on; one file that works offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from dsinspect.findings.rendering import without_controls
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Run


class Options(BaseOptions, frozen=True):
    """How large the page may be."""

    max_mb: Annotated[float, option("size of the page at most, MB; findings and images that have no room are left out and "
                                    "counted", ge=1)] = 20.0


class HtmlReport(Report):
    """One web page: findings with their images to decide on, charts and tables."""

    name = "html"
    suffix = ".html"
    needs_images = True
    needs_annotations = True
    options_type = Options

    def write(self, run: Run, out: Path) -> None:
        """Write the page; the same run gives the same bytes."""
        out.write_text(self.text(run), encoding="utf-8", errors="replace")

    def text(self, run: Run) -> str:
        """Return the page."""
        from dsinspect_reports.html._page import page  # takes jinja2 with it

        return without_controls(page(run, round(self.options.max_mb * 1e6)))
