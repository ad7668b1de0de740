r"""SRC006 unportable-path: paths that work on one machine only.

A path that is absolute, has backslashes, leads out of its folder with `..`, or differs in case from the file on disk.

Why it matters: the set loads here and not on the training server, where image after image is silently missing.

Example: `C:\data\a.jpg`, or `A.JPG` for the file `a.jpg`.

When to ignore: when the set never leaves the machine.

Source of the default: there is no limit; users met it in YOLOX#1541.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity


class UnportablePath(RowCheck[BaseOptions]):
    """Paths that are absolute, have backslashes or `..`, or differ in case from the file."""

    code = "SRC006"
    name = "unportable-path"
    severity = Severity.WARNING

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met; what can be corrected is the path of an image, not that of a folder in data.yaml."""
        found, told = (Findings.of_problems(batch, "unportable-path", "Path {text!r} {reason}", fix=fix)
                       for fix in (Fix("safe", "set-path"), None))
        of_image = np.array([i is not None for i in found.columns["image"].tolist()], bool)
        return Findings.concat((found.take(of_image), told.take(~of_image)))
