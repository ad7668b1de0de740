"""The executor protocol: map a function over items and merge the results as a fixed tree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Executor(ABC):
    """Runs work. The merge tree depends on the number of items alone, never on `jobs`."""

    name: ClassVar[str]
    is_remote: ClassVar[bool] = False
    """Its workers may have been started in another folder, or on another machine: they get absolute paths."""

    def __init__(self, jobs: int = 1, initializer: Callable[[], None] | None = None) -> None:
        """Prepare; nothing is started before `map_reduce`.

        Args:
            jobs: how many workers.
            initializer: picklable; called once in every fresh process before its first item.
        """
        self.jobs = jobs
        self.initializer = initializer

    @abstractmethod
    def map_reduce(self, fn: Callable[[T], R], items: Sequence[T], merge: Callable[[R, R], R],
                   seen: Callable[[R], None] | None = None) -> R:
        """Return the merge of `fn(item)` over at least one item, in the order of the items.

        Args:
            fn: picklable, called once per item.
            items: picklable, at least one.
            merge: associative; called in this process.
            seen: called in this process with each result as it comes, for the progress line.
        """


def tree_merge(results: Iterable[R], merge: Callable[[R, R], R]) -> R:
    """Merge results pairwise as they arrive, as a binary counter does, so that only log2(n) of them are held.

    Folding 4,000 frames from the left copies the first one 4,000 times; a tree copies each 12 times.

    >>> tree_merge(["a", "b", "c", "d", "e"], lambda a, b: f"({a}{b})")
    '(((ab)(cd))e)'
    """
    stack: list[tuple[int, R]] = []
    for result in results:
        size = 1
        while stack and stack[-1][0] == size:
            result = merge(stack.pop()[1], result)
            size *= 2
        stack.append((size, result))
    merged = stack.pop()[1]
    while stack:
        merged = merge(stack.pop()[1], merged)
    return merged
