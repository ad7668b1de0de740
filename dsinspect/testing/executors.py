"""The laws of an executor: every item once, in order, whatever the workers; what raises comes back."""

from __future__ import annotations

from dsinspect.protocols.executors import Executor, tree_merge


def _shown(item: int) -> str:
    return str(item)


def _joined(a: str, b: str) -> str:
    return f"({a} {b})"


def _third_raises(item: int) -> str:
    if item == 3:
        raise ValueError("item 3 is bad")
    return str(item)


def assert_executor(executor_type: type[Executor]) -> None:
    """Hold an executor against its protocol.

    Raises:
        AssertionError: what is broken, in words.
    """
    name = executor_type.name
    for count in (1, 2, 5, 8):
        items = list(range(count))
        expected = tree_merge(map(_shown, items), _joined)
        for jobs in (1, 2, 3):
            seen: list[str] = []
            got = executor_type(jobs).map_reduce(_shown, items, _joined, seen.append)
            assert got == expected, f"{name}: {jobs} jobs merge {count} items to {got}, the fixed tree to {expected}"
            assert list(executor_type(jobs).results(_shown, items)) == list(map(_shown, items)), (
                f"{name}: {jobs} jobs give the results of {count} items in another order")
            assert sorted(seen) == sorted(map(str, items)), f"{name}: showed {sorted(seen)} of {count} items"
    raised = ""
    try:
        executor_type(2).map_reduce(_third_raises, list(range(6)), _joined)
    except ValueError as e:
        raised = str(e)
    assert "item 3 is bad" in raised, f"{name}: the error of an item is swallowed, or lost its text: {raised!r}"
