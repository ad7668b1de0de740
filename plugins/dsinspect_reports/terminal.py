"""`terminal`: the summary that `dsinspect report` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec.structs import replace

from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Run


class Options(BaseOptions, frozen=True):
    """How wide, and whether in colour."""

    width: Annotated[int | None, option("columns; those of the terminal when not given")] = None
    colour: Annotated[bool | None, option("colours; on a terminal only when not given")] = None
    written: Annotated[str, option("suffixes of reports that are written already and not suggested: .xlsx,.html")] = ""


class TerminalReport(Report):
    """The summary on the terminal; about a screen or two, however much is found."""

    name = "terminal"

    options_type = Options

    def write(self, run: Run, out: Path) -> None:
        """Write the summary without colour."""
        plain = replace(self.options, width=self.options.width or 100, colour=False)
        out.write_text(TerminalReport(plain).text(run), encoding="utf-8", errors="backslashreplace")

    def text(self, run: Run) -> str:
        """Return the summary."""
        from dsinspect_reports._summary import summary  # takes rich with it

        return summary(run, self.options.width, self.options.colour, self.options.written.split(","))
