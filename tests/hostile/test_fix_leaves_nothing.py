"""A fix that ends with exit 2 leaves no output; beside other files in a folder it says that it is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.conftest import Done, snapshot
from hostile.sets import coco, voc

from dsinspect.errors import UserError
from dsinspect.fixing import autofix

Cli = Callable[..., Done]


@pytest.mark.parametrize("there", [True, False])
def test_what_cannot_be_read_again_is_not_left(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UserError("set: nothing to read")

    monkeypatch.setattr(autofix, "recheck", refuse)
    source = coco(tmp_path / "set")
    if there:
        (tmp_path / "out").mkdir()
    before = snapshot(tmp_path)
    done = cli("fix", source, "-o", tmp_path / "out")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "not written" in done.err
    after = snapshot(tmp_path)
    assert {k: v for k, v in after.items() if not k.startswith("cache")} == before


def test_with_other_files_in_the_folder_it_is_said_that_it_is_written(cli: Cli, tmp_path: Path) -> None:
    voc(tmp_path / "out/other")
    voc(tmp_path / "out")
    coco(tmp_path / "out")
    theirs = snapshot(tmp_path / "out")
    done = cli("fix", coco(tmp_path / "set", name="j.json"), "-o", tmp_path / "out", "--force")
    if done.code == 2:
        assert "is written" in done.err
    ours = snapshot(tmp_path / "out")
    assert "j.json" in ours
    assert theirs.keys() <= ours.keys()
