"""`text` and `concise`: the findings as `dsinspect check` prints them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec.structs import replace

from dsinspect.findings.findings import Finding
from dsinspect.findings.severity import Severity
from dsinspect.findings.wording import counted
from dsinspect.protocols.edits import FIX_WORDS
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Run
from dsinspect_reports._counted import worst_first
from dsinspect_reports._terminal import STYLES, clipped, make_console, plain_ends, symbol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

MAX_FINDINGS = 10
MESSAGE_WIDTH = 1000
"""Characters of a message, or of its place, that a line shows; the middle of a longer one is cut out."""


class Options(BaseOptions, frozen=True):
    """How much is shown, and how."""

    max_findings: Annotated[int, option("findings to show per check; 0 shows all", ge=0)] = MAX_FINDINGS
    statistics: Annotated[bool, option("show counts per check only")] = False
    width: Annotated[int | None, option("columns; those of the terminal when not given")] = None
    colour: Annotated[bool | None, option("colours; on a terminal only when not given")] = None


class TextReport(Report):
    """Findings grouped by check, with what would fix them."""

    name = "text"

    options_type = Options

    def write(self, run: Run, out: Path) -> None:
        """Write the text without colour."""
        plain = replace(self.options, width=self.options.width or 120, colour=False)
        out.write_text(TextReport(plain).text(run), encoding="utf-8", errors="backslashreplace")

    def text(self, run: Run) -> str:
        """Return the text."""
        from rich.text import Text

        console, file = make_console(self.options.width, self.options.colour)
        lines: list[Text] = []
        for outcome in worst_first(o for o in run.outcomes if o.status == "found"):
            n = len(outcome.findings)
            ranks = outcome.findings.severities(outcome.severity)
            severity = list(Severity)[int(ranks.max())]
            lines.append(Text.assemble(symbol(severity), " ", (f"{outcome.code} {outcome.name}", "bold"), "  ",
                                       (f"{n:,}", STYLES[severity])))
            if self.options.statistics:
                continue
            limit = self.options.max_findings or n
            for f in outcome.first(limit):
                place = where(f)
                if place:
                    lines.append(Text("    " + clipped(place, console.width - 4), "cyan"))
                lines += indented(line_of(f.message), 6 if place else 4, console)
            if n > limit:
                lines.append(Text(f"    ... and {n - limit:,} more (--max-findings 0 shows all)", "dim"))
            fixes = {t.fix for t in outcome.findings.templates if t.fix}
            if fixes:
                told = "; ".join(sorted(f"{FIX_WORDS.get(f.action, f.action)} ({f.safety})" for f in fixes))
                lines.append(Text(f"    fix: {told}", "dim"))
        lines.append(Text(summary_line(run), "bold"))
        console.print(Text("\n").join(lines))  # once: printing costs more than the lines do
        return plain_ends(file.getvalue())


def indented(text: str, indent: int, console: Console) -> list[Text]:
    """Return a text as indented lines; most fit on one, and wrapping is dear."""
    from rich.cells import cell_len
    from rich.text import Text

    width = console.width - indent
    lines = [Text(text)] if cell_len(text) <= width else Text(text).wrap(console, width)
    return [Text(" " * indent).append_text(line) for line in lines]


class ConciseReport(Report):
    """One line per finding: place, code, severity and message, for editors and grep."""

    name = "concise"

    def stream(self, run: Run) -> Iterator[str]:
        """Yield the lines."""
        return (concise_line(f) for o in run.outcomes for f in o.iterate())


def concise_line(f: Finding) -> str:
    """Return one finding on one line."""
    return f"{line_of(where(f)) or '-'}: {f.code} {f.severity}: {line_of(f.message)}\n"


def line_of(text: str) -> str:
    """Return a message or a place on one line of bounded length: a class may have a name of thousands of characters."""
    return clipped(text, MESSAGE_WIDTH, unicode=False)


def where(f: Finding) -> str:
    """Return the place of a finding: the record's file and line where it has one, else the image."""
    if f.source and f.line is not None:
        return f"{f.source}:{f.line}" + (f" ({f.image})" if f.image else "")
    if f.image:
        return f.image + (f" (annotation {f.annotation_id})" if f.annotation_id is not None else "")
    if f.source:
        return f.source + (f" [{f.index}]" if f.index is not None else "")
    return ""


def summary_line(run: Run) -> str:
    """Return the last line: how much was found, and of what the baseline knew."""
    counts = [(s, run.count(s)) for s in (Severity.ERROR, Severity.WARNING, Severity.INFO)]
    found = ", ".join(f"{n:,} {s if s is Severity.INFO or n == 1 else f'{s}s'}" for s, n in counts if n)
    line = f"{found or 'no findings'} in {run.extent}"
    skipped = sum(o.status == "skipped" and o.applies for o in run.outcomes)
    if skipped:
        line += f"; {counted(skipped, 'check')} skipped"
    if run.baseline is not None:
        line += f"; {counted(run.baseline.known, 'known finding')} {'is' if run.baseline.known == 1 else 'are'} not reported again"
        if run.baseline.stale:
            line += f", {len(run.baseline.stale):,} known ones are gone: write the baseline again"
    return line
