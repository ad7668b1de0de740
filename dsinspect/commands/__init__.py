"""The commands of the core, one module each, in the order that help shows them."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the core's commands; their modules import nothing heavy."""
    from dsinspect.commands import balance, cache, check, convert, explain, fix, init, plugins, report, review, transform, view

    app.command()(report.report)
    app.command(short_help="Exit 1 when an error is found: the gate.")(check.check)
    app.command(short_help="Write a corrected copy of a dataset.")(fix.fix)
    app.add_typer(review.app, name="review")
    app.command(short_help="Compute class weights and repeat factors.")(balance.balance)
    app.command(short_help="Resize, flip, tile ... pictures and boxes.")(transform.transform)
    app.command(short_help="Write a dataset in another format.")(convert.convert)
    app.command(short_help="Draw pictures with their boxes.")(view.view)
    app.command(short_help="Explain a check.")(explain.explain)
    app.command(short_help="List plugins and what they offer.")(plugins.plugins)
    app.command(short_help="Write a commented dsinspect.toml.")(init.init)
    app.add_typer(cache.app, name="cache")
