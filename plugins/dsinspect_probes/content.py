"""`content`: the identity of the bytes of a file."""

from __future__ import annotations

import hashlib

from dsinspect.probes import Column, ImageFile, Level, Probe, Value


class ContentProbe(Probe):
    """Hash of all bytes."""

    name = "content"
    version = 2
    level = Level.BYTES
    columns = (Column("content_hash", "object", "", "BLAKE2b of all bytes, 128 bits"),)

    def measure(self, file: ImageFile) -> tuple[Value, ...]:
        """Return the hash."""
        return (hashlib.blake2b(file.content, digest_size=16).hexdigest(),)
