"""`dsinspect check`: the same inspection as a gate."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Dataset, Judging, Measured, Only, shares_options
from dsinspect.errors import ExitCode, UserError
from dsinspect.findings.rendering import printable
from dsinspect.known_names import FINDINGS_REPORT

if TYPE_CHECKING:
    from dsinspect.protocols.run import Run


@shares_options
def check(
    dataset: Dataset,
    *,
    output_format: Annotated[str | None, typer.Option(
        "--output-format", metavar="NAME", help="text, concise, json, jsonl, csv, html, junit, sarif, github, markdown; default: "
                                                "by the suffix of -o, else text.")] = None,
    output_file: Annotated[Path | None, typer.Option(
        "--output-file", "-o", metavar="FILE", help="Write the output there instead of to stdout.")] = None,
    fail_on: Annotated[str | None, typer.Option(
        "--fail-on", metavar="SEVERITY", help="Lowest severity that exits 1: error (default), warning, info, or never; "
        "skipped: as error, and for checks that could not run.")] = None,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 whatever is found.")] = False,
    allow_empty: Annotated[bool | None, typer.Option(
        "--allow-empty/--no-allow-empty", show_default=False,
        help="Pass a set without images, boxes or image files; else there is nothing to judge, and the gate fails.")] = None,
    max_findings: Annotated[int | None, typer.Option(
        "--max-findings", metavar="N", min=0, help="Findings to show per check in text; 0 shows all.")] = None,
    statistics: Annotated[bool | None, typer.Option("--statistics", help="Show counts per check only.")] = None,
    baseline: Annotated[Path | None, typer.Option(
        "--baseline", metavar="FILE", help="Known findings, which are not reported again.")] = None,
    write_baseline: Annotated[Path | None, typer.Option(
        "--write-baseline", metavar="FILE", help="Write what is found as the baseline, and exit 0.")] = None,
    judging: Annotated[Judging, Only("format images select extend_select ignore settings columns imgsz anchors trainer")],
    running: Measured,
) -> None:
    """Inspect a dataset as a gate: exits 1 when a finding at or above --fail-on exists."""
    from dsinspect.inspection import baseline as baselines
    from dsinspect.inspection.inspect import inspect
    from dsinspect.inspection.reporting import configured, named_report, written_as

    session = common.start(dataset, judging, running, fail_on=fail_on, baseline=baseline)
    by_suffix = written_as(output_file, session.plugins) if output_file and output_format is None else None
    writer = configured(by_suffix or named_report(output_format or FINDINGS_REPORT, session.plugins), session.config,
                        max_findings=max_findings, statistics=statistics)
    if writer.is_binary and not output_file:
        raise UserError(f"--output-format {output_format}: write it to a file with --output-file FILE{writer.suffix}")
    with session.dataset_first():
        for path, option in ((output_file, "--output-file"), (write_baseline, "--write-baseline")):
            if path:
                common.require_writable(path, *dataset, option=option, judging=judging)
    if allow_empty is not None:
        session = replace(session, config=session.config.overlay(allow_empty=allow_empty))
    run = inspect(session.request(keep_images=writer.needs_images, keep_annotations=writer.needs_annotations),
                  session.plugins)
    if write_baseline:
        from dsinspect.findings.wording import counted

        count = baselines.write_baseline(write_baseline, baselines.known_findings(run.outcomes))
        print(f"wrote {write_baseline}: {counted(count, 'known finding')}")
        return
    if session.config.baseline:
        run = baselines.apply_baseline(run, baselines.read_baseline(session.config.baseline))
    with session.plugins.costs_itself(type(writer)):
        if output_file:
            common.write_report(writer, run, output_file, option="--output-file")
        else:
            sys.stdout.writelines(writer.stream(run))
    if running.timings:
        common.print_timings(run)
    session.end(run)
    if run.fails_empty:
        print(f"dsinspect: {run.emptiness}; --allow-empty lets the gate pass", file=sys.stderr)
    if not exit_zero and (fails(run) or run.fails_empty):
        raise typer.Exit(ExitCode.FINDINGS)


def fails(run: "Run") -> bool:
    """Say whether the gate fails; what could not be looked at is reported when it does, and no finding would say it."""
    blind = [o for o in run.outcomes if o.is_blind and run.fails(o) and not len(o.findings)]
    for reason in sorted({str(o.metrics.get("reason")) for o in blind}):
        print(f"dsinspect: skipped: {printable(reason)}", file=sys.stderr)
    return any(map(run.fails, run.outcomes))
