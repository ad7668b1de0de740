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

With `--trainer` only those images are reported whose boxes are not surely of the frame that the trainer opens (`pixels`); and as
info those of which it turns the pixels and not the size (`turned_sizes`). Where boxes fit both frames, the declared size tells.

When to ignore: when every program that reads the set turns images the same way. `dsinspect transform --op upright` bakes the
orientation in.

Source of the default: the loading code of these trainers, run on images of all eight orientations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from dsinspect.geometry.exif import declared_frames
from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Dispute, Findings, Result, RowCheck, Severity, option
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.images._state import is_image
from dsinspect_checks.images.size_mismatch import boxes_fit

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from dsinspect.tables.columns import Columns

NO_BOX, FRACTIONS = "no box", "fractions"
WORDS = {"both": "its boxes fit the image as stored and as shown, so they do not tell for which it was labelled",
         "stored": "its boxes fit the image as stored only", "upright": "its boxes fit the image as shown only",
         "neither": "its boxes fit it neither as stored nor as shown",
         "declared stored": "its boxes fit both frames, the declared size is that of the image as stored",
         "declared upright": "its boxes fit both frames, the declared size is that of the image as shown",
         "taken otherwise stored": "its boxes fit the image as stored only, but nothing else says that they are of it",
         "taken otherwise upright": "its boxes fit the image as shown only, but the declared size is that of the image as stored",
         NO_BOX: "it has no boxes", FRACTIONS: "its boxes are fractions, which do not tell for which frame it was labelled"}
"""What to say of the frame that boxes fit."""
FRAMES = {"stored": "as stored", "upright": "as shown"}


class Options(BaseOptions, frozen=True):
    """How the trainer opens images."""

    pixels: Annotated[Literal["", "stored", "upright", "unopened"],
                      option("frame in which the trainer opens images; all turned images are reported when empty",
                             source="--trainer")] = ""
    turned_sizes: Annotated[Literal["all", "jpeg-6-8"],
                            option("images whose size the trainer turns with the pixels: all, or JPEG of orientation 6 and 8",
                                   source="--trainer")] = "all"


class ExifRotated(RowCheck[Options]):
    """Images whose EXIF orientation is not 1."""

    code = "IMG005"
    name = "exif-rotated"
    severity = Severity.WARNING
    options_type = Options
    needs = (*FRAME_COLUMNS, "file_format", "read_error")
    can_dispute = True

    def find(self, batch: Batch) -> Findings:
        """Report turned images with the frame that their boxes fit, and what the trainer makes of it."""
        images, pixels = batch.image_columns, self.options.pixels
        if pixels == "unopened":
            return Findings.none()
        turned = is_image(batch) & (images["orientation"] > 1)
        stored = images.stacked("file_width", "file_height")
        upright = np.where((images["orientation"] >= 5)[:, None], stored[:, ::-1], stored)
        in_stored, in_upright = boxes_fit(batch, stored), boxes_fit(batch, upright)
        fits = np.select([in_stored & in_upright, in_stored, in_upright], ["both", "stored", "upright"], "neither")
        boxed = np.bincount(batch.annotation_columns["image_row"] + 1, minlength=len(images) + 1)[1:] > 0
        told = np.where(fits != "both", fits, np.where(~boxed, NO_BOX, _declared(images) if pixels else "both"))
        if batch.dataset.box_units != "px":
            told = np.where(boxed & (fits == "both"), FRACTIONS, told)
        values = {"orientation": images["orientation"], "width": stored[:, 0], "height": stored[:, 1], "fits": fits.astype(object)}
        reported, opens = turned, ""
        if pixels:
            values["pixels"] = objects([pixels] * len(images))
            opens = f", and the trainer opens it {FRAMES[pixels]} (option pixels)"
            other = images["boxes_upright"] != (pixels == "upright")  # what fixes and conversions would take the boxes for
            told = np.where((told == pixels) & other, f"taken otherwise {pixels}", told)
            reported = turned & ~np.isin(told, (pixels, f"declared {pixels}", NO_BOX))
        found = [_found(batch, reported & (told == key), f"{words}{opens}", values) for key, words in WORDS.items()]
        if pixels == "upright" and self.options.turned_sizes == "jpeg-6-8":
            is_turned = (images["file_format"] == "jpeg") & np.isin(images["orientation"], (6, 8))
            found.append(_found(batch, turned & ~reported & (images["orientation"] >= 5) & ~is_turned,
                                "the trainer turns its pixels, but takes its size as stored (option turned_sizes)", values,
                                Severity.INFO))
        return Findings.concat(found)

    def finish(self, state: tuple[Findings, ...], dataset: DatasetInfo) -> Result:
        """Join the findings; boxes that do not fit the whole image in both frames leave in doubt which one is theirs."""
        result = super().finish(state, dataset)
        if not len(result.findings):
            return result
        doubtful = result.findings.columns["value:fits"] != "both"
        return replace(result, disputes=(Dispute(frozenset(result.findings.columns["image"][doubtful].tolist())),))


def _declared(images: Columns) -> NDArray[np.str_]:
    """Return by image what its declared size tells where the boxes fit both frames."""
    stored, upright = declared_frames(images)
    return np.select([stored & ~upright, upright & ~stored], ["declared stored", "declared upright"], "both")


def _found(batch: Batch, rows: NDArray[np.bool_], words: str, values: dict[str, NDArray[Any]],
           severity: Severity | None = None) -> Findings:
    return Findings.of_images(
        batch, rows, f"Image of {{width:~}} x {{height:~}} px is shown turned (EXIF orientation {{orientation}}); {words}",
        {name: (of[rows].astype(np.int64) if name == "orientation" else of[rows]) for name, of in values.items()},
        severity=severity)
