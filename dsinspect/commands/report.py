"""`dsinspect report`: inspect, print a summary, write reports."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Dataset, Judging, Measured, Only, shares_options
from dsinspect.known_names import SUMMARY_REPORT


@shares_options
def report(
    dataset: Dataset,
    *,
    output: Annotated[list[Path] | None, typer.Option(
        "--output", "-o", metavar="FILE", help="Write a report; the suffix chooses it: .xlsx .html .json .csv .md.",
    )] = None,
    judging: Annotated[Judging, Only("format images select extend_select ignore settings columns imgsz anchors trainer")],
    thumbnails: Annotated[int | None, typer.Option(
        "--thumbnails", metavar="N", min=0, help="Images in the workbook: N findings of each check at most; default 40.")] = None,
    thumbnails_mb: Annotated[float | None, typer.Option(
        "--thumbnails-mb", metavar="MB", min=0, help="Megabytes of all images in the workbook at most; default 15.")] = None,
    tables: Annotated[bool | None, typer.Option("--tables", help="Put the table of annotations into the workbook.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Leave out the decisions in a workbook that is replaced.")] = False,
    max_mb: Annotated[float | None, typer.Option(
        "--max-mb", metavar="MB", min=1, help="Size of the web page at most, with its images; default 20.")] = None,
    running: Measured,
) -> None:
    """Inspect a dataset, print a summary, and write reports. Exits 0 whatever it finds."""
    from dsinspect.inspection.inspect import inspect
    from dsinspect.inspection.reporting import configured, named_report, report_for

    session = common.start(dataset, judging, running)
    common.require_different(output or ())
    wishes = {"thumbnails": thumbnails, "thumbnails_mb": thumbnails_mb, "tables": tables, "max_mb": max_mb}
    outputs = [(path, configured(report_for(path, session.plugins), session.config, **wishes)) for path in output or ()]
    with session.dataset_first():
        for path, _ in outputs:
            common.require_writable(path, *dataset, judging=judging)
    earlier = {} if force else {path: common.earlier_decisions(path) for path, _ in outputs}
    run = inspect(session.request(describe=True, keep_images=any(r.needs_images for _, r in outputs),
                                  keep_annotations=any(r.needs_annotations for _, r in outputs)),
                  session.plugins)
    for path, writer in outputs:
        with session.plugins.costs_itself(type(writer)):
            common.write_report(writer, run, path, earlier.get(path))
    if not running.quiet or not outputs:
        terminal = configured(named_report(SUMMARY_REPORT, session.plugins), session.config,
                              written=",".join(path.suffix.lower() for path, _ in outputs) or None)
        with session.plugins.costs_itself(type(terminal)):
            sys.stdout.write(terminal.text(run))
    if not running.quiet:
        for path, writer in outputs:
            if type(writer) not in session.plugins.faults:
                print(f"wrote {path}", file=sys.stderr)
    if running.timings:
        common.print_timings(run)
    session.end(run)
