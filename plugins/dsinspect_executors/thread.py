"""`thread`: threads of this process; they start at once, and OpenCV decodes outside the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from dsinspect.protocols.executors import Executor, R, T
from dsinspect_executors._pool import ordered_results


class Threads(Executor):
    """Runs items on a pool of threads."""

    name = "thread"

    def results(self, fn: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """Yield `fn(item)` in the order of the items."""
        pool = ThreadPoolExecutor(self.jobs, "dsinspect")
        try:
            yield from ordered_results(pool, fn, items, 2 * self.jobs)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
