"""One package with a plugin of each kind, put together from the page of examples, is found and runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLEAN = ROOT / "sample_data/clean"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    """Install the package as pip leaves it, and return a function that runs dsinspect with it."""
    folder = tmp_path_factory.mktemp("newcomer")
    package = folder / "site" / "dsinspect_newcomer"
    package.mkdir(parents=True)
    text = (ROOT / "docs/plugin-examples.md").read_text(encoding="utf-8")
    hooks = ["from dsinspect import hookimpl\n\nDSINSPECT_INTERFACE = 1\n"]
    for path, code in re.findall(r"`(dsinspect_my_\w+/\w+\.py)`\n\n```python\n(.*?)```", text, re.DOTALL):
        own = re.sub(r"dsinspect_my_\w+", "dsinspect_newcomer", code)
        if path.endswith("__init__.py"):
            hooks.append(own[own.index("@hookimpl"):])
        else:
            (package / Path(path).name).write_text(own, encoding="utf-8")
    assert len(hooks) == 9
    (package / "__init__.py").write_text("\n\n".join(hooks), encoding="utf-8")
    info = package.parent / "dsinspect_newcomer-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dsinspect-newcomer\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[dsinspect]\nnewcomer = dsinspect_newcomer\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(package.parent), *sys.path]),
                   "DSINSPECT_CACHE_DIR": str(folder / "cache")}

    def run(*arguments: object) -> str:
        done = subprocess.run([sys.executable, "-m", "dsinspect", *map(str, arguments)], cwd=folder, capture_output=True, text=True,
                              env=environment, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout + done.stderr
    return run


def test_everything_is_listed_with_its_plugin(run) -> None:
    listed = run("plugins")
    assert listed.count("(plugin newcomer)") == 7
    assert "newcomer: dsinspect-newcomer 0.1" in listed
    assert run("my-command", "you") == "hello you\n"


def test_the_check_runs_on_the_executor(run) -> None:
    code = re.search(r"(\w+) my-check", run("plugins"))
    assert code is not None
    assert "Box of 22 x 22 px is a square" in run("check", CLEAN, "--executor", "my-executor", "--select", code[1])


def test_the_report_is_written(run, tmp_path) -> None:
    run("report", ROOT / "sample_data/coco", "-o", tmp_path / "a.my-report", "-q")
    assert "BOX001\ttrain/train_07.jpg\t" in (tmp_path / "a.my-report").read_text(encoding="utf-8")


@pytest.mark.usefixtures("opencv")
def test_the_transform_and_the_trainer_work_on_every_image(run, tmp_path) -> None:
    assert "50 images from 50" in run("transform", CLEAN, "-o", tmp_path / "out", "--op", "my-transform")
    assert "my-trainer@1.0      50         -          128" in run("simulate", CLEAN, "--trainer", "my-trainer")


def test_a_set_in_the_format_is_as_clean_as_before(run, tmp_path) -> None:
    assert "50 images and 128 annotations of coco" in run("convert", CLEAN, "-o", tmp_path / "out", "--to", "my-format")
    assert "no findings in 50 images, 128 boxes" in run("check", tmp_path / "out", "--ignore", "MYC", "--fail-on", "warning")
