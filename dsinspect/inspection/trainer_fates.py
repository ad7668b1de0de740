"""Ask a trainer for the fates of one shard: what it needs of the format and of the files, and the shard as it sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.probes import Probe, column_owners
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import FRAME_COLUMNS, boxes_xyxy

if TYPE_CHECKING:
    from dsinspect.protocols.formats import Format, ShardRef, Source
    from dsinspect.protocols.trainers import Codes, Judged, Loaded, Trainer


WHOLE = 1 << 40


def shards_for_trainers(source: Source, format_type: type[Format], size: int) -> Sequence[ShardRef]:
    """Return the parts in which trainers judge a set: all in one where the format has the records in memory anyway.

    Records that one file holds know each other by their ids: a trainer sees all of them, or would mistake one for another.

    Args:
        source: the opened set.
        format_type: its format.
        size: images of a part otherwise.
    """
    return source.shards(WHOLE if format_type.holds_records() else size)


def wanted_columns(trainers: Iterable[Trainer], format_name: str) -> frozenset[str]:
    """Return the columns of a format that trainers need."""
    return frozenset(c for t in trainers for c in t.columns.get(format_name, ()))


def wanted_probes(trainers: Iterable[Trainer], info: DatasetInfo, probes: Mapping[str, type[Probe]]) -> tuple[Probe, ...]:
    """Return the probes that trainers can use; none when no file of the set is on disk."""
    if not info.has_files:
        return ()
    owners = column_owners(probes)
    names = {*FRAME_COLUMNS, *(c for t in trainers for c in t.measures)}
    return tuple({owners[c].name: owners[c]() for c in sorted(names) if c in owners}.values())


def judged_batch(batch: Batch, trainer: Trainer) -> Judged:
    """Ask a trainer about a batch whose boxes are in px, as tests make them."""
    from dsinspect.protocols.trainers import Judged, Loaded

    a = batch.annotation_columns
    return Judged(trainer, trainer.judge(Loaded(batch.dataset, batch.image_columns, a, batch.problem_columns, batch.boxes_xyxy)))


def loaded_for_trainers(info: DatasetInfo, shard: Shard, measured: Shard, codes: Codes | None = None) -> Loaded:
    """Return a shard as trainers judge it.

    Args:
        info: of the set.
        shard: as the reader gave it, boxes in the units of the format.
        measured: the same after `measured_shard`, boxes in px.
        codes: of the categories, where they are known (`Batch.category_codes`).
    """
    from dsinspect.protocols.trainers import Loaded

    return Loaded(info, measured.image_columns, shard.annotation_columns, shard.problem_columns,
                  boxes_xyxy(measured.annotation_columns), codes)
