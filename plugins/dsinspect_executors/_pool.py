"""What thread and process pools share: results in order, and only a few items under way at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor as Pool
from concurrent.futures import Future
from itertools import islice
from typing import Any

from dsinspect.protocols.executors import R, T


def ordered_results(pool: Pool, fn: Callable[[T], R], items: Sequence[T], ahead: int) -> Iterator[R]:
    """Yield `fn(item)` in the order of the items with at most `ahead` of them submitted and not yet taken."""
    waiting: deque[Future[Any]] = deque()
    rest = iter(items)
    for item in islice(rest, ahead):
        waiting.append(pool.submit(fn, item))
    while waiting:
        result = waiting.popleft().result()
        for item in islice(rest, 1):
            waiting.append(pool.submit(fn, item))
        yield result
