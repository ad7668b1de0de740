"""`exif`: camera and capture time of an image."""

from __future__ import annotations

from dsinspect.protocols.probes import Column, ImageFile, Level, Probe, Value
from dsinspect_probes._header import header_of


class ExifProbe(Probe):
    """Camera and time from the EXIF block."""

    name = "exif"
    version = 1
    level = Level.HEADER
    columns = (
        Column("camera", "object", "", "make and model of the camera"),
        Column("taken", "object", "", "time of the shot, YYYY:MM:DD HH:MM:SS"),
    )

    def measure(self, file: ImageFile) -> tuple[Value, ...]:
        """Return make and model (tags 271, 272) and DateTimeOriginal (36867), else DateTime (306)."""
        tags = file.once(header_of).tags
        camera = " ".join(str(tags[t]) for t in (0x010F, 0x0110) if tags.get(t))
        taken = tags.get(0x9003) or tags.get(0x0132)
        return (camera or None, str(taken) if taken else None)
