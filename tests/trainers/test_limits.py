"""A trainer's limits are the defaults of checks; the configuration beats them."""

from __future__ import annotations

from pathlib import Path

from dsinspect.config import Config
from dsinspect.inspection.plan import build_checks
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols.trainers import Fates, Loaded, Trainer

PLUGINS = load_plugins()


class Strict(Trainer):
    """Wants boxes of 7 px, and a limit that no check has."""

    name = title = "strict"
    releases = ("1",)
    newest = "1"
    reads = ("coco",)
    rules = ()
    limits = {"BOX005": {"min_side": 7.0, "no_such_option": 1}}

    def judge(self, loaded: Loaded) -> Fates:
        raise NotImplementedError


def side(config: Config, trainer: Trainer | None) -> float:
    built = build_checks(Request("set", Path("set"), config, trainer=trainer), PLUGINS)
    return float(built["BOX005"].options.min_side)


def test_a_trainers_limit_is_the_default() -> None:
    plain = side(Config(), None)
    assert plain != 7
    assert side(Config(), Strict()) == 7
    assert side(Config(checks={"BOX005": {"min_side": 3.0}}), Strict()) == 3


def test_limits_are_those_of_checks() -> None:
    for trainer in PLUGINS.trainers.values():
        for code, values in trainer.limits.items():
            check = PLUGINS.checks.get(code)
            if check is not None:  # a plugin may be left out
                assert set(values) <= set(check.options_type.__struct_fields__), (trainer.name, code)
