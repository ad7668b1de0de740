"""What the user allows to be read, carried along with work: a worker may have been started before, elsewhere, without it."""

from __future__ import annotations

import os

from dsinspect.io import packed
from dsinspect.io.embedded import NAMED
from dsinspect.io.limits import VARIABLE
from dsinspect.io.reading import READS_OUTSIDE

Settings = tuple[tuple[str, str | None], ...]


def in_force() -> Settings:
    """Return the settings of this process: names of variables of the environment and their values, None where unset."""
    named = ((name, os.environ.get(name)) for name in (VARIABLE, READS_OUTSIDE, NAMED))
    return (*named, (packed.VARIABLE, packed.variable() or None))


def take_over(settings: Settings) -> None:
    """Put settings of another process in force."""
    for name, value in settings:
        if os.environ.get(name) == value:
            continue
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    packed.archives()
