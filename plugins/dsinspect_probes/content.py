"""`content`: the identity of the bytes of a file."""

from __future__ import annotations

from dsinspect.protocols.probes import Column, ImageFile, Level, Probe, Value


class ContentProbe(Probe):
    """Hash of all bytes."""

    name = "content"
    version = 3
    level = Level.BYTES
    columns = (Column("content_hash", "object", "", "SHA-256 of all bytes, the first 128 bits"),)

    def measure(self, file: ImageFile) -> tuple[Value, ...]:
        """Return the hash."""
        return (file.digest,)
