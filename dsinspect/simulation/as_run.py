"""A simulation as a run, so that the reports of findings write it: its losses as findings, its classes and reasons as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import Plugins
from dsinspect.protocols.run import NO_CLASS, Run
from dsinspect.protocols.trainers import Trainer
from dsinspect.simulation.as_text import beyond_the_tables, stopped
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
        of_all = {"What arrives": arrival_table(done), "What arrives of each class": class_table(done)} if k == 0 else {}
        losses = {f"{label} losses": loss_table(simulated)} if simulated.losses else {}
        outcomes[k * each] = replace(first, made={**first.made, **of_all, **losses})
    return replace(run, outcomes=tuple(outcomes))


def arrival_table(done: Simulation) -> pd.DataFrame:
    """Return what each trainer keeps of the whole set, and what stops it first."""
    import pandas as pd

    rows = []
    for s in done.trainers:
        kept, changed, dropped = s.part.annotations.tolist()
        rows.append((s.trainer.label, *s.part.images.tolist(), kept + changed, dropped, changed,
                     _note(s),
                     stopped(s.stops[0]) if s.stops else "", s.stops[0].where if s.stops else ""))
    return pd.DataFrame(rows, columns=["trainer", "images", "images left out", "annotations", "annotations dropped",
                                       "annotations changed", "note", "stops", "where"])


def _note(s: Simulated) -> str:
    notes = [f"as if converted to {s.trainer.reads[0]}"] if s.converted else []
    return "; ".join([*notes, *([beyond_the_tables(s.part.extras)] if s.part.extras else [])])


def class_table(done: Simulation) -> pd.DataFrame:
    """Return images and boxes of each class, as they stand and as they arrive for each trainer."""
    import pandas as pd

    parts = [s.part.classes for s in done.trainers]
    rows = [(NO_CLASS if name is None else name, *parts[0][name][:2].tolist(), *(int(v) for p in parts for v in p[name][2:]))
            for name in parts[0]]
    columns = [f"{what} for {s.trainer.label}" for s in done.trainers for what in ("images", "boxes")]
    return pd.DataFrame(rows, columns=["class", "images", "boxes", *columns])


def loss_table(simulated: Simulated) -> pd.DataFrame:
    """Return what is lost or changed, by reason."""
    import pandas as pd

    rows = [(rule.reason, loss.images, loss.dropped, loss.changed, rule.where, rule.says.partition("|")[0],
             ", ".join(loss.examples)) for rule, loss in simulated.losses]
    return pd.DataFrame(rows, columns=["reason", "images left out", "annotations dropped", "annotations changed", "where",
                                       "in its own words", "examples"])
