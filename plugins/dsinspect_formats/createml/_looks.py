"""How CreateML's files are recognised."""

from __future__ import annotations

import re

_KEYS = re.compile(rb'"annotations?"\s*:\s*\[')
_IMAGE = re.compile(rb'"image(?:filename)?"\s*:\s*"')


def looks_like(ends: bytes) -> bool:
    """Say whether a file is CreateML's, by its beginning and end."""
    return ends.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") and bool(_KEYS.search(ends) and _IMAGE.search(ends)) and (
        b'"coordinates"' in ends or not re.search(rb'"(?:data|result|bbox|shapes|labels)"', ends))
