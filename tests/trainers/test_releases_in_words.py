"""Texts that name a release of a trainer name the one that its rules name."""

from __future__ import annotations

from pathlib import Path

import pytest

import dsinspect_checks.images.trailing_bytes as trailing_bytes
import dsinspect_checks.sources.blank_row as blank_row
from dsinspect.errors import UserError
from dsinspect.io.files import LINK_WARNING
from dsinspect.loader import load_plugins
from dsinspect.protocols.trainers import chosen_trainer
from dsinspect_trainers.ultralytics import Ultralytics

DOCS = Path(__file__).resolve().parents[2] / "docs"


def ends(name: str) -> str:
    """Return the release at which the first rule of a name ends."""
    return next(r.until for r in Ultralytics.rules if r.key == name and r.until is not None)


def test_the_release_that_no_longer_rewrites_through_links_is_the_same_everywhere() -> None:
    said = f"before {ends('trailing-bytes')}"
    howto = (DOCS / "howto/clean-before-ultralytics.md").read_text()
    for text in (trailing_bytes.__doc__ or "", LINK_WARNING, howto):
        assert said in " ".join(text.split())


def test_the_release_that_no_longer_trips_over_a_blank_row_is_the_same_in_its_check() -> None:
    assert f"before {ends('blank-row')}" in (blank_row.__doc__ or "")


@pytest.mark.parametrize("wish", ["ultralytics@99", "ultralytics@8.4.9999", "mmdet@99"])
def test_a_release_that_is_not_known_yet_is_refused(wish: str) -> None:
    with pytest.raises(UserError, match=r"the rules are known up to .*to be judged by these"):
        chosen_trainer(wish, load_plugins().trainers)
