"""`serial`: everything in this process and thread, one item after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dsinspect.protocols.executors import Executor, R, T, tree_merge


class Serial(Executor):
    """Runs items one after the other; the easiest to debug."""

    name = "serial"

    def map_reduce(self, fn: Callable[[T], R], items: Sequence[T], merge: Callable[[R, R], R],
                   seen: Callable[[R], None] | None = None) -> R:
        """Return the tree merge of `fn(item)` over all items."""
        return tree_merge(self._results(fn, items, seen), merge)

    @staticmethod
    def _results(fn: Callable[[T], R], items: Sequence[T], seen: Callable[[R], None] | None) -> Iterator[R]:
        for item in items:
            result = fn(item)
            if seen:
                seen(result)
            yield result
