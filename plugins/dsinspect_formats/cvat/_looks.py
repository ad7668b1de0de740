"""How CVAT's files are recognised."""

from __future__ import annotations

import re

_ROOT = re.compile(rb"<annotations[\s>]")
_INSIDE = re.compile(rb"<(?:image|track|meta|version)[\s>]")


def looks_like(ends: bytes) -> bool:
    """Say whether a file is CVAT XML, by its beginning."""
    return bool(_ROOT.search(ends[:4096]) and _INSIDE.search(ends))
