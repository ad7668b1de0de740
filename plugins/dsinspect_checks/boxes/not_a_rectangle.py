"""OBB001 not-a-rectangle: four corners that are no rectangle.

Reports a rotated box of which an angle differs from 90 degrees by more than `max_degrees`, or a corner lies beyond the image
by more than `max_part` of its side; the first is a warning, the second an error. Crowd and ignored regions are exempt.

Why it matters: trainers make a rectangle of it by their own rules (OpenCV's smallest one in Ultralytics), so that the box that
is learnt is not the one that was drawn, and Ultralytics leaves out an image with corners beyond it (ultralytics#13924,
#10181).

Example: (0, 0), (40, 0), (60, 20), (0, 20): a trapezium.

When to ignore: when the corners are those of a quadrilateral on purpose (text, DOTA), and your trainer reads them as such.

Source of the default: quadrilaterals drawn by hand, as in DOTA, are often 5 to 10 degrees off: 36 of 110 boxes of a real set
looked at, of which 6 are farther off. At 10 degrees the smallest rectangle around a square one is a sixth larger. 1 % is
Ultralytics' tolerance.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity, option
from dsinspect.tables.schema import CORNER_COLUMNS, FRAME_COLUMNS


class Options(BaseOptions, frozen=True):
    """Limits of OBB001."""

    max_degrees: Annotated[float, option("degrees by which an angle may differ from 90", ge=0, lt=90)] = 10.0
    max_part: Annotated[float, option("part of the image's side a corner may lie beyond it", source="Ultralytics", ge=0)] = 0.01


class NotARectangle(RowCheck[Options]):
    """Rotated boxes whose corners are no rectangle, or beyond the image."""

    code = "OBB001"
    name = "not-a-rectangle"
    severity = Severity.ERROR
    options_type = Options
    needs = CORNER_COLUMNS
    wants = FRAME_COLUMNS

    def find(self, batch: Batch) -> Findings:
        """Measure the angles, and the distance of the corners from the image."""
        corners = batch.annotation_columns.stacked(*CORNER_COLUMNS).reshape(-1, 4, 2)
        judged = np.isfinite(corners).all(axis=(1, 2)) & ~batch.is_region
        sides = np.roll(corners, -1, axis=1) - corners
        with np.errstate(invalid="ignore", divide="ignore"):
            length = np.hypot(sides[..., 0], sides[..., 1])
            before = np.roll(sides, 1, axis=1)
            cosine = (sides * before).sum(axis=2) / (length * np.roll(length, 1, axis=1))
            skew = np.degrees(np.abs(np.arcsin(np.clip(cosine, -1, 1)))).max(axis=1, initial=0.0)
            skew = np.where((length > 0).all(axis=1), skew, 90.0)
            size = batch.box_image_wh[:, None, :]
            beyond = (np.maximum(-corners, corners - size) / size).max(axis=(1, 2), initial=0.0)
        bent = judged & (skew > self.options.max_degrees)
        outside = judged & ~bent & (beyond > self.options.max_part)
        return Findings.concat([
            Findings.of_annotations(
                batch, bent, "Corners are no rectangle: an angle is {skew:~.1 from limit} degrees off 90 (limit {limit:~}, option "
                "max_degrees)",
                {"skew": skew[bent], "limit": self.options.max_degrees}).with_severity(Severity.WARNING),
            Findings.of_annotations(
                batch, outside, "A corner lies {beyond:.1%} of the image's side beyond it (limit {limit:.0%}, option max_part)",
                {"beyond": beyond[outside], "limit": self.options.max_part})])
