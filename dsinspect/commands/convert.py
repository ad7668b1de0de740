"""`dsinspect convert`: the same dataset in another format, with every loss named."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Dataset, FrameName, Placed, Read, Writing, shares_options
from dsinspect.errors import UserError
from dsinspect.findings.rendering import printable
from dsinspect.io.containment import SECOND_RECORDS
from dsinspect.known_names import SECOND_RECORD

if TYPE_CHECKING:
    from dsinspect.conversion.pipeline import Conversion

SHOWN_PROBLEMS = 10


@shares_options
def convert(
    dataset: Dataset,
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="OUT", help="A new folder.")] = None,
    to: Annotated[str | None, typer.Option(
        "--to", metavar="NAME", help="Format to write; `dsinspect plugins` says which can be.")] = None,
    for_trainer: Annotated[str | None, typer.Option(
        "--for", metavar="TRAINER[@RELEASE]", help="Write what this trainer reads as it stands: ultralytics@8.4, ...")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Write nothing when anything would be lost.")] = False,
    placing: Placed,
    frame: FrameName = "auto",
    judging: Read,
    running: Writing,
) -> None:
    """Write a dataset in another format; what that format cannot keep is counted and named.

    Images are copied, as clones where the file system has them. With --for, what the trainer would leave out is left out, and
    ids, class order, folders and configuration are those it expects.
    """
    if output is None:
        raise UserError("convert: name the output with -o OUT")
    if to is None and for_trainer is None:
        raise UserError("convert: name the format to write with --to NAME (coco, voc, yolo, ...; dsinspect plugins lists them), "
                        "or a trainer with --for NAME")
    session = common.start(dataset, judging, running)
    from dsinspect.conversion.pipeline import ConvertRequest
    from dsinspect.conversion.pipeline import convert as run

    trainer = None
    if for_trainer is not None:
        from dsinspect.conversion.for_trainer import format_for
        from dsinspect.protocols.trainers import chosen_trainer

        trainer = chosen_trainer(for_trainer, session.plugins.trainers)
        to = format_for(trainer, to)
    with session.dataset_first():
        done = run(ConvertRequest(
            **session.dataset, out=output, to=to or "", strict=strict, trainer=trainer, frame=common.frame_of(frame),
            **session.work, **vars(placing)), session.plugins)
    report_problems(done, output)
    if not running.quiet:
        report_written(done, output)
        if trainer is not None:
            from dsinspect.inspection.request import Request
            from dsinspect.simulation.as_text import line_of
            from dsinspect.simulation.simulate import simulate

            print(line_of(simulate(Request(str(output), output, session.config, to), session.plugins, [trainer]), done.again))
    session.end()


def report_written(done: Conversion, out: Path) -> None:
    """Print what was done."""
    from dsinspect.findings.wording import counted

    files = ", ".join(f"{n:,} {what}" for what, n in done.placed.items() if what in ("linked", "copied", "turned upright"))
    read = f"{counted(done.images, 'image')} and {counted(done.annotations, 'annotation')} of {done.source}"
    images, annotations = done.fitted or done.written
    print(f"wrote {out} as {done.target}: {counted(images, 'image')} ({files or 'no files'}) and "
          f"{counted(annotations, 'annotation')}, from {read}")
    if done.placed["linked"]:
        from dsinspect.io.files import LINK_WARNING

        print(LINK_WARNING)
    if done.renamed:
        print(f"  {done.renamed:>9,}  " + ("image got a longer name, because another image has its place" if done.renamed == 1 else
                                         "images got a longer name, because another image has their place"))
    if done.renumbered:
        old, new = done.renumbered_first
        print(printable(f"  {done.renumbered:>9,}  {'image has' if done.renumbered == 1 else 'images have'} another name, such as "
                        f"{new} for {old} (conversion.json has both)"))
    if done.repeated:
        own = "" if SECOND_RECORDS in done.losses else ": an image of its own each, with the boxes of its own record"
        print(f"  {done.repeated:>9,}  image {'record names' if done.repeated == 1 else 'records name'} the file of another one "
              f"({SECOND_RECORD}){own}")
    common.report_guessed_frames(done.guessed_frames)
    for what, count in done.losses.items():
        print(printable(f"  {count:>9,}  lost: {what}"))
    for note in done.notes:
        print(printable(note))


def report_problems(done: Conversion, out: Path) -> None:
    """Name the records that are not in the output on stderr, the first ones at least."""
    for problem in done.problems[:SHOWN_PROBLEMS]:
        line = f":{problem.line}" if problem.line > 0 else ""
        print(printable(f"{problem.source}{line}: {problem.reason}"), file=sys.stderr)
    if len(done.problems) > SHOWN_PROBLEMS:
        print(f"and {len(done.problems) - SHOWN_PROBLEMS:,} more; {out}/conversion.json names them", file=sys.stderr)
