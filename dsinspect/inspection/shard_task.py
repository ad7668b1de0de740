"""Load, measure and judge one shard, and merge the states of two."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dsinspect.errors import PLUGIN_FAULTS, Blame, PluginCrashedError, UserError, how
from dsinspect.geometry.exif import NO_VOTES, FrameVotes, frame_votes
from dsinspect.inspection.census import Tally, tally
from dsinspect.inspection.measure import Measurements, ProbeFailure, measure, measured_shard
from dsinspect.inspection.plan import Plan
from dsinspect.inspection.trainer_fates import loaded_for_trainers
from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import Check
from dsinspect.protocols.fates import TRAINER
from dsinspect.protocols.formats import ShardRef
from dsinspect.tables.columns import Columns, at_rows
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.hostile_numbers import of_any_size
from dsinspect.tables.schema import problem_columns

if TYPE_CHECKING:
    from dsinspect.inspection.cache import CacheBy
    from dsinspect.protocols.trainers import Judged


@dataclass(frozen=True)
class Unavailable:
    """The state of a check that cannot be had in some shard; it swallows every state it is merged with.

    Attributes:
        status: how it ended.
        reason: why.
        applies: False where nothing is lost: the format has no such thing, or no trainer is named.
    """

    status: Literal["skipped", "crashed"]
    reason: str
    applies: bool = True


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
    frame_votes: FrameVotes = NO_VOTES
    blind: Mapping[str, str] = field(default_factory=dict)
    """Code of a check that went on without something it wants to the reason: it may have missed something."""


@dataclass(frozen=True)
class ShardTask:
    """Load, measure and judge one shard; picklable."""

    plan: Plan
    info: DatasetInfo
    cache: Path | None
    cache_by: CacheBy
    blames: Mapping[str, Blame]
    """Of the checks by code, of the probes by name, and of the trainer."""
    keep_images: bool
    keep_annotations: bool

    @of_any_size()
    def __call__(self, item: tuple[int, ShardRef]) -> ShardState:
        """Return the states of all checks on one shard.

        Args:
            item: number of the shard and its reference; the first shard carries the problems of the whole set.
        """
        number, ref = item
        seconds: dict[str, float] = {}
        start = time.perf_counter()
        if not os.path.exists(self.info.root):  # noqa: PTH110
            raise UserError(f"a worker on {socket.gethostname()} does not see {self.info.root}; share the folder with the workers")
        shard = ref.load()
        if number == 0 and self.info.problems:
            shard = shard.replace(problems=Columns.concat((problem_columns(self.info.problems), shard.problem_columns)))
        seconds["load"] = time.perf_counter() - start
        measurements = self._measure(shard, seconds)
        failures = {c: self._named(f) for c, f in measurements.failures.items()} if measurements else {}
        batch, states = self._checked(shard, measurements, failures, seconds)
        annotations: tuple[Columns, ...] = ()
        if self.keep_annotations:
            rows = batch.annotation_columns["image_row"]
            annotations = (batch.annotation_columns.with_columns({"path": at_rows(batch.image_columns["path"], rows)}),)
        return ShardState(len(shard.image_columns), states, tally(batch),
                          (batch.image_columns,) if self.keep_images else (), annotations, seconds,
                          frozenset((*(f.reason for name, f in failures.items() if name != TRAINER),
                                     *(measurements.troubles if measurements else ()))),
                          frame_votes(batch.image_columns, batch.boxes_xyxy, batch.annotation_columns["image_row"],
                                      self.info.box_units),
                          {code: failures[c].reason for code, check in self.plan.runnable.items() for c in check.wants
                           if c in failures})

    @of_any_size()
    def on_whole(self, shard: Shard, done: ShardState) -> ShardState:
        """Add the states of the plan's checks on the whole set at once, whose images were measured in parts.

        Args:
            shard: all of the set.
            done: what the parts came to; with their images.
        """
        seconds = dict(done.seconds)
        if self.info.problems:
            shard = shard.replace(problems=Columns.concat((problem_columns(self.info.problems), shard.problem_columns)))
        names = [*(c.name for p in self.plan.probes for c in p.columns), "read_error"]
        images = Columns.concat(done.images) if done.images else shard.image_columns
        measurements = Measurements({n: images[n] for n in names if n in images}) if self.info.has_files else None
        _, states = self._checked(shard, measurements, {}, seconds)
        return replace(done, states={**done.states, **states}, seconds=seconds, images=done.images if self.keep_images else ())

    def _checked(self, shard: Shard, measurements: Measurements | None, failures: dict[str, ProbeFailure],
                 seconds: dict[str, float]) -> tuple[Batch, dict[str, Any]]:
        """Return a shard as checks see it, and the state of each."""
        measured = measured_shard(shard, measurements, self.info.box_units)
        batch = Batch(self.info, measured.image_columns, measured.annotation_columns, measured.problem_columns,
                      self._judge(shard, measured, failures, seconds))
        states = {}
        for code, check in self.plan.runnable.items():
            start = time.perf_counter()
            states[code] = self._map(check, batch, failures)
            seconds[f"check {code}"] = time.perf_counter() - start
        return batch, states

    def _judge(self, shard: Shard, measured: Shard, failures: dict[str, ProbeFailure], seconds: dict[str, float]) -> Judged | None:
        """Ask the trainer that some checks need; one that raises costs these checks."""
        trainer = self.plan.trainer
        if trainer is None:
            return None
        from dsinspect.inspection.as_converted import judged_as_read

        start = time.perf_counter()
        try:
            return judged_as_read(trainer, loaded_for_trainers(self.info, shard, measured), self.blames[TRAINER])
        except PluginCrashedError as e:
            failures[TRAINER] = ProbeFailure("crashed", self.blames[TRAINER].reason(e.fault))
            return None
        finally:
            seconds[trainer.label] = time.perf_counter() - start

    def _measure(self, shard: Shard, seconds: dict[str, float]) -> Measurements | None:
        if not self.info.has_files:
            return None
        start = time.perf_counter()
        measurements = measure(shard.image_columns["file"].tolist(), self.plan.probes, self.cache,
                               by=self.cache_by)
        seconds["measure"] = time.perf_counter() - start
        seconds.update({f"probe {name}": s for name, s in measurements.seconds.items()})
        return measurements

    def _named(self, failure: ProbeFailure) -> ProbeFailure:
        """Return a failure whose reason names the plugin of a probe that crashed."""
        return replace(failure, reason=self.blames[failure.probe].reason(failure.reason)) if failure.probe else failure

    def _map(self, check: Check[Any, Any], batch: Batch, failures: Mapping[str, ProbeFailure]) -> Any:
        for column in (*check.needs, *check.wants):
            if column in failures and (column in check.needs or failures[column].status == "crashed"):
                return Unavailable(failures[column].status, failures[column].reason)
        try:
            return check.map(batch)
        except PLUGIN_FAULTS as e:
            return crash(self.blames[check.code], e)


def crash(blame: Blame, error: BaseException) -> Unavailable:
    """Return the state of a check that raised, naming its plugin and the place."""
    return Unavailable("crashed", blame.reason(how(error)))


def merge_states(checks: Mapping[str, Check[Any, Any]], blames: Mapping[str, Blame], a: ShardState,
                 b: ShardState) -> ShardState:
    """Join the states of two neighbouring parts, `a` before `b`; a check that raises costs its own state only."""
    states: dict[str, Any] = {}
    for code, check in checks.items():
        left, right = a.states[code], b.states[code]
        gone = [s for s in (left, right) if isinstance(s, Unavailable)]
        if gone:
            states[code] = gone[0]
            continue
        try:
            states[code] = check.merge(left, right)
        except PLUGIN_FAULTS as e:
            states[code] = crash(blames[code], e)
    seconds = {k: a.seconds.get(k, 0.0) + b.seconds.get(k, 0.0) for k in (*a.seconds, *b.seconds)}
    return ShardState(a.images_done + b.images_done, states, a.counts + b.counts, a.images + b.images,
                      a.annotations + b.annotations, seconds, a.troubles | b.troubles, a.frame_votes.plus(b.frame_votes),
                      {**b.blind, **a.blind})
