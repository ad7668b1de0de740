"""Where the cache may lie and what a configuration beside data may be; limits reach workers that were started elsewhere."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.conftest import Done, snapshot
from hostile.sets import SECRET, coco, yolo

import dsinspect
from dsinspect.cli import main
from dsinspect.errors import UserError
from dsinspect.inspection.watched import _Work
from dsinspect.io.limits import VARIABLE
from dsinspect.io.limits import limits as limits_in_force

Cli = Callable[..., Done]


@pytest.mark.parametrize("inner", ["cache", "deep/er", "."])
def test_a_cache_named_in_the_dataset_is_refused(cli: Cli, tmp_path: Path, inner: str) -> None:
    source = coco(tmp_path / "set")
    before = snapshot(source)
    for command in (("report", source), ("check", source), ("fix", source, "--diff"), ("simulate", source, "--trainer", "yolox")):
        done = cli(*command, "--cache-dir", source / inner)
        assert (done.code, done.err.count("\n")) == (2, 1), done.err
        assert "--cache-dir" in done.err
    assert snapshot(source) == before


def test_a_cache_of_the_environment_in_the_dataset_is_not_used(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = coco(tmp_path / "set")
    before = snapshot(source)
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(source / "cache"))
    done = cli("report", source)
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert "no cache" in done.err
    assert snapshot(source) == before


def test_a_cache_through_a_link_into_the_dataset_is_refused(cli: Cli, tmp_path: Path) -> None:
    source = coco(tmp_path / "set")
    (tmp_path / "elsewhere").symlink_to(source)
    before = snapshot(source)
    assert cli("report", source, "--cache-dir", tmp_path / "elsewhere/cache").code == 2
    assert snapshot(source) == before


@pytest.mark.parametrize("kind", ["folder", "fifo", "text", "link to nothing"])
def test_a_cache_that_is_none(cli: Cli, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "c/measurements-2.sqlite"
    place.parent.mkdir()
    if kind == "folder":
        (place / "x").mkdir(parents=True)
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "text":
        place.write_text("no database" * 1000)
    else:
        place.symlink_to(tmp_path / "nowhere/at/all")
    info = cli("cache", "info", "--cache-dir", place.parent)
    assert info.code in (0, 2), info.err
    report = cli("report", coco(tmp_path / "set"), "--cache-dir", place.parent)
    assert report.code == 0
    assert kind == "text" or "no cache" in report.err
    cleared = cli("cache", "clear", "--cache-dir", place.parent)
    assert cleared.code in (0, 2)
    assert ("cleared" in cleared.out) == (kind == "text")
    assert kind == "text" or (cleared.code == 2 and cleared.err.count("\n") == 1)


def test_images_of_annotation_files_are_told_and_cleared(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    assert "annotation files" not in cli("cache", "info").out
    image = tmp_path / "cache/embedded/ab/abc.jpg"
    image.parent.mkdir(parents=True)
    image.write_bytes(bytes(2_000_000))
    assert "1 image of annotation files, 2.0 MB" in cli("cache", "info").out
    assert f"cleared {image.parent.parent}" in cli("cache", "clear").out
    assert not image.exists()


def test_clear_claims_nothing(cli: Cli, tmp_path: Path) -> None:
    done = cli("cache", "clear", "--cache-dir", tmp_path / "none")
    assert done.code == 0
    assert "cleared" not in done.out
    assert "nothing to clear" in done.out
    (tmp_path / "file").write_text("x")
    assert cli("cache", "info", "--cache-dir", tmp_path / "file").code == 2
    assert cli("cache", "clear", "--cache-dir", tmp_path / "file").code == 2


@pytest.mark.parametrize("name", ["dsinspect.toml", "pyproject.toml"])
@pytest.mark.parametrize("dataset", ["set", "set/data.yaml"])
def test_a_configuration_that_leads_out_of_the_set_is_not_followed(cli: Cli, tmp_path: Path, name: str, dataset: str) -> None:
    yolo(tmp_path / "set")
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "c.toml").write_text(f'{SECRET} = "x"\n' if name == "dsinspect.toml" else f'[tool.dsinspect]\n{SECRET} = "x"\n')
    (tmp_path / "set" / name).symlink_to(other / "c.toml")
    done = cli("report", tmp_path / dataset)
    assert done.code == 0, done.err
    assert SECRET not in done.out + done.err
    assert "1 text file behind links that lead out of the dataset not read" in done.err
    followed = cli("--read-outside", "report", tmp_path / dataset)
    assert followed.code == 2
    assert f"no setting '{SECRET}'" in followed.err


def test_a_configuration_of_ones_own_may_be_a_link(cli: Cli, tmp_path: Path) -> None:
    source = coco(tmp_path / "set")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/c.toml").write_text('select = ["BOX001"]\n')
    (tmp_path / "dsinspect.toml").symlink_to(tmp_path / "shared/c.toml")
    done = cli("check", source, "--output-format", "json")
    assert done.out.count('"code":"BOX') == 1


def test_a_baseline_that_leads_out_of_the_set_is_not_read(cli: Cli, tmp_path: Path) -> None:
    source = coco(tmp_path / "set")
    (tmp_path / "secret.json").write_text(SECRET)
    (source / "base.json").symlink_to(tmp_path / "secret.json")
    (source / "dsinspect.toml").write_text('baseline = "base.json"\n')
    done = cli("check", source)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "outside of it is not read" in done.err


def test_init_on_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    program = "import sys; sys.dont_write_bytecode = True; from dsinspect.cli import run; run()"
    done = subprocess.run([sys.executable, "-c", program, "init", str(tmp_path)], capture_output=True, text=True, preexec_fn=limit,
                          timeout=60, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("opencv")
def test_limits_reach_a_worker_that_was_started_without_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "pixels=77")
    (tmp_path / "work").write_bytes(pickle.dumps(_Work(_pixels)))
    program = ("import pickle, sys; sys.path[:0] = sys.argv[2].split(';'); "
               "print(pickle.loads(open(sys.argv[1], 'rb').read())(0).value)")
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "work"), f"{Path(__file__).parents[1]};{Path(__file__).parent}"],
        capture_output=True, text=True, timeout=60, check=False, env={k: v for k, v in os.environ.items() if k != VARIABLE})
    assert done.stdout == "77\n", done.stderr


def _pixels(_: int) -> int:
    return limits_in_force().pixels


def test_limits_of_a_command_do_not_stay(tmp_path: Path) -> None:
    before = limits_in_force()
    source = coco(tmp_path / "set")
    assert main(["--read-limit", "pixels=5", "report", str(source), "--no-cache", "--quiet", "--executor", "thread"]) == 0
    assert limits_in_force() == before


@pytest.mark.parametrize(("text", "near"), [('trainer = "ultralytcs"', "ultralytics"), ('trainr = "yolox"', "trainer"),
                                            ("[transform]\nopz = []", "ops"), ('trainer = "ultralytics@x"', "8.")])
def test_a_misspelt_setting_is_one_line_in_every_command(cli: Cli, tmp_path: Path, text: str, near: str) -> None:
    source = coco(tmp_path / "set")
    (tmp_path / "dsinspect.toml").write_text(text + "\n")
    for command in ("report", "check", "fix -o out", "convert --to yolo -o out", "transform --op flip -o out", "view -o v.png",
                    "balance", "expect"):
        name, *rest = command.split()
        done = cli(name, source, *rest)
        assert (done.code, done.err.count("\n")) == (2, 1), (command, done.err)
        assert near in done.err
        assert "dsinspect.toml" in done.err
    with pytest.raises(UserError, match=r"dsinspect\.toml"):
        dsinspect.inspect(source)


def test_a_configuration_in_the_dataset_that_quiets_checks_is_named(cli: Cli, tmp_path: Path) -> None:
    """Whoever made the dataset may call it clean so: the user is told."""
    source = coco(tmp_path / "set")
    (source / "dsinspect.toml").write_text('ignore = ["BOX"]\nfail-on = "never"\n')
    done = cli("check", source)
    assert "set/dsinspect.toml lies in the dataset; its ignore, fail-on are used" in done.err
    assert "dsinspect.toml" not in cli("check", source, "--config", source / "dsinspect.toml").err
    (source / "dsinspect.toml").rename(tmp_path / "dsinspect.toml")  # the user's own, where they work
    assert "dsinspect.toml" not in cli("check", source).err
