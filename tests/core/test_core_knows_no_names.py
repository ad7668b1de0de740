"""The core knows no check by its code and no plugin by its name, but for those of `dsinspect.known_names`."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dsinspect import known_names
from dsinspect.loader import Plugins, load_plugins

CORE = Path(__file__).resolve().parents[2] / "dsinspect"
CODE = re.compile(r"\b[A-Z]{3}\d{3}\b")
KNOWN = "known_names.py"
"""Each name there has its reason beside it."""
EXAMPLES = {
    ("commands/explain.py", "BOX001"): "an example in the help",
    ("config.py", "BOX005"): "an example in the error of a --set without a value",
    ("commands/init.py", "BOX005"): "an example line, commented out, of the configuration that it writes",
    ("commands/init.py", "CLS002"): "the same",
    ("commands/init.py", "IMG010"): "the same",
    ("testing/reports.py", "BOX001"): "a made-up finding of a baseline",
    ("testing/reports.py", "TST001"): "a made-up check", ("testing/reports.py", "TST002"): "a made-up check",
    ("testing/reports.py", "TST003"): "a made-up check", ("testing/reports.py", "TST004"): "a made-up check",
}
WORDS = {
    "text": "the column of an edit, the method of a report", "pixels": "a limit", "content": "how the cache knows a file",
    "stat": "how the cache knows a file", "upright": "a frame of boxes", "header": "what a loss is of", "xlsx": "a kind of file",
    "csv": "a kind of file"}
"""Names of plugins that are words of their own in the core, and what they mean there."""
OTHERS = {
    ("review/server/app.py", "html"): "a content type", ("testing/batches.py", "coco"): "the format of made-up batches",
    ("conversion/for_trainer.py", "yolo"): "how a trainer's own files are written, by the family that the trainer names",
    ("commands/simulate.py", "json"): "an output of its own: simulate prints no run"}


def _texts(path: Path) -> Iterator[str]:
    """Yield the texts in the source of a module that are not documentation."""
    tree = ast.parse(path.read_text("utf-8"))
    documentation = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def _found(wanted: Callable[[str], Iterable[str]]) -> set[tuple[str, str]]:
    """Return files of the core, and what is wanted of their texts."""
    files = {path: path.relative_to(CORE).as_posix() for path in CORE.rglob("*.py")}
    return {(name, word) for path, name in files.items() if name != KNOWN for text in _texts(path) for word in wanted(text)}


def _names(plugins: Plugins) -> dict[str, set[str]]:
    return {kind: set(getattr(plugins, kind)) for kind in ("formats", "reports", "transforms", "probes", "executors", "trainers")}


def test_no_check_is_known_by_its_code() -> None:
    assert _found(CODE.findall) == set(EXAMPLES)


def test_no_plugin_is_known_by_its_name() -> None:
    names = set().union(*_names(load_plugins()).values())
    assert set(WORDS) <= names
    assert _found(lambda text: {text} & (names - set(WORDS))) == set(OTHERS)


def test_what_is_known_is_there() -> None:
    plugins = load_plugins()
    columns = {c.name for p in plugins.probes.values() for c in p.columns}
    there = set().union(*_names(plugins).values()) | set(plugins.checks) | columns
    constants = {k: v for k, v in vars(known_names).items() if k.isupper()}
    assert set(constants.values()) <= there
    used = "\n".join(path.read_text("utf-8") for path in CORE.rglob("*.py") if path.name != KNOWN)
    assert [k for k in constants if not re.search(rf"\b{k}\b", used)] == []
    checks = {plugins.checks[getattr(known_names, k)].name for k in ("MISSING", "UNDECODABLE", "TRUNCATED")}
    assert checks == {"missing-file", "undecodable", "truncated"}


def test_examples_in_help_are_checks_that_there_are() -> None:
    assert {code for (file, code) in EXAMPLES if not file.startswith("testing/")} <= set(load_plugins().checks)
