"""Options of plugins: types, bounds and near names."""

from __future__ import annotations

from typing import Annotated

import pytest

from dsinspect.errors import UserError
from dsinspect.protocols.options import BaseOptions, describe, make, option


class Limits(BaseOptions):
    min_side: Annotated[float, option("shorter side, px", source="somewhere", ge=0)] = 2.0
    strict: bool = False


@pytest.mark.parametrize("value", [3, 3.0, "3", "3.0"])
def test_text_and_number_give_the_same(value: object) -> None:
    assert make(Limits, {"min_side": value}, "BOX005").min_side == 3.0


@pytest.mark.parametrize(("values", "told"), [
    ({"min_sid": 3}, "did you mean 'min_side'"), ({"min_side": "wide"}, "BOX005"), ({"min_side": -1}, "of at least 0"),
    ({"strict": "perhaps"}, "BOX005"),
])
def test_wrong_values(values: dict[str, object], told: str) -> None:
    with pytest.raises(UserError, match=told):
        make(Limits, values, "BOX005")


def test_describe_lists_meaning_and_source() -> None:
    first, second = describe(Limits)
    assert (first.name, first.default, first.meaning) == ("min_side", 2.0, "shorter side, px")
    assert first.source == "somewhere"
    assert (second.name, second.meaning) == ("strict", "")
