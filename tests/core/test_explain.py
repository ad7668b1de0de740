"""What `explain` takes from a check: its module's text, or its class's where the module has none."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from dsinspect.inspection.explain import facts_of, render
from dsinspect.loader import load_plugins


def test_class_docstring_where_the_module_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    check = load_plugins().checks["BOX001"]
    module = ModuleType("of_one_file")
    one_file = type("Square", (check,), {"__doc__": "Boxes that are square.\n\n    Why: a slip.", "__module__": "of_one_file"})
    monkeypatch.setitem(sys.modules, "of_one_file", module)
    facts = facts_of(one_file)
    assert facts["summary"] == "Boxes that are square."
    assert facts["text"] == "Why: a slip."
    one_file.__doc__ = "Boxes that are square."
    text = render(facts_of(one_file), 100)
    assert "Boxes that are square." in text
    assert "\n\n\n" not in text
