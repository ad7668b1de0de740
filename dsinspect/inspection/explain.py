"""What a check's own docstring and options say, as facts, as terminal text and as Markdown."""

from __future__ import annotations

import inspect
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from dsinspect.protocols.options import describe

if TYPE_CHECKING:
    from dsinspect.protocols.checks import Check


def facts_of(check_type: type[Check[Any, Any]]) -> dict[str, Any]:
    """Return a check's code, name, severity, text, needs and options, JSON-ready."""
    title = _doc_of(check_type).partition("\n")[0]
    return {
        "code": check_type.code, "name": check_type.name, "severity": str(check_type.severity),
        "summary": title.partition(": ")[2] or title, "text": explanation_of(check_type),
        "needs": list(check_type.needs),
        "options": [{"name": o.name, "default": o.default, "meaning": o.meaning, "source": o.source}
                    for o in describe(check_type.options_type)],
    }


def explanation_of(check_type: type[Check[Any, Any]]) -> str:
    """Return what the module of a check says below its first line: why it matters, an example, when to ignore it."""
    return _doc_of(check_type).partition("\n")[2].strip()


@cache
def _doc_of(check_type: type[Check[Any, Any]]) -> str:
    """Return the text of a check's module; of its class where the module has none."""
    return inspect.cleandoc(sys.modules[check_type.__module__].__doc__ or check_type.__doc__ or "")


def render(facts: dict[str, Any], width: int | None = None) -> str:
    """Return the explanation as terminal text; styled when stdout is a terminal."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(width=width, highlight=False)
    colour = {"error": "bold red", "warning": "bold yellow"}.get(facts["severity"], "bold cyan")
    with console.capture() as capture:
        console.print(Text.assemble((facts["code"], "bold"), " ", (facts["name"], "bold"), "  ",
                                    (facts["severity"], colour)))
        console.print(f"{facts['summary'][:1].upper()}{facts['summary'][1:]}", markup=False)
        for paragraph in filter(None, facts["text"].split("\n\n")):
            heading, colon, rest = paragraph.partition(":")
            console.print()
            if colon and "\n" not in heading and len(heading) < 40 and heading[:1].isupper():
                console.print(Text(heading, "bold"))
                console.print(Padding(Text(_joined(rest)), (0, 0, 0, 2), expand=False))
            else:
                console.print(Text(_joined(paragraph)))
        if facts["options"]:
            table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
            for column in ("option", "default", "meaning", "source"):
                table.add_column(column, overflow="fold")
            for o in facts["options"]:
                table.add_row(f"{facts['code']}.{o['name']}", str(o["default"]), Text(o["meaning"]), Text(o["source"]))
            console.print()
            console.print(table)
            first = facts["options"][0]
            console.print(f"\nChange a limit with --set {facts['code']}.{first['name']}=VALUE, or in dsinspect.toml "
                          f"under \\[checks.{facts['code']}].")
    return capture.get()


def _joined(paragraph: str) -> str:
    """Join the lines of a paragraph, but keep lines that are indented or listed."""
    lines = inspect.cleandoc(paragraph).split("\n")
    text = ""
    for line in lines:
        own_line = line.startswith((" ", "-", "*", "|"))
        text += ("\n" if own_line and text else " " if text else "") + line.rstrip()
    return text.strip()
