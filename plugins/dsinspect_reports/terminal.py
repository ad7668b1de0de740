"""`terminal`: the summary that `dsinspect report` prints."""

from __future__ import annotations

from pathlib import Path

from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Run


class TerminalReport(Report):
    """The summary on the terminal; about a screen or two, however much is found."""

    name = "terminal"

    def __init__(self, width: int | None = None, colour: bool | None = None) -> None:
        self.width = width
        self.colour = colour

    def write(self, run: Run, out: Path) -> None:
        """Write the summary without colour."""
        out.write_text(TerminalReport(self.width or 100, False).text(run), encoding="utf-8", errors="backslashreplace")

    def text(self, run: Run) -> str:
        """Return the summary."""
        from dsinspect_reports._summary import summary  # takes rich with it

        return summary(run, self.width, self.colour)
