"""Folders are listed once while several formats look at them; and whether one could be what a relative place means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_LISTINGS: ContextVar[dict[Any, Any] | None] = ContextVar("listings", default=None)


@contextmanager
def remembered_listings() -> Iterator[None]:
    """Within it, `remembered` computes once: several formats look at the same folders to detect themselves."""
    token = _LISTINGS.set({})
    try:
        yield
    finally:
        _LISTINGS.reset(token)


def remembered(key: Any, compute: Callable[[], T]) -> T:
    """Return `compute()`, or what it gave for the same key before, within `remembered_listings`; never change it."""
    known = _LISTINGS.get()
    if known is None:
        return compute()
    if key not in known:
        known[key] = compute()
    result: T = known[key]
    return result


def ends_as(folder: Path, place: str) -> bool:
    """Say whether a folder could be what a relative place means below some other folder: it ends as the place does.

    >>> ends_as(Path("/data/datasets/coco8"), "coco8"), ends_as(Path("/data/set"), "../datasets/set")
    (True, False)
    """
    parts = [p for p in place.replace("\\", "/").split("/") if p not in ("", ".")]
    while parts and parts[0] == "..":
        parts = parts[1:]
    return bool(parts) and not Path(place).is_absolute() and list(folder.absolute().parts[-len(parts):]) == parts
