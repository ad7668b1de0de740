"""`dsinspect review`: apply the decisions of reviewers, count them, and take them from one form into another."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Inspecting, Judging, LastDataset, Only, Placed, Placing, Running, shares_options
from dsinspect.commands.review_serve import serve
from dsinspect.commands.review_words import decided, in_vain, lines_of, refusal, report_faults
from dsinspect.errors import ExitCode, UserError, os_reason
from dsinspect.findings.rendering import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dsinspect.inspection.request import Request
    from dsinspect.protocols.edits import Edits
    from dsinspect.protocols.run import Run
    from dsinspect.review.resolve import Review
    from dsinspect.review.sources import Several

app = typer.Typer(no_args_is_help=True, help="Apply, count and exchange the decisions of reviewers.")
UNREAD = "(cannot be applied)"
"""What decisions count as whose action cannot be read, or that contradict each other."""

Reviews = Annotated[list[Path], typer.Argument(
    metavar="REVIEW...", show_default=False,
    help="Reviewed workbooks (.xlsx, .xls) or decisions.json; several reviewers' are merged.")]


@app.callback()
def review() -> None:
    """Apply, count and exchange the decisions of reviewers."""


@app.command(short_help="Apply decisions: a corrected copy of the dataset.")
@shares_options
def apply(
    *,
    reviews: Reviews,
    dataset: LastDataset,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="OUT", help="A new folder.")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show decisions and changes, and change nothing.")] = False,
    partial: Annotated[bool, typer.Option(
        "--partial", help="Apply what can be applied; write the rest with the reasons to OUT-rest.xlsx, and exit 1.")] = False,
    audit: Annotated[Path | None, typer.Option(
        "--audit", metavar="STEM", help="Write who decided what to STEM.json and STEM.xlsx; default: OUT-audit.")] = None,
    baseline: Annotated[Path | None, typer.Option(
        "--update-baseline", metavar="FILE", help="Add what was decided to keep to this baseline.")] = None,
    placing: Placed,
    judging: Annotated[Judging, Only("format images settings columns imgsz anchors")],
    running: Inspecting,
) -> None:
    """Apply reviewers' decisions: a corrected copy of the dataset, every other byte as it was.

    The settings of the report are used again. All decisions are checked first; when one is wrong, all such are reported with
    their places and nothing is written, unless --partial is given. Exits 1 when a decision was not applied, and when the result has
    an error that was not there before.
    """
    from dsinspect.fixing.diff import of_image_files, unified_diff
    from dsinspect.inspection.opening import patch_dataset
    from dsinspect.output.destination import require_new
    from dsinspect.review.partial import applicable
    from dsinspect.review.sources import read_several

    reviews, datasets = told_apart(reviews, dataset)
    if output is None and not diff:
        raise UserError("review apply: name the output with -o OUT, or look at the changes with --diff")
    several = read_several(reviews)
    if not several.made and not several.faults:
        raise UserError(f"{_named(several)}: no decision in {several.rows:,} rows; nothing is written")
    session = common.start(datasets, judging, running, recorded=several.decisions.settings)
    if output is not None and not diff:
        require_new(session.request().roots, output, force=placing.force)
        stem = audit or output.with_name(f"{output.name}-audit")
        for path in (stem.with_name(f"{stem.name}.json"), stem.with_name(f"{stem.name}.xlsx"), *filter(None, [baseline])):
            common.require_writable(path, *datasets, *reviews)
    request, run, found = _checked(session, several)
    common.report_trouble(run)
    if partial:
        def attempt(edits: Edits) -> None:
            for _ in patch_dataset(request, session.plugins, edits):
                pass

        found = applicable(found, attempt)
    if found.faults and (not partial or not found.made):
        raise UserError(*refusal(_named(several), found.faults, partial=partial))
    if diff:
        print("\n".join(map(printable, [*decided(found), *in_vain(found.standing_for_none(several.made))])), file=sys.stderr)
        changes_files = False
        for patch in patch_dataset(request, session.plugins, found.edits):
            common.write_diff(unified_diff(patch))
            changes_files = True
        common.write_diff(of_image_files(found.edits))
        for line in [] if changes_files else without_list(found, run):
            print(line, file=sys.stderr)
        report_faults(found.faults)
        session.end()
        if found.faults:
            raise typer.Exit(ExitCode.FINDINGS)
        return
    assert output is not None
    _write(request, session, run, found, several, output, audit or output.with_name(f"{output.name}-audit"), baseline, placing,
           quiet=running.quiet)


def _checked(session: common.Session, several: Several) -> tuple[Request, Run, Review]:
    """Inspect the dataset again, and say what each decision comes to."""
    from dsinspect.inspection.inspect import inspect
    from dsinspect.review.resolve import resolve_decisions

    request = session.request(keep_images=True, keep_annotations=any(d.record and d.record.source for d in several.made))
    run = inspect(request, session.plugins)
    return request, run, resolve_decisions(several.made, run, several.unread).without(several.faults)


def _write(request: Request, session: common.Session, run: Run, found: Review, several: Several, output: Path, audit: Path,
           baseline: Path | None, placing: Placing, *, quiet: bool) -> None:
    """Write the corrected dataset, the audit, and what was not applied."""
    from dsinspect.commands.fix import report_written, summary, warns_of_new
    from dsinspect.findings.wording import counted
    from dsinspect.fixing.autofix import compare, write_fixed
    from dsinspect.inspection.reporting import report_for
    from dsinspect.review.audit import write_audit
    from dsinspect.review.partial import handed_back

    if found.faults:
        request = replace(request, keep_images=True, keep_annotations=True)
    applied, after = write_fixed(request, session.plugins, run, found.edits, output, **vars(placing), keep=bool(found.faults))
    files = write_audit(found, audit, request.path, several.names)
    known = update(baseline, found) if baseline else 0
    rest = output.with_name(f"{output.name}-rest.xlsx")
    corrected = _corrected(request, output)
    if found.faults:
        writer = report_for(rest, session.plugins)()
        common.write_report(writer, handed_back(replace(after, path=corrected), found), rest)
    comparison = compare(run, after, [k.fingerprint for k in found.kept])
    if not quiet:
        whole = sum(m.is_whole for m in found.made)
        print(f"{counted(len(found.made), 'decision')} applied"
              + (f", {whole:,} of them from decisions on whole checks" if whole else "")
              + (f"; {several.rows:,} findings were there to decide on" if several.rows else ""))
        for line in in_vain(found.standing_for_none(several.made)):
            print(printable(line))
        print(summary(found.edits))
        for line in without_list(found, after):
            print(line)
        report_written(output, applied, comparison)
        print(f"wrote {files[0]} and {files[1]}")
        if baseline:
            print(f"wrote {baseline}: {counted(known, 'known finding')}")
    common.report_unread(request.roots, output)
    if found.faults:
        count = sum(max(len(f.decisions), 1) for f in found.faults)
        print(f"dsinspect: {counted(count, 'decision')} not applied, for {counted(len(found.faults), 'fault')}; wrote {rest} with "
              "the reasons: correct them there, then "
              f"dsinspect review apply {rest} {corrected} -o NEW", file=sys.stderr)
        report_faults(found.faults)
    session.end(after)
    has_errors = warns_of_new(comparison) and bool(comparison.errors)
    if found.faults or has_errors:
        raise typer.Exit(ExitCode.FINDINGS)


def without_list(found: Review, after: Run) -> list[str]:
    """Return a line on the classes that were added to a dataset whose files list none: no file says them as yet."""
    there = {c.name for c in after.info.categories} | set(map(str, after.census.category_columns["name"].tolist()))
    added = list(dict.fromkeys(m.new for m in found.made if m.action == "add-class" and m.new not in there))
    names = ", ".join(map(printable, added))
    return [f"add-class {names}: changes no file, for {after.info.format} has no list of classes; a class is there as soon as a "
            "box has it"] if added else []


def told_apart(reviews: Sequence[Path], dataset: str) -> tuple[list[Path], list[str]]:
    """Separate reviews from the parts of a dataset: `review apply a.xlsx train=A val=B` names one review and two parts.

    Raises:
        UserError: no review is left.
    """
    from dsinspect.inspection.locate import named_part

    given = list(reviews)
    datasets = [dataset]
    while named_part(dataset) is not None and given and named_part(str(given[-1])) is not None:
        datasets.insert(0, str(given.pop()))
    if not given:
        raise UserError(f"{' '.join(datasets)}: no review; name the reviewed workbook or decisions.json before the dataset")
    if folder := next((p for p in given if p.is_dir()), None):
        raise UserError(f"{folder}: is a folder, and a review is a file; write the reviews first and the dataset last, as in "
                        "review apply report.xlsx my_dataset")
    return given, datasets


def _corrected(request: Request, output: Path) -> str:
    """Return the corrected dataset as a command line names it."""
    from dsinspect.fixing.autofix import corrected

    if request.parts:
        return " ".join(f"{split}={corrected(request, output, root)}" for split, root in request.parts.items())
    return str(output if request.root.is_dir() else output / request.root.name)


@app.command(short_help="Write reviewers' decisions as decisions.json.")
@shares_options
def export(
    *,
    reviews: Reviews,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write: decisions.json.")],
    placing: Annotated[Placing, Only("force")],
    running: Annotated[Running, Only("quiet")],
) -> None:
    """Write the decisions of one or several reviewers as decisions.json.

    Where reviewers contradict each other all are named, and nothing is written.
    """
    from dsinspect.findings.wording import counted
    from dsinspect.io.atomic import write_atomic
    from dsinspect.review.decision import encode_decisions
    from dsinspect.review.sources import read_several

    common.require_writable(output, *reviews)
    several = read_several(reviews)
    if several.faults:
        raise UserError(*refusal(_named(several), several.faults, verb="written"))
    try:
        write_atomic(output, encode_decisions(several.decisions))
    except OSError as e:
        raise UserError(f"-o {output}: {os_reason(e)}") from None
    if not running.quiet:
        print(f"wrote {output}: {counted(len(several.made), 'decision')}")


@app.command("import", short_help="Write a report with decisions beside its findings.")
@shares_options
def import_(
    *,
    reviews: Reviews,
    dataset: LastDataset,
    output: Annotated[Path, typer.Option(
        "--output", "-o", metavar="FILE", help="The report to write them into (.xlsx, .html); decisions in it are kept.")],
    force: Annotated[bool, typer.Option("--force", help="Leave out the decisions in the file that is replaced.")] = False,
    running: Inspecting,
) -> None:
    """Write a report with the decisions of one or several reviewers beside their findings.

    It is made with the settings that the decisions came with. Where reviewers contradict each other all are named, and nothing
    is written.
    """
    import msgspec

    from dsinspect.findings.wording import counted
    from dsinspect.inspection.inspect import inspect
    from dsinspect.inspection.reporting import configured, report_for
    from dsinspect.review.carry import carry_over, decisions_in
    from dsinspect.review.sources import read_several
    from dsinspect.review.workbook import Reading

    reviews, datasets = told_apart(reviews, dataset)
    common.require_writable(output, *reviews, *datasets)
    several = read_several(reviews)
    if several.faults:
        raise UserError(*refusal(_named(several), several.faults, verb="written"))
    session = common.start(datasets, None, running, recorded=several.decisions.settings)
    writer = configured(report_for(output, session.plugins), session.config)
    own = None if force else decisions_in(output)
    new = {d.key for d in several.decisions.decisions}
    mine = [d for d in own.decisions.decisions if d.key not in new] if own else []
    run = inspect(session.request(keep_images=writer.needs_images, keep_annotations=writer.needs_annotations), session.plugins)
    carried = carry_over(run, Reading(
        msgspec.structs.replace(several.decisions, decisions=(*several.decisions.decisions, *mine)),
        earlier=(*several.earlier, *(own.earlier if own else ())), own_columns=own.own_columns if own else {},
        own_cells=own.own_cells if own else {}))
    common.write_report(writer, carried.run, output)
    if not running.quiet:
        gone = f"; {counted(carried.gone, 'decision')} on findings that are gone (sheet Earlier decisions)" if carried.gone else ""
        print(f"wrote {output}: {counted(carried.kept, 'decision')}{gone}")
    session.end(run)


@app.command(short_help="Count decisions, and tell what cannot be applied.")
@shares_options
def status(
    *,
    reviews: Reviews,
    dataset: Annotated[list[str] | None, typer.Option(
        "--dataset", metavar="DATASET",
        help="Check every decision against it, as review apply does; several times for parts, such as train=A.")] = None,
    running: Inspecting,
) -> None:
    """Count the decisions in one or several files: by decision and reviewer, and what cannot be applied.

    What a file alone tells is checked: what cannot be read, and what reviewers want differently. With --dataset all decisions are
    checked as review apply does, and the faults are the same.
    """
    from dsinspect.findings.wording import counted
    from dsinspect.review.sources import read_several

    several = read_several(reviews)
    decisions = several.made
    faults, idle = several.faults, several.standing_for_none
    if dataset:
        session = common.start(dataset, None, running, recorded=several.decisions.settings)
        _, run, found = _checked(session, several)
        faults, idle = found.faults, found.standing_for_none(decisions)
        session.end(run)
    sound, wrong = several.apart(faults)
    total = f" of {counted(several.rows, 'finding')}" if several.rows else ""
    print(f"{_named(several)}: {several.decided(faults):,}{total} decided"
          + (f"; {counted(len(wrong), 'decision')} cannot be applied, for {counted(len(faults), 'fault')}" if faults else ""))
    besides = sum(d.record is not None for d in decisions)
    for n, what in ((sum(d.check is not None for d in decisions), "on whole checks"),
                    (besides, f"{'box, image or class' if besides == 1 else 'boxes, images and classes'} without a finding")):
        if n:
            print(f"{n:>9,}  {what}")
    for line in in_vain(idle):
        print(f"           {printable(line)}")
    for heading, counts in (("by decision", Counter([*(d.action for d in sound), *(UNREAD for _ in wrong)])),
                            ("by reviewer", Counter(d.reviewer or "" for d in (*sound, *wrong)))):
        if counts:
            print(f"{heading}:")
        for name, n in sorted(counts.items(), key=lambda c: (not c[0], c[0])):
            print(f"{n:>9,}  " + (printable(name) or "without a reviewer's name"))
    comments = sum(bool(d.comment) for d in several.decisions.decisions)
    if comments or several.earlier:
        print("besides:")
    if comments:
        print(f"{comments:>9,}  with a comment")
    if several.earlier:
        print(f"{len(several.earlier):>9,}  earlier, on findings that were gone")
    if faults:
        print("cannot be applied:")
        for line in lines_of(faults):
            print(f"           {printable(line)}")
    if not dataset and decisions:
        print("not checked against the dataset: --dataset DATASET does, and review apply")


def update(path: Path, found: Review) -> int:
    """Add the findings that were kept to a baseline, which is made when it is not there; return its size."""
    from dsinspect.inspection.baseline import read_baseline, write_baseline

    known = read_baseline(path) if path.exists() else []
    return write_baseline(path, [*known, *found.kept])


def _named(several: Several) -> str:
    return ", ".join(several.names)


app.command(short_help="Review in a browser on this machine.")(serve)
