"""The reports that come with dsinspect: one report per module."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsinspect import hookimpl

if TYPE_CHECKING:
    from dsinspect.protocols.reports import Report


@hookimpl
def dsinspect_reports() -> Iterable[type[Report]]:
    """Return every report of this package."""
    from dsinspect.protocols.bundle import classes_in
    from dsinspect.protocols.reports import Report

    return classes_in(__name__, Report)
