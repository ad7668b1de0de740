"""VID003 track-jump: tracks that jump from one frame to the next.

Reports a box that does not meet the box of its track in the frame before and whose centre is more than `max_sides` mean sides
of the two away.

Why it matters: two objects got one number, or one box sits on the wrong object; the appearance and the motion that are learnt
are those of a mixture.

Example: track 7 is at the left edge in frame 40 and at the right one in frame 41.

When to ignore: for fast small objects at few frames a second (balls, birds).

Source of the default: boxes of objects that move their own length from frame to frame just touch; three lengths are a jump.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.checks import BaseOptions, Findings, Severity, option
from dsinspect.tables.schema import BOX_COLUMNS
from dsinspect_checks._places import place_columns
from dsinspect_checks.tracks._tracks import TrackCheck, Tracks, places


class Options(BaseOptions, frozen=True):
    """Limits of VID003."""

    max_sides: Annotated[float, option("sides of the box that its centre may move in one frame", gt=0)] = 3.0


class TrackJump(TrackCheck[Options]):
    """Boxes far from the box of their track in the frame before."""

    code = "VID003"
    name = "track-jump"
    severity = Severity.WARNING
    options_type = Options
    needs = ("track",)

    def judge(self, tracks: Tracks) -> Findings:
        """Measure how far neighbouring boxes are apart, in their own size."""
        boxes = tracks.table.stacked(*BOX_COLUMNS)
        before = np.roll(boxes, 1, axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            apart = (np.minimum(boxes[:, 2:], before[:, 2:]) <= np.maximum(boxes[:, :2], before[:, :2])).any(axis=1)
            moved = np.hypot(*((boxes[:, :2] + boxes[:, 2:] - before[:, :2] - before[:, 2:]) / 2).T)
            side = (boxes[:, 2:] - boxes[:, :2] + before[:, 2:] - before[:, :2]).sum(axis=1) / 4
            sides = moved / side
        rows = np.flatnonzero(tracks.is_next & (np.round(tracks.step) == 1) & apart & (sides > self.options.max_sides))
        return Findings.of_places(
            place_columns(places(tracks.table, rows)), "Track {track} jumps by {sides:~} times the box's side from the frame "
            "before (limit {limit:~}, option max_sides)",
            {"track": tracks.table["track"][rows], "sides": sides[rows], "limit": self.options.max_sides})
