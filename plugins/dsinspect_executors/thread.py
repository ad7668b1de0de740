"""`thread`: threads of this process; they start at once, and OpenCV decodes outside the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from dsinspect.protocols.executors import Executor, R, T, tree_merge
from dsinspect_executors._pool import ordered_results


class Threads(Executor):
    """Runs items on a pool of threads."""

    name = "thread"

    def map_reduce(self, fn: Callable[[T], R], items: Sequence[T], merge: Callable[[R, R], R],
                   seen: Callable[[R], None] | None = None) -> R:
        """Return the tree merge of `fn(item)` over all items."""
        pool = ThreadPoolExecutor(self.jobs, "dsinspect")
        try:
            return tree_merge(ordered_results(pool, fn, items, 2 * self.jobs, seen), merge)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
