"""The checks that come with dsinspect: one check per module."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dsinspect import hookimpl

if TYPE_CHECKING:
    from dsinspect.protocols.checks import Check


@hookimpl
def dsinspect_checks() -> Iterable[type[Check[Any, Any]]]:
    """Return every check of this package."""
    from dsinspect.protocols.bundle import classes_in
    from dsinspect.protocols.checks import Check

    return classes_in(__name__, Check)
