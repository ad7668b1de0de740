"""What else a finding names: the images of a group, the other annotation of a pair."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def partner(values: Mapping[str, Any]) -> int | None:
    """Return the id of the annotation that the finding's box lies on or repeats; None where it is about no pair.

    >>> partner({"other_id": 3}), partner({"first_id": 4}), partner({"other_id": "x"})
    (3, 4, None)
    """
    found = values.get("other_id", values.get("first_id"))
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def members(values: Mapping[str, Any]) -> list[str]:
    """Return the image paths of a group: the value `members` (one a line), else those in the text of `files`.

    Names may hold what parts them; then more is returned than there is, and the caller keeps what the dataset knows.

    >>> members({"files": "a.jpg (train), b, c.jpg (val), and 3 more"})
    ['a.jpg', 'b, c.jpg', 'b', 'c.jpg']
    """
    listed = values.get("members")
    if isinstance(listed, str):
        return listed.split("\n")
    if isinstance(listed, (list, tuple)):
        return [str(p) for p in listed]
    text = values.get("files")
    if not isinstance(text, str):
        return []
    found: list[str] = []
    for part in re.split(r" \([^()]*\)(?:, |$)", re.sub(r", and [\d,]+ more$", "", text)):
        pieces = part.split(", ")
        found += dict.fromkeys([part, *pieces]) if len(pieces) > 1 else [part]
    return [p for p in found if p]
