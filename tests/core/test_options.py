"""Options of plugins: types, bounds and near names."""

from __future__ import annotations

from typing import Annotated

import msgspec
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


def test_a_list_is_given_as_json_or_with_commas() -> None:
    class Options(BaseOptions, frozen=True):
        names: tuple[str, ...] = ()
        sides: list[float] = msgspec.field(default_factory=list)

    assert make(Options, {"names": "a,b", "sides": "1,2.5"}, "X") == Options(names=("a", "b"), sides=[1, 2.5])
    assert make(Options, {"names": '["a,b"]', "sides": "[]"}, "X") == Options(names=("a,b",), sides=[])
    with pytest.raises(UserError, match=r"X\.names"):
        make(Options, {"names": '["a"'}, "X")
