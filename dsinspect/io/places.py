"""Folders are listed once while several formats look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
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
