"""Where output may go: never where a dataset is, but beside a dataset that is a single file in a folder that is new or empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsinspect.errors import UserError
from dsinspect.output.destination import require_apart


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "set/images").mkdir(parents=True)
    (tmp_path / "set/images/a.png").write_bytes(b"image")
    (tmp_path / "set/empty").mkdir()
    (tmp_path / "set/all.json").write_text("{}")
    return tmp_path / "set/all.json"


@pytest.mark.parametrize("name", ["new", "empty", "images/new"])
def test_new_or_empty_folder_beside_a_file(file: Path, name: str) -> None:
    require_apart([file], file.parent / name)


@pytest.mark.parametrize("name", ["images", ".", "..", "all.json"])
def test_what_holds_something_or_the_file_is_refused(file: Path, name: str) -> None:
    with pytest.raises(UserError, match="lies in"):
        require_apart([file], file.parent / name)


@pytest.mark.parametrize("name", ["new", "empty", ".", ".."])
def test_no_folder_in_a_dataset_that_is_a_folder(file: Path, name: str) -> None:
    with pytest.raises(UserError, match="lies in"):
        require_apart([file.parent], file.parent / name)
    with pytest.raises(UserError, match="lies in"):
        require_apart([file, file.parent], file.parent / name)


def test_a_run_that_is_resumed_goes_on(file: Path) -> None:
    require_apart([file], file.parent / "images", goes_on=True)
