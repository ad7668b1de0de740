"""Two runs into one output at once: one has it, the other ends in one line, and no file is of both."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hostile.conftest import Done
from hostile.sets import coco

from dsinspect.errors import UserError
from dsinspect.output.destination import claimed, staged
from dsinspect.transformation.checkpoints import Parts


@pytest.mark.parametrize("there", ["new", "empty"])
def test_the_first_to_end_has_the_output(tmp_path: Path, there: str) -> None:
    out = tmp_path / "out"
    if there == "empty":
        out.mkdir()
    other = tmp_path / "other"  # what another process has staged and renames first
    other.mkdir()
    (other / "theirs.txt").write_text("theirs")
    with pytest.raises(UserError, match="another run has filled it meanwhile"), staged([], out, force=False) as stage:  # noqa: PT012
        (stage / "ours.txt").write_text("ours")
        other.rename(out)
    assert [p.name for p in out.iterdir()] == ["theirs.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("there", ["new", "empty"])
def test_an_output_alone_is_whole(tmp_path: Path, there: str) -> None:
    out = tmp_path / "out"
    if there == "empty":
        out.mkdir(mode=0o750)
        mode = out.stat().st_mode
    with staged([], out, force=False) as stage:
        (stage / "ours.txt").write_text("ours")
    assert [p.name for p in out.iterdir()] == ["ours.txt"]
    assert there == "new" or out.stat().st_mode == mode


def test_a_transform_that_has_begun_has_the_output(tmp_path: Path) -> None:
    one, two = (Parts(tmp_path / "out/.dsinspect-transform") for _ in range(2))
    one.begin({"key": "a"}, anew=True)
    with pytest.raises(UserError, match="another run has begun there"):
        two.begin({"key": "b"}, anew=True)
    assert one.plan() == {"key": "a"}
    one.end()
    two.begin({"key": "b"}, anew=True)


@pytest.fixture
def another_run(tmp_path: Path) -> Iterator[Path]:
    """Return the claim of a run in another process on the output `out`."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        claim = tmp_path / f".out.{other.pid}.part"
        claim.mkdir()
        yield claim
        other.kill()


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("command", [("fix",), ("convert", "--to", "yolo"), ("transform", "--op", "flip")], ids=lambda c: c[0])
def test_an_output_that_another_run_writes_is_refused(cli: Callable[..., Done], tmp_path: Path, another_run: Path,
                                                      command: tuple[str, ...], there: bool) -> None:
    source = coco(tmp_path / "set")
    if there:
        (tmp_path / "out").mkdir()
        (tmp_path / "out/theirs.txt").write_text("theirs")
    done = cli(command[0], source, "-o", tmp_path / "out", "--force", *command[1:])
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "another run (process" in done.err
    assert another_run.is_dir()
    assert [p.name for p in tmp_path.glob("out/*")] == ["theirs.txt"] * there


@pytest.mark.parametrize("command", [("fix",), ("convert", "--to", "yolo"), ("transform", "--op", "flip")], ids=lambda c: c[0])
def test_what_a_killed_run_claimed_is_free(cli: Callable[..., Done], tmp_path: Path, command: tuple[str, ...]) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as other:
        other.wait()
    claim = tmp_path / f".out.{other.pid}.part"
    claim.mkdir()
    done = cli(command[0], coco(tmp_path / "set"), "-o", tmp_path / "out", "--force", *command[1:])
    assert done.code == 0, done.err
    assert not claim.exists()
    assert not list(tmp_path.glob(".*"))


def test_a_run_that_ended_and_was_not_waited_for_claims_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.read()  # it ends, and stays as a zombie until it is waited for
        while Path(f"/proc/{other.pid}/stat").exists() and b") Z" not in Path(f"/proc/{other.pid}/stat").read_bytes():
            pass
        (tmp_path / f".out.{other.pid}.part").mkdir()
        with claimed(tmp_path / "out") as stage:
            assert list(tmp_path.iterdir()) == [stage]


@pytest.mark.parametrize("name", ["n" * 255, "\u56fe" * 85, ".", "x/.."])
@pytest.mark.parametrize("command", [("fix",), ("convert", "--to", "yolo"), ("transform", "--op", "flip")], ids=lambda c: c[0])
def test_any_name_of_an_output_that_the_file_system_takes(cli: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                          command: tuple[str, ...], name: str) -> None:
    source = coco(tmp_path / "set")
    here = tmp_path / "here"
    (here / "x").mkdir(parents=True)
    if "." in name:
        (here / "x").rmdir()
        if name != ".":
            (here / "x").mkdir()
    monkeypatch.chdir(here)
    done = cli(command[0], source, "-o", name, "--force", *command[1:])
    assert done.code == 0, done.err
    assert not list(here.glob(".*"))


def test_an_interrupt_as_the_folder_is_made_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal may come when the folder is there and nobody has noted that it is."""
    made = Path.mkdir

    def interrupted(self: Path, *arguments: int, **options: bool) -> None:
        made(self, *arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "mkdir", interrupted)
    with pytest.raises(KeyboardInterrupt), claimed(tmp_path / "out"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_second_claim_leaves_the_first_ones_folder(tmp_path: Path) -> None:
    """Of one process too: threads of a program that uses the API."""
    with claimed(tmp_path / "out") as stage:
        with pytest.raises(UserError, match="another run"), claimed(tmp_path / "out"):
            pass
        assert stage.is_dir()
    assert not list(tmp_path.iterdir())
