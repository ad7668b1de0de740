"""IMG005 exif-rotated: images that are shown turned.

Reports an image whose EXIF orientation is not 1, and which frame its boxes fit: the image as stored, as displayed (upright),
or both.

Why it matters: boxes drawn on the one frame are wrong on the other, and nobody notices but the metric. Who turns the pixels,
and who takes the size for turned:

- Ultralytics turns the pixels (OpenCV). It takes the size for turned in JPEG of orientation 6 and 8; from 8.4.174 on in 5 and
  7 and in PNG as well.
- detectron2 turns the pixels, and stops with SizeMismatchError where the declared size is not the upright one.
- mmdetection turns the pixels by MMCV's default, and checks no size.
- YOLOX turns the pixels (OpenCV), and checks no size.
- torchvision's references, RT-DETR and RF-DETR do not turn them (Pillow).
- COCOeval never opens an image.

Example: orientation 6, stored 1200 x 1800 px, shown 1800 x 1200 px, boxes that fit only the upright frame.

When to ignore: when every program that reads the set turns images the same way. `dsinspect transform --op upright` bakes the
orientation in.

Source of the default: the loading code of these trainers, run on images of all eight orientations.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Dispute, Findings, Result, RowCheck, Severity
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.images._state import is_image
from dsinspect_checks.images.size_mismatch import boxes_fit

FITS = {"both": "its boxes fit the image as stored and as shown, so they do not tell for which it was labelled",
        "stored": "its boxes fit the image as stored only", "upright": "its boxes fit the image as shown only",
        "neither": "its boxes fit it neither as stored nor as shown"}
"""What to say of the frame that boxes fit."""


class ExifRotated(RowCheck[BaseOptions]):
    """Images whose EXIF orientation is not 1."""

    code = "IMG005"
    name = "exif-rotated"
    severity = Severity.WARNING
    needs = (*FRAME_COLUMNS, "file_format", "read_error")
    can_dispute = True

    def find(self, batch: Batch) -> Findings:
        """Report turned images with the frame that their boxes fit."""
        images = batch.image_columns
        turned = is_image(batch) & (images["orientation"] > 1)
        stored = images.stacked("file_width", "file_height")
        upright = np.where((images["orientation"] >= 5)[:, None], stored[:, ::-1], stored)
        in_stored, in_upright = boxes_fit(batch, stored), boxes_fit(batch, upright)
        fits = np.select([in_stored & in_upright, in_stored, in_upright], ["both", "stored", "upright"], "neither")
        found = []
        for frame, words in FITS.items():
            of_frame = turned & (fits == frame)
            found.append(Findings.of_images(
                batch, of_frame,
                f"Image of {{width:~}} x {{height:~}} px is shown turned (EXIF orientation {{orientation}}); {words}",
                {"orientation": images["orientation"][of_frame].astype(np.int64), "width": stored[of_frame, 0],
                 "height": stored[of_frame, 1], "fits": fits[of_frame].astype(object)}))
        return Findings.concat(found)

    def finish(self, state: tuple[Findings, ...], dataset: DatasetInfo) -> Result:
        """Join the findings; boxes that do not fit the whole image in both frames leave in doubt which one is theirs."""
        result = super().finish(state, dataset)
        if not len(result.findings):
            return result
        doubtful = result.findings.columns["value:fits"] != "both"
        return replace(result, disputes=(Dispute(frozenset(result.findings.columns["image"][doubtful].tolist())),))
