"""Cells of a finding that a reviewer edited: its box or its class, which are not what the report wrote.

The report writes both once more into a hidden column, and what differs from that was edited. Taking such a change for nothing
would lose a decision in silence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dsinspect.protocols.review_sheet import AS_FOUND, BOX_HEADERS, CLASS, MAX_TEXT
from dsinspect.review.values import plain


def edited_cells(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of the cells that were edited, with what they held.

    >>> row = {"x min": 1, "y min": 2, "x max": 3, "y max": 4, "Class": "car", "As found": "1 2 3.5 4 car"}
    >>> edited_cells(row)
    {'x max': '3.5'}
    """
    parts = plain(values.get(AS_FOUND)).split(" ", 4)
    if len(parts) < 4:
        return {}  # a report of an earlier release, or no cell of it was kept
    found = {h: old for h, old in zip(BOX_HEADERS, parts, strict=False) if h in values and not _is_number(values[h], old)}
    name = parts[4] if len(parts) > 4 else ""
    if CLASS in values and plain(values[CLASS]) != plain(name) and len(name) < MAX_TEXT // 2:
        found[CLASS] = plain(name)
    return found


def _is_number(value: Any, old: str) -> bool:
    """Say whether a cell holds the number that was written."""
    text = plain(value).replace(",", ".")
    if old == "-" or not text:
        return old == "-" and not text
    try:
        return math.isclose(float(text), float(old), rel_tol=1e-8, abs_tol=1e-8)
    except ValueError:
        return False
