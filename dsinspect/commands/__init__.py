"""The commands of the core, one module each, in the order that help shows them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import typer

COMMANDS: Mapping[str, str | None] = {
    "report": None,
    "check": "Exit 1 when an error is found: the gate.",
    "fix": "Write a corrected copy of a dataset.",
    "review": None,
    "balance": "Compute class weights and repeat factors.",
    "transform": "Resize, flip, tile ... images and boxes.",
    "convert": "Write a dataset in another format.",
    "simulate": "Show what trainers would make of a dataset.",
    "expect": "Show what the first losses must be.",
    "view": "Draw images with their boxes.",
    "explain": "Explain a check or a trainer.",
    "plugins": "List plugins and what they offer.",
    "init": "Write a commented dsinspect.toml.",
    "new": "Write the package of a plugin to start from.",
    "cache": None,
}
"""The short help of each command by its name, which is its module's; None for the first line of its docstring."""
GROUPS = ("review", "cache")
"""Those that are groups of commands: `app` in their module."""


def register(app: typer.Typer, only: str | None = None) -> None:
    """Add the core's commands; their modules import nothing heavy.

    Args:
        app: to add them to.
        only: the one command that is going to run: reading the options of all takes longer than a small set.
    """
    for name, short_help in COMMANDS.items():
        if only in (None, name):
            module = import_module(f"{__name__}.{name}")
            if name in GROUPS:
                app.add_typer(module.app, name=name)
            else:
                app.command(short_help=short_help)(getattr(module, name))
