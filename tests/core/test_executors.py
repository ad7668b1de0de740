"""Executors: any of them, with any number of workers, gives the same merge in the same order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsinspect.errors import UserError
from dsinspect.loader import load_plugins
from dsinspect.protocols.executors import Executor, tree_merge

EXECUTORS = load_plugins().executors


def text_of(n: int) -> str:
    return f"{n}"


def join(a: str, b: str) -> str:
    return f"({a} {b})"


def die(n: int) -> str:
    import os

    os._exit(9)


@given(st.lists(st.integers(), min_size=1, max_size=40))
def test_tree_keeps_the_order_and_uses_every_item_once(items: list[int]) -> None:
    assert tree_merge([[i] for i in items], lambda a, b: a + b) == items


@pytest.mark.parametrize("name", ["serial", "thread", "process"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_same_tree_whatever_the_workers(name: str, jobs: int) -> None:
    seen: list[str] = []
    expected = tree_merge([text_of(n) for n in range(11)], join)
    assert EXECUTORS[name](jobs).map_reduce(text_of, range(11), join, seen.append) == expected
    assert seen == [text_of(n) for n in range(11)]


def test_killed_worker_is_one_clear_error() -> None:
    with pytest.raises(UserError, match="killed"):
        EXECUTORS["process"](1).map_reduce(die, [1], join)


class Merging(Executor):
    """Merges alone: has no results of its own."""

    name = "merging"

    def map_reduce(self, fn, items, merge, seen=None):  # type: ignore[no-untyped-def]
        return tree_merge(map(fn, items), merge)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 23])
def test_an_executor_that_merges_alone_gives_results_in_order(jobs: int, count: int) -> None:
    assert list(Merging(jobs).results(text_of, range(count))) == [text_of(n) for n in range(count)]


@pytest.mark.parametrize("name", ["serial", "thread", "process"])
def test_whoever_takes_results_may_stop(name: str) -> None:
    results = EXECUTORS[name](2).results(text_of, range(100))
    assert next(results) == "0"
    results.close()
    assert list(results) == []


def inverse(n: int) -> float:
    return 1 / n


@pytest.mark.parametrize("name", ["serial", "thread", "process"])
def test_an_error_of_one_item_reaches_whoever_asked(name: str) -> None:
    results = EXECUTORS[name](2).results(inverse, [1, 2, 0, 4])
    assert [next(results), next(results)] == [1.0, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)
    with pytest.raises(ZeroDivisionError):
        EXECUTORS[name](2).map_reduce(inverse, [1, 0, 2], lambda a, b: a + b)
