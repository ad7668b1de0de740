"""CLS007 and the flip's `--swap-mirrored` know the same names: one list, held together by a test of random names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dsinspect.geometry.label_swap import mirrored_pairs
from dsinspect.loader import load_plugins
from dsinspect.testing import make_batch

CHECK = load_plugins().checks["CLS007"]
WORDS = st.sampled_from(["left", "right", "Left", "Right", "LEFT", "l", "r", "L", "hand", "Hand", "over", "_", "-", " ", "c"])
NAMES = st.lists(st.lists(WORDS, min_size=1, max_size=3).map("".join), min_size=1, max_size=12, unique=True)


@given(NAMES)
def test_every_name_that_a_flip_swaps_is_reported_once(names: list[str]) -> None:
    batch = make_batch(categories=names)
    check = CHECK()
    found = check.finish(check.map(batch), batch.dataset).findings
    told = {frozenset((f.values["left"], f.values["right"])) for f in found.iterate("CLS007", CHECK.severity)}
    assert told == {frozenset(pair) for pair in mirrored_pairs(names).items()}
    assert len(found) == len(told)
