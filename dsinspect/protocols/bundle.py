"""Find the classes that a package of plugins offers."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import TypeVar, cast

C = TypeVar("C")


def classes_in(package: str, base: type[C]) -> list[type[C]]:
    """Return the concrete subclasses of `base` defined in the modules below a package, in module order.

    A module or package whose name starts with an underscore is left out.
    """
    return [cast("type[C]", c) for c in _classes_in(package) if base in c.__mro__]  # issubclass asks all subclasses of an ABC


@cache
def _classes_in(package: str) -> tuple[type, ...]:
    """Return all concrete classes, by one look in a process: folders are read for it."""
    found: list[type] = []
    for module in _modules_below(importlib.import_module(package)):
        found += [c for c in vars(module).values() if inspect.isclass(c) and c.__module__ == module.__name__
                  and not inspect.isabstract(c) and not c.__name__.startswith("_")]
    return tuple(found)


def _modules_below(package: ModuleType) -> Iterable[ModuleType]:
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        if info.ispkg:
            yield from _modules_below(module)
        else:
            yield module
