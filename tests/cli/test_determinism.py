"""The same input gives the same bytes, whatever the workers, the executor and the cache."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from dsinspect.commands import balance, expect, view_tiles
from dsinspect.conversion import pipeline as conversion
from dsinspect.inspection import inspect as engine
from dsinspect.transformation import pipeline as transformation

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


@pytest.mark.parametrize("name", ["coco", "voc", "yolo", "table"])
def test_json_is_the_same_for_any_number_of_workers(cli: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(engine, "MEASURED_SHARD", 7)
    arguments = ("check", SAMPLES / name, "--output-format", "json")
    first = cli(*arguments, "--jobs", 1)
    assert first.code == 1
    for more in (("--jobs", 1), ("--jobs", 2), ("--jobs", 4, "--no-cache"), ("--jobs", 2, "--executor", "thread"),
                 ("--executor", "serial")):
        assert cli(*arguments, *more).out == first.out


def test_shard_size_does_not_matter(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = set()
    for size in (1, 5, 512):
        monkeypatch.setattr(engine, "MEASURED_SHARD", size)
        outputs.add(cli("check", SAMPLES / "coco", "--output-format", "json", "--jobs", 1).out)
    assert len(outputs) == 1


def test_no_absolute_path_in_the_output(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLES)
    for name in ("coco", "voc", "yolo", "table"):
        assert str(SAMPLES) not in cli("check", name, "--output-format", "json").out


@pytest.mark.parametrize("command", [("convert", "--to", "yolo"), ("convert", "--to", "coco"), ("transform", "--op", "flip")])
def test_a_new_dataset_is_the_same_for_any_executor_and_shards(cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                                               command: tuple[str, ...]) -> None:
    written = {}
    name, *options = command
    for size, workers in ((5, ("--jobs", 1)), (7, ("--jobs", 3)), (25, ("--jobs", 2, "--executor", "process")),
                          (512, ("--executor", "serial"))):
        for module in (conversion, transformation):
            monkeypatch.setattr(module, "SHARD", size)
        out = tmp_path / "out"
        done = cli(name, SAMPLES / "coco", "-o", out, *options, *workers)
        assert done.code in (0, 1), done.err
        written[workers] = ({p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()},
                            done.out)
        shutil.rmtree(out)
    first = next(iter(written.values()))
    assert len(first[0]) > 10
    assert all(files == first for files in written.values())


@pytest.mark.parametrize("command", [("balance", "-o", "w.json"), ("balance", "-o", "w.csv"), ("expect", "-o", "w.json"),
                                     ("expect", "--trainer", "ultralytics@8.4", "-o", "w.json"), ("view", "-o", "w.png")])
def test_what_is_counted_is_the_same_for_any_executor_and_shards(cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                                                 command: tuple[str, ...]) -> None:
    written = {}
    name, *options, last = command
    splits = () if name == "view" else ("--split", "all")
    for size, workers in ((16_384, ("--jobs", 1)), (5, ("--jobs", 1)), (5, ("--jobs", 3)), (7, ("--executor", "process", "-j", 2)),
                          (3, ("--executor", "serial"))):
        for module in (balance, expect, view_tiles):
            monkeypatch.setattr(module, "SHARD", size)
        folder = tmp_path / "out"
        folder.mkdir()
        done = cli(name, SAMPLES / "yolo", *options, folder / last, *splits, *workers)
        assert done.code == 0, done.err
        written[size, workers] = ([p.read_bytes() for p in sorted(folder.iterdir())], done.out)
        shutil.rmtree(folder)
    assert next(iter(written.values()))[0]
    assert all(bytes_ == next(iter(written.values())) for bytes_ in written.values())


@pytest.mark.parametrize("command", ["check", "convert", "transform", "simulate", "view", "balance", "expect"])
def test_every_command_names_an_executor_that_is_not_there(cli: Any, tmp_path: Path, command: str) -> None:
    options = {"convert": ("-o", tmp_path / "out", "--to", "voc"), "transform": ("-o", tmp_path / "out", "--op", "flip"),
               "simulate": ("--trainer", "yolox"), "view": ("-o", tmp_path / "a.png", "--select", "BOX")}.get(command, ())
    done = cli(command, SAMPLES / "coco", *options, "--executor", "threads")
    assert done.code == 2
    assert "--executor threads: no such executor (did you mean 'thread'?); there are dask, process, serial, thread" in done.err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
