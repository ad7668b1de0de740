"""The same input gives the same bytes, whatever the workers, the executor and the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dsinspect.inspection import inspect as engine

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
