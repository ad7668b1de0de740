"""Run the simulation: load and measure shards, ask every trainer, merge."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from dsinspect.errors import Blame, PluginCrashedError, Watched
from dsinspect.inspection.as_converted import judged_as_read
from dsinspect.inspection.cache import CacheBy
from dsinspect.inspection.census import Tally, census, tally
from dsinspect.inspection.choose_executor import choose_executor, for_workers
from dsinspect.inspection.inspect import MEASURED_SHARD, TABLE_SHARD, looks_measured
from dsinspect.inspection.measure import measure, measured_shard
from dsinspect.inspection.opening import open_dataset
from dsinspect.inspection.plan import Plan
from dsinspect.inspection.request import Request
from dsinspect.inspection.trainer_fates import loaded_for_trainers, shards_for_trainers, wanted_probes
from dsinspect.io.decoder_stderr import quiet_decoders
from dsinspect.loader import Plugins
from dsinspect.protocols.batch import Batch
from dsinspect.protocols.formats import ShardRef
from dsinspect.protocols.probes import Level, Probe
from dsinspect.protocols.run import Census
from dsinspect.protocols.trainers import Loaded, Rule, Stop, Trainer, Write, rules_of
from dsinspect.simulation.fates import NO_BOXES, Held, Loss, Part, held_by, part_of
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.hostile_numbers import of_any_size
from dsinspect.tables.schema import problem_columns


@dataclass(frozen=True)
class Simulated:
    """What one trainer makes of a dataset.

    Attributes:
        trainer: with its release.
        converted: True when the trainer does not read the set's format: it is judged as if converted.
        stops: what makes it raise, the first met at the front; the rest is reported as if it did not.
        writes: files it would rewrite.
        part: counts, losses and fates.
        losses: rule and what it takes, largest first.
    """

    trainer: Trainer
    converted: bool
    stops: tuple[Stop, ...]
    writes: tuple[Write, ...]
    part: Part
    losses: tuple[tuple[Rule, Loss], ...]

    @property
    def image_fates(self) -> Columns | None:
        """The images to report, numbered by `row` within `shard`."""
        return _numbered(self.part.image_fates)

    @property
    def annotation_fates(self) -> Columns | None:
        """The annotations to report; `shard` and `row` name their image."""
        return _numbered(self.part.annotation_fates)


@dataclass(frozen=True)
class Simulation:
    """What some trainers make of a dataset.

    Attributes:
        path: the dataset as the user named it.
        info: what the reader knew.
        census: counts of the dataset as it stands.
        trainers: one result each, in the order asked for.
        seconds: stage to seconds.
    """

    path: str
    info: DatasetInfo
    census: Census
    trainers: tuple[Simulated, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Parts:
    """What all trainers make of some shards."""

    images: int
    counts: Tally
    parts: tuple[Part | str, ...]
    """Of each trainer, or the line that names what it broke."""
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class _Task:
    """Load, measure and judge one shard; picklable."""

    info: DatasetInfo
    trainers: tuple[Trainer, ...]
    blames: tuple[Blame, ...]
    probes: tuple[Probe, ...]
    cache: Path | None
    by: CacheBy
    all_fates: bool
    keep_fates: bool

    @of_any_size()
    def __call__(self, item: tuple[int, ShardRef]) -> _Parts:
        """Return what the trainers make of one shard; the first one carries the problems of the whole set."""
        number, ref = item
        clock = time.perf_counter
        start = clock()
        shard = ref.load()
        if number == 0 and self.info.problems:
            shard = shard.replace(problems=Columns.concat((problem_columns(self.info.problems), shard.problem_columns)))
        read = clock()
        measurements = measure(shard.image_columns["file"].tolist(), self.probes, self.cache,
                               by=self.by) if self.probes else None
        measured = measured_shard(shard, measurements, self.info.box_units)
        batch = Batch(self.info, measured.image_columns, measured.annotation_columns, measured.problem_columns)
        loaded = loaded_for_trainers(self.info, shard, measured, batch.category_codes)
        done = clock()
        counts, held = tally(batch), held_by(loaded)
        seconds = {"load": read - start, "measure": done - read, "count": clock() - done}
        parts: list[Part | str] = []
        for trainer, blame in zip(self.trainers, self.blames, strict=True):
            start = clock()
            try:
                with Watched(blame):
                    parts.append(self._part(trainer, blame, loaded, held))
            except PluginCrashedError as e:
                parts.append(str(e))
            seconds[trainer.label] = clock() - start
        return _Parts(len(shard.image_columns), counts, tuple(parts), seconds)

    def _part(self, trainer: Trainer, blame: Blame, loaded: Loaded, held: Held) -> Part:
        judged = judged_as_read(trainer, loaded, blame)
        return part_of(judged, loaded, held, all_fates=self.all_fates, keep_fates=self.keep_fates)


@quiet_decoders()  # masks of a format are decoded while it is read
def simulate(request: Request, plugins: Plugins, trainers: Sequence[Trainer], *, keep_fates: bool = False,
             all_fates: bool = False) -> Simulation:
    """Simulate trainers on a dataset.

    Args:
        request: what to open, and how.
        plugins: formats, probes and executors.
        trainers: whom to ask.
        keep_fates: keep the fates of the records that are not kept as they stand.
        all_fates: keep those of all records.

    Raises:
        UserError: nothing is readable.
    """
    tell = request.progress or (lambda stage, done, total: None)
    try:
        tell("reading", 0, 0)
        started = time.perf_counter()
        request = for_workers(request, plugins)
        source = open_dataset(request, plugins, trainers=trainers)
        opened = time.perf_counter()
        info = source.info
        probes = wanted_probes(trainers, info, plugins.probes)
        deep = any(p.level > Level.HEADER for p in probes)
        in_processes = deep and not looks_measured(source, Plan({}, probes, {}), request)
        refs = shards_for_trainers(source, plugins.formats[info.format], MEASURED_SHARD if in_processes else TABLE_SHARD)
        blames = tuple(plugins.blame(type(t)) for t in trainers)
        task = _Task(info, tuple(trainers), blames, probes, request.cache, request.cache_by, all_fates, keep_fates)
        executor = choose_executor(request, plugins, len(refs), in_processes=in_processes)
        images = 0

        def seen(parts: _Parts) -> None:
            nonlocal images
            images += parts.images
            tell("simulating", images, 0)

        merged = executor.map_reduce(task, list(enumerate(refs)), partial(_merge, blames), seen)
        seconds = {"open": opened - started, **merged.seconds}
        done: list[Simulated] = []
        counted = census(merged.counts, info)
        classes = [*counted.category_columns["name"].tolist(), *([None] if merged.counts.category_annotations[None] else [])]
        for trainer, part in zip(trainers, merged.parts, strict=True):
            with plugins.costs_itself(type(trainer)):
                if isinstance(part, str):
                    raise PluginCrashedError(part)
                done.append(_simulated(trainer, part, info, classes))
        if not done:
            raise PluginCrashedError(next(iter(plugins.faults.values())))
        return Simulation(request.path, info, counted, tuple(done), seconds)
    finally:
        tell("", 0, 0)


def _merge(blames: Sequence[Blame], a: _Parts, b: _Parts) -> _Parts:
    """Join what trainers make of two neighbouring parts; one that raises costs its own part only."""
    parts: list[Part | str] = []
    for blame, x, y in zip(blames, a.parts, b.parts, strict=True):
        try:
            with Watched(blame):
                parts.append(x if isinstance(x, str) else y if isinstance(y, str) else x.merged(y))
        except PluginCrashedError as e:
            parts.append(str(e))
    seconds = {k: a.seconds.get(k, 0.0) + b.seconds.get(k, 0.0) for k in (*a.seconds, *b.seconds)}
    return _Parts(a.images + b.images, a.counts + b.counts, tuple(parts), seconds)


def _simulated(trainer: Trainer, part: Part, info: DatasetInfo, classes: Sequence[str | None]) -> Simulated:
    """Sum up one trainer; its classes are those of the set, in the order of a report, without boxes too."""
    part = replace(part, classes={n: part.classes.get(n, NO_BOXES) for n in classes})
    losses = sorted(part.losses.items(), key=lambda item: (-item[1].images, -item[1].dropped, -item[1].changed, item[0]))
    rules = rules_of(trainer)
    return Simulated(trainer, info.format not in trainer.reads, part.verdict.in_order(), part.verdict.writes, part,
                     tuple((rules[k], loss) for k, loss in losses))


def _numbered(tables: tuple[Columns, ...]) -> Columns | None:
    """Join the tables of shards, with the number of the shard: a row number is one of its shard."""
    import numpy as np

    if not tables:
        return None
    return Columns.concat([t.with_columns({"shard": np.full(len(t), k)}) for k, t in enumerate(tables)])
