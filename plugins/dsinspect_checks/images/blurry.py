"""IMG010 blurry: pictures without any sharp edge.

Reports an image whose sharpness (the variance of the Laplacian on the 256 px preview) is under `max_sharpness` and, in a
set of at least `min_images` images, more than `robust_z` robust standard deviations of its logarithm below the median.
Flat pictures (IMG013) and dark ones (IMG011) have no edges either and are left to those checks.

Why it matters: the edges of an object cannot be learnt from a picture that has none, and its boxes are guesses.

Example: a camera out of focus: a sharpness of 3 among pictures of 800.

When to ignore: when the background is blurred on purpose, or the sensor is that soft (microscopes, thermal cameras).

Source of the default: both conditions together keep soft but regular sets quiet, the false alarms CleanVision's users met.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks.images._state import decodes

State = tuple[tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], ...], tuple[Findings, ...]]


class Options(BaseOptions, frozen=True):
    """Limits of IMG010."""

    max_sharpness: Annotated[float, option("variance of the Laplacian, grey levels squared", ge=0)] = 30.0
    robust_z: Annotated[float, option("robust standard deviations below the median", gt=0)] = 3.5
    min_images: Annotated[int, option("images from which the set is a measure", ge=1)] = 20
    min_entropy: Annotated[float, option("bits below which a picture is flat, not blurry", ge=0, le=8)] = 3.0
    min_luma: Annotated[float, option("99th percentile of luma below which it is dark, not blurry", ge=0, le=1)] = 0.32


class Blurry(Check[State, Options]):
    """Images whose sharpness is under `max_sharpness` and far below the others'."""

    code = "IMG010"
    name = "blurry"
    severity = Severity.INFO
    options_type = Options
    needs = ("sharpness", "entropy", "luma_p99", "decodes", "is_truncated", "file_format", "read_error")

    def map(self, batch: Batch) -> State:
        """Keep every sharpness, and the images under the floor as candidates."""
        images, o = batch.image_columns, self.options
        sharp = images["sharpness"]
        with np.errstate(invalid="ignore"):
            judged = decodes(batch) & (images["entropy"] >= o.min_entropy) \
                & (images["luma_p99"] >= o.min_luma)
            soft = judged & (sharp < o.max_sharpness)
        found = Findings.of_images(
            batch, soft, "is blurry: sharpness {measured:.3g}, under {limit:g} (max_sharpness), the set's median is "
            "{median:.3g}", {"measured": sharp[soft], "limit": o.max_sharpness, "median": 0.0})
        return (sharp[judged],), (found,) if len(found) else ()

    def merge(self, a: State, b: State) -> State:
        """Chain both parts."""
        return a[0] + b[0], a[1] + b[1]

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Hold the candidates against the set."""
        sharp = np.sort(np.concatenate(state[0]))
        if not len(sharp):
            return Result()
        median = float(np.median(sharp))
        metrics = {"median_sharpness": round(median, 6)}
        if not state[1]:
            return Result(metrics=metrics)
        candidates = Findings.concat(state[1])
        log = np.log1p(sharp)
        middle = float(np.median(log))
        deviation = max(float(np.median(np.sort(np.abs(log - middle)))) * 1.4826, 0.05)
        measured = candidates.columns["value:measured"].astype(np.float64)
        far = (middle - np.log1p(measured)) / deviation > self.options.robust_z
        if len(sharp) < self.options.min_images:
            far = np.ones(len(measured), bool)
        return Result(candidates.take(far).with_values(median=median), metrics)
