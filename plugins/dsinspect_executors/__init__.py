"""The executors that come with dsinspect: one executor per module."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsinspect import hookimpl

if TYPE_CHECKING:
    from dsinspect.protocols.executors import Executor


@hookimpl
def dsinspect_executors() -> Iterable[type[Executor]]:
    """Return every executor of this package."""
    from dsinspect.protocols.bundle import classes_in
    from dsinspect.protocols.executors import Executor

    return classes_in(__name__, Executor)
