"""The commands of the core, one module each, in the order that help shows them."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the core's commands; their modules import nothing heavy."""
    from dsinspect.commands import balance, cache, check, convert, explain, fix, init, plugins, report, review, transform, view

    app.command()(report.report)
    app.command()(check.check)
    app.command()(fix.fix)
    app.add_typer(review.app, name="review")
    app.command()(balance.balance)
    app.command()(transform.transform)
    app.command()(convert.convert)
    app.command()(view.view)
    app.command()(explain.explain)
    app.command()(plugins.plugins)
    app.command()(init.init)
    app.add_typer(cache.app, name="cache")
