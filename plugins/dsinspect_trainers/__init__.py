"""The trainers that come with dsinspect: what the loader of each makes of a dataset, one trainer per module."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsinspect import hookimpl

if TYPE_CHECKING:
    from dsinspect.protocols.trainers import Trainer


@hookimpl
def dsinspect_trainers() -> Iterable[type[Trainer]]:
    """Return every trainer of this package."""
    from dsinspect.protocols.bundle import classes_in
    from dsinspect.protocols.trainers import Trainer

    return classes_in(__name__, Trainer)
