"""The built wheel works on its own, and a third party's wheel is found beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["dsinspect", *(f"dsinspect_{k}" for k in (
    "formats", "probes", "checks", "transforms", "reports", "executors", "trainers"))]


def build(project: Path, out: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index",
         "-w", str(out), str(project)], check=True, capture_output=True, text=True)
    return max(out.glob("*.whl"), key=lambda p: p.stat().st_mtime_ns)


def run(site: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "dsinspect", *arguments], cwd=cwd, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(site)})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both wheels installed, ahead of the source tree on the path."""
    pytest.importorskip("hatchling")
    wheels = tmp_path_factory.mktemp("wheels")
    target = tmp_path_factory.mktemp("site")
    for project in (ROOT, ROOT / "tests" / "packaging" / "acme"):
        wheel = build(project, wheels)
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target",
                        str(target), str(wheel)], check=True, capture_output=True, text=True)
    return target


def test_wheel_holds_every_package_and_its_type_marker(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    names = set(zipfile.ZipFile(build(ROOT, tmp_path)).namelist())
    for package in PACKAGES:
        assert f"{package}/__init__.py" in names
        assert f"{package}/py.typed" in names
    assert not [n for n in names if n.startswith(("plugins/", "tests/", "sample_data/"))]


def test_installed_wheel_is_the_one_that_runs(site: Path, tmp_path: Path) -> None:
    code = "import dsinspect, dsinspect_checks; print(dsinspect.__file__); print(dsinspect_checks.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(site)}, check=True)
    assert all(line.startswith(str(site)) for line in done.stdout.split())


def test_third_party_check_and_command_are_found(site: Path, tmp_path: Path) -> None:
    listed = run(site, "plugins", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert "ACM001" in listed.stdout
    assert "dsinspect-acme 1.2.3" in listed.stdout
    assert run(site, "acme", cwd=tmp_path).stdout == "hello from acme\n"
    assert "SquareBox" not in run(site, "explain", "ACM001", cwd=tmp_path).stderr


def test_no_plugin_leaves_it_out(site: Path, tmp_path: Path) -> None:
    done = run(site, "plugins", "--no-plugin", "acme", cwd=tmp_path)
    assert done.returncode == 0
    assert "ACM001" not in done.stdout


def test_broken_third_party_plugin_is_named_with_the_way_out(site: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    (broken / "dsinspect_boom-0.1.dist-info").mkdir(parents=True)
    (broken / "dsinspect_boom-0.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: dsinspect-boom\n"
                                                                      "Version: 0.1\n")
    (broken / "dsinspect_boom-0.1.dist-info" / "entry_points.txt").write_text("[dsinspect]\nboom = dsinspect_boom\n")
    (broken / "dsinspect_boom.py").write_text("import no_such_module\n")
    path = Path(f"{site}{os.pathsep}{broken}")
    done = run(path, "plugins", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
    assert "'boom'" in done.stderr
    assert "dsinspect-boom 0.1" in done.stderr
    assert "--no-plugin boom" in done.stderr
    assert run(path, "plugins", "--no-plugin", "boom", cwd=tmp_path).returncode == 0
    (tmp_path / "dsinspect.toml").write_text('disable-plugins = ["boom"]\n')
    assert run(path, "plugins", cwd=tmp_path).returncode == 0
