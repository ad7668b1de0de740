"""Samples: the images of a dataset with their annotations, transformed in memory; nothing is written."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.inspection.frames import SetFrame
from dsinspect.inspection.measure import measure, measured_shard
from dsinspect.io import image_codec
from dsinspect.io.decoder_stderr import quiet_decoders
from dsinspect.io.image_codec import UnreadableError
from dsinspect.render.contact_sheet import as_bgr
from dsinspect.tables.schema import boxes_xyxy
from dsinspect.transformation.settings import Settings, swaps_of
from dsinspect.transformation.shard_task import COLUMNS, PartTask

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from dsinspect.protocols.formats import Source
    from dsinspect.protocols.probes import Probe

SHARD = 64
"""Images per shard: what is in memory is their annotations, and one image at a time."""


@dataclass(frozen=True)
class Sample:
    """One image, as a transform left it, with its annotations.

    Attributes:
        path: of the image in its dataset.
        split: it belongs to, or None.
        image: (H, W, 3) uint8 RGB; what the last transform makes where that is an array of another kind.
        boxes_xyxy: (N, 4) float64, px of `image`.
        categories: N names; None where the declared category does not exist.
        annotations: N rows with all columns (`dsinspect.tables.schema.ANNOTATION_COLUMNS` and the optional ones).
        matrix: (2, 3) float64 from px of the file to px of `image`; None when a transform has none.
    """

    path: str
    split: str | None
    image: NDArray[Any]
    boxes_xyxy: NDArray[np.float64]
    categories: list[str | None]
    annotations: pd.DataFrame
    matrix: NDArray[np.float64] | None


@dataclass(frozen=True)
class Unread:
    """An image that gives no sample: its path, the code of the check that reports such files, and why."""

    path: str
    code: str
    reason: str


def samples(source: Source, settings: Settings, probes: tuple[Probe, ...],
            content: Probe | None = None) -> Iterator[Sample | Unread]:
    """Yield the samples of a dataset in its order, one image decoded at a time.

    Args:
        source: the opened dataset.
        settings: what to do to images and boxes.
        probes: that measure size and orientation.
        content: that tells whether a file ends early; files that do are unread unless the settings keep them.

    Raises:
        UserError: geometry cannot be carried.
    """
    image_codec.start_opencv()
    task = PartTask(settings, source.info, Path(), probes, content, swaps_of(settings, source.info), resume=False)
    refs = source.shards(SHARD)
    frame = SetFrame(refs, probes, source.info.box_units, settings.frame)
    for ref in refs:
        shard = ref.load()
        measurements = measure(shard.image_columns["file"].tolist(), probes, None)
        shard = task.in_frame(measured_shard(shard, measurements, source.info.box_units, frame.of(shard, measurements)))
        columns = {name: shard.image_columns[name].tolist() for name in COLUMNS}
        splits = shard.image_columns["split"].tolist()
        rows, failures = task.rows(columns)
        for row, (code, reason) in failures.items():
            yield Unread(columns["path"][row], code, reason)
        planned = task.outputs(shard, rows)
        task.require_carried(shard, planned)
        carried = task.carried(shard, planned).annotations
        of_output = carried["image_row"].to_numpy()
        for row, group in itertools.groupby(enumerate(planned), lambda pair: pair[1].image_row):
            reader = task.reader({name: values[row] for name, values in columns.items()})
            for k, output in group:
                try:
                    with quiet_decoders():
                        pixels = output.route.apply(reader.pixels)
                except UnreadableError as e:
                    yield Unread(columns["path"][row], e.code, str(e))
                    break
                last = output.route.steps[-1].transform if output.route.steps else None
                own = carried[of_output == k].reset_index(drop=True)
                yield Sample(columns["path"][row], splits[row], pixels if last and last.suffix else as_rgb(pixels),
                             boxes_xyxy(own).reshape(-1, 4), own["category"].tolist(), own, output.matrix)


def as_rgb(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8 RGB of grey, BGR or BGRA pixels of 8 or 16 bits."""
    return np.ascontiguousarray(as_bgr(pixels)[..., ::-1])
