"""Where annotations are, as columns to keep until the whole set is known."""

from __future__ import annotations

import numpy as np

from dsinspect.checks import Batch
from dsinspect.columns import Columns, is_constant
from dsinspect.model import BOX_COLUMNS


def places_of(batch: Batch) -> Columns:
    """Return the columns that `Findings.of_places` takes, one row per annotation; nothing is copied that need not be."""
    return batch.once(_places_of)


def _places_of(batch: Batch) -> Columns:
    a = batch.annotation_columns
    of_image = {}
    for name, column in (("image", "path"), ("split", "split")):
        values = batch.image_columns[column]
        if is_constant(values) and values[0] is None:
            of_image[name] = np.broadcast_to(values[:1], (len(a),))
        else:
            of_image[name] = np.append(values, np.array([None], object))[a["image_row"]]
    return Columns({**of_image, **{name: a[name] for name in (
        "category", "annotation_id", "source", "line", "index", *BOX_COLUMNS)}}, len(a))
