"""A shard as a conversion would hand it to a trainer: image records that name one file become one image with the boxes of all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.inspection.watched import judge
from dsinspect.protocols.trainers import Fates, Judged, Loaded, Trainer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsinspect.errors import Blame


def judged_as_read(trainer: Trainer, loaded: Loaded, blame: Blame) -> Judged:
    """Ask a trainer about a shard: as it stands where it reads the format, else as if converted.

    The one place where simulations, checks and `expect` ask, so that all of them count alike.

    Raises:
        PluginCrashedError: the trainer raised, or gave something else than a fate for every record.
    """
    if loaded.dataset.format in trainer.reads:
        return Judged(trainer, judge(trainer, loaded, blame))
    first = first_of_file(loaded)
    again = first != np.arange(len(first))
    if not again.any():
        return Judged(trainer, judge(trainer, loaded, blame))
    rows = np.append(first, -1)[loaded.annotations["image_row"]]
    order = np.argsort(rows, kind="stable")  # as the file of labels would have them
    moved = loaded.annotations.take(order).with_columns({"image_row": rows[order]})
    codes, names = loaded.category_codes
    made = judge(trainer, replace(loaded, annotations=moved, boxes_px=loaded.boxes_px[order], codes=(codes[order], names)), blame)
    return Judged(trainer, _in_place(made, order, again, len(trainer.rules)), rows)


def first_of_file(loaded: Loaded) -> NDArray[np.int64]:
    """Return for each image record the first one of its split that names the same file: its own row, mostly."""
    images = loaded.images
    met: dict[tuple[str, str | None], int] = {}
    named = zip(images["path"].tolist(), images["split"].tolist(), strict=True)
    return np.fromiter((met.setdefault(key, k) for k, key in enumerate(named)), np.int64, len(images))


def _in_place(made: Fates, order: NDArray[np.int64], again: NDArray[np.bool_], rule: int) -> Fates:
    """Return fates in the order of the shard's annotations, by which the records of files that are there already are left out."""
    place = np.argsort(order, kind="stable")
    images = made.image_rule.copy()
    images[again] = rule
    return replace(made, image_rule=images, fate=made.fate[place], rule=made.rule[place], label=made.label[place],
                   boxes=made.boxes[place])
