"""`dsinspect review apply`: the decisions of a reviewed workbook become a corrected dataset."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsinspect.commands import common
from dsinspect.commands.review_serve import serve
from dsinspect.errors import ExitCode, UserError

if TYPE_CHECKING:
    from dsinspect.review.decisions import Review

app = typer.Typer(no_args_is_help=True, help="Take a reviewed workbook back.")


@app.callback()
def review() -> None:
    """Take a reviewed workbook back."""


@app.command()
def apply(
    workbook: Annotated[Path, typer.Argument(metavar="WORKBOOK", show_default=False,
                                             help="A report.xlsx with decisions; .xls is read as well.")],
    dataset: common.Dataset,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="OUT", help="A new folder.")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show decisions and changes, and change nothing.")] = False,
    audit: Annotated[Path | None, typer.Option(
        "--audit", metavar="STEM", help="Write who decided what to STEM.json and STEM.xlsx; default: OUT-audit.")] = None,
    baseline: Annotated[Path | None, typer.Option(
        "--update-baseline", metavar="FILE", help="Add what was decided to keep to this baseline.")] = None,
    annotations_only: common.AnnotationsOnly = False,
    link: common.LinkImages = False,
    force: common.Force = False,
    format: common.FormatName = None,
    images: common.Images = None,
    settings: common.Settings = None,
    columns: common.Columns = None,
    imgsz: common.Imgsz = None,
    anchors: common.Anchors = None,
    config: common.ConfigFile = None,
    no_plugin: common.NoPlugin = None,
    jobs: common.Jobs = None,
    executor: common.ExecutorName = None,
    cache: common.UseCache = True,
    cache_dir: common.CacheDir = None,
    quiet: common.Quiet = False,
) -> None:
    """Apply the decisions of a reviewed workbook: a corrected copy of the dataset, every other byte as it was.

    All decisions are checked first; when a cell is wrong, all such cells are told and nothing is written.
    """
    from dsinspect.commands.fix import summary, tell
    from dsinspect.fixing.apply import patches_of
    from dsinspect.fixing.autofix import compare, mend
    from dsinspect.fixing.diff import unified_diff
    from dsinspect.inspection.inspect import inspect
    from dsinspect.output.destination import require_new
    from dsinspect.review.audit import write_audit
    from dsinspect.review.decisions import decided, read_review

    if output is None and not diff:
        raise UserError("review apply: name the output with -o OUT, or look at the changes with --diff")
    if not workbook.is_file():
        raise UserError(f"{workbook}: no such file")
    session = common.start(common.Choices(
        dataset, format, images, (), (), (), settings or (), columns, imgsz, anchors, config, no_plugin or (), jobs,
        executor, cache, cache_dir, quiet))
    request = session.request(keep_images=True)
    if output is not None and not diff:
        require_new(request.root, output, force=force)
    run = inspect(request, session.plugins)
    review = read_review(workbook, run)
    edits = review.edits
    if diff:
        print("\n".join(decided(review)), file=sys.stderr)
        for patch in patches_of(request, session.plugins, edits):
            sys.stdout.writelines(unified_diff(patch))
        return
    assert output is not None
    if not review.decisions:
        raise UserError(f"{workbook}: no decision in {review.rows:,} rows; nothing is written")
    applied, after = mend(request, session.plugins, run, edits, output, annotations_only=annotations_only, link=link,
                          force=force)
    files = write_audit(review, audit or output.with_name(f"{output.name}-audit"), dataset, workbook)
    known = update(baseline, review) if baseline else 0
    if not quiet:
        print(f"{len(review.decisions):,} decisions in {review.rows:,} rows")
        print(summary(edits))
        tell(output, applied, compare(run, after))
        print(f"wrote {files[0]} and {files[1].name}")
        if baseline:
            print(f"wrote {baseline}: {known:,} known findings")
    if after.crashed:
        raise typer.Exit(ExitCode.CRASHED)


def update(path: Path, review: Review) -> int:
    """Add the findings that were kept to a baseline, which is made when it is not there; return its size."""
    from dsinspect.inspection.baseline import read_baseline, write_baseline

    known = read_baseline(path) if path.exists() else []
    return write_baseline(path, [*known, *review.kept])


app.command()(serve)
