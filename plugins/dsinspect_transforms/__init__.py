"""The transforms that come with dsinspect: one transform per module."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dsinspect import hookimpl

if TYPE_CHECKING:
    from dsinspect.protocols.transforms import Transform


@hookimpl
def dsinspect_transforms() -> Iterable[type[Transform[Any]]]:
    """Return every transform of this package."""
    from dsinspect.protocols.bundle import classes_in
    from dsinspect.protocols.transforms import Transform

    return classes_in(__name__, Transform)
