"""`dsinspect explain CODE`: what a check reports and why it matters; or the rules of a trainer."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Only, Running, shares_options
from dsinspect.errors import UserError, nearest


@shares_options
def explain(
    *,
    code: Annotated[str, typer.Argument(
        metavar="CODE", help="Code or name of a check (BOX001, no-area), or a trainer (ultralytics@8.4).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    running: Annotated[Running, Only("config no_plugin")],
) -> None:
    """Explain a check: what it reports, why that harms training, its limits and where they come from.

    For a trainer: what its loader does with a dataset, rule by rule, with the function each stands in.
    """
    from dsinspect.config import nearest_code
    from dsinspect.inspection.explain import facts_of, render
    from dsinspect.protocols.trainers import nearest_trainer

    session = common.start((), None, running)
    checks = session.plugins.checks
    by_name = {c.name: c for c in checks.values()}
    check_type = checks.get(code.upper()) or by_name.get(code.lower())
    if check_type is not None:
        facts = facts_of(check_type)
        text = None if as_json else render(facts)
    elif "@" in code or code in session.plugins.trainers:
        from dsinspect.inspection.explain_trainer import facts_of_trainer, render_trainer
        from dsinspect.protocols.trainers import chosen_trainer

        facts = facts_of_trainer(chosen_trainer(code, session.plugins.trainers))
        text = None if as_json else render_trainer(facts)
    else:
        near = nearest_code(code, checks) or nearest(code, by_name) or nearest_trainer(code, session.plugins.trainers)
        raise UserError(f"no check or trainer {code!r}{near}; `dsinspect plugins` lists them")
    if text is None:
        import msgspec

        text = msgspec.json.format(msgspec.json.encode(facts), indent=2).decode() + "\n"
    sys.stdout.write(text)
