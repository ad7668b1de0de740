"""How LabelMe's files are recognised."""

from __future__ import annotations

import re

_SHAPES = re.compile(rb'"shapes"\s*:')
_OTHERS = re.compile(rb'"image(?:Path|Data|Height)"\s*:')


def looks_like(ends: bytes) -> bool:
    """Say whether a file is LabelMe's, by its beginning and end."""
    return bool(_SHAPES.search(ends) and _OTHERS.search(ends))
