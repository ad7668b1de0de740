"""IMG006 mixed-colour: files of another kind of colour than the rest.

Reports images whose channels or depth differ from those of most images of the set: grey, with alpha, palette, CMYK, 16 bits.

Why it matters: read as stored, such an image has another shape and the batch fails, or another range and the image is white;
Pillow opens CMYK with inverted colours.

Example: 3 grey JPEGs among 500 in colour.

When to ignore: when your loader converts every image to 8-bit RGB.

Source of the default: there is no limit; users met it in tensorflow/models#3364.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity
from dsinspect.tables.columns import is_given
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks.images._state import is_image

State = tuple[Counter[str], tuple[tuple[str, Findings], ...]]
MESSAGE = "Image is {kind}; most images of the set are {most} ({share:.1%})"


class MixedColour(Check[State, BaseOptions]):
    """Images whose kind of colour is not that of most images.

    The state counts kinds and holds the images of each kind; once a kind is the shard's largest by far its images are
    still held, for another shard may be of another kind.
    """

    code = "IMG006"
    name = "mixed-colour"
    severity = Severity.WARNING
    needs = ("colour", "channels", "bit_depth", "file_format", "read_error")

    def map(self, batch: Batch) -> State:
        """Sort images by kind."""
        images = batch.image_columns
        known = np.flatnonzero(is_image(batch) & is_given(images["colour"])
                               & is_given(images["bit_depth"]))
        depths = images["bit_depth"][known].astype(np.int64)
        kinds = np.array([f"{'colour' if c in ('rgb', 'palette') else c}{'' if d <= 8 else f' of {d} bits'}"
                          for c, d in zip(images["colour"][known], depths.tolist(), strict=True)], object)
        parts = []
        for kind in sorted(set(kinds)):
            rows = known[kinds == kind]
            shown = images["colour"][rows]
            parts.append((kind, Findings.of_images(batch, rows, MESSAGE, {"kind": np.array([kind], object).repeat(len(rows)),
                                                                          "stored": shown, "most": "", "share": 0.0})))
        return Counter(kinds.tolist()), tuple(parts)

    def merge(self, a: State, b: State) -> State:
        """Add counts and chain images."""
        return a[0] + b[0], a[1] + b[1]

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report the images that are not of the largest kind."""
        counts, parts = state
        if not counts:
            return Result()
        most = max(sorted(counts), key=lambda k: counts[k])
        share = counts[most] / counts.total()
        found = Findings.concat(f for kind, f in parts if kind != most)
        return Result(found.with_values(most=most, share=share), {"kinds": dict(sorted(counts.items()))})
