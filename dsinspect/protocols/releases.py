"""Releases of trainers: which known one a wish means, and which wishes nobody knows the rules of."""

from __future__ import annotations

import re
from typing import Protocol

from dsinspect.errors import UserError

SHOWN = 40
"""Characters of a wish that is no release that are shown."""


class Known(Protocol):
    """A trainer with its releases; see `dsinspect.protocols.trainers.Trainer`."""

    name: str
    releases: tuple[str, ...]
    closed: tuple[str, ...]
    newest: str


def version_key(release: str) -> tuple[int, ...]:
    """Return a release as numbers to compare.

    >>> version_key("8.3.163")
    (8, 3, 163)
    """
    return tuple(int(n) for n in re.findall(r"\d+", release))


def release_of(trainer: Known, wanted: str | None) -> str:
    """Return the release that a wish means; one between two known ones has the rules of the older one.

    Raises:
        UserError: it is no release, older or newer than all that are known, or beyond the last one of a line that is finished.
    """
    if wanted is None:
        return trainer.newest
    example = f"{trainer.name}@{trainer.newest}"
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})*", wanted):
        raise UserError(f"trainer {trainer.name}: {wanted[:SHOWN]!r} is not a release; write for example {example}")
    key = version_key(wanted)
    for known in (trainer.newest, *reversed(trainer.closed)):
        if version_key(known)[:len(key)] == key:
            return known
    if key < version_key(trainer.releases[0]):
        raise UserError(f"trainer {trainer.name}@{wanted}: the rules are known from {trainer.releases[0]} to "
                        f"{trainer.newest}; write for example {example}")
    if key > version_key(trainer.newest):
        raise UserError(f"trainer {trainer.name}@{wanted}: the rules are known up to {trainer.newest}; write {example} to be "
                        "judged by these")
    line = next((c for c in trainer.closed if version_key(c)[:2] == key[:2] and version_key(c) < key), None)
    if line is not None:
        raise UserError(f"trainer {trainer.name}@{wanted}: the last release of that line is {line}; write {trainer.name}@{line}, "
                        f"or {example} for the newest known one")
    return wanted
