"""The checks that come with dsinspect: one check per module."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dsinspect import hookimpl

if TYPE_CHECKING:
    from dsinspect.checks import Check


@hookimpl
def dsinspect_checks() -> Iterable[type[Check[Any, Any]]]:
    """Return every check of this package."""
    from dsinspect.checks import Check
    from dsinspect.plugins import classes_in

    return classes_in(__name__, Check)
