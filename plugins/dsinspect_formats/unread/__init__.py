"""Formats that are recognised and not read, so that the user learns what a dataset is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsinspect import hookimpl

if TYPE_CHECKING:
    from dsinspect.protocols.formats import Format


@hookimpl
def dsinspect_formats() -> Iterable[type[Format]]:
    """Return a class for each of them."""
    from dsinspect_formats.unread.looks import classes

    return classes()
