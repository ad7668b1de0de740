"""VID002 track-gap: tracks with a few frames left out.

Reports a box that comes 1 to `max_gap` frames late in its track: so many frames before it have no box of the track. Longer
gaps are taken for objects that were out of sight.

Why it matters: the object is there and has no label: it is learnt as background, and trackers learn that it vanished.

Example: boxes of track 7 in frames 10, 11 and 13.

When to ignore: when objects are hidden for moments and only visible ones are labelled.

Source of the default: MOT's annotators leave boxes out from about a quarter of a second on, 8 frames of 30 a second.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.checks import BaseOptions, Findings, Severity, option
from dsinspect_checks._places import place_columns
from dsinspect_checks.tracks._tracks import TrackCheck, Tracks, places


class Options(BaseOptions, frozen=True):
    """Limits of VID002."""

    max_gap: Annotated[int, option("frames without a box from which an object is out of sight", ge=1)] = 8


class TrackGap(TrackCheck[Options]):
    """Boxes that come a few frames late in their track."""

    code = "VID002"
    name = "track-gap"
    severity = Severity.WARNING
    options_type = Options
    needs = ("track",)

    def judge(self, tracks: Tracks) -> Findings:
        """Measure the frames between neighbours."""
        missing = np.round(tracks.step).astype(np.int64) - 1
        rows = np.flatnonzero(tracks.is_next & (missing >= 1) & (missing <= self.options.max_gap))
        return Findings.of_places(
            place_columns(places(tracks.table, rows)), "Track {track} has no box in the {missing:~ frame|frames} before this one "
            "(with more than {limit:~} it would count as out of sight, option max_gap)",
            {"track": tracks.table["track"][rows], "missing": missing[rows], "limit": self.options.max_gap})
