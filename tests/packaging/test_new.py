"""`dsinspect new` writes packages that are found and whose own tests pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsinspect.cli import main
from dsinspect.commands.new import HOOKS, package_of


def test_a_folder_that_is_not_there_is_to_be_made_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "check", "square-box", "-o", str(tmp_path / "new/check")]) == 2
    assert f"no folder {tmp_path / 'new'}; make it first, or name another place" in capsys.readouterr().err


@pytest.mark.parametrize("kind", HOOKS)
def test_the_package_is_found_and_passes_its_own_tests(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"acme-{kind}"
    assert main(["new", kind, name]) == 0
    package = tmp_path / f"dsinspect-{name}"
    info = package / f"dsinspect_acme_{kind}-0.1.0.dist-info"  # as an installation leaves it
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dsinspect-{name}\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[dsinspect]\n{name} = dsinspect_acme_{kind}\n")
    path = os.pathsep.join([str(package), *sys.path])
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"], cwd=package,
                          capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stdout + done.stderr
    listed = subprocess.run([sys.executable, "-m", "dsinspect", "plugins"], cwd=tmp_path, capture_output=True, text=True,
                            env={**os.environ, "PYTHONPATH": path})
    assert f"dsinspect-{name} 0.1.0" in listed.stdout, listed.stderr


@pytest.mark.parametrize(("arguments", "told"), [
    (["chek", "a"], "no such kind of plugin (did you mean 'check'?)"), (["check", "Square Box"], "in kebab case"),
    (["check", "../x"], "in kebab case")])
def test_mistakes_are_told_in_one_line(arguments, told, capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_left_alone(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dsinspect-a").mkdir()
    assert main(["new", "check", "a"]) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize("kind", HOOKS)
def test_every_file_is_valid_python_whatever_the_name(kind: str) -> None:
    for path, text in package_of(kind, "a-b-9").items():
        if path.endswith(".py"):
            compile(text, path, "exec")
