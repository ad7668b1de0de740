"""A check that only the records tell to have nothing to judge says that it does not apply, and why; it is not called clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.testing.rich_set import write_rich_set

PLUGINS = load_plugins()


@pytest.mark.parametrize(("name", "applies"), [("via", False), ("createml", False), ("coco", True), ("cvat", True)])
def test_declared_sizes(name: str, applies: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    write_rich_set(PLUGINS.formats[name], tmp_path / "set")
    run = inspect(Request("set", tmp_path / "set"), PLUGINS)
    outcome = next(o for o in run.outcomes if o.code == "IMG004")
    assert outcome.applies is applies
    assert outcome.status == ("clean" if applies else "skipped")
    assert outcome.metrics == ({} if applies else {"reason": "no image of the set declares a size", "applies": False})
    assert not outcome.is_blind
