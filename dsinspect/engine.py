"""Run an inspection: plan -> load -> measure -> judge -> merge -> finish.

The engine knows checks, probes and formats only by their protocols. Work on a shard is one call of `ShardTask`, in
whatever worker the executor chose; states merge in this process along a tree that the number of shards alone
decides.
"""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from dsinspect.cache import trim
from dsinspect.census import Tally, census, tally
from dsinspect.checks import Batch, Check, Result
from dsinspect.columns import Columns, at_rows
from dsinspect.config import Config, matches
from dsinspect.errors import UserError, nearest
from dsinspect.executors import Executor
from dsinspect.findings import Findings
from dsinspect.formats import OpenRequest, ShardRef, Source, detect_format, format_options, named_format, remembered_listings
from dsinspect.measure import Measurements, ProbeFailure, is_known, measure, measured_shard
from dsinspect.model import (
    ANNOTATION_COLUMNS,
    FRAME_COLUMNS,
    IMAGE_COLUMNS,
    DatasetInfo,
    Shard,
    annotation_columns,
    image_columns,
    problem_columns,
)
from dsinspect.options import make
from dsinspect.plugins import Plugins, load_files
from dsinspect.probes import Level, Probe, column_owners
from dsinspect.quiet import quiet_decoders
from dsinspect.reports import Outcome, Run

MEASURED_SHARD = 512
"""Images per shard when pixels or whole files are read: small, to keep all workers busy to the end."""
SAMPLE = 32
"""Images looked up in the cache to tell whether a set was measured before."""
PARSED_SHARD = 2048
"""Images per shard when a great many label files are parsed."""
PARSING_SECONDS = 1.0
"""Parsing that takes longer is done in processes, which take a third of a second to start."""
TABLE_SHARD = 16_384
"""Images per shard when only tables are judged: large, for a check costs about a millisecond per shard."""


@dataclass(frozen=True)
class Request:
    """What to inspect, and how.

    Attributes:
        path: the dataset as the user named it; results show this text.
        root: the folder or file on disk.
        config: the settings in force.
        format: name of the format; detected when None.
        images: folder of the images when it is not where the format keeps them.
        jobs: number of workers.
        executor: name of the executor; chosen by the work when None.
        cache: database of measurements, or None for none.
        cache_by_content: know files in it by their bytes, not by path, size and time.
        keep_images: keep the table of images in the run.
        keep_annotations: keep the table of annotations in the run.
        shared_options: options given once for every check that has one of that name (`imgsz`).
        progress: told the stage, the images done and the images there are.
    """

    path: str
    root: Path
    config: Config = field(default_factory=Config)
    format: str | None = None
    images: Path | None = None
    jobs: int = 1
    executor: str | None = None
    cache: Path | None = None
    cache_by_content: bool = False
    keep_images: bool = False
    keep_annotations: bool = False
    shared_options: Mapping[str, Any] = field(default_factory=dict)
    progress: Callable[[str, int, int], None] | None = None


@dataclass(frozen=True)
class Unavailable:
    """The state of a check that cannot be had in some shard; it swallows every state it is merged with."""

    status: Literal["skipped", "crashed"]
    reason: str


@dataclass(frozen=True)
class ShardState:
    """What a part of the set came to; the parts merge in order."""

    images_done: int
    states: Mapping[str, Any]
    counts: Tally
    images: tuple[Columns, ...]
    annotations: tuple[Columns, ...]
    seconds: Mapping[str, float]
    troubles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Plan:
    """The selected checks by code, the probes they need, and why some of them cannot run."""

    checks: Mapping[str, Check[Any, Any]]
    probes: tuple[Probe, ...]
    skipped: Mapping[str, str]

    @property
    def runnable(self) -> dict[str, Check[Any, Any]]:
        """The checks that can run."""
        return {code: check for code, check in self.checks.items() if code not in self.skipped}


def inspect(request: Request, plugins: Plugins) -> Run:
    """Inspect a dataset.

    Raises:
        UserError: nothing is readable, or a setting is wrong.
    """
    tell = request.progress or (lambda stage, done, total: None)
    try:
        return _inspect(request, plugins, tell)
    finally:
        tell("", 0, 0)


def _inspect(request: Request, plugins: Plugins, tell: Callable[[str, int, int], None]) -> Run:
    clock = {"start": time.perf_counter()}
    checks = build_checks(request, plugins)
    tell("reading", 0, 0)
    source = open_dataset(request, plugins, checks)
    plan = make_plan(checks, source.info, plugins)
    opened = time.perf_counter()
    deep = any(p.level > Level.HEADER for p in plan.probes)
    in_processes = deep and not looks_measured(source, plan, request)
    size = MEASURED_SHARD if in_processes else TABLE_SHARD
    refs: Sequence[ShardRef] = source.shards(size) or [_NoShard()]
    load_us = plugins.formats[source.info.format].load_us
    if not in_processes and (len(refs) - 1) * size * load_us > 1e6 * PARSING_SECONDS:
        in_processes, size = True, PARSED_SHARD
        refs = source.shards(size)
    listed = time.perf_counter()
    task = ShardTask(plan, source.info, request.cache, request.cache_by_content,
                     {c: plugins.owner(type(k)) for c, k in plan.checks.items()},
                     request.keep_images, request.keep_annotations)
    executor = choose_executor(request, plugins, len(refs), in_processes=in_processes)
    done = 0
    expected = size * len(refs) if len(refs) > 1 else 0

    def seen(state: ShardState) -> None:
        nonlocal done
        done += state.images_done
        tell("inspecting", done, expected)

    decodes = any(p.level >= Level.PREVIEW for p in plan.probes)
    with quiet_decoders() if decodes else contextlib.nullcontext():
        tell("inspecting", 0, expected)
        merged = executor.map_reduce(task, list(enumerate(refs)), partial(_merge, plan.runnable, task.owners), seen)
    if request.cache is not None:
        trim(request.cache)
    judged = time.perf_counter()
    info = source.info
    del source, refs  # findings are put in order next, in the memory that the tables held
    tell("judging", 0, 0)
    outcomes = finish(plan, merged, info, request.config, task.owners)
    timings = {"open": opened - clock["start"], "list": listed - opened, "shards": judged - listed,
               "finish": time.perf_counter() - judged, **merged.seconds}
    return Run(request.path, info, census(merged.counts, info), outcomes,
               _joined(merged.images), _joined(merged.annotations), timings, troubles=tuple(sorted(merged.troubles)))


def looks_measured(source: Source, plan: Plan, request: Request) -> bool:
    """Say whether the cache knows some images of the first shard: then only tables are judged, and large shards do.

    The size of shards changes no result, only the time.
    """
    if request.cache is None or request.cache_by_content or not request.cache.exists() or not source.info.has_files:
        return False
    refs = source.shards(MEASURED_SHARD)
    files = [f for f in refs[0].load().image_columns["file"].tolist() if f] if refs else []
    return bool(files) and is_known(files[::max(len(files) // SAMPLE, 1)], plan.probes, request.cache)


def build_checks(request: Request, plugins: Plugins) -> dict[str, Check[Any, Any]]:
    """Make the selected checks with their options; a wrong code or option is a UserError."""
    available = plugins.checks
    built = {}
    for code in request.config.chosen(available):
        check_type = available[code]
        values = {k: v for k, v in request.shared_options.items() if k in check_type.options_type.__struct_fields__}
        values.update(request.config.checks.get(code, {}))
        built[code] = check_type(make(check_type.options_type, values, code))
    for code in set(request.config.checks) - set(built):  # settings of checks that do not run are read as well
        make(available[code].options_type, request.config.checks[code], code)
    return built


def open_dataset(request: Request, plugins: Plugins, checks: Mapping[str, Check[Any, Any]] | None = None) -> Source:
    """Detect the format and open the dataset with the format columns that the checks ask for."""
    with remembered_listings():
        return _open_dataset(request, plugins, checks)


def _open_dataset(request: Request, plugins: Plugins, checks: Mapping[str, Check[Any, Any]] | None) -> Source:
    formats = plugins.formats
    for name in request.config.formats:
        if name not in formats:
            raise UserError(f"formats.{name}: no such format{nearest(name, formats)}; there are {', '.join(formats)}")
    if request.format and not request.root.exists():
        raise UserError(f"{request.root}: no such file or folder")
    format_type = named_format(request.format, formats) if request.format else detect_format(request.root, formats)
    columns = {c for check in (checks or {}).values() for c in (*check.needs, *check.wants) if ":" in c}
    options = format_options(dict(request.config.formats.get(format_type.name, {})), format_type)
    if request.images is not None and not request.images.is_dir():
        raise UserError(f"--images {request.images}: no such folder")
    try:
        return format_type().open(OpenRequest(request.root, request.images, options, frozenset(columns)))
    except OSError as e:
        raise UserError(f"{e.filename or request.root}: {e.strerror or e}") from None


def make_plan(checks: Mapping[str, Check[Any, Any]], info: DatasetInfo, plugins: Plugins) -> Plan:
    """Decide which checks can run and which probes they need."""
    owners = column_owners(plugins.probes)
    skipped = {}
    wanted: set[str] = set(FRAME_COLUMNS) if info.box_units == "fraction" and info.has_files else set()
    for code, check in checks.items():
        lacking = next((r for c in check.needs if (r := _lack(c, info, owners))), None)
        if lacking:
            skipped[code] = lacking
            continue
        wanted.update(c for c in (*check.needs, *check.wants) if c in owners and info.has_files)
    probes = {owners[c].name: owners[c]() for c in sorted(wanted)}
    return Plan(checks, tuple(probes.values()), skipped)


def _lack(column: str, info: DatasetInfo, owners: Mapping[str, type[Probe]]) -> str | None:
    """Say why a column cannot be had, or return None."""
    if column == "file" or column in owners or column == "read_error":
        return None if info.has_files else "no image of the set is on disk (--images names their folder)"
    if ":" in column:
        owner = column.partition(":")[0]
        if column in info.columns:
            return None
        return f"only the {owner} format has {column}" if owner != info.format else f"this dataset has no {column}"
    return None if column in IMAGE_COLUMNS or column in ANNOTATION_COLUMNS else f"no probe measures {column}"


def choose_executor(request: Request, plugins: Plugins, shards: int, *, in_processes: bool) -> Executor:
    """Return the executor to use: nothing is started for one shard or one job.

    Files are read, decoded or, when there are very many labels, parsed in processes: OpenCV lets go of the interpreter
    lock, but of 2.2 ms an image half a millisecond is Python, and 20,000 images took 25 s in two processes and 30 s in two
    threads. Tables are judged in threads, which start at once and share the tables: most of the time is spent in NumPy.
    """
    executors = plugins.executors
    name = request.executor
    if name is not None and name not in executors:
        raise UserError(f"--executor {name}: no such executor{nearest(name, executors)}; "
                        f"there are {', '.join(executors)}")
    if name is None:
        name = "serial" if request.jobs == 1 or shards == 1 else "process" if in_processes else "thread"
    if name not in executors:
        raise UserError(f"executor {name!r} is missing; choose one of {', '.join(executors)} with --executor")
    return executors[name](request.jobs, partial(load_files, plugins.local))


@dataclass(frozen=True)
class ShardTask:
    """Load, measure and judge one shard; picklable."""

    plan: Plan
    info: DatasetInfo
    cache: Path | None
    cache_by_content: bool
    owners: Mapping[str, str]
    keep_images: bool
    keep_annotations: bool

    def __call__(self, item: tuple[int, ShardRef]) -> ShardState:
        """Return the states of all checks on one shard.

        Args:
            item: number of the shard and its reference; the first shard carries the problems of the whole set.
        """
        number, ref = item
        seconds: dict[str, float] = {}
        start = time.perf_counter()
        shard = ref.load()
        if number == 0 and self.info.problems:
            shard = shard.replace(problems=Columns.concat((problem_columns(self.info.problems), shard.problem_columns)))
        seconds["load"] = time.perf_counter() - start
        measurements = self._measure(shard, seconds)
        batch_shard = measured_shard(shard, measurements, self.info.box_units)
        batch = Batch(self.info, batch_shard.image_columns, batch_shard.annotation_columns, batch_shard.problem_columns)
        failures = measurements.failures if measurements else {}
        states = {}
        for code, check in self.plan.runnable.items():
            start = time.perf_counter()
            states[code] = self._map(check, batch, failures)
            seconds[f"check {code}"] = time.perf_counter() - start
        annotations: tuple[Columns, ...] = ()
        if self.keep_annotations:
            rows = batch.annotation_columns["image_row"]
            annotations = (batch.annotation_columns.with_columns({"path": at_rows(batch.image_columns["path"], rows)}),)
        return ShardState(len(shard.image_columns), states, tally(batch),
                          (batch.image_columns,) if self.keep_images else (), annotations, seconds,
                          frozenset(f.reason for f in failures.values()))

    def _measure(self, shard: Shard, seconds: dict[str, float]) -> Measurements | None:
        if not self.info.has_files:
            return None
        start = time.perf_counter()
        measurements = measure(shard.image_columns["file"].tolist(), self.plan.probes, self.cache,
                               by_content=self.cache_by_content)
        seconds["measure"] = time.perf_counter() - start
        seconds.update({f"probe {name}": s for name, s in measurements.seconds.items()})
        return measurements

    def _map(self, check: Check[Any, Any], batch: Batch, failures: Mapping[str, ProbeFailure]) -> Any:
        for column in (*check.needs, *check.wants):
            if column in failures and (column in check.needs or failures[column].status == "crashed"):
                return Unavailable(failures[column].status, failures[column].reason)
        try:
            return check.map(batch)
        except Exception as e:
            return crash(self.owners[check.code], e)


def crash(plugin: str, error: Exception) -> Unavailable:
    """Return the state of a check that raised, naming its plugin and the place."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""  # noqa: PTH119
    return Unavailable("crashed", f"plugin {plugin}: {type(error).__name__}: {error}{place}")


def _merge(checks: Mapping[str, Check[Any, Any]], owners: Mapping[str, str], a: ShardState,
           b: ShardState) -> ShardState:
    states: dict[str, Any] = {}
    for code, check in checks.items():
        left, right = a.states[code], b.states[code]
        gone = [s for s in (left, right) if isinstance(s, Unavailable)]
        if gone:
            states[code] = gone[0]
            continue
        try:
            states[code] = check.merge(left, right)
        except Exception as e:
            states[code] = crash(owners[code], e)
    seconds = {k: a.seconds.get(k, 0.0) + b.seconds.get(k, 0.0) for k in (*a.seconds, *b.seconds)}
    return ShardState(a.images_done + b.images_done, states, a.counts + b.counts, a.images + b.images,
                      a.annotations + b.annotations, seconds, a.troubles | b.troubles)


def finish(plan: Plan, merged: ShardState, info: DatasetInfo, config: Config,
           owners: Mapping[str, str]) -> tuple[Outcome, ...]:
    """Finish every check, fold what conventions explain, and lay the configuration over the findings."""
    results: dict[str, Result | Unavailable] = {c: Unavailable("skipped", r) for c, r in plan.skipped.items()}
    for code, check in plan.runnable.items():
        state = merged.states[code]
        if isinstance(state, Unavailable):
            results[code] = state
            continue
        try:
            result = check.finish(state, info)
            results[code] = replace(result, findings=result.findings.ordered())
        except Exception as e:
            results[code] = crash(owners[code], e)
    fold(results)
    return tuple(_outcome(plan.checks[code], results[code], config) for code in sorted(results))


def fold(results: dict[str, Result | Unavailable]) -> None:
    """Take out the findings that another check's finding explains, and tell it how many (value `folded`)."""
    for code in sorted(results):
        result = results[code]
        if isinstance(result, Unavailable) or not result.folds or not len(result.findings):
            continue
        folded = 0
        for rule in result.folds:
            for other, explained in results.items():
                if other == code or isinstance(explained, Unavailable) \
                        or not any(matches(p, other) for p in rule.codes):
                    continue
                goes = rule.covers(explained.findings)
                if goes.any():
                    folded += int(goes.sum())
                    results[other] = replace(explained, findings=explained.findings.take(~goes))
        if folded:
            results[code] = replace(result, findings=result.findings.with_folded(folded))


def _outcome(check: Check[Any, Any], result: Result | Unavailable, config: Config) -> Outcome:
    override = config.severity_of(check.code)
    base = Outcome(check.code, check.name, override or check.severity, "clean", Findings.none(),
                   limits=msgspec.structs.asdict(check.options), summary=(check.__doc__ or "").partition("\n")[0])
    if isinstance(result, Unavailable):
        return replace(base, status=result.status, metrics={"reason": result.reason})
    findings = result.findings.with_severity(override) if override else result.findings
    ignored = [s for s, prefixes in config.per_split_ignores.items() if any(matches(p, check.code) for p in prefixes)]
    if ignored and len(findings):
        findings = findings.take(np.array([s not in ignored for s in findings.columns["split"].tolist()], bool))
    return replace(base, status="found" if len(findings) else "clean", findings=findings, metrics=result.metrics,
                   made=result.tables, charts=result.charts)


@dataclass(frozen=True)
class _NoShard:
    """The one shard of a set without records, so that every check sees a batch."""

    def load(self) -> Shard:
        return Shard(image_columns(0), annotation_columns(0))


def _joined(tables: tuple[Columns, ...]) -> Columns | None:
    return Columns.concat(tables) if tables else None
