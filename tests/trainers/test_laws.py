"""What holds of every trainer's fates, whatever is drawn: they part all records, and shards change none."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from trainers.drawn import documents, label_files, voc_files
from trainers.recorded import image, judge, plugins
from trainers.recorded import loaded as loaded_whole

from dsinspect.config import Config
from dsinspect.inspection.request import Request
from dsinspect.protocols.trainers import CHANGED, DROPPED, KEPT, NO_RULE, Trainer
from dsinspect.simulation import simulate as simulation

NAMES = sorted(plugins().trainers)
EXAMPLES = settings(max_examples=8, deadline=None)


def written(root: Path, kind: str, drawn: list[Any]) -> Path:
    """Write a set of a kind from what was drawn and return what to open."""
    if kind == "coco":
        for name in ("plain.jpg", "plain.png", "grey.png"):
            (root / name).write_bytes(image(name))
        (root / "case.json").write_text(json.dumps(drawn[0]))
        return root / "case.json"
    folder, suffix = ("labels", "txt") if kind == "yolo" else ("Annotations", "xml")
    for place in ("images", folder):
        (root / place).mkdir()
    for k, text in enumerate(drawn):
        (root / "images" / f"{k}.jpg").write_bytes(image("plain.jpg"))
        (root / folder / f"{k}.{suffix}").write_bytes(text.encode("latin-1"))
    if kind == "yolo":
        (root / "data.yaml").write_text("train: images\nval: images\nnames: [a, b, c]\n")
    return root


def parts_all_records(path: Path, kind: str, trainer: Trainer) -> None:
    shard, made, _ = judge(loaded_whole(path, kind, trainer), trainer)
    n = len(shard.annotations)
    assert len(made.fate) == len(made.rule) == len(made.label) == len(made.boxes) == n
    assert len(made.image_rule) == len(shard.images)
    assert np.isin(made.fate, [KEPT, CHANGED, DROPPED]).all()
    assert ((made.rule == NO_RULE) == (made.fate == KEPT)).all()
    dropped = made.fate == DROPPED
    assert np.isnan(made.boxes[dropped]).all()
    in_force = set(trainer.places.values())
    assert set(made.rule.tolist()) | set(made.image_rule.tolist()) <= in_force | {NO_RULE}
    ids = shard.images["image_id"].tolist()
    if len(set(ids)) == len(ids):  # of equal ids the tables have the annotations at the first record, loaders at the last
        left_out = np.append(made.image_rule != NO_RULE, False)[shard.annotations["image_row"]]
        assert (dropped | ~left_out).all()


def counted(path: Path, kind: str, name: str, size: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what `simulate` counts with shards of some size."""
    monkeypatch.setattr(simulation, "TABLE_SHARD", size)
    monkeypatch.setattr(simulation, "MEASURED_SHARD", size)
    done = simulation.simulate(Request(str(path), path, Config(), format=kind, jobs=1), plugins(), [plugins().trainers[name]()])
    (s,) = done.trainers
    assert int(s.part.annotations.sum()) == done.census.annotations + s.part.extras
    assert int(s.part.images.sum()) == done.census.images
    losses = {rule.key: (loss.images, loss.dropped, loss.changed, loss.examples) for rule, loss in s.losses}
    counts = s.part.images.tolist(), s.part.annotations.tolist(), s.part.extras
    return counts, losses, s.stops[:1]  # of each kind a shard has the first


def holds(kind: str, name: str, drawn: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = written(Path(folder), kind, drawn)
        parts_all_records(path, kind, plugins().trainers[name]())
        assert counted(path, kind, name, 1 << 20, patch) == counted(path, kind, name, 1, patch)


@pytest.mark.parametrize("name", NAMES)
@EXAMPLES
@given(documents())
def test_fates_of_documents_part_all_records(name: str, document: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        parts_all_records(written(Path(folder), "coco", [document]), "coco", plugins().trainers[name]())


@pytest.mark.parametrize("name", ["ultralytics", "rfdetr"])
@EXAMPLES
@given(label_files(), label_files(), label_files())
def test_shards_change_no_fate_of_label_files(name: str, first: str, second: str, third: str) -> None:
    holds("yolo", name, [first, second, third])


@EXAMPLES
@given(voc_files(), voc_files(), voc_files())
def test_shards_change_no_fate_of_voc_files(first: str, second: str, third: str) -> None:
    holds("voc", "mmdet", [first, second, third])
