"""The configuration: where it is found, what it says, and what a misspelt word gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsinspect.config import Config, find_config, load_config, read_config
from dsinspect.errors import UserError
from dsinspect.findings.severity import Severity

CODES = ["BOX001", "BOX005", "CLS001", "IMG001"]


def write(folder: Path, text: str, name: str = "dsinspect.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_nearest_to_the_dataset_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b" / "set").mkdir(parents=True)
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    far = write(tmp_path, "")
    assert find_config(tmp_path / "a" / "b" / "set") == far
    near = write(tmp_path / "a" / "b", "")
    assert find_config(tmp_path / "a" / "b" / "set") == near
    assert find_config(None) == far


def test_own_file_beats_pyproject_in_one_folder_and_others_pyprojects_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "[tool.other]\n", "pyproject.toml")
    inner = tmp_path / "set"
    inner.mkdir()
    write(inner, "[tool.dsinspect]\nselect = ['BOX']\n", "pyproject.toml")
    assert load_config(inner).select == ("BOX",)
    write(inner, "select = ['CLS']")
    assert load_config(inner).select == ("CLS",)


@pytest.mark.parametrize(("text", "told"), [
    ("selct = []", "did you mean 'select'"),
    ("select = 'BOX'", "select"),
    ("fail-on = 'eror'", "did you mean 'error'"),
    ("[severity]\nBOX = 'bad'", "bad"),
    ("select = [", "not valid TOML"),
])
def test_wrong_files_are_one_line_that_names_the_file(tmp_path: Path, text: str, told: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UserError, match=told) as caught:
        read_config(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("config", "chosen"), [
    (Config(), CODES),
    (Config(select=("BOX",)), ["BOX001", "BOX005"]),
    (Config(ignore=("BOX",)), ["CLS001", "IMG001"]),
    (Config(select=("BOX",), ignore=("BOX005",)), ["BOX001"]),
    (Config(select=("BOX005",), ignore=("BOX",)), ["BOX005"]),
    (Config(select=("BOX",), extend_select=("CLS001",)), ["BOX001", "BOX005", "CLS001"]),
    (Config(extend_select=("BOX005",), ignore=("BOX",)), ["BOX005", "CLS001", "IMG001"]),
    (Config(select=("ALL",)), CODES),
    (Config(select=("BOX001",), ignore=("BOX001",)), []),
    (Config(ignore=("ALL",)), []),
    (Config(select=("ALL",), ignore=("BO",)), ["CLS001", "IMG001"]),
    (Config(select=("BOX",), ignore=("ALL",)), ["BOX001", "BOX005"]),
])
def test_selection_by_prefix(config: Config, chosen: list[str]) -> None:
    assert config.chosen(CODES) == chosen


@pytest.mark.parametrize("config", [
    Config(select=("BOX01",)), Config(ignore=("BXO",)), Config(extend_select=("",)),
    Config(severity={"BOX9": Severity.INFO}), Config(per_split_ignores={"test": ("CLS0099",)}),
    Config(checks={"BOX010": {}}),
])
def test_code_that_no_check_has(config: Config) -> None:
    with pytest.raises(UserError, match=r"no check has|no such check"):
        config.chosen(CODES)


def test_misspelt_code_suggests_the_near_one() -> None:
    with pytest.raises(UserError, match="did you mean 'BOX005'"):
        Config(select=("BOX0055",)).chosen(CODES)


def test_longest_prefix_decides_severity() -> None:
    config = Config(severity={"BOX": Severity.INFO, "BOX001": Severity.WARNING})
    assert config.severity_of("BOX001") is Severity.WARNING
    assert config.severity_of("BOX005") is Severity.INFO
    assert config.severity_of("CLS001") is None


@pytest.mark.parametrize("order", [1, -1])
def test_all_gives_way_to_every_prefix_whatever_stands_first(order: int) -> None:
    config = Config(severity=dict([("ALL", Severity.INFO), ("BOX", Severity.ERROR), ("CL", Severity.WARNING)][::order]))
    assert [config.severity_of(c) for c in ("BOX001", "CLS001", "IMG001")] == [Severity.ERROR, Severity.WARNING, Severity.INFO]


def test_settings_beat_the_file() -> None:
    config = Config(checks={"BOX005": {"min_side": 3}}).overlay(settings=["BOX005.min_side=4", "voc.base=1"])
    assert config.checks["BOX005"]["min_side"] == "4"
    assert config.formats["voc"]["base"] == "1"


@pytest.mark.parametrize("setting", ["BOX005", "BOX005.min_side", "=3", "min_side=3"])
def test_setting_of_another_form(setting: str) -> None:
    with pytest.raises(UserError, match=r"CODE\.option=value"):
        Config().overlay(settings=[setting])
