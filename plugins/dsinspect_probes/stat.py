"""`stat`: the size of the file."""

from __future__ import annotations

from dsinspect.protocols.probes import Column, ImageFile, Level, Probe, Value


class StatProbe(Probe):
    """Size of the file on disk."""

    name = "stat"
    version = 1
    level = Level.STAT
    columns = (Column("file_size", "float64", "byte", "size of the file"),)

    def measure(self, file: ImageFile) -> tuple[Value, ...]:
        """Return the size."""
        return (float(file.stat.st_size),)
