"""The `supervisely` format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsinspect import hookimpl

if TYPE_CHECKING:
    from dsinspect.protocols.formats import Format


@hookimpl
def dsinspect_formats() -> Iterable[type[Format]]:
    """Return the format."""
    from dsinspect_formats.supervisely.format import Supervisely

    return [Supervisely]
