"""What parts came to is joined whole: states and votes of shards, and several datasets as one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dsinspect.geometry.exif import FrameVotes
from dsinspect.inspection.census import Tally
from dsinspect.inspection.combined import combined
from dsinspect.inspection.request import DatasetRequest
from dsinspect.inspection.shard_task import ShardState, Unavailable, merge_states
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo, Problem

CHECKS: dict[str, Any] = {"TST001": SimpleNamespace(code="TST001", merge=lambda a, b: a + b)}


def state(letter: str, own: Any = None, **values: Any) -> ShardState:
    """Return the state of a shard in which all that can be told apart has a letter."""
    n = ord(letter) - ord("a") + 1
    tally = Tally(Counter({letter: n}), Counter({letter: n}), {letter: n}, Counter({letter: n}), Counter({letter: n}))
    tables = (Columns({"path": np.array([letter], object)}),)
    return ShardState(n, {"TST001": letter if own is None else own}, tally, tables, tables, {letter: float(n), "load": 1.0},
                      frozenset({letter}), FrameVotes(n, 10 * n), {letter: "reason"}, **values)


def test_nothing_of_two_shards_is_lost() -> None:
    both = merge_states(CHECKS, {}, state("a"), state("b"))
    assert both.images_done == 3
    assert both.states == {"TST001": "ab"}
    assert [t["path"][0] for t in both.images] == [t["path"][0] for t in both.annotations] == ["a", "b"]
    assert both.seconds == {"a": 1.0, "b": 2.0, "load": 2.0}
    assert both.troubles == {"a", "b"}
    assert both.frame_votes == FrameVotes(3, 30)
    assert both.blind == {"a": "reason", "b": "reason"}
    assert both.counts.category_annotations == {"a": 1, "b": 2}


@pytest.mark.parametrize("first", [True, False])
def test_a_check_that_one_shard_could_not_run_is_not_clean(first: bool) -> None:
    gone = Unavailable("crashed", "why")
    left, right = (state("a", gone), state("b")) if first else (state("a"), state("b", gone))
    assert merge_states(CHECKS, {}, left, right).states == {"TST001": gone}


def test_a_merge_that_raises_costs_the_check_alone() -> None:
    blame = SimpleNamespace(reason=lambda how: f"plugin: {how}")
    after = merge_states(CHECKS, {"TST001": blame}, state("a", 1), state("b", "text"))  # type: ignore[dict-item]
    assert after.states["TST001"].status == "crashed"
    assert after.images_done == 3


def part(root: Path, **values: Any) -> Any:
    problem = Problem("malformed-record", "a.txt", "r", image="a.jpg")
    return SimpleNamespace(info=replace(DatasetInfo("yolo", root, problems=(problem,), has_files=False), **values))


def info_of(tmp_path: Path, **values: tuple[Any, Any]) -> DatasetInfo:
    """Return what two parts are as one, of which each has one of two values."""
    parts = {name: part(tmp_path / name, **{key: both[k] for key, both in values.items()}) for k, name in enumerate(("x", "y"))}
    return combined(DatasetRequest("set", tmp_path), parts).info


def test_problems_of_every_part_name_the_files_of_the_whole(tmp_path: Path) -> None:
    assert [(p.source, p.image, p.split) for p in info_of(tmp_path).problems] == [
        ("x/a.txt", "x/a.jpg", "x"), ("y/a.txt", "y/a.jpg", "y")]


@pytest.mark.parametrize("both", [(True, False), (False, True)])
def test_what_holds_for_one_part_holds_for_the_whole(tmp_path: Path, both: tuple[bool, bool]) -> None:
    assert info_of(tmp_path, boxes_in_doubt=both).boxes_in_doubt
    assert info_of(tmp_path, has_files=both).has_files


def test_what_the_reader_left_out_of_each_part_adds_up(tmp_path: Path) -> None:
    whole = info_of(tmp_path, beyond=({"lines": 1}, {"lines": 2, "texts": 3}),
                    only_left_out=(frozenset({"a.jpg"}), frozenset({"b.jpg"})))
    assert whole.beyond == {"lines": 3, "texts": 3}
    assert whole.only_left_out == {"x/a.jpg", "y/b.jpg"}


def test_keypoints_are_exchanged_only_as_all_parts_say(tmp_path: Path) -> None:
    assert info_of(tmp_path, flip_pairs=((1, 0), (1, 0))).flip_pairs == (1, 0)
    assert info_of(tmp_path, flip_pairs=((1, 0), ())).flip_pairs == ()
    assert info_of(tmp_path, columns=(frozenset({"keypoints", "area"}), frozenset({"area"}))).columns == {"area"}
