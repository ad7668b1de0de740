"""Hold a trainer against the laws of its protocol."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.trainers import DROPPED, EFFECTS, KEPT, NO_RULE, Fates, Loaded, Trainer, version_key
from dsinspect.testing.batches import make_batch, split_batch


def assert_trainer(trainer_type: type[Trainer], batches: Iterable[Batch] = ()) -> None:
    """Hold a trainer's class against the protocol, and its fates on some batches against the laws.

    Args:
        trainer_type: the trainer.
        batches: boxes in px, of a format that the trainer does not read, so that no column of a format is asked for; a few
            odd ones are tried besides.
    """
    name = trainer_type.name
    assert trainer_type.title, f"{name}: no title"
    assert trainer_type.evidence, f"{name}: evidence does not say how the rules are known"
    assert trainer_type.reads, f"{name}: reads no format"
    known = [version_key(r) for r in (*trainer_type.releases, trainer_type.newest)]
    assert known == sorted(known), f"{name}: releases are not in order"
    for rule in trainer_type.rules:
        assert rule.effect in EFFECTS, f"{name}: {rule.key}: no effect {rule.effect!r}"
        assert rule.reason, f"{name}: {rule.key} has no reason"
        assert rule.where, f"{name}: {rule.key} does not say where"
    for release in (*trainer_type.releases, trainer_type.newest):
        trainer = trainer_type(release)
        keys = [(r.key, r.effect) for r in trainer.in_force()]
        assert len(set(keys)) == len(keys), f"{trainer.label}: two rules have one key"
        for batch in (*_odd_batches(), *batches):
            _assert_fates(trainer, batch)


def _odd_batches() -> list[Batch]:
    images: list[dict[str, Any]] = [{"path": "a.jpg", "width": 100, "height": 80}, {"path": "b.jpg", "width": 31, "height": 9},
                                    {"path": "c.jpg"}]
    boxes = [[10, 10, 30, 30], [10, 10, 30, 30], [-20, -5, 40, 30], [90, 70, 130, 90], [5, 5, 5, 9], [9, 9, 3, 3],
             [200, 200, 210, 210], [0, 0, float("nan"), 5], [0, 0, float("inf"), 5]]
    rows = [{"image": path, "category": category, "box": box} for path in ("a.jpg", "b.jpg", "c.jpg", "gone.jpg") for box in boxes
            for category in ("cat", "unheard of")]
    return [make_batch(images=images, annotations=rows, categories=["cat", "dog"], format="odd"),
            make_batch(images=images, annotations=rows[:1], categories=[], format="odd"), make_batch(images=[], format="odd")]


def _assert_fates(trainer: Trainer, batch: Batch) -> None:
    fates = _judged(trainer, batch)
    n, m = len(batch.image_columns), len(batch.annotation_columns)
    assert fates.image_rule.shape == (n,), f"{trainer.label}: image_rule has shape {fates.image_rule.shape}, not ({n},)"
    for what in ("fate", "rule", "label"):
        assert getattr(fates, what).shape == (m,), f"{trainer.label}: {what} has shape {getattr(fates, what).shape}, not ({m},)"
    assert fates.boxes.shape == (m, 4), f"{trainer.label}: boxes have shape {fates.boxes.shape}, not ({m}, 4)"
    assert ((fates.fate == KEPT) == (fates.rule == NO_RULE)).all(), f"{trainer.label}: a fate without its rule, or a rule alone"
    out = np.append(fates.image_rule != NO_RULE, False)[batch.annotation_columns["image_row"]]
    assert (fates.fate[out] == DROPPED).all(), f"{trainer.label}: keeps annotations of images it leaves out"
    allowed = set(trainer.places.values()) | {NO_RULE}
    assert set(fates.rule.tolist()) | set(fates.image_rule.tolist()) <= allowed, f"{trainer.label}: a rule of another release"
    again = _judged(trainer, batch)
    assert fates.fate.tolist() == again.fate.tolist(), f"{trainer.label}: two judgements differ"
    state = None
    for part in split_batch(batch, 3):
        state = trainer.merge(state, _judged(trainer, part).state)
    whole, parts = ([(s.error, s.split) for s in trainer.finish(x)] for x in (fates.state, state))
    assert sorted(whole, key=str) == sorted(parts, key=str), f"{trainer.label}: what stops it depends on the shards"


def _judged(trainer: Trainer, batch: Batch) -> Fates:
    before = batch.annotation_columns["x_min"].tobytes()
    fates = trainer.judge(Loaded(batch.dataset, batch.image_columns, batch.annotation_columns, batch.problem_columns,
                                 batch.boxes_xyxy))
    assert batch.annotation_columns["x_min"].tobytes() == before, f"{trainer.label} changes a table"
    return fates
