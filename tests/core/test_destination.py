"""Where output may go: never where a dataset or its images are; beside a file whose images are elsewhere, in a new folder."""

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


@pytest.mark.parametrize("name", ["new", "empty"])
def test_new_or_empty_folder_beside_a_file(file: Path, name: str) -> None:
    (file.parent / "images/a.png").unlink()
    (file.parent / ".new.1.part").mkdir()
    (file.parent / ".new.1.part/a.png").write_bytes(b"image")  # what a run that was killed left
    require_apart([file], file.parent / name)


@pytest.mark.parametrize("name", ["new", "empty", "images/new"])
def test_no_folder_where_the_images_of_a_file_lie(file: Path, name: str) -> None:
    with pytest.raises(UserError, match="holds the dataset's images"):
        require_apart([file], file.parent / name)
    with pytest.raises(UserError, match="lies in"):
        require_apart([file, file.parent / "images"], file.parent / name)
    with pytest.raises(UserError, match="lies in"):
        require_apart([file, file.parent.parent / "elsewhere", file.parent / "images"], file.parent / name)


def test_no_folder_in_the_set_of_a_file_of_annotations(file: Path) -> None:
    (file.parent / "annotations").mkdir()
    moved = file.rename(file.parent / "annotations/all.json")
    with pytest.raises(UserError, match="holds the dataset's images"):
        require_apart([moved], moved.parent.parent / "new")
    require_apart([moved], moved.parent.parent.parent / "new")


def test_a_new_folder_beside_a_file_whose_images_are_elsewhere(file: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    require_apart([file, tmp_path / "photos"], file.parent / "new")
    with pytest.raises(UserError, match="lies in"):
        require_apart([file, tmp_path / "photos"], tmp_path / "photos/new")


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
    (file.parent / "images/a.png").rename(file.parent / "images/other")
    require_apart([file], file.parent / "images", goes_on=True)
