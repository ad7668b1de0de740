"""Where annotations are, as columns to keep until the whole set is known."""

from __future__ import annotations

from typing import Any

from dsinspect.protocols.batch import Batch
from dsinspect.tables.columns import Columns, at_rows
from dsinspect.tables.schema import BOX_COLUMNS

PLACES = ("image", "split", "category", "annotation_id", "source", "line", "index", *BOX_COLUMNS)


def places_of(batch: Batch) -> Columns:
    """Return the columns that `Findings.of_places` takes, one row per annotation; nothing is copied that need not be."""
    return batch.once(_places_of)


def _places_of(batch: Batch) -> Columns:
    a, images = batch.annotation_columns, batch.image_columns
    return Columns({"image": at_rows(images["path"], a["image_row"]), "split": at_rows(images["split"], a["image_row"]),
                    **{name: a[name] for name in PLACES[2:]}}, len(a))


def place_columns(table: Columns) -> dict[str, Any]:
    """Return the columns that say where a finding is."""
    return {name: table[name] for name in PLACES if name in table}
