"""Formats, trainers and executors while they work: whatever breaks its protocol is named in one line, in any worker."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol

import msgspec

from dsinspect.errors import PLUGIN_FAULTS, Blame, UserError, Watched
from dsinspect.io.unread import unread_below
from dsinspect.io.worker_settings import Settings, in_force, take_over
from dsinspect.protocols.executors import Executor, NoResultError, R, T, each
from dsinspect.protocols.formats import Format, OpenRequest, ShardRef, Source
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import ANNOTATION_COLUMNS, IMAGE_COLUMNS, PROBLEM_COLUMNS, Problem

if TYPE_CHECKING:
    from dsinspect.protocols.trainers import Fates, Loaded, Trainer


def opened(kind: type[Format], request: OpenRequest, blame: Blame, notes: tuple[str, ...]) -> Source:
    """Open a dataset.

    Args:
        kind: the format.
        request: what to open.
        blame: of the format.
        notes: to add to the format's own.

    Raises:
        PluginCrashedError: the format raised, or gave something else than a source.
    """
    with Watched(blame):
        source = kind().open(request)
    if not hasattr(source, "info"):
        raise blame.broke(f"gave {source!r:.40}, which is no source of a dataset")
    with Watched(blame):
        info = source.info
    if not isinstance(info, DatasetInfo):
        raise blame.broke(f"gave a source whose info is {info!r:.40}, which is no DatasetInfo")
    if info.format != kind.name:
        raise blame.broke(f"calls itself {info.format!r} in its DatasetInfo")
    told = [p.reason for p in info.problems if p.kind == "same-names"] if info.has_files else []
    return _Source(replace(info, notes=(*info.notes, *told, *notes), problems=_with_unread(info, request.root)), source, blame)


def _with_unread(info: DatasetInfo, root: Path) -> tuple[Problem, ...]:
    """Return the problems of a set with one for each folder and annotation file that cannot be read: the rest must not look whole.

    A label file that is there and cannot be read is not missing.
    """
    told = {p.source for p in info.problems if p.kind in ("malformed-record", "bad-class-list")}
    unread = unread_below(root, info.root)
    if not unread:
        return tuple(info.problems)
    return (*(p for p in info.problems if p.kind != "missing-label" or p.source not in unread),
            *(Problem("malformed-record", source, f"cannot be read: {why}")
              for source, why in unread.items() if source not in told))


class _Source(msgspec.Struct, frozen=True):
    """An opened dataset; an error in a shard names the format."""

    info: DatasetInfo
    source: Source
    blame: Blame

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the set; see `Source.shards`."""
        with Watched(self.blame):
            return [_Ref(ref, self.blame) for ref in self.source.shards(size)]


class _Ref(msgspec.Struct, frozen=True):
    """A reference to a shard; see `ShardRef`."""

    ref: ShardRef
    blame: Blame

    def load(self) -> Shard:
        """Read the shard.

        Raises:
            PluginCrashedError: the format raised, or gave something else than a shard.
        """
        with Watched(self.blame):
            shard = self.ref.load()
            fault = _fault_of_shard(shard)
        if fault is not None:
            raise self.blame.broke(fault)
        return shard


def _fault_of_shard(shard: Shard) -> str | None:
    """Say what is wrong with what a format loaded, or return None."""
    if not isinstance(shard, Shard):
        return f"loaded {shard!r:.40}, which is no Shard"
    tables: Mapping[str, tuple[Columns, Mapping[str, Any]]] = {
        "images": (shard.image_columns, IMAGE_COLUMNS), "annotations": (shard.annotation_columns, ANNOTATION_COLUMNS),
        "problems": (shard.problem_columns, PROBLEM_COLUMNS)}
    for name, (table, wanted) in tables.items():
        lacking = [c for c in wanted if c not in table]
        if lacking:
            return f"loaded {name} without the {'column' if len(lacking) == 1 else 'columns'} {', '.join(lacking)}"
    rows = shard.annotation_columns["image_row"]
    if len(rows) and not (rows.min() >= -1 and rows.max() < len(shard.image_columns)):
        return (f"loaded annotations with image_row {int(rows.min())} to {int(rows.max())} for "
                f"{len(shard.image_columns):,} images; -1 to {len(shard.image_columns) - 1} are rows")
    return None


class Writer(Protocol):
    """Writes annotations; a format, or what stands for one."""

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write all annotations below `out`, and return what was lost: what, and how many."""
        ...


def written(writer: Writer, blame: Blame, info: DatasetInfo, shards: Iterable[Shard], out: Path) -> Mapping[str, int]:
    """Write a dataset, and return what the format does not have, and how many.

    Raises:
        PluginCrashedError: the format raised, or gave something else than counts.
    """
    with Watched(blame) as watch:
        losses = writer.write(info, watch.handed(shards), out)
    if not isinstance(losses, Mapping):
        raise blame.broke(f"returned {losses!r:.40} from write, which counts no losses")
    return losses


def judge(trainer: Trainer, loaded: Loaded, blame: Blame) -> Fates:
    """Return what a trainer makes of a shard.

    Raises:
        PluginCrashedError: it raised, or gave something else than a fate for every record.
    """
    from dsinspect.protocols.trainers import Fates

    with Watched(blame):
        fates = trainer.judge(loaded)
    if not isinstance(fates, Fates):
        raise blame.broke(f"judged {fates!r:.40}, which are no Fates")
    images, annotations = len(loaded.images), len(loaded.annotations)
    for name, values, count in (("image_rule", fates.image_rule, images), ("fate", fates.fate, annotations),
                                ("rule", fates.rule, annotations), ("label", fates.label, annotations),
                                ("boxes", fates.boxes, annotations)):
        if len(values) != count:
            raise blame.broke(f"gave {len(values):,} values of {name} for {count:,} records")
    return fates


@dataclass(frozen=True)
class _Part(Generic[R]):
    """The result of some items, or the error of one of them."""

    count: int
    value: R | None = None
    error: BaseException | None = None


@dataclass(frozen=True)
class _Work(Generic[T, R]):
    """Gives the error of an item back in place of raising it, so that it is not taken for the executor's own; picklable.

    A worker of a cluster does not inherit the limits and permissions of this process: they come along.
    """

    fn: Callable[[T], R]
    settings: Settings = field(default_factory=in_force)

    def __call__(self, item: T) -> _Part[R]:
        take_over(self.settings)
        try:
            return _Part(1, self.fn(item))
        except PLUGIN_FAULTS as e:
            if not isinstance(e, UserError | OSError):
                e.add_note("".join(traceback.format_exception(e)))  # a traceback does not come back from another process
            return _Part(1, error=e)


class WatchedExecutor(Executor):
    """Runs work on another executor; an executor that raises, loses items, or gives something else than results is named."""

    name = "watched"

    def __init__(self, executor: Executor, blame: Blame) -> None:
        """Take the executor that does the work."""
        super().__init__(executor.jobs)
        self._executor, self._blame = executor, blame

    def results(self, fn: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """Yield `fn(item)` in the order of the items."""
        count = 0
        watch = Watched(self._blame)
        with watch, closing(each(self._executor.results(_Work(fn), items))) as parts:
            for part in parts:
                count += self._counted(part)
                if part.error is not None:
                    raise watch.ours(part.error)
                yield part.value  # type: ignore[misc]
        self._require(count, len(items))

    def map_reduce(self, fn: Callable[[T], R], items: Sequence[T], merge: Callable[[R, R], R],
                   seen: Callable[[R], None] | None = None) -> R:
        """Return the merge of `fn(item)` over all items."""
        watch = Watched(self._blame)

        def joined(a: _Part[R], b: _Part[R]) -> _Part[R]:
            error, value = a.error or b.error, None
            try:
                value = None if error else merge(a.value, b.value)  # type: ignore[arg-type]
            except PLUGIN_FAULTS as e:
                error = e
            return _Part(a.count + b.count, value, error)

        def shown(part: _Part[R]) -> None:
            self._counted(part)
            if part.error is not None:
                raise watch.ours(part.error)
            if seen is not None:
                seen(part.value)  # type: ignore[arg-type]

        with watch:
            try:
                part = self._executor.map_reduce(_Work(fn), items, joined, shown)
            except NoResultError:
                self._require(0, len(items))
                raise
            self._require(self._counted(part), len(items))
        if part.error is not None:
            raise part.error
        return part.value  # type: ignore[return-value]

    def _counted(self, part: object) -> int:
        if not isinstance(part, _Part):
            raise self._blame.broke(f"gave {part!r:.40} where a result was expected")
        return part.count

    def _require(self, count: int, items: int) -> None:
        if count != items:
            raise self._blame.broke(f"gave the results of {count:,} of {items:,} items")
