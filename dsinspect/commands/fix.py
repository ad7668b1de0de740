"""`dsinspect fix`: fix what can be fixed, into a new place."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Dataset, Inspecting, Judged, Placed, shares_options
from dsinspect.errors import ExitCode, UserError
from dsinspect.findings.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dsinspect.fixing.apply import Applied
    from dsinspect.fixing.autofix import Comparison
    from dsinspect.protocols.edits import Edits


@shares_options
def fix(
    dataset: Dataset,
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="OUT", help="A new folder.")] = None,
    diff: Annotated[bool, typer.Option(
        "--diff", help="Show the changes, and change nothing: texts as a unified diff, workbooks cell by cell.")] = False,
    unsafe: Annotated[bool, typer.Option("--unsafe-fixes", help="Also fixes that lose something.")] = False,
    placing: Placed,
    judging: Judged,
    running: Inspecting,
) -> None:
    """Write a corrected copy of a dataset: what findings say how to fix is fixed, every other byte is as it was.

    Exits 1 when a new finding at warning or above appears in the result.
    """
    from dsinspect.fixing.autofix import compare, write_fixed
    from dsinspect.fixing.diff import of_image_files, unified_diff
    from dsinspect.fixing.from_findings import edits_from_findings
    from dsinspect.inspection.inspect import inspect
    from dsinspect.inspection.opening import patch_dataset
    from dsinspect.output.destination import require_new

    if output is None and not diff:
        raise UserError("fix: name the output with -o OUT, or look at the changes with --diff")
    session = common.start(dataset, judging, running)
    request = session.request(keep_images=True, settle_disputes=True)
    if output is not None and not diff:
        with session.dataset_first():
            require_new(request.roots, output, force=placing.force)
    run = inspect(request, session.plugins)
    edits = edits_from_findings(run, unsafe=unsafe)
    if diff:
        for patch in patch_dataset(request, session.plugins, edits):
            common.write_diff(unified_diff(patch))
        common.write_diff(of_image_files(edits))
        if not running.quiet:
            print(summary(edits), file=sys.stderr)
        session.end(run)
        return
    assert output is not None
    applied, after = write_fixed(request, session.plugins, run, edits, output, **vars(placing))
    comparison = compare(run, after)
    if not running.quiet:
        print(summary(edits))
        report_written(output, applied, comparison, compares=len(edits) > 0)
    common.report_unread(session.roots, output)
    session.end(run, after)
    if warns_of_new(comparison):
        raise typer.Exit(ExitCode.FINDINGS)


def summary(edits: Edits) -> str:
    """Return the edits by action and code, a line each."""
    if not len(edits):
        return "nothing to fix"
    counts = Counter(zip(edits.rows["code"].fillna("review").tolist(), edits.rows["action"].tolist(), strict=True))
    lines = [f"{n:>9,}  {action}  ({code})" for (code, action), n in sorted(counts.items())]
    return "\n".join([counted(len(edits), 'change'), *lines])


def report_written(out: Path, applied: Applied, comparison: Comparison, *, compares: bool = True) -> None:
    """Print what was written, and what a check of it says; nothing is called fixed where there was nothing to fix."""
    from dsinspect.io.files import LINK_WARNING

    print(f"wrote {out}: {counted(len(applied.changed), 'file')} changed, {applied.copied:,} copied"
          + (f", {counted(applied.linked, 'image')} linked" if applied.linked else "")
          + (f", {counted(len(applied.removed), 'annotation file')} left out" if applied.removed else "")
          + (f", {counted(applied.dropped, 'image')} left out" if applied.dropped else "")
          + (f", {counted(applied.unread, 'file')} that cannot be read left out" if applied.unread else "")
          + (f"; {counted(applied.elsewhere, 'image')} outside of the dataset's folder "
             f"{'stays' if applied.elsewhere == 1 else 'stay'} there" if applied.elsewhere else ""))
    if applied.linked:
        print(LINK_WARNING)
    if compares:
        print(_line("fixed:", comparison.fixed))
    if comparison.kept:
        print(_line("kept:", comparison.kept) + " (changed with the others, and no longer found as they were)")
    if comparison.changed:
        print(_line("changed: ", comparison.changed) + " (found still, in other words: another class or number)")
    print(_line("left:", comparison.left))
    if comparison.new:
        print(_line("new:", comparison.new))


def _line(name: str, counts: Mapping[str, int]) -> str:
    """Return counts by code after their name, in lines of 100 characters, their beginnings in a column."""
    parts = by_code(counts).replace(" ", "\xa0").replace(",\xa0", ", ")  # number and code stay together
    text = textwrap.fill(parts, 100, initial_indent=f"{name:<7}", subsequent_indent=" " * 7, break_on_hyphens=False)
    return text.replace("\xa0", " ")


def by_code(counts: Mapping[str, int]) -> str:
    """Return counts by code on a line."""
    return ", ".join(f"{n:,} {code}" for code, n in sorted(counts.items())) or "none"


def warns_of_new(comparison: Comparison) -> bool:
    """Say on stderr, and return, whether there is more of a check than before that is no mere note.

    A count about the whole set may name other numbers.
    """
    is_worse = any(n > comparison.fixed.get(code, 0) for code, n in comparison.new.items() if code not in comparison.notes)
    if is_worse:
        print(f"dsinspect: the result has findings that were not there: {by_code(comparison.new)}", file=sys.stderr)
    return is_worse
