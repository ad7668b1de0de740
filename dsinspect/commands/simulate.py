"""`dsinspect simulate`: what trainers would make of a dataset, before one of them does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Dataset, Judging, Measured, Only, Trainers, shares_options
from dsinspect.errors import UserError, nearest

if TYPE_CHECKING:
    from dsinspect.loader import Plugins
    from dsinspect.protocols.trainers import Trainer
    from dsinspect.review.workbook import Reading
    from dsinspect.simulation.simulate import Simulation

FATES = ("changed", "all")


@shares_options
def simulate(
    dataset: Dataset,
    *,
    trainer: Trainers = None,
    output: Annotated[list[Path] | None, typer.Option(
        "--output", "-o", metavar="FILE", help="Write it to a file; the suffix chooses the form: .json .xlsx .html.")] = None,
    output_format: Annotated[str, typer.Option("--output-format", metavar="NAME", help="What to print: text or json.")] = "text",
    fates: Annotated[str, typer.Option(
        "--fates", metavar="WHICH", help="Records in the JSON: changed (all that are not kept as they stand) or all.",
    )] = "changed",
    judging: Annotated[Judging, Only("format images columns")],
    running: Measured,
) -> None:
    """Show what trainers would make of a dataset: what arrives of each class, what is lost and why, what makes them stop.

    Nothing of a trainer is run: its loading rules are known release by release (`dsinspect explain ultralytics@8.4`).
    """
    for value, known, option in ((fates, FATES, "--fates"), (output_format, ("text", "json"), "--output-format")):
        if value not in known:
            raise UserError(f"{option} {value}: write {' or '.join(known)}{nearest(value, known)}")
    outputs = list(output or ())
    common.require_different(outputs)
    for path in outputs:
        if path.suffix.lower() not in (".json", ".xlsx", ".html"):
            raise UserError(f"-o {path}: a simulation is written as .json, .xlsx or .html")
    session = common.start(dataset, judging, running)
    with session.dataset_first():
        for path in outputs:
            common.require_writable(path, *dataset, judging=judging)
    earlier = {path: common.earlier_decisions(path) for path in outputs}
    trainers = chosen(trainer or (), session.config.trainer, session.plugins)
    from dsinspect.simulation.as_json import pieces
    from dsinspect.simulation.as_text import text_of
    from dsinspect.simulation.simulate import simulate as run

    wants_json = output_format == "json" or any(p.suffix.lower() == ".json" for p in outputs)
    done = run(session.request(), session.plugins, trainers, keep_fates=wants_json, all_fates=fates == "all")
    for path in outputs:
        write(done, path, session, trainers, earlier[path])
    if output_format == "json":
        sys.stdout.writelines(pieces(done))
    elif not running.quiet:
        sys.stdout.write(text_of(done))
        for path in outputs:
            print(f"wrote {path}", file=sys.stderr)
    if running.timings:
        for name, seconds in sorted(done.seconds.items(), key=lambda t: (-t[1], t[0])):
            print(f"{seconds:9.3f} s  {name}", file=sys.stderr)
    session.end()


def chosen(wanted: list[str] | tuple[()], configured: str | None, plugins: Plugins) -> list[Trainer]:
    """Return the trainers of the command line, or the one of the configuration.

    Raises:
        UserError: there is none, or one that does not exist.
    """
    from dsinspect.protocols.trainers import chosen_trainer

    names = [n for text in wanted for n in text.split(",") if n] or ([configured] if configured else [])
    if not names:
        raise UserError(f"name a trainer with --trainer NAME[@RELEASE], or in the configuration; there are "
                        f"{', '.join(plugins.trainers)}")
    return [chosen_trainer(name, plugins.trainers) for name in dict.fromkeys(names)]


def write(done: Simulation, path: Path, session: common.Session, trainers: list[Trainer],
          earlier: Reading | None = None) -> None:
    """Write a simulation to a file: its own JSON, or a report of what is lost, with the decisions of the file it replaces."""
    if path.suffix.lower() == ".json":
        from dsinspect.io.atomic import atomic
        from dsinspect.simulation.as_json import pieces

        try:
            with atomic(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
                file.writelines(pieces(done))
        except OSError as e:
            raise UserError(f"-o {path}: {e.strerror or e}") from None
        return
    from dsinspect.inspection.reporting import configured, report_for
    from dsinspect.simulation.as_run import run_of

    writer = configured(report_for(path, session.plugins), session.config)
    run = run_of(done, session.request(keep_images=writer.needs_images, keep_annotations=writer.needs_annotations),
                 session.plugins, trainers)
    common.write_report(writer, run, path, earlier)
