"""The executor protocol: map a function over items, in order, and merge the results as a fixed tree."""

from __future__ import annotations

import operator
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
STRETCH = 4
"""Items for each worker in one call of `map_reduce` where an executor has no `results` of its own."""


class Executor:
    """Runs work: override `results`, or `map_reduce` where results are merged elsewhere than in this process."""

    name: ClassVar[str]
    is_remote: ClassVar[bool] = False
    """Its workers may have been started in another folder, or on another machine: they get absolute paths."""

    def __init__(self, jobs: int = 1, initializer: Callable[[], None] | None = None) -> None:
        """Prepare; nothing is started before there is work.

        Args:
            jobs: how many workers.
            initializer: picklable; called once in every fresh process before its first item.
        """
        self.jobs = jobs
        self.initializer = initializer

    def results(self, fn: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """Yield `fn(item)` in the order of the items; a few are worked on ahead of whoever takes them.

        Workers end when all is taken, and when the iterator is closed.

        Args:
            fn: picklable, called once per item.
            items: picklable.
        """
        size = STRETCH * self.jobs
        for start in range(0, len(items), size):
            yield from self.map_reduce(_InList(fn), items[start:start + size], operator.add)

    def map_reduce(self, fn: Callable[[T], R], items: Sequence[T], merge: Callable[[R, R], R],
                   seen: Callable[[R], None] | None = None) -> R:
        """Return the merge of `fn(item)` over at least one item, in the order of the items.

        The merge tree depends on the number of items alone, never on `jobs`; see `tree_merge`.

        Args:
            fn: picklable, called once per item.
            items: picklable, at least one.
            merge: associative; called in this process.
            seen: called in this process with each result as it comes, for the progress line.
        """
        with closing(each(self.results(fn, items))) as results:
            return tree_merge(_shown(results, seen), merge)


@dataclass(frozen=True)
class _InList(Generic[T, R]):
    """Gives the result of a function as a list of one, which merge to the list of all."""

    fn: Callable[[T], R]

    def __call__(self, item: T) -> list[Any]:
        return [self.fn(item)]


class NoResultError(ValueError):
    """There is nothing to merge: an executor lost all that it was given."""


def each(results: Iterable[R]) -> Generator[R, None, None]:
    """Yield what an executor gives, which may be any iterable: closing this closes it where it can be closed."""
    yield from results


def _shown(results: Iterable[R], seen: Callable[[R], None] | None) -> Iterator[R]:
    for result in results:
        if seen is not None:
            seen(result)
        yield result


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
    if not stack:
        raise NoResultError("there is no result to merge")
    merged = stack.pop()[1]
    while stack:
        merged = merge(stack.pop()[1], merged)
    return merged
