"""Two runs into one output at once: one has it, the other ends in one line, and no file is of both."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsinspect.errors import UserError
from dsinspect.output.destination import staged
from dsinspect.transformation.checkpoints import Parts


@pytest.mark.parametrize("there", ["new", "empty"])
def test_the_first_to_end_has_the_output(tmp_path: Path, there: str) -> None:
    out = tmp_path / "out"
    if there == "empty":
        out.mkdir()
    other = tmp_path / "other"  # what another process has staged and renames first
    other.mkdir()
    (other / "theirs.txt").write_text("theirs")
    with pytest.raises(UserError, match="another run has filled it meanwhile"), staged([], out, force=False) as stage:  # noqa: PT012
        (stage / "ours.txt").write_text("ours")
        other.rename(out)
    assert [p.name for p in out.iterdir()] == ["theirs.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("there", ["new", "empty"])
def test_an_output_alone_is_whole(tmp_path: Path, there: str) -> None:
    out = tmp_path / "out"
    if there == "empty":
        out.mkdir(mode=0o750)
        mode = out.stat().st_mode
    with staged([], out, force=False) as stage:
        (stage / "ours.txt").write_text("ours")
    assert [p.name for p in out.iterdir()] == ["ours.txt"]
    assert there == "new" or out.stat().st_mode == mode


def test_a_transform_that_has_begun_has_the_output(tmp_path: Path) -> None:
    one, two = (Parts(tmp_path / "out/.dsinspect-transform") for _ in range(2))
    one.begin({"key": "a"}, anew=True)
    with pytest.raises(UserError, match="another run has begun there"):
        two.begin({"key": "b"}, anew=True)
    assert one.plan() == {"key": "a"}
    one.end()
    two.begin({"key": "b"}, anew=True)
