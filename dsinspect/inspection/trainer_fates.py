"""Ask a trainer for the fates of one shard: what it needs of the format and of the files, and the shard as it sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dsinspect.protocols.probes import Probe, column_owners
from dsinspect.protocols.trainers import Loaded, Trainer
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import FRAME_COLUMNS, boxes_xyxy


def wanted_columns(trainers: Iterable[Trainer]) -> frozenset[str]:
    """Return the format columns that trainers need; a format takes those of its own name."""
    return frozenset(c for t in trainers for columns in t.columns.values() for c in columns)


def wanted_probes(trainers: Iterable[Trainer], info: DatasetInfo, probes: Mapping[str, type[Probe]]) -> tuple[Probe, ...]:
    """Return the probes that trainers can use; none when no file of the set is on disk."""
    if not info.has_files:
        return ()
    owners = column_owners(probes)
    names = {*FRAME_COLUMNS, *(c for t in trainers for c in t.measures)}
    return tuple({owners[c].name: owners[c]() for c in sorted(names) if c in owners}.values())


def loaded_for_trainers(info: DatasetInfo, shard: Shard, measured: Shard) -> Loaded:
    """Return a shard as trainers judge it.

    Args:
        info: of the set.
        shard: as the reader gave it, boxes in the units of the format.
        measured: the same after `measured_shard`, boxes in px.
    """
    return Loaded(info, measured.image_columns, shard.annotation_columns, shard.problem_columns,
                  boxes_xyxy(measured.annotation_columns))
