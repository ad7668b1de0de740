"""The probes that come with dsinspect: one probe per module."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsinspect import hookimpl

if TYPE_CHECKING:
    from dsinspect.protocols.probes import Probe


@hookimpl
def dsinspect_probes() -> Iterable[type[Probe]]:
    """Return every probe of this package."""
    from dsinspect.protocols.bundle import classes_in
    from dsinspect.protocols.probes import Probe

    return classes_in(__name__, Probe)
