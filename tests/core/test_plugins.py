"""The plugin loader: order, name clashes, one-file plugins, hooks."""

from __future__ import annotations

import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated

import pytest
import typer

from dsinspect import hookimpl
from dsinspect import loader as plugins
from dsinspect.cli import build, main
from dsinspect.errors import PluginError, UserError
from dsinspect.protocols.checks import RowCheck
from dsinspect.protocols.hookspecs import Hooks
from dsinspect.protocols.probes import Column, Level, Probe
from dsinspect.protocols.reports import Report

ONE_FILE = '''
"""A plugin of one file."""
from dsinspect import hookimpl
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class Mine(RowCheck[BaseOptions]):
    """Everything."""
    code = "MIN001"
    name = "mine"
    severity = Severity.INFO

    def find(self, batch):
        return Findings.none()


@hookimpl
def dsinspect_checks():
    return [Mine]
'''


def entries(monkeypatch: pytest.MonkeyPatch, **modules: types.ModuleType) -> None:
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, f"fake_{name}", module)
    found = [EntryPoint(name, f"fake_{name}", "dsinspect") for name in modules]
    monkeypatch.setattr(plugins, "entry_points", lambda group: found)


def module_with(**hooks: object) -> types.ModuleType:
    module = types.ModuleType("fake")
    for name, function in hooks.items():
        setattr(module, name, hookimpl(function))
    return module


def check_named(code: str) -> type:
    return type(f"Check{code}", (RowCheck,), {"code": code, "name": "x", "__module__": __name__, "find": lambda self, batch: None})


def test_built_in_plugins_come_through_the_entry_points() -> None:
    loaded = plugins.load_plugins()
    assert {"checks", "probes", "reports", "executors", "transforms", "format-coco"} <= {p.name for p in loaded.loaded}
    assert list(loaded.checks) == sorted(loaded.checks)


def test_every_hook_is_documented() -> None:
    for name, hook in vars(Hooks).items():
        if name.startswith("dsinspect_"):
            assert hook.__doc__, name


def test_two_checks_with_one_code_are_an_error_naming_both(monkeypatch: pytest.MonkeyPatch) -> None:
    entries(monkeypatch, one=module_with(dsinspect_checks=lambda: [check_named("AAA001")]),
            two=module_with(dsinspect_checks=lambda: [check_named("AAA001")]))
    with pytest.raises(PluginError, match=r"'one'.*'two'.*--no-plugin"):
        _ = plugins.load_plugins().checks


def test_hook_that_raises_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[type]:
        raise ZeroDivisionError("oops")

    entries(monkeypatch, bad=module_with(dsinspect_checks=broken))
    with pytest.raises(PluginError, match=r"'bad'.*oops.*--no-plugin bad"):
        _ = plugins.load_plugins().checks


def test_hook_that_returns_something_else_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    entries(monkeypatch, bad=module_with(dsinspect_checks=lambda: [42]))
    with pytest.raises(PluginError, match=r"'bad'.*42.*no check class"):
        _ = plugins.load_plugins().checks


@pytest.mark.parametrize("returned", [None, 3])
def test_hook_that_returns_no_list_is_told_what_to_return(monkeypatch: pytest.MonkeyPatch, returned: object) -> None:
    entries(monkeypatch, bad=module_with(dsinspect_checks=lambda: returned))
    with pytest.raises(PluginError, match=rf"'bad'.*returned {returned}, where a list of classes was expected.*--no-plugin bad"):
        _ = plugins.load_plugins().checks


def test_two_checks_of_one_name_are_an_error_naming_both(monkeypatch: pytest.MonkeyPatch) -> None:
    entries(monkeypatch, one=module_with(dsinspect_checks=lambda: [check_named("AAA001")]),
            two=module_with(dsinspect_checks=lambda: [check_named("AAA002")]))
    with pytest.raises(PluginError, match=r"two plugins offer the check name 'x': 'one'.*'two'.*--no-plugin"):
        _ = plugins.load_plugins().checks


def test_two_probes_of_one_column_are_an_error_naming_both(monkeypatch: pytest.MonkeyPatch) -> None:
    def probe(name: str) -> type:
        return type("P", (Probe,), {"name": name, "version": 1, "level": Level.HEADER, "__module__": __name__,
                                    "columns": (Column("seen", "float64", "1", "what"),), "measure": lambda self, file: (1.0,)})

    entries(monkeypatch, one=module_with(dsinspect_probes=lambda: [probe("a")]),
            two=module_with(dsinspect_probes=lambda: [probe("b")]))
    with pytest.raises(PluginError, match=r"two plugins offer the column 'seen': 'one'.*'two'.*--no-plugin"):
        _ = plugins.load_plugins().probes


@pytest.mark.parametrize("error", [ValueError("oops"), SystemExit("oops")])
def test_commands_that_cannot_be_added_name_their_plugin(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def dsinspect_commands(app: object) -> None:
        raise error

    entries(monkeypatch, bad=module_with(dsinspect_commands=dsinspect_commands))
    with pytest.raises(PluginError, match=rf"'bad'.*dsinspect_commands failed with {type(error).__name__}: oops.*--no-plugin bad"):
        build(plugins.load_plugins())


def test_misspelt_hook_suggests_the_near_one(monkeypatch: pytest.MonkeyPatch) -> None:
    entries(monkeypatch, bad=module_with(dsinspect_check=lambda: []))
    with pytest.raises(PluginError, match="did you mean 'dsinspect_checks'"):
        plugins.load_plugins()


def test_disabled_name_that_does_not_exist_suggests_the_near_one() -> None:
    with pytest.raises(UserError, match="did you mean 'checks'"):
        plugins.load_plugins(["check"])
    with pytest.raises(UserError, match="disable-plugins"):  # the configuration may name it as well
        plugins.load_plugins(["check"])


def test_one_file_plugin(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(ONE_FILE)
    loaded = plugins.load_plugins(local=[path])
    assert "MIN001" in loaded.checks
    assert loaded.owner(loaded.checks["MIN001"]) == "mine"
    assert loaded.local == (str(path),)


@pytest.mark.parametrize(("text", "told"), [(None, "no such file"), ("def", "SyntaxError"), ("1/0", "ZeroDivision"),
                                             ("import sys; sys.exit(0)", "SystemExit")])
def test_one_file_plugin_that_cannot_be_loaded(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / f"bad{told[:2]}.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(PluginError, match=told):
        plugins.load_plugins(local=[path])


class Silent(Report):
    """Writes nothing down."""

    name = "silent"


class Half(RowCheck):  # type: ignore[type-arg]
    """A check without its method."""

    code, name = "HLF001", "half"


@pytest.mark.parametrize(("hook", "offered", "what"), [
    ("dsinspect_checks", 42, "42, which is no check class"),
    ("dsinspect_checks", dict, "does not derive from dsinspect.protocols.checks.Check"),
    ("dsinspect_checks", Half, "Half (HLF001), which lacks find"),
    ("dsinspect_checks", check_named("tea 7"), "whose code 'tea 7' is not three capital letters and three digits"),
    ("dsinspect_reports", Silent, "Silent (silent), which overrides none of text, stream and write"),
])
def test_a_class_that_breaks_its_protocol_is_named_in_one_line(monkeypatch, hook, offered, what) -> None:
    entries(monkeypatch, bad=module_with(**{hook: lambda: [offered]}))
    loaded = plugins.load_plugins()
    with pytest.raises(PluginError) as error:
        getattr(loaded, hook.removeprefix("dsinspect_"))
    assert "plugin 'bad'" in str(error.value)
    assert what in str(error.value)
    assert "--no-plugin bad" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("version", "fits"), [(1, True), (0, False), (2, False), ("1", False)])
def test_a_plugin_for_another_version_of_the_interface_is_named(monkeypatch, version, fits) -> None:
    module = module_with(dsinspect_checks=lambda: [])
    module.DSINSPECT_INTERFACE = version
    entries(monkeypatch, old=module)
    if fits:
        assert [p.name for p in plugins.load_plugins().loaded] == ["old"]
        return
    with pytest.raises(PluginError, match=f"'old'.*written for version {version!r} of the plugin interface.*version 1"):
        plugins.load_plugins()


@pytest.mark.parametrize(("error", "code", "said"), [
    (KeyError("boxes"), 3, "plugin 'mine' (fake_mine): command brew failed with KeyError: 'boxes' (test_plugins.py:"),
    (UserError("no such cup"), 2, "dsinspect: error: no such cup\n"), (typer.Exit(7), 7, ""), (SystemExit(5), 5, ""),
    (FileNotFoundError(2, "no such file or directory", "cup.txt"), 2, "cup.txt")])
@pytest.mark.parametrize("is_group", [False, True])
def test_a_command_that_raises_names_its_plugin_and_keeps_its_exit_codes(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str,
        is_group: bool) -> None:
    def brew(strength: Annotated[int, typer.Option()] = 1) -> None:
        """Brew tea."""
        raise error

    def dsinspect_commands(app: typer.Typer) -> None:
        into = typer.Typer() if is_group else app
        into.command("brew")(brew)
        if is_group:
            into.command("pour")(brew)
            app.add_typer(into, name="tea")

    entries(monkeypatch, mine=module_with(dsinspect_commands=dsinspect_commands))
    assert main([*(["tea"] if is_group else []), "brew", "--strength", "2"]) == code
    err = capsys.readouterr().err
    assert err.count("\n") == (1 if said else 0)
    assert said in err
    if code == 3:
        assert "go on with --no-plugin mine" in err
