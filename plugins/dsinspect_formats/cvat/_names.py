"""Names as a CVAT file holds them: what XML has no place for replaced, and no longer than CVAT's models take."""

from __future__ import annotations

import re
from hashlib import sha256

NAME_MOST = 64
"""Characters of the name of a label, of an attribute and of a subset (`cvat/apps/engine/models.py`)."""
VALUE_MOST = 4_096
"""Characters of the value of an attribute (the same)."""
SOURCE_MOST = 16
"""Characters of a source (the same)."""
UNNAMED = "unnamed"
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def text(value: str) -> str:
    """Return a name as XML can hold it and readers of it leave it."""
    return NOT_XML.sub("\ufffd", value).strip()


def short(name: str) -> str:
    """Return a name that CVAT takes: one that is too long ends in a number of its own, so that no two become one.

    >>> short("cat")
    'cat'
    >>> len(short("cat" * 100))
    64
    """
    return name if len(name) <= NAME_MOST else f"{name[:NAME_MOST - 9]}~{sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"
