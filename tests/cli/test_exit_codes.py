"""Exit codes and the one line that a user's mistake gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


def test_report_exits_0_whatever_it_finds(cli: Any) -> None:
    done = cli("report", SAMPLES / "coco")
    assert done.code == 0
    assert "BOX001" in done.out


def test_check_exits_1_on_errors_and_0_on_a_clean_set(cli: Any) -> None:
    assert cli("check", SAMPLES / "coco").code == 1
    assert cli("check", SAMPLES / "clean").code == 0
    assert cli("check", SAMPLES / "clean", "--fail-on", "warning").code == 0
    assert cli("check", SAMPLES / "coco", "--exit-zero").code == 0
    assert cli("check", SAMPLES / "coco", "--fail-on", "never").code == 0


def test_fail_on_looks_at_the_severity(cli: Any) -> None:
    arguments = ("check", SAMPLES / "coco", "--select", "CLS")
    assert cli(*arguments).code == 0
    assert cli(*arguments, "--fail-on", "warning").code == 1
    info = ("check", SAMPLES / "coco", "--select", "DST001", "--fail-on")
    assert cli(*info, "warning").code == 0
    assert cli(*info, "info").code == 1


@pytest.mark.parametrize(("arguments", "told"), [
    (("check", "nowhere"), "nowhere: no such file or folder"),
    (("check", "{s}/cocoo"), "did you mean 'coco'"),
    (("check", "{s}/coco", "--select", "BOX99"), "did you mean"),
    (("check", "{s}/coco", "--ignore", "XYZ"), "no check has a code"),
    (("check", "{s}/coco", "--set", "BOX005.min_sid=3"), "did you mean 'min_side'"),
    (("check", "{s}/coco", "--set", "BOX005.min_side=wide"), "BOX005"),
    (("check", "{s}/coco", "--set", "nonsense"), "CODE.option=value"),
    (("check", "{s}/coco", "--set", "cocoa.base=1"), "did you mean 'coco'"),
    (("check", "{s}/coco", "--format", "coc"), "did you mean 'coco'"),
    (("check", "{s}/coco", "--fail-on", "eror"), "did you mean 'error'"),
    (("check", "{s}/coco", "--output-format", "jsn"), "did you mean 'json'"),
    (("check", "{s}/coco", "--executor", "proces"), "did you mean 'process'"),
    (("check", "{s}/coco", "--images", "none"), "no such folder"),
    (("check", "{s}/coco", "--read-limit", f"pixels={'9' * 5000}"), "write a whole number from 1 on"),
    (("check", "{s}/coco", "--no-plugin", "chekcs"), "did you mean 'checks'"),
    (("check", "{s}/coco", "--config", "none.toml"), "none.toml"),
    (("check", "{s}/coco", "--baseline", "none.json"), "--write-baseline"),
    (("report", "{s}/coco", "-o", "report.xls"), ".xls holds 65,536 rows"),
    (("report", "{s}/coco", "-o", "report.jsn"), "did you mean '.json'"),
    (("report", "{s}/coco", "-o", "no/such/report.json"), "no folder"),
    (("report", "{s}/coco", "-o", "{s}"), "without suffix"),
    (("explain", "BOX0001"), "did you mean 'BOX001'"),
    (("explain", "no-aria"), "did you mean 'no-area'"),
    (("init", "none"), "no such folder"),
])
def test_users_mistakes_are_one_line_and_exit_2(cli: Any, arguments: tuple[str, ...], told: str) -> None:
    done = cli(*(a.format(s=SAMPLES) for a in arguments))
    assert done.code == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert done.err.startswith("dsinspect: error: ")
    assert told in done.err


def test_misspelt_key_of_the_configuration(cli: Any) -> None:
    Path("dsinspect.toml").write_text("selct = []\n")
    done = cli("check", SAMPLES / "coco")
    assert done.code == 2
    assert "did you mean 'select'" in done.err


def test_unknown_option_and_missing_argument_exit_2(cli: Any) -> None:
    assert cli("check", SAMPLES / "coco", "--nonsense").code == 2
    assert cli("check").code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_output(cli: Any, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    assert cli("report", SAMPLES / "coco", "-o", folder / "r.json").code == 2


def test_nothing_readable_at_all(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.json").write_text('{"images": [')
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)) * 10)
    for name in ("empty", "noise.bin"):
        done = cli("check", tmp_path / name)
        assert (done.code, done.err.count("\n")) == (2, 1)


CRASHING = '''
from dsinspect import hookimpl
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class Crashes(RowCheck[BaseOptions]):
    """Always raises."""
    code = "BAD001"
    name = "crashes"
    severity = Severity.ERROR

    def find(self, batch):
        raise ZeroDivisionError("on purpose")


@hookimpl
def dsinspect_checks():
    return [Crashes]
'''


@pytest.mark.parametrize("jobs", [1, 2])
def test_crashed_check_exits_3_and_the_others_report(cli: Any, jobs: int) -> None:
    Path("mine.py").write_text(CRASHING)
    Path("dsinspect.toml").write_text('plugins = ["mine.py"]\n')
    done = cli("check", SAMPLES / "coco", "--output-format", "json", "--jobs", jobs)
    assert done.code == 3
    assert "plugin mine: check crashes failed with ZeroDivisionError: on purpose (mine.py:" in done.err
    checks = {c["code"]: c for c in json.loads(done.out)["checks"]}
    assert checks["BAD001"]["status"] == "crashed"
    assert "mine" in checks["BAD001"]["metrics"]["reason"]
    assert checks["BOX001"]["findings"] == 1


def test_opencv_that_cannot_be_imported_is_one_line_and_the_rest_runs(tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text('raise ImportError("libGL.so.1: cannot open shared object file")\n')
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "DSINSPECT_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-m", "dsinspect", "check", str(SAMPLES / "coco"), "--output-format", "json"],
                          capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "libgl1" in done.stderr
    assert "opencv-python-headless" in done.stderr
    checks = {c["code"]: c["status"] for c in json.loads(done.stdout)["checks"]}
    assert checks["BOX001"] == "found"
    assert checks["IMG004"] == "found"


def test_reports_with_images_are_written_without_opencv(tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text("import sys\nagain = hasattr(sys, 'seen')\nsys.seen = True\nraise ImportError("
                                     "'recursion is detected' if again else 'libGL.so.1: cannot open shared object file')\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "DSINSPECT_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-m", "dsinspect", "report", str(SAMPLES / "coco"), "-o", "r.xlsx", "-o", "r.html", "-q",
                           "-j", "1"], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cannot open shared object file" in done.stderr
    assert "recursion" not in done.stderr
    assert (tmp_path / "r.xlsx").stat().st_size > 10_000
    assert "BOX003" in (tmp_path / "r.html").read_text()


def test_interrupt_exits_130(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dsinspect.cli import Interrupted
    from dsinspect.inspection import inspect as engine

    def interrupted(*_: object) -> None:
        raise Interrupted

    monkeypatch.setattr(engine, "inspect", interrupted)
    assert cli("check", SAMPLES / "coco").code == 130


def test_version_and_module_and_completion() -> None:
    from dsinspect import __version__

    for arguments in (["-m", "dsinspect", "--version"],):
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
        assert done.stdout == f"dsinspect {__version__}\n"
    done = subprocess.run([sys.executable, "-m", "dsinspect", "--show-completion", "bash"], capture_output=True, text=True,
                          env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert done.returncode == 0
    assert "complete" in done.stdout


def test_help_imports_nothing_heavy() -> None:
    code = ("import sys; sys.argv = ['dsinspect', '--help']\n"
            "from dsinspect.cli import main; main()\n"
            "print(sorted({'numpy', 'pandas', 'cv2', 'openpyxl'} & set(sys.modules)), file=sys.stderr)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "report" in done.stdout


def test_a_wrong_code_of_the_command_line_is_not_the_configurations_fault(cli: Any, tmp_path: Path,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dsinspect.toml").write_text('ignore = ["IMG010"]')
    monkeypatch.chdir(tmp_path)
    assert "dsinspect.toml" not in cli("check", SAMPLES / "coco", "--select", "BOX999").err
    assert "dsinspect.toml" not in cli("check", SAMPLES / "coco", "--set", "BOX999.x=1").err
    (tmp_path / "dsinspect.toml").write_text('ignore = ["XYZ"]')
    assert "dsinspect.toml" in cli("check", SAMPLES / "coco").err
