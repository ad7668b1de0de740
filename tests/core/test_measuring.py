"""What is measured, and what is not again: a changed limit, a renamed file, one new image, two runs at once, ^C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from dsinspect.cli import main
from dsinspect.config import Config
from dsinspect.inspection import inspect as engine
from dsinspect.inspection.cache import Cache, cache_file
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.measure import measure
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols import probes
from dsinspect.protocols.probes import Column, ImageFile, Level, Probe, Value

PLUGINS = load_plugins()


class Counting(Probe):
    """Counts the files it measures."""

    name = "counting"
    version = 1
    level = Level.STAT
    columns = (Column("counted", "float64", "1", "a number"),)
    measured: list[str]

    def __init__(self) -> None:
        self.measured = []

    def measure(self, file: ImageFile) -> tuple[Value, ...]:
        self.measured.append(Path(file.path).name)
        return (float(len(self.measured)),)


class NextVersion(Counting):
    """The same probe after its definition changed."""

    version = 2


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    folder = tmp_path / "files"
    folder.mkdir()
    for k in range(20):
        (folder / f"{k:02}.jpg").write_bytes(b"content %d" % k)
    return [str(p) for p in sorted(folder.iterdir())]


def counted(files: list[str], cache: Path, probe: Counting | None = None, *, by_content: bool = False) -> list[str]:
    probe = probe or Counting()
    measurements = measure(files, [probe], cache, by="content" if by_content else "stat")
    assert len(measurements.columns["counted"]) == len(files)
    return probe.measured


def test_nothing_is_measured_twice_and_a_new_file_once(files: list[str], tmp_path: Path) -> None:
    cache = tmp_path / "cache.sqlite"
    assert len(counted(files, cache)) == 20
    assert counted(files, cache) == []
    new = Path(files[0]).with_name("new.jpg")
    new.write_bytes(b"new")
    assert counted([*files, str(new)], cache) == ["new.jpg"]


@pytest.mark.parametrize("change", ["content", "time", "replaced"])
def test_a_changed_file_is_measured_again(files: list[str], tmp_path: Path, change: str) -> None:
    cache = tmp_path / "cache.sqlite"
    counted(files, cache)
    path = Path(files[3])
    if change == "content":
        path.write_bytes(b"longer than it was before")
    elif change == "time":
        os.utime(path, ns=(1, 1))
    else:
        path.unlink()
        path.write_bytes(b"content 3")
        os.utime(path, ns=(2, 2))
    assert counted(files, cache) == ["03.jpg"]


def test_a_new_version_of_a_probe_measures_all_again(files: list[str], tmp_path: Path) -> None:
    cache = tmp_path / "cache.sqlite"
    counted(files, cache)
    assert len(counted(files, cache, NextVersion())) == 20
    assert counted(files, cache, NextVersion()) == []


def test_by_content_a_renamed_file_is_known(files: list[str], tmp_path: Path) -> None:
    cache = tmp_path / "cache.sqlite"
    counted(files, cache, by_content=True)
    moved = Path(files[5]).with_name("moved.jpg")
    Path(files[5]).rename(moved)
    os.utime(moved, ns=(7, 7))
    assert counted([*files[:5], str(moved)], cache, by_content=True) == []
    assert counted([str(moved)], cache) == ["moved.jpg"]  # by path, size and time it is another file


def draw_set(folder: Path, count: int, side: int = 48) -> Path:
    """Draw a picture, and keep it under many names, each time with other bytes after its end."""
    pixels = np.random.default_rng(3).integers(0, 256, (side, side, 3), np.uint8)
    content = cv2.imencode(".jpg", pixels)[1].tobytes()
    (folder / "images").mkdir(parents=True)
    for k in range(count):
        (folder / "images" / f"{k:05}.jpg").write_bytes(content + b"%d" % k)
    (folder / "instances.json").write_text(json.dumps({
        "images": [{"id": k, "file_name": f"{k:05}.jpg", "width": side, "height": side} for k in range(count)],
        "annotations": [{"id": k + 1, "image_id": k, "category_id": 1, "bbox": [1, 1, 9, 9], "area": 81, "iscrowd": 0}
                        for k in range(count)],
        "categories": [{"id": 1, "name": "cat"}]}))
    return folder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    paths: list[str] = []
    plain = probes.ImageFile.read_at

    def read_at(file: ImageFile, offset: int, size: int) -> bytes:
        paths.append(file.path)
        return plain(file, offset, size)

    monkeypatch.setattr(probes.ImageFile, "read_at", read_at)
    return paths


def test_a_changed_limit_opens_no_file(tmp_path: Path, opened: list[str]) -> None:
    root = draw_set(tmp_path / "set", 12)
    cache = tmp_path / "cache.sqlite"
    inspect(Request("set", root, cache=cache), PLUGINS)
    assert len(set(opened)) == 12
    opened.clear()
    checks = {"IMG010": {"max_edge_width": 0.1}, "BOX005": {"min_side": 40.0}, "IMG009": {"distance": 12}}
    run = inspect(Request("set", root, Config(checks=checks), cache=cache), PLUGINS)
    assert opened == []
    assert any(o.code == "BOX005" and o.status == "found" for o in run.outcomes)


def test_a_file_is_read_once_for_all_probes(tmp_path: Path, opened: list[str]) -> None:
    root = draw_set(tmp_path / "set", 5)
    inspect(Request("set", root), PLUGINS)
    assert sorted(Path(p).name for p in opened) == [f"{k:05}.jpg" for k in range(5)]


def test_annotations_alone_start_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = draw_set(tmp_path / "set", 3)
    for path in (root / "images").iterdir():
        path.unlink()

    class NoPool:
        def __init__(self, *arguments: object, **options: object) -> None:
            raise AssertionError("a pool was started")

    for name in ("ProcessPoolExecutor", "ThreadPoolExecutor"):
        monkeypatch.setattr(f"concurrent.futures.{name}", NoPool)
    run = inspect(Request("set", root, jobs=4), PLUGINS)
    assert run.census.annotations == 3


def test_large_shards_give_the_same_as_small_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = draw_set(tmp_path / "set", 40)
    monkeypatch.setattr(engine, "MEASURED_SHARD", 7)
    monkeypatch.setattr(engine, "TABLE_SHARD", 11)
    cache = tmp_path / "cache.sqlite"
    texts = []
    for _ in range(2):
        run = inspect(Request("set", root, cache=cache), PLUGINS)
        texts.append(PLUGINS.reports["json"]().text(run))
    assert texts[0] == texts[1]


def command(root: Path, cache: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "dsinspect", "check", str(root), "--cache-dir", str(cache), "--statistics",
            "--exit-zero", *more]


def test_two_runs_at_once_share_a_cache(tmp_path: Path) -> None:
    root = draw_set(tmp_path / "set", 60)
    both = [subprocess.Popen(command(root, tmp_path / "cache"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)]
    told = [p.communicate(timeout=120) for p in both]
    assert [p.returncode for p in both] == [0, 0], told
    assert told[0] == told[1]
    with Cache(cache_file(tmp_path / "cache")) as cache:
        assert cache.count() == 60


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupted_it_keeps_what_the_cache_has(tmp_path: Path) -> None:
    root = draw_set(tmp_path / "set", 1400, 360)
    path = cache_file(tmp_path / "cache")
    process = subprocess.Popen(command(root, tmp_path / "cache", "--jobs", "2"), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    known = 0
    while known == 0 and process.poll() is None:  # until the first shard is stored
        time.sleep(0.02)
        if path.exists():
            with Cache(path) as cache:
                known = cache.count()
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 130, (out, errors)
    assert out == ""
    assert errors == "dsinspect: interrupted\n"
    with Cache(path) as cache:
        assert known <= cache.count() < 1400
    assert main(["check", str(root), "--cache-dir", str(tmp_path / "cache"), "--statistics", "--exit-zero"]) == 0
    with Cache(path) as cache:
        assert cache.count() == 1400
