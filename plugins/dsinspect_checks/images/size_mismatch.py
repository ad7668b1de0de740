"""IMG004 size-mismatch: declared sizes unlike the files'.

Reports an image whose declared width and height are neither the stored nor the displayed size of its file (an EXIF orientation
is IMG005's matter). Swapped sides say so; a declared 0 or an absent size is info only, and none where no image of the set declares
one: its format has no place for it, or leaves it out. COCO and VOC ask for sizes, so there each is reported.

Why it matters: loaders scale boxes by the declared size: all boxes of the image end up in wrong places.

Example: declared 200 x 150, the file has 192 x 144 px.

When to ignore: never; the file's size is the truth, unless the file was resized after the boxes were drawn.

Source of the default: there is no limit; users met it in detectron2#2463.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Dispute, Findings, Fix, Result, Severity
from dsinspect.tables.columns import is_given
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.images._state import is_image

ASK_FOR_SIZES = frozenset(("coco", "voc"))
"""Formats whose definition asks for the size of each image."""


class SizeState(NamedTuple):
    """Findings of declared sizes, those of absent ones, and whether any image declares a size."""

    wrong: tuple[Findings, ...] = ()
    absent: tuple[Findings, ...] = ()
    is_declared: bool = False


class SizeMismatch(Check[SizeState, BaseOptions]):
    """Images whose declared size is not their file's."""

    code = "IMG004"
    name = "size-mismatch"
    severity = Severity.ERROR
    needs = (*FRAME_COLUMNS, "file_format", "read_error")
    can_dispute = True

    def map(self, batch: Batch) -> SizeState:
        """Compare the declared size with the stored one and the displayed one."""
        images = batch.image_columns
        declared = images.stacked("width", "height")
        stored = images.stacked("file_width", "file_height")
        recorded = is_given(images["source"])  # an image that no record names declares nothing
        known = recorded & is_image(batch) & ~np.isnan(stored).any(axis=1)
        swaps = images["orientation"] >= 5
        upright = np.where(swaps[:, None], stored[:, ::-1], stored)
        absent = known & ~(declared > 0).all(axis=1)
        fits = (declared == stored).all(axis=1) | (declared == upright).all(axis=1)
        wrong = known & ~absent & ~fits
        swapped = wrong & (declared == stored[:, ::-1]).all(axis=1)
        fits_boxes = boxes_fit(batch, upright)
        wrong_parts: list[Findings] = []
        absent_parts: list[Findings] = []
        for mask, text, severity in (
                (swapped, "Declared size {width:~} x {height:~} px has its sides swapped: the file has {file_width:~} x "
                 "{file_height:~} px", None),
                (wrong & ~swapped, "Declared size is {width:~} x {height:~} px, the file has {file_width:~} x {file_height:~} "
                 "px", None),
                (absent, "No size is declared; the file has {file_width:~} x {file_height:~} px", Severity.INFO)):
            for fitting in (True, False):
                rows = np.flatnonzero(mask & (fits_boxes == fitting))
                sizes = [f"{w:g}x{h:g}" for w, h in upright[rows].tolist()]
                (absent_parts if severity else wrong_parts).append(Findings.of_images(
                    batch, rows, text, {"width": declared[rows, 0], "height": declared[rows, 1],
                                        "file_width": stored[rows, 0], "file_height": stored[rows, 1]},
                    fix=Fix("safe", "set-image-size") if fitting else None, severity=severity,
                    new_text=sizes if fitting else None))
        return SizeState(tuple(f for f in wrong_parts if len(f)), tuple(f for f in absent_parts if len(f)),
                         bool((declared > 0).all(axis=1).any()))

    def merge(self, a: SizeState, b: SizeState) -> SizeState:
        """Chain the findings."""
        return SizeState(a.wrong + b.wrong, a.absent + b.absent, a.is_declared or b.is_declared)

    def finish(self, state: SizeState, dataset: DatasetInfo) -> Result:
        """Join the findings; a declared size that is wrong disputes what the boxes of its image mean."""
        asked = state.is_declared or dataset.format in ASK_FOR_SIZES
        result = Result(Findings.concat([*state.wrong, *(state.absent if asked else ())]))
        if not len(result.findings):
            return result if asked or not state.absent else Result(does_not_apply="no image of the set declares a size")
        wrong = result.findings.severities(self.severity) >= self.severity.rank
        return replace(result, disputes=(Dispute(frozenset(result.findings.columns["image"][wrong].tolist())),))


def boxes_fit(batch: Batch, sizes_wh: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> np.ndarray[
        tuple[int, ...], np.dtype[np.bool_]]:
    """Return per image whether all its boxes lie within a size, give or take half a pixel.

    Fractions fit every size, as far as they lie within their own frame.

    Args:
        batch: the images and their boxes.
        sizes_wh: (N, 2) width and height per image, px.
    """
    if batch.dataset.box_units != "px":
        sizes_wh = batch.image_columns.stacked("frame_width", "frame_height")
    rows = batch.annotation_columns["image_row"]
    of_known = rows >= 0
    boxes, rows = batch.boxes_xyxy[of_known], rows[of_known]
    with np.errstate(invalid="ignore"):
        beyond = (boxes[:, 2:] > sizes_wh[rows] + 0.5).any(axis=1) | (boxes[:, :2] < -0.5).any(axis=1)
    fits = np.ones(len(batch.image_columns), bool)
    fits[rows[beyond]] = False
    return fits
