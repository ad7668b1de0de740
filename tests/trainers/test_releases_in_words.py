"""Texts that name a release of a trainer name the one that its rules name."""

from __future__ import annotations

from pathlib import Path

import pytest

import dsinspect_checks.images.trailing_bytes as trailing_bytes
import dsinspect_checks.sources.blank_row as blank_row
from dsinspect.cli import main
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


NAMES = sorted(load_plugins().trainers)
COMMANDS = {"check": ["--trainer"], "report": ["--trainer"], "simulate": ["--trainer"], "expect": ["--trainer"],
            "convert": ["-o", "OUT", "--for"]}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("release", ["0.0.1", "99", "NEWEST.1", "new", ""])
def test_a_release_that_nobody_knows_is_refused_by_every_command(
        command: str, name: str, release: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newest = load_plugins().trainers[name].newest
    out = tmp_path / "out"
    options = [str(out) if o == "OUT" else o for o in COMMANDS[command]]
    wish = f"{name}@{release.replace('NEWEST', newest)}"
    assert main([command, str(DOCS.parent / "sample_data/yolo"), *options, wish]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert newest in told.err
    assert not out.exists()


def test_a_release_beyond_the_end_of_a_finished_line_is_refused() -> None:
    trainers = load_plugins().trainers
    assert chosen_trainer("ultralytics@8.3", trainers).release == "8.3.253"
    with pytest.raises(UserError, match=r"the last release of that line is 8\.3\.253"):
        chosen_trainer("ultralytics@8.3.254", trainers)
    with pytest.raises(UserError, match="is not a release"):
        chosen_trainer("ultralytics@8.4." + "9" * 5000, trainers)
