"""Options that commands share mean the same, in the same words, wherever they stand."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

import pytest
import typer

from dsinspect.cli import build
from dsinspect.commands.options import Choices, Dataset, Judging, Only, Placing, Running, shares_options
from dsinspect.loader import load_plugins

OWN = {"--trainer", "--select", "--imgsz", "--force", "--output", "--diff", "--to", "--output-format", "--split"}
"""Options that mean another thing in another command."""


def options() -> dict[str, dict[str, Any]]:
    """Return the options of each command by their first name."""
    found: dict[str, dict[str, Any]] = {}

    def walk(group: Any, prefix: str) -> None:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                walk(command, f"{prefix}{name} ")
            else:
                found[prefix + name] = {p.opts[0]: p for p in command.params if p.param_type_name == "option"}

    walk(typer.main.get_command(build(load_plugins())), "")
    return found


def test_an_option_of_one_name_is_described_alike_in_all_commands() -> None:
    said: dict[str, dict[tuple[str | None, tuple[str, ...]], str]] = {}
    for command, own in options().items():
        for name, option in own.items():
            if name not in OWN:
                said.setdefault(name, {}).setdefault((option.help, tuple(option.opts)), command)
    assert {name: forms for name, forms in said.items() if len(forms) > 1} == {}


def test_every_command_that_reads_a_dataset_has_the_options_of_reading() -> None:
    reading = {"report", "check", "fix", "balance", "transform", "convert", "simulate", "expect", "view", "review apply",
               "review serve"}
    for command, own in options().items():
        if command in reading:
            assert {"--format", "--images", "--columns", "--config", "--no-plugin", "--quiet"} <= own.keys(), command


def test_every_command_that_spreads_work_names_workers_and_executor() -> None:
    for command, own in options().items():
        assert ("--jobs" in own) == ("--executor" in own), command


def test_a_command_gets_its_groups_and_the_rest_stands_at_its_defaults() -> None:
    got: dict[str, Any] = {}

    @shares_options
    def command(dataset: Dataset, *, placing: Annotated[Placing, Only("force")], own: int = 3,
                judging: Annotated[Judging, Only("images format")], running: Annotated[Running, Only("quiet")]) -> None:
        """Do it."""
        got.update(dataset=dataset, placing=placing, own=own, judging=judging, running=running)

    app = typer.Typer()
    app.command()(command)
    app(["set", "--force", "--format", "coco", "-q"], standalone_mode=False)
    assert got == {"dataset": ["set"], "placing": Placing(force=True), "own": 3, "judging": Judging(format="coco"),
                   "running": Running(quiet=True)}
    shown = [p.name for p in typer.main.get_command(app).params]
    assert shown[:6] == ["dataset", "force", "own", "images", "format", "quiet"]


def test_a_misspelt_option_of_a_group_is_a_mistake_of_ours_at_once() -> None:
    with pytest.raises(KeyError, match="formt"):
        @shares_options
        def command(*, judging: Annotated[Judging, Only("formt")]) -> None:
            """Never made."""


def test_choices_hold_what_every_group_can_say() -> None:
    names = {f.name for f in fields(Choices)}
    assert {f.name for group in (Judging, Running) for f in fields(group)} <= names
    assert Choices(datasets="one set").datasets == ("one set",)
    assert Choices(datasets=["a", "b"]).dataset == "a b"
