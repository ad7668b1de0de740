"""The frame of turned images: the votes of the whole set, gathered once, when the first image does not show it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsinspect.geometry.exif import NO_VOTES, Frame, FrameRule, FrameVotes, frame_votes
from dsinspect.inspection.measure import Measurements, measure
from dsinspect.tables.schema import boxes_xyxy

if TYPE_CHECKING:
    from dsinspect.protocols.formats import ShardRef
    from dsinspect.protocols.probes import Probe
    from dsinspect.tables.columns import Columns
    from dsinspect.tables.dataset import Shard


@dataclass(frozen=True)
class Loaded:
    """A shard that is loaded already, where a reference to one is asked for."""

    shard: Shard

    def load(self) -> Shard:
        """Return it."""
        return self.shard


class SetFrame:
    """Gives the rule for the shards of one set; safe to ask from several threads.

    Args:
        refs: all shards.
        probes: measure size and orientation.
        box_units: see `DatasetInfo.box_units`.
        frame: `stored` or `upright` when the user says so.
    """

    def __init__(self, refs: Sequence[ShardRef], probes: Sequence[Probe], box_units: str, frame: Frame = "auto") -> None:
        self._refs, self.probes, self._box_units = refs, probes, box_units
        self._rule = FrameRule(frame)
        self._lock = threading.Lock()
        self._is_complete = frame != "auto" or box_units != "px" or not probes
        self.guessed = 0
        """Images that did not show their frame while no image of the set did."""

    def of(self, shard: Shard, measurements: Measurements | None) -> FrameRule:
        """Return the rule for a shard; the first image that does not show its frame makes it look at the whole set."""
        if self._is_complete and self._rule.frame != "auto":
            return self._rule
        images = measured_images(shard, measurements)
        doubtful = int(self._rule.cannot_tell(images).sum()) if self._box_units == "px" else 0
        if not doubtful:
            return self._rule
        with self._lock:
            if not self._is_complete:
                votes = NO_VOTES
                for ref in self._refs:
                    votes = votes.plus(votes_of(ref.load(), self.probes, self._box_units))
                self._rule = self._rule._replace(votes=votes)
                self._is_complete = True
            if self._rule.votes == NO_VOTES:
                self.guessed += doubtful
        return self._rule

    @property
    def whole(self) -> FrameRule:
        """The rule with the votes of all shards, for workers that do not share this object."""
        for ref in self._refs:
            if self._is_complete:
                break
            shard = ref.load()
            self.of(shard, measure(shard.image_columns["file"].tolist(), self.probes, None))
        return self._rule


def votes_of(shard: Shard, probes: Sequence[Probe], box_units: str) -> FrameVotes:
    """Measure the images of a shard and return their votes."""
    measurements = measure(shard.image_columns["file"].tolist(), probes, None)
    annotations = shard.annotation_columns
    return frame_votes(measured_images(shard, measurements), boxes_xyxy(annotations), annotations["image_row"], box_units)


def measured_images(shard: Shard, measurements: Measurements | None) -> Columns:
    """Return the columns of the images with those that were measured."""
    return shard.image_columns.with_columns(measurements.columns) if measurements else shard.image_columns
