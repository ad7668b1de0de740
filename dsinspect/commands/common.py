"""What several commands share: the step from their options to a request, and what they say on the way."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dsinspect.commands.options import Choices, Judging, Running
from dsinspect.errors import ExitCode, UserError, nearest, nearest_or_all
from dsinspect.findings.rendering import printable, visible, without_controls
from dsinspect.io.embedded import NAMED, allow_files
from dsinspect.known_names import COLUMNS_FORMAT

if TYPE_CHECKING:
    from dsinspect.config import Config
    from dsinspect.geometry.exif import Frame
    from dsinspect.inspection.locate import Located
    from dsinspect.inspection.request import Request
    from dsinspect.loader import Plugins
    from dsinspect.protocols.decisions import Settings
    from dsinspect.protocols.reports import Report
    from dsinspect.protocols.run import Run
    from dsinspect.protocols.trainers import Trainer
    from dsinspect.review.workbook import Reading

SHOWN_UNREAD = 10
"""Annotation files that could not be read that are named on stderr."""


@dataclass(frozen=True)
class Session:
    """Plugins and configuration of one command."""

    choices: Choices
    plugins: Plugins
    config: Config

    @cached_property
    def _located(self) -> Located:
        from dsinspect.inspection.locate import located

        return located(self.choices.datasets)

    @property
    def dataset(self) -> dict[str, Any]:
        """Which dataset to read, and how: the fields of a `DatasetRequest`."""
        place = self._located
        return {"path": place.path, "root": place.root, "parts": place.parts, "config": self.config,
                "format": self.choices.format, "images": self.choices.images}

    @property
    def roots(self) -> list[Path]:
        """The folders or files of the datasets."""
        place = self._located
        return list(place.parts.values()) if place.parts else [place.root]

    @property
    def formats(self) -> list[str]:
        """The format of the dataset, of each where there are several; a UserError when there is no dataset."""
        from dsinspect.inspection.opening import formats_of
        from dsinspect.inspection.request import DatasetRequest

        return formats_of(DatasetRequest(**self.dataset), self.plugins)

    @contextmanager
    def dataset_first(self) -> Iterator[None]:
        """Let what is wrong with the dataset be said before what is wrong with an output: most of that follows from it."""
        try:
            yield
        except UserError:
            _ = self.formats  # raises where there is no dataset
            raise

    @property
    def work(self) -> dict[str, Any]:
        """By whom the work is done, and who is shown it: the fields that a `WorkRequest` adds."""
        from dsinspect.commands.progress import progress_line

        c = self.choices
        return {"jobs": c.jobs or os.cpu_count() or 1, "executor": c.executor, "progress": progress_line(enabled=not c.quiet)}

    def request(self, **changes: Any) -> Request:
        """Return the request for the engine."""
        from dsinspect.inspection import cache
        from dsinspect.inspection.request import Request

        c = self.choices
        cache_path = None
        if c.cache:
            cache_path = cache.cache_file(c.cache_dir) if c.cache_dir else cache.default_path()
            cache_path = usable_cache(cache_path, self.roots, is_named=c.cache_dir is not None)
        shared = {k: v for k, v in (("imgsz", c.imgsz), ("anchors", c.anchors)) if v is not None}
        kept = c.recorded
        images, format_name = c.images, c.format
        if kept is not None:
            shared = {**kept.shared_options, **shared}
            images, format_name = images or (Path(kept.images) if kept.images else None), format_name or kept.format
        if c.cache_by not in ("stat", "content"):
            raise UserError(f"--cache-by {c.cache_by}: write stat or content{nearest(c.cache_by, ('stat', 'content'))}")
        name = c.trainer or self.config.trainer or ""
        names = name.split(",") if kept is not None else [name]  # simulate records all of those that it asked
        whom = self._trainers([n for n in names if n])
        return Request(
            **{**self.dataset, "format": format_name, "images": images}, **self.work, cache=cache_path,
            cache_by="content" if c.cache_by == "content" else "member" if self._located.is_temporary else "stat",
            trainer=whom[0] if len(whom) == 1 else None, beside=whom if len(whom) > 1 else (), shared_options=shared, **changes)

    def _trainers(self, names: Sequence[str]) -> tuple[Trainer, ...]:
        if not names:
            return ()
        from dsinspect.protocols.trainers import chosen_trainer

        return tuple(chosen_trainer(name, self.plugins.trainers) for name in names)

    def end(self, *runs: Run) -> None:
        """Report on stderr what crashed while the others went on, and exit 3 where anything did."""
        for run in runs[:1]:
            report_unused(self.config, run)
        for run in runs:
            report_trouble(run)
        for line in self.plugins.faults.values():
            print(f"dsinspect: {without_controls(line)}", file=sys.stderr)
        if self.plugins.faults or any(run.crashed for run in runs):
            raise typer.Exit(ExitCode.CRASHED)


def start(datasets: Sequence[str], judging: Judging | None = None, running: Running | None = None, *, fail_on: str | None = None,
          baseline: Path | None = None, recorded: Settings | None = None) -> Session:
    """Read the configuration and load the plugins.

    Args:
        datasets: as the user named them.
        judging: options of that group; their defaults when None.
        running: options of that group; their defaults when None.
        fail_on: severity from which on the gate fails; as configured when None.
        baseline: file of known findings; as configured when None.
        recorded: settings of the report whose decisions are applied; what the command line says is laid over them.

    Raises:
        UserError: a wrong setting or a plugin that cannot be loaded.
    """
    import numpy

    from dsinspect.config import judged_by_its_own, load_config
    from dsinspect.inspection.cache import default_path, source_around
    from dsinspect.io.limits import put_in_force
    from dsinspect.loader import load_plugins

    choices = Choices(datasets=datasets, recorded=recorded, **vars(judging or Judging()), **vars(running or Running()))
    config = load_config(configured_folder(choices.datasets), choices.config)
    if choices.config is None and (used := judged_by_its_own(config, configured_folder(choices.datasets))):
        print(f"dsinspect: {without_controls(used)} (--config names another file)", file=sys.stderr)
    put_in_force(config.limits, weak=True)
    if recorded is not None and choices.config is None:
        from dsinspect.inspection.request import recorded as with_recorded

        config = with_recorded(config, recorded)
    numpy.seterr(over="ignore", invalid="ignore", divide="ignore")  # see tables.hostile_numbers; `main` takes it back
    config = config.overlay(
        select=choices.select or (), extend_select=choices.extend_select or (), ignore=choices.ignore or (),
        settings=choices.settings or (), fail_on=fail_on, baseline=baseline)
    if choices.columns is not None:
        config = config.overlay(settings=[f"{COLUMNS_FORMAT}.columns={choices.columns}"])
    plugins = load_plugins({*(choices.no_plugin or ()), *config.disable_plugins}, config.plugins)
    config = config.with_reports(plugins.formats, plugins.reports)
    config.chosen(plugins.checks)  # a misspelt code is reported before any work is done
    if config.trainer and recorded is None:
        from dsinspect.protocols.trainers import configured_trainer

        configured_trainer(config.trainer, plugins.trainers, config.path)
    session = Session(choices, plugins, config)
    if choices.cache_dir is not None:
        require_cache_apart(choices.cache_dir, session.roots)  # images of annotation files are put there, with --no-cache too
        os.environ[NAMED] = str(choices.cache_dir.absolute())  # workers inherit it
    else:
        places = [Path(plain_path(d)) for d in choices.datasets if "://" not in d]
        allow_files(allowed=source_around(default_path(), places) is None)
    if choices.columns is not None and COLUMNS_FORMAT not in (read_as := session.formats):
        raise UserError(f"--columns {choices.columns}: {choices.dataset} is read as {', '.join(dict.fromkeys(read_as))}, which "
                        "has no columns; leave it out")
    return session


def configured_folder(datasets: Sequence[str]) -> Path | None:
    """Return the place whose nearest configuration counts: the dataset, or the first of several; None of a URL."""
    if not datasets or "://" in datasets[0]:
        return None
    return Path(plain_path(datasets[0]))


def plain_path(dataset: str) -> str:
    """Return the path of `SPLIT=PATH`, and any other text as it is."""
    return dataset if "=" not in dataset or os.path.lexists(dataset) else dataset.partition("=")[2]


def usable_cache(path: Path, roots: Sequence[Path] = (), *, is_named: bool = False) -> Path | None:
    """Return the cache's path, or None with one line on stderr when there can be none.

    Args:
        path: of the cache.
        roots: of the datasets, which are never written to.
        is_named: on the command line.

    Raises:
        UserError: it was named, and lies in a dataset's folder.
    """
    from dsinspect.inspection.cache import made_ready

    if is_named:
        require_cache_apart(path.parent, roots)
    if (reason := made_ready(path, roots)) is not None:
        print(f"dsinspect: no cache: {reason}", file=sys.stderr)
        return None
    return path


def require_cache_apart(folder: Path, roots: Sequence[Path]) -> None:
    """Raise a UserError when the folder of the cache that was named lies in a dataset's."""
    from dsinspect.inspection.cache import cache_file, source_around

    if (source := source_around(cache_file(folder), roots)) is not None:
        raise UserError(f"--cache-dir {folder}: lies in the dataset's folder {source}, which is only read; name a folder elsewhere")


def require_writable(path: Path, *sources: str | Path, judging: Judging | None = None, option: str = "-o") -> None:
    """Raise a UserError unless a file can be written there and is none of the sources'; asked before the work.

    Args:
        path: the file to be.
        sources: datasets and other inputs, as named.
        judging: may name the folder of the images.
        option: that names the file.
    """
    from dsinspect.output.destination import require_file

    images = [judging.images] if judging is not None and judging.images is not None else []
    require_file(path, [*(Path(plain_path(str(s))) for s in sources if "://" not in str(s)), *images], option=option)


def require_different(outputs: Sequence[Path]) -> None:
    """Raise a UserError for a file that is named twice."""
    for k, path in enumerate(outputs):
        if path.absolute() in [p.absolute() for p in outputs[:k]]:
            raise UserError(f"-o {path}: is named twice")


def earlier_decisions(path: Path) -> Reading | None:
    """Return the decisions in a workbook that a report is going to replace; None when there is none.

    Raises:
        UserError: it cannot be read, so that decisions could be lost.
    """
    if path.suffix.lower() != ".xlsx" or not path.is_file():
        return None
    from dsinspect.review.carry import decisions_in

    return decisions_in(path)


def write_report(report: Report, run: Run, path: Path, earlier: Reading | None = None, *, option: str = "-o") -> None:
    """Write a report under a temporary name beside its own, and rename it when it is whole.

    Args:
        report: to write.
        run: to write down.
        path: of the file.
        earlier: decisions in the file that is replaced, which are carried over.
        option: that named the file.
    """
    from dsinspect.io.atomic import atomic

    if earlier is not None and (earlier.decisions.decisions or earlier.earlier or earlier.own_columns or earlier.own_cells):
        from dsinspect.review.carry import carry_over

        carried = carry_over(run, earlier)
        run = carried.run
        print(carried.told(path), file=sys.stderr)
    try:
        with atomic(path) as partial:
            report.write(run, partial)
    except OSError as e:
        raise UserError(f"{option} {path}: {e.strerror or e}") from None


def frame_of(name: str) -> Frame:
    """Return the frame of a `--frame` option; raise a UserError unless it is one."""
    for frame in ("auto", "stored", "upright"):
        if name == frame:
            return frame
    raise UserError(f"--frame {name}: write one of auto, stored, upright{nearest(name, ('auto', 'stored', 'upright'))}")


def report_guessed_frames(count: int) -> None:
    """Say that nothing in the set shows the frame of some images."""
    if count:
        who, whose = ("image has", "its") if count == 1 else ("images have", "their")
        print(f"  {count:>9,}  {who} an EXIF orientation, and nothing in the set shows whether {whose} boxes are on the stored or "
              "the upright image; read as upright (--frame stored for the other)")


def report_unread(roots: Iterable[Path], out: Path) -> None:
    """Name on stderr the annotation files that could not be read: what is written lacks what they hold."""
    from dsinspect.io.unread import unread_below

    unread = {name: why for root in roots for name, why in unread_below(root).items()}
    for name in sorted(unread)[:SHOWN_UNREAD]:
        print(printable(f"{name}: cannot be read: {unread[name]}"), file=sys.stderr)
    if unread:
        more = f"and {len(unread) - SHOWN_UNREAD:,} more; " if len(unread) > SHOWN_UNREAD else ""
        print(printable(f"{more}what should be in {'it' if len(unread) == 1 else 'them'} is not in {out}"), file=sys.stderr)


def write_diff(lines: Iterable[str]) -> None:
    """Write the lines of a diff: with escapes in place of what steers a terminal on one, and exact into a file or a pipe."""
    out = sys.stdout
    if out.isatty() or not hasattr(out, "buffer"):
        out.writelines(map(visible, lines))
        return
    out.flush()
    out.buffer.writelines(line.encode("utf-8", "surrogateescape") for line in lines)
    out.buffer.flush()


def print_timings(run: Run) -> None:
    """Print the seconds per stage, probe and check on stderr, slowest first; none that would show as 0.000."""
    for name, seconds in sorted(run.timings.items(), key=lambda t: (-t[1], t[0])):
        if seconds >= 0.0005:
            print(f"{seconds:9.3f} s  {name}", file=sys.stderr)


def report_unused(config: Config, run: Run) -> None:
    """Say on stderr which settings are for splits that the set does not have, where it has any."""
    for split in config.per_split_ignores:
        if run.info.splits and split not in run.info.splits:
            print(without_controls(f"dsinspect: per-split-ignores.{split}: the dataset has no such split"
                                   f"{nearest_or_all(split, run.info.splits)}"), file=sys.stderr)


def report_trouble(run: Run) -> None:
    """Report on stderr which checks crashed, and why measurements could not be had at all."""
    for outcome in run.crashed:
        how = without_controls(str(outcome.metrics["reason"]))
        print(f"dsinspect: {outcome.code} {outcome.name} crashed: {how}", file=sys.stderr)
    of_checks = {str(outcome.metrics["reason"]) for outcome in run.crashed}
    for reason in sorted({*run.troubles} - of_checks):  # a probe that fails costs the checks that need it, which said so
        print(f"dsinspect: {without_controls(reason)}", file=sys.stderr)
