"""A simulation as a run, so that the reports of findings write it: its losses as findings, its classes and reasons as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import Plugins
from dsinspect.protocols.run import Run
from dsinspect.protocols.trainers import Trainer
from dsinspect.simulation.simulate import Simulated, Simulation

if TYPE_CHECKING:
    import pandas as pd

CHECKS = "TRN"


def run_of(done: Simulation, request: Request, plugins: Plugins, trainers: Sequence[Trainer]) -> Run:
    """Return a run with the findings of the TRN checks for each trainer, and the tables of the simulation."""
    config = replace(request.config, select=(CHECKS,), extend_select=(), ignore=())
    whom: dict[str, Any] = {"trainer": trainers[0]} if len(trainers) == 1 else {"trainer": None, "beside": tuple(trainers)}
    run = inspect(replace(request, config=config, **whom), plugins)
    outcomes = list(run.outcomes)
    each = len(outcomes) // len(trainers)
    for k, simulated in enumerate(done.trainers):
        label, first = simulated.trainer.label, outcomes[k * each]
        outcomes[k * each] = replace(first, made={
            **first.made, f"{label} classes": class_table(simulated), f"{label} losses": loss_table(simulated)})
    return replace(run, outcomes=tuple(outcomes))


def class_table(simulated: Simulated) -> pd.DataFrame:
    """Return images and boxes of each class before and after."""
    import pandas as pd

    rows = [(name, *counts.tolist()) for name, counts in simulated.part.classes.items()]
    return pd.DataFrame(rows, columns=["class", "images before", "boxes before", "images after", "boxes after"])


def loss_table(simulated: Simulated) -> pd.DataFrame:
    """Return what is lost or changed, by reason."""
    import pandas as pd

    rows = [(rule.reason, loss.images, loss.dropped, loss.changed, rule.where, rule.says.partition("|")[0],
             ", ".join(loss.examples)) for rule, loss in simulated.losses]
    return pd.DataFrame(rows, columns=["reason", "images left out", "annotations dropped", "annotations changed", "where",
                                       "in its own words", "examples"])
