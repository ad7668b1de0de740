"""`dsinspect plugins`: what is installed, and what each plugin offers."""

from __future__ import annotations

import itertools
import sys
from typing import Annotated, Any

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Only, Running, shares_options


@shares_options
def plugins(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    running: Annotated[Running, Only("config no_plugin")],
) -> None:
    """List plugins and the formats, probes, checks, transforms, reports, executors and trainers they offer."""
    from dsinspect.loader import offered

    session = common.start((), None, running)
    rows: list[dict[str, Any]] = []
    for kind, by_name in offered(session.plugins).items():
        for name, thing in by_name.items():
            label = f"{name} {thing.name}" if kind == "check" and hasattr(thing, "name") else name
            summary = (thing.__doc__ or "").strip().partition("\n")[0]
            row: dict[str, Any] = {"kind": kind, "name": label, "plugin": session.plugins.owner(thing), "summary": summary}
            if kind == "format":
                row["can"] = abilities(thing)
            rows.append(row)
    if as_json:
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n")
        return
    built_in = {p.name for p in session.plugins.loaded if p.module.__name__.startswith("dsinspect_")
                and p.origin.startswith("dsinspect ")}
    for kind, group in itertools.groupby(rows, lambda row: row["kind"]):
        members = list(group)
        width = max(len(row["name"]) for row in members)
        print(f"{kind}s ({len(members)})")
        for row in members:
            can = f" [{', '.join(row['can'])}]" if "can" in row else ""
            owner = "" if row["plugin"] in built_in else f" (plugin {row['plugin']})"
            print(f"  {row['name']:<{width}}  {row['summary'].replace('`', '')}{can}{owner}")
        print()
    print("plugins")
    for plugin in session.plugins.loaded:
        if plugin.name not in built_in:
            print(f"  {plugin.name}: {plugin.origin}")
    print(f"  {len(built_in)} built in: {', '.join(sorted(built_in))}")


def abilities(format_type: Any) -> list[str]:
    """Return what can be done with a format: read, written (`convert --to`), edited (`fix`, `review apply`)."""
    return ["read", *(["written"] if format_type.writable else []), *(["edited"] if format_type.patchable else [])]
