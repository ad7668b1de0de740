"""`header`: size, channels, depth, true format, orientation and frames, from the first KBs of a file."""

from __future__ import annotations

from dsinspect.protocols.probes import Column, ImageFile, Level, Probe, Value
from dsinspect_probes._header import header_of


class HeaderProbe(Probe):
    """Size, channels, depth, true format, EXIF orientation and number of frames, without decoding."""

    name = "header"
    version = 1
    level = Level.HEADER
    columns = (
        Column("file_width", "float64", "px", "stored width, before EXIF orientation"),
        Column("file_height", "float64", "px", "stored height, before EXIF orientation"),
        Column("channels", "float64", "1", "channels as stored; a palette counts as 1"),
        Column("bit_depth", "float64", "bit", "bits per channel"),
        Column("file_format", "object", "", "format by content: jpeg, png, gif, bmp, webp, tiff, ..."),
        Column("colour", "object", "", "grey, grey-alpha, rgb, rgba, palette or cmyk"),
        Column("orientation", "float64", "1", "EXIF orientation, 1 to 8; 1 when there is none"),
        Column("frames", "float64", "1", "frames of an animation, or pages"),
    )

    def measure(self, file: ImageFile) -> tuple[Value, ...]:
        """Return what the header says."""
        h = file.once(header_of)
        return (h.width, h.height, h.channels, h.bit_depth, h.format, h.colour, h.orientation, h.frames)
