"""VID001 class-change: tracks that change their class.

Reports each box whose class is not that of the box before it in its track.

Why it matters: a thing does not become another one: one of the labels is wrong, often on all frames to the end of the track.

Example: track 7 is a `car` up to frame 120 and a `truck` from there on.

When to ignore: when the class is a state that does change (`open`, `closed`).

Source of the default: there is no limit.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.checks import BaseOptions, Findings, Severity
from dsinspect_checks._places import place_columns
from dsinspect_checks.tracks._tracks import TrackCheck, Tracks, places


class ClassChange(TrackCheck[BaseOptions]):
    """Boxes of another class than the box before them in their track."""

    code = "VID001"
    name = "class-change"
    severity = Severity.WARNING
    needs = ("track",)

    def judge(self, tracks: Tracks) -> Findings:
        """Compare the classes of neighbours."""
        classes = tracks.table["category"]
        changed = tracks.is_next & np.append(False, classes[1:] != classes[:-1])
        rows = np.flatnonzero(changed)
        return Findings.of_places(
            place_columns(places(tracks.table, rows)), "Track {track} changes its class here: {before} before, {after} now",
            {"track": tracks.table["track"][rows], "before": classes[rows - 1], "after": classes[rows]})
