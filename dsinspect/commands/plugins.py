"""`dsinspect plugins`: what is installed, and what each plugin offers."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dsinspect.commands import common


def plugins(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    config: common.ConfigFile = None,
    no_plugin: common.NoPlugin = None,
) -> None:
    """List plugins and the formats, probes, checks, transforms, reports, executors and trainers they offer."""
    from dsinspect.loader import offered

    session = common.start(common.Choices("", config=config, no_plugin=no_plugin or ()))
    rows = []
    for kind, by_name in offered(session.plugins).items():
        for name, thing in by_name.items():
            label = f"{name} {thing.name}" if kind == "check" and hasattr(thing, "name") else name
            summary = (thing.__doc__ or "").strip().partition("\n")[0]
            rows.append({"kind": kind, "name": label, "plugin": session.plugins.owner(thing), "summary": summary})
    if as_json:
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    origin = {p.name: p.origin for p in session.plugins.loaded}
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("kind")
    table.add_column("name", no_wrap=True)
    table.add_column("plugin", no_wrap=True)
    table.add_column("what it does")
    previous = ""
    for row in rows:
        table.add_row(Text(row["kind"] if row["kind"] != previous else "", "bold"), Text(row["name"]),
                      Text(row["plugin"], "dim"), Text(row["summary"]))
        previous = row["kind"]
    console.print(table)
    console.print()
    for name, where in origin.items():
        console.print(Text(f"{name}: {where}", "dim"))
