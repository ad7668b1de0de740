"""The hooks a plugin may implement, each returning classes.

A plugin is a module named in the entry-point group `dsinspect`. The module imports only `dsinspect` and the
standard library; a hook imports what it returns in its body, so that `dsinspect --help` loads nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import typer

    from dsinspect.protocols.checks import Check
    from dsinspect.protocols.executors import Executor
    from dsinspect.protocols.formats import Format
    from dsinspect.protocols.probes import Probe
    from dsinspect.protocols.reports import Report
    from dsinspect.protocols.trainers import Trainer
    from dsinspect.protocols.transforms import Transform

hookspec = pluggy.HookspecMarker("dsinspect")


class Hooks:
    """The hooks; none is firstresult or historic."""

    @hookspec
    def dsinspect_formats(self) -> Iterable[type[Format]]:  # type: ignore[empty-body]
        """Return dataset formats."""

    @hookspec
    def dsinspect_probes(self) -> Iterable[type[Probe]]:  # type: ignore[empty-body]
        """Return probes, which measure image files."""

    @hookspec
    def dsinspect_checks(self) -> Iterable[type[Check[Any, Any]]]:  # type: ignore[empty-body]
        """Return checks, which judge tables."""

    @hookspec
    def dsinspect_transforms(self) -> Iterable[type[Transform[Any]]]:  # type: ignore[empty-body]
        """Return transforms of images and their boxes."""

    @hookspec
    def dsinspect_reports(self) -> Iterable[type[Report]]:  # type: ignore[empty-body]
        """Return reports."""

    @hookspec
    def dsinspect_executors(self) -> Iterable[type[Executor]]:  # type: ignore[empty-body]
        """Return executors."""

    @hookspec
    def dsinspect_trainers(self) -> Iterable[type[Trainer]]:  # type: ignore[empty-body]
        """Return trainers: what the loader of each makes of a dataset."""

    @hookspec
    def dsinspect_commands(self, app: typer.Typer) -> None:
        """Add commands to the command line; a name that exists already is an error."""
