"""What the commands say of the sample sets is, to the byte, what is kept in tests/golden."""

from __future__ import annotations

import pytest
from golden_outputs import COMMANDS, GOLDEN, output


@pytest.mark.parametrize("name", COMMANDS)
def test_an_output_is_as_it_was(name: str, tmp_path, monkeypatch, request) -> None:
    if name.startswith("simulate"):  # a trainer drops what it cannot decode
        request.getfixturevalue("opencv")
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    assert output(COMMANDS[name]) == (GOLDEN / name).read_bytes().decode(), (
        "if that is meant: python tests/golden_outputs.py, and look at the diff")


def test_nothing_else_is_kept() -> None:
    assert {p.name for p in GOLDEN.iterdir()} == set(COMMANDS)
