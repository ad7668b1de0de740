"""Run an inspection: plan -> load -> measure -> judge -> merge -> finish.

The engine knows checks, probes and formats only by their protocols. Work on a shard is one call of `ShardTask`, in
whatever worker the executor chose; states merge in this process along a tree that the number of shards alone
decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from dsinspect.geometry.exif import FrameRule, FrameVotes
from dsinspect.inspection.cache import trim
from dsinspect.inspection.census import census
from dsinspect.inspection.choose_executor import choose_executor, for_workers
from dsinspect.inspection.finish import finish
from dsinspect.inspection.measure import is_known
from dsinspect.inspection.opening import columns_of, open_dataset
from dsinspect.inspection.plan import Plan, build_checks, describing_checks, hidden_checks, make_plan
from dsinspect.inspection.request import Request, settings_of
from dsinspect.inspection.shard_task import ShardState, ShardTask, merge_states
from dsinspect.inspection.trainer_fates import shards_for_trainers
from dsinspect.io.decoder_stderr import quiet_decoders
from dsinspect.loader import Plugins
from dsinspect.protocols.fates import TRAINER
from dsinspect.protocols.formats import Format, ShardRef, Source
from dsinspect.protocols.probes import Level
from dsinspect.protocols.run import Outcome, Run
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import Shard
from dsinspect.tables.hostile_numbers import of_any_size
from dsinspect.tables.schema import SHAPE_COLUMNS, annotation_columns, image_columns

MEASURED_SHARD = 512
"""Images per shard when pixels or whole files are read: small, to keep all workers busy to the end."""


SAMPLE = 32
"""Images looked up in the cache to find out whether a set was measured before."""


PARSED_SHARD = 2048
"""Images per shard when a great many label files are parsed."""


PARSING_SECONDS = 1.0
"""Parsing that takes longer is done in processes, which take a third of a second to start."""


TABLE_SHARD = 16_384
"""Images per shard when only tables are judged: large, for a check costs about a millisecond per shard."""


@of_any_size()
@quiet_decoders()  # a format may decode masks while it is read
def inspect(request: Request, plugins: Plugins) -> Run:
    """Inspect a dataset.

    Raises:
        UserError: nothing is readable, or a setting is wrong.
    """
    if request.beside:
        return _beside(request, plugins)
    tell = request.progress or (lambda stage, done, total: None)
    try:
        return _inspect(for_workers(request, plugins), plugins, tell)
    finally:
        tell("", 0, 0)


def _beside(request: Request, plugins: Plugins) -> Run:
    """Inspect for one trainer after the other; the trainer is part of the codes, so that no two findings are taken for one."""
    outcomes: list[Outcome] = []
    for trainer in request.beside:
        run = inspect(replace(request, beside=(), trainer=trainer), plugins)
        outcomes += [replace(o, code=f"{o.code} {trainer.label}") for o in run.outcomes]
    return replace(run, outcomes=tuple(outcomes), settings=settings_of(request, run.info.format))


def _inspect(request: Request, plugins: Plugins, tell: Callable[[str, int, int], None]) -> Run:
    clock = {"start": time.perf_counter()}
    checks = build_checks(request, plugins)
    tell("reading", 0, 0)
    shapes = frozenset(SHAPE_COLUMNS) if request.keep_annotations else frozenset[str]()  # whoever keeps annotations draws them
    columns = columns_of(checks) | request.keep_columns | shapes
    source = open_dataset(request, plugins, columns, () if request.trainer is None else (request.trainer,))
    plan = make_plan(checks, source.info, plugins, request.trainer, hidden_checks(request, plugins),
                     describing_checks(request, plugins))
    opened = time.perf_counter()
    deep = any(p.level > Level.HEADER for p in plan.probes)
    in_processes = deep and not looks_measured(source, plan, request)
    size = MEASURED_SHARD if in_processes else TABLE_SHARD
    refs: Sequence[ShardRef] = source.shards(size) or [_NoShard()]
    format_type = plugins.formats[source.info.format]
    if not in_processes and (len(refs) - 1) * size * format_type.load_us > 1e6 * PARSING_SECONDS:
        in_processes, size = True, PARSED_SHARD
        refs = source.shards(size)
    listed = time.perf_counter()
    judges_whole = plan.trainer is not None and format_type.holds_records()
    in_parts = plan.part(asks_trainer=False) if judges_whole else plan
    task = ShardTask(in_parts, source.info, request.cache, request.cache_by,
                     {**{c: plugins.blame(type(k)) for c, k in plan.checks.items()},
                      **{p.name: plugins.blame(type(p)) for p in plan.probes},
                      **({} if plan.trainer is None else {TRAINER: plugins.blame(type(plan.trainer))})},
                     request.keep_images or judges_whole, request.keep_annotations)
    executor = choose_executor(request, plugins, len(refs), in_processes=in_processes)
    done = 0
    expected = size * len(refs) if len(refs) > 1 else 0

    def seen(state: ShardState) -> None:
        nonlocal done
        done += state.images_done
        tell("inspecting", done, expected)

    tell("inspecting", 0, expected)
    merged = executor.map_reduce(task, list(enumerate(refs)), partial(merge_states, in_parts.runnable, task.blames), seen)
    if judges_whole:
        whole = (shards_for_trainers(source, format_type, size) or [_NoShard()])[0].load()
        merged = replace(task, plan=plan.part(asks_trainer=True), keep_images=request.keep_images).on_whole(whole, merged)
    if request.cache is not None:
        trim(request.cache)
    judged = time.perf_counter()
    info = source.info
    del source, refs  # findings are put in order next, in the memory that the tables held
    tell("judging", 0, 0)
    no_place = plugins.formats[info.format].no_place
    selected, described = finish(plan, merged, info, request.config, task.blames)
    outcomes = tuple(replace(o, findings=o.findings.without_fixes(no_place)) for o in selected)
    timings = {"open": opened - clock["start"], "list": listed - opened, "shards": judged - listed,
               "finish": time.perf_counter() - judged, **merged.seconds}
    return Run(request.path, info, census(merged.counts, info), outcomes,
               _in_frame(_joined(merged.images), merged.frame_votes, info.box_units),
               _joined(merged.annotations), timings, troubles=tuple(sorted(merged.troubles)),
               fail_on=request.config.fail_on, allow_empty=request.config.allow_empty,
               positions=partial(_positions, plugins.formats[info.format], info.root),
               settings=settings_of(request, info.format), no_place=no_place, described=described)


def _positions(kind: type[Format], root: Path, source: str, records: str) -> Sequence[tuple[int, int]]:
    """Return line and column of the records of a file; nothing when it cannot be read any more."""
    try:
        return kind().positions(root / source if root.is_dir() else root, records)
    except OSError:
        return ()


def looks_measured(source: Source, plan: Plan, request: Request) -> bool:
    """Say whether the cache knows some images of the first shard: then only tables are judged, and large shards do.

    The size of shards changes no result, only the time.
    """
    if request.cache is None or request.cache_by == "content" or not request.cache.exists() or not source.info.has_files:
        return False
    refs = source.shards(MEASURED_SHARD)
    files = [f for f in refs[0].load().image_columns["file"].tolist() if f] if refs else []
    return bool(files) and is_known(files[::max(len(files) // SAMPLE, 1)], plan.probes, request.cache, request.cache_by)


class _NoShard(msgspec.Struct, frozen=True):
    """The one shard of a set without records, so that every check sees a batch."""

    def load(self) -> Shard:
        return Shard(image_columns(0), annotation_columns(0))


def _in_frame(images: Columns | None, votes: FrameVotes, box_units: str) -> Columns | None:
    """Return images with the frame of their boxes as the whole set has it: a shard knows its own images only."""
    return images and images.with_columns({"boxes_upright": FrameRule("auto", votes).upright(images, box_units)})


def _joined(tables: tuple[Columns, ...]) -> Columns | None:
    return Columns.concat(tables) if tables else None
