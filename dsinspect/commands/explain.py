"""`dsinspect explain CODE`: what a check reports, why it matters, and its limits."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dsinspect.commands import common
from dsinspect.errors import UserError, nearest


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Code or name of a check: BOX001, no-area.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    config: common.ConfigFile = None,
    no_plugin: common.NoPlugin = None,
) -> None:
    """Explain a check: what it reports, why that harms training, its limits and where they come from."""
    from dsinspect.inspection.explain import facts_of, render

    session = common.start(common.Choices("", config=config, no_plugin=no_plugin or ()))
    checks = session.plugins.checks
    by_name = {c.name: c for c in checks.values()}
    check_type = checks.get(code.upper()) or by_name.get(code.lower())
    if check_type is None:
        raise UserError(f"no check {code!r}{nearest(code.upper(), checks) or nearest(code, by_name)}; "
                        "`dsinspect plugins` lists them")
    facts = facts_of(check_type)
    if as_json:
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(facts), indent=2).decode() + "\n")
    else:
        sys.stdout.write(render(facts))
