"""The executors that come with dsinspect: one executor per module."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsinspect import hookimpl

if TYPE_CHECKING:
    from dsinspect.executors import Executor


@hookimpl
def dsinspect_executors() -> Iterable[type[Executor]]:
    """Return every executor of this package."""
    from dsinspect.executors import Executor
    from dsinspect.plugins import classes_in

    return classes_in(__name__, Executor)
