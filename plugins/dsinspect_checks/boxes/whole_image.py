"""BOX011 whole-image: boxes that cover their whole image.

Reports a box that covers `min_share` of its image or more, in classes where fewer boxes cover nearly all of it: `close_up` or
more. Where as many do, objects are seen close up, and some fill their image. Crowd and ignored regions are exempt.

Why it matters: it is often the default box of a tool, or a class label of a classification set made into a box: the detector
learns to answer with the image's edges.

Example: x 0..160, y 0..120 in an image of 160 x 120 px.

When to ignore: when images show one object close up.

Source of the default: 99.5 % allows for boxes drawn close to the edges by hand, which are reported too. Looked at on 68 real
sets: of 363 whole boxes in 11 sets 174 are labels of whole images, all in classes with fewer boxes that cover 80 %; the others
are faces, vehicles, plates and fronts of houses that fill their image, and nearly all are in classes with more.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks._places import place_columns, places_of
from dsinspect_checks.boxes._geometry import is_judged

State = tuple[tuple[Columns, Counter[str | None]], ...]
"""By batch: share and place of the boxes that cover all, and how many of each class cover nearly all."""


class Options(BaseOptions, frozen=True):
    """Limits of BOX011."""

    min_share: Annotated[float, option("share of the image that the box covers", gt=0, le=1)] = 0.995
    close_up: Annotated[float, option("share from which a box covers nearly all of its image", gt=0, le=1)] = 0.8


class WholeImage(Check[State, Options]):
    """Boxes that cover their whole image, in classes that do not grow up to that."""

    code = "BOX011"
    name = "whole-image"
    severity = Severity.INFO
    options_type = Options
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Keep boxes that cover their image, and count those that nearly do."""
        boxes, size = batch.boxes_xyxy, batch.box_image_wh
        inner = np.minimum(boxes[:, 2:], size) - np.maximum(boxes[:, :2], 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where((inner > 0).all(axis=1), inner.prod(axis=1) / size.prod(axis=1), 0)
            judged = is_judged(batch)
            whole = np.flatnonzero(judged & (share >= self.options.min_share))
            near = judged & (share >= self.options.close_up) & (share < self.options.min_share)
        if not len(whole) and not near.any():
            return ()
        return ((places_of(batch).take(whole).with_columns({"share": share[whole]}),
                 Counter(batch.annotation_columns["category"][near].tolist())),)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Leave out classes in which as many boxes cover nearly all."""
        if not state:
            return Result()
        table = Columns.concat([places for places, _ in state])
        near: Counter[str | None] = sum((count for _, count in state), Counter())
        whole = Counter(table["category"].tolist())
        found = np.flatnonzero([whole[name] > near[name] for name in table["category"].tolist()])
        chosen = table.take(found)
        return Result(Findings.of_places(
            place_columns(chosen), "Box covers {share:.1%} of its image, all of it (limit {limit:.1%}, option min_share; few of "
            "its class cover {close_up:.0%}, option close_up)",
            {"share": chosen["share"], "limit": self.options.min_share, "close_up": self.options.close_up}))
