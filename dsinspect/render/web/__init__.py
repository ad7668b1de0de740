"""Script and style that the page and the served app share, as files; no build step makes them."""

from __future__ import annotations

import re
from importlib.resources import files

MODULES = ("dom.js", "viewer.js", "dialogs.js", "actions.js", "boxes.js")
"""Modules in the order in which they need each other."""


def read(name: str) -> str:
    """Return one of the files."""
    return (files(__name__) / name).read_text(encoding="utf-8")


def joined(modules: list[str]) -> str:
    r"""Return ES modules as one, for a page that can load none: imports go, exports become plain, the order stays.

    >>> joined(['export const a = 1;', 'import { a } from "./a.js";\nconst b = a;'])
    'const a = 1;\nconst b = a;'
    """
    plain = (re.sub(r"^import [^;]*;\n", "", m, flags=re.MULTILINE) for m in modules)
    return "\n".join(re.sub(r"^export (?=class|const|function|async|let)", "", m, flags=re.MULTILINE) for m in plain)
