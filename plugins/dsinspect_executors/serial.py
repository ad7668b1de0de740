"""`serial`: everything in this process and thread, one item after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dsinspect.protocols.executors import Executor, R, T


class Serial(Executor):
    """Runs items one after the other; the easiest to debug."""

    name = "serial"

    def results(self, fn: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """Yield `fn(item)` item by item."""
        yield from map(fn, items)
