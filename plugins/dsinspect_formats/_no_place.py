"""Edits that files of boxes and classes have no place for."""

from __future__ import annotations

from dsinspect.protocols.edits import LATER_ACTIONS

NO_PLACE = LATER_ACTIONS | {"set-area", "set-annotation-id", "drop-polygon", "set-image-size", "set-path"}
"""Actions that rows of a box and a class have no place for."""
NO_PLACE_IN_JSON = frozenset(("set-area", "set-annotation-id", "mark-as-crowd"))
"""Actions that the objects of most JSON formats have no place for."""
