"""`dsinspect new`: write the package of a plugin to start from, with tests that pass."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from dsinspect.errors import UserError, nearest

HOOKS: Mapping[str, str] = {
    "check": "dsinspect_checks", "probe": "dsinspect_probes", "format": "dsinspect_formats",
    "transform": "dsinspect_transforms", "report": "dsinspect_reports", "executor": "dsinspect_executors",
    "trainer": "dsinspect_trainers", "command": "dsinspect_commands"}
"""Kind of plugin to the hook that offers it."""


def new(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"What to write: {', '.join(HOOKS)}.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, in kebab case: square-box.")],
    folder: Annotated[Path | None, typer.Option(
        "--output", "-o", metavar="DIR", help="New folder to write; default: dsinspect-NAME here.")] = None,
) -> None:
    """Write the package of a plugin to start from: it installs, is found, and its tests pass."""
    if kind not in HOOKS:
        raise UserError(f"new {kind}: no such kind of plugin{nearest(kind, HOOKS)}; there are {', '.join(HOOKS)}")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UserError(f"new {kind} {name}: write the name in kebab case, such as square-box")
    target = folder or Path(f"dsinspect-{name}")
    if target.exists():
        raise UserError(f"{target} exists already; name another folder with -o")
    if not target.parent.is_dir():
        raise UserError(f"-o {target}: no folder {target.parent}; make it first, or name another place")
    try:
        for path, text in package_of(kind, name).items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(text, encoding="utf-8")
    except OSError as e:
        raise UserError(f"{target}: {e.strerror or e}") from None
    print(f"wrote {target}; next: cd {target} && pip install -e '.[dev]' && pytest")


def package_of(kind: str, name: str) -> dict[str, str]:
    """Return the files of a plugin's package: path to text.

    Args:
        kind: one of `HOOKS`.
        name: in kebab case.
    """
    from dsinspect.protocols import VERSION

    words = name.split("-")
    module = "dsinspect_" + "_".join(words)
    values = {
        "kind": kind, "article": "An" if kind[0] in "aeiou" else "A",
        "hook": HOOKS[kind], "name": name, "plugin": name, "project": f"dsinspect-{name}", "module": module,
        "class_name": "".join(w.capitalize() for w in words), "function": "_".join(words), "column": "_".join(words),
        "code": code_of(name), "version": str(VERSION)}

    def filled(template: str) -> str:
        source = files("dsinspect.commands") / "new_templates" / f"{template}.txt"
        return Template(source.read_text("utf-8")).substitute(values)

    return {"pyproject.toml": filled("pyproject.toml"), "README.md": filled("README.md"),
            f"{module}/__init__.py": filled("init_command" if kind == "command" else "init"), f"{module}/py.typed": "",
            f"{module}/{kind}.py": filled(kind), f"tests/test_{kind}.py": filled(f"test_{kind}")}


def code_of(name: str) -> str:
    """Return a code for a check that is to be changed: three letters of its name and a number, 900 to 999.

    >>> code_of("square-box")[:3]
    'SQU'
    """
    letters = (re.sub(r"[^a-z]", "", name).upper() + "XXX")[:3]
    return f"{letters}{900 + hashlib.blake2b(name.encode(), digest_size=2).digest()[0] % 100}"
