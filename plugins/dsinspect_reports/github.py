"""`github`: annotations that GitHub Actions shows beside the files of a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from dsinspect.findings.findings import Finding
from dsinspect.findings.rendering import without_controls
from dsinspect.findings.severity import Severity
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.reports import Report
from dsinspect.protocols.run import Run
from dsinspect_reports.text import summary_line

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
MAX_FINDINGS = 10
"""Annotations per check: GitHub shows 10 of a kind per step."""


class Options(BaseOptions, frozen=True):
    """How much is shown."""

    max_findings: Annotated[int, option("annotations per check; 0 shows all", source="GitHub shows 10 of a kind per step",
                                        ge=0)] = MAX_FINDINGS


class GithubReport(Report):
    """Workflow commands of GitHub Actions, and a last line for the log."""

    name = "github"

    options_type = Options

    def stream(self, run: Run) -> Iterator[str]:
        """Yield the lines."""
        root = run.path.rstrip("/")
        for o in run.outcomes:
            n = len(o.findings)
            limit = self.options.max_findings or n
            for f in o.first(limit):
                yield command(f, root, o.name)
            if n > limit:
                yield f"::notice title={property_text(o.code)}::and {n - limit:,} more of {o.code} {o.name}\n"
        if run.fails_empty:
            yield f"::error title=nothing to judge::{data_text(run.emptiness or '')}\n"
        yield summary_line(run) + "\n"


def command(f: Finding, root: str, name: str) -> str:
    """Return one finding as a workflow command; the file is the record's, else the image."""
    file = f.source or f.image
    parts = [f"file={property_text(f'{root}/{file}')}"] if file else []
    if f.line is not None:
        parts.append(f"line={f.line}")
    parts.append(f"title={property_text(f'{f.code} {name}')}")
    message = f.message if f.image is None or f.image == file else f"{f.image}: {f.message}"
    return without_controls(f"::{LEVELS[f.severity]} {','.join(parts)}::{data_text(message)}\n")


def data_text(text: str) -> str:
    """Escape the message of a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def property_text(text: str) -> str:
    """Escape a property of a command."""
    return data_text(text).replace(":", "%3A").replace(",", "%2C")
