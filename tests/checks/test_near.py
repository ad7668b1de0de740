"""Images that look alike: groups in which every two agree, found whatever the order, confirmed by a second signature."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsinspect.tables.columns import Columns, objects
from dsinspect.testing import make_batch
from dsinspect_checks._frames import frames_of
from dsinspect_checks._near import Closeness, heaps_of, near_groups

CLOSE = Closeness(6, 4.0, 10.0)


def signed(cells: np.ndarray) -> str:
    return base64.b64encode(np.clip(np.round(cells), 0, 255).astype(np.uint8).tobytes()).decode()


def table(hashes: list[int], cells: list[np.ndarray] | None = None, splits: list[str | None] | None = None,
          frames: list[float] | None = None) -> Columns:
    n = len(hashes)
    flat = np.full(256, 90.0)
    return Columns({
        "phash": np.array(hashes, np.uint64), "signature": objects([signed(c) for c in cells or [flat] * n]),
        "content": objects([str(k) for k in range(n)]), "path": objects([f"{k:04}.jpg" for k in range(n)]),
        "split": objects(splits or [None] * n), "film": objects(["film" if frames else None] * n),
        "frame": np.array(frames or [np.nan] * n)})


def paths(groups: list[Columns]) -> list[list[int]]:
    return [[int(p[:4]) for p in g["path"]] for g in groups]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**16 - 1), min_size=2, max_size=40), st.integers(0, 8))
def test_every_pair_of_a_group_is_close_and_every_close_image_is_in_a_group(low: list[int], distance: int) -> None:
    hashes = [h * 0x1001 % 2**64 for h in low]
    groups = paths(near_groups(table(hashes), Closeness(distance, 4.0, 10.0)))
    for group in groups:
        assert len(group) > 1
        assert all((hashes[a] ^ hashes[b]).bit_count() <= distance for a in group for b in group)
    close = {a for a in range(len(hashes)) for b in range(len(hashes))
             if a != b and (hashes[a] ^ hashes[b]).bit_count() <= distance}
    assert {k for g in groups for k in g} == close


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**10 - 1), min_size=2, max_size=40), st.booleans())
def test_each_group_brings_an_image_and_repeats_one_at_most(low: list[int], across: bool) -> None:
    splits = ["train" if k % 3 else "val" for k in range(len(low))]
    groups = paths(near_groups(table(low, splits=splits), Closeness(2, 4.0, 10.0), across_splits=across))
    repeated = sum(map(len, groups)) - len({k for g in groups for k in g})
    assert repeated <= max(len(groups) - 1, 0)


def test_groups_of_a_chain_are_disjoint() -> None:
    b, c, a, d = 0b11, 0b1111, 0b0, 0b111111
    assert paths(near_groups(table([b, c, a, d]), Closeness(2, 4.0, 10.0))) == [[0, 2], [1, 3]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 255), st.booleans()), min_size=2, max_size=25))
def test_every_image_that_is_close_to_one_of_another_split_is_in_a_group(rows: list[tuple[int, bool]]) -> None:
    hashes, splits = [h for h, _ in rows], ["train" if t else "val" for _, t in rows]
    groups = paths(near_groups(table(hashes, splits=splits), Closeness(2, 4.0, 10.0), across_splits=True))
    leaks = {a for a in range(len(rows)) for b in range(len(rows))
             if splits[a] != splits[b] and (hashes[a] ^ hashes[b]).bit_count() <= 2}
    assert {k for g in groups for k in g} >= leaks
    assert all(len({splits[k] for k in g}) == 2 for g in groups)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30, unique=True), st.lists(st.integers(0, 63), max_size=12))
def test_heaps_are_what_comparing_all_gives(seeds: list[int], flips: list[int]) -> None:
    hashes = sorted({*seeds, *(seeds[k % len(seeds)] ^ (1 << f) ^ (1 << (f * 7 % 64)) for k, f in enumerate(flips))})
    label = heaps_of(np.array(hashes, np.uint64), 3)
    expected = list(range(len(hashes)))
    for _ in hashes:
        for a in range(len(hashes)):
            for b in range(len(hashes)):
                if (hashes[a] ^ hashes[b]).bit_count() <= 3:
                    expected[a] = expected[b] = min(expected[a], expected[b])
    assert label.tolist() == expected


SCENE = np.random.default_rng(0).uniform(40, 200, 256)


@pytest.mark.parametrize(("other", "alike"), [
    (SCENE, True),
    (SCENE * 0.7 + 30, True),  # paler and brighter
    (SCENE + np.random.default_rng(1).normal(0, 8, 256), True),  # noise
    (np.where(np.arange(256) == 100, 250.0 - SCENE, SCENE), False),  # one thing has moved
    (np.random.default_rng(2).uniform(40, 200, 256), True),  # all differs a little: left to the hash
])
def test_the_second_signature(other: np.ndarray, alike: bool) -> None:
    assert (len(near_groups(table([1, 1], [SCENE, other]), CLOSE)) == 1) is alike


def test_the_largest_difference_holds_between_any_two_members() -> None:
    one, two = SCENE.copy(), SCENE.copy()
    one[:64] += 40
    two[:64] -= 40
    groups = near_groups(table([1, 1, 1], [SCENE, one, two]), Closeness(6, 1.2, 10.0))
    assert paths(groups) == [[0, 1], [0, 2]]


@pytest.mark.parametrize("turned", [False, True])
def test_layers_alone_make_no_images_alike(turned: bool) -> None:
    rng = np.random.default_rng(5)

    def layered(rest: np.ndarray) -> np.ndarray:
        square = np.repeat(np.linspace(40, 200, 16)[:, None], 16, axis=1) + rest
        return (square.T if turned else square).ravel()

    rest, other = rng.normal(0, 8, (2, 16, 16))
    again = rest + rng.normal(0, 4, (16, 16)) + 9
    groups = near_groups(table([1, 1, 1], [layered(r) for r in (rest, other, again)]), CLOSE)
    assert paths(groups) == [[0, 2]]


def test_in_a_fixed_scene_only_the_same_are_alike() -> None:
    moved = [np.where(np.arange(256) == 10 * k, 240.0 - SCENE, SCENE) for k in range(1, 8)]
    shaded = SCENE + np.linspace(-30, 30, 256)
    same = SCENE + np.random.default_rng(3).normal(0, 2, 256)
    groups = near_groups(table([1] * 10, [SCENE, *moved, shaded, same]), CLOSE)
    assert [0, 9] in paths(groups)
    assert all(len(g) == 2 for g in paths(groups))


@pytest.mark.parametrize(("share", "others", "alike"), [
    (1.0, 10, False), (0.9, 10, False), (0.7, 10, True), (0.1, 10, True), (1.0, 7, True)])
def test_two_images_that_differ_as_those_of_the_set_do_are_no_copies(share: float, others: int, alike: bool) -> None:
    rng = np.random.default_rng(7)
    one, *rest = (SCENE + rng.normal(0, 25, 256) for _ in range(others + 1))  # one scene, and another thing in each
    two = SCENE + (one - SCENE) + share * rng.normal(0, 25 * np.sqrt(2), 256)
    far = [int(h) for h in rng.integers(0, 2**63, others)]
    groups = paths(near_groups(table([1, 1, *far], [one, two, *rest]), CLOSE))
    assert groups == ([[0, 1]] if alike else [])


@pytest.mark.parametrize(("between", "alike"), [
    ([0xFFFF << 16, 0xFFFF << 40], False),  # other things passed
    ([], True),
    ([1, 0xFFFF << 40], True),  # half is no more than half
])
def test_frames_between_which_other_things_passed_are_no_copies(between: list[int], alike: bool) -> None:
    later = SCENE + np.random.default_rng(1).normal(0, 8, 256)
    middle = [later if h == 1 else np.roll(SCENE, 50 * k + 9) for k, h in enumerate(between)]
    hashes, cells = [1, *between, 1], [SCENE, *middle, later]
    for frames in ([float(k) for k in range(len(hashes))], [100.0 - 7 * k for k in range(len(hashes))]):
        groups = paths(near_groups(table(hashes, cells, frames=frames), CLOSE))
        assert any({0, len(hashes) - 1} <= {*g} for g in groups) is alike
    assert any({0, len(hashes) - 1} <= {*g} for g in paths(near_groups(table(hashes, cells), CLOSE)))  # of no film


def test_the_same_is_a_copy_however_late_it_comes() -> None:
    hashes, cells = [1, 0xFFFF << 16, 0xFFFF << 40, 1], [SCENE, np.roll(SCENE, 9), np.roll(SCENE, 59), SCENE]
    assert paths(near_groups(table(hashes, cells, frames=[1.0, 2.0, 3.0, 4.0]), CLOSE)) == [[0, 3]]


def test_frames_by_their_names() -> None:
    names = ("a_mp4-0012_jpg.rf.1a2b.jpg", "v/0001234.jpg", "v/0092.jpg", "IMG_000123.jpg", "0.png")
    frames = frames_of(make_batch([{"path": p} for p in names]))
    assert frames["film"].tolist() == ["a_mp4", "7", None, None, None]
    assert frames["frame"].tolist()[:2] == [12.0, 1234.0]
