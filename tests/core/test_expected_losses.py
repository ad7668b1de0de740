"""The formulas of `dsinspect expect`: by hand, at their limits, and against PyTorch where it is installed."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from dsinspect import expected_losses as losses

FATES = Path(__file__).resolve().parents[1] / "trainers/fates"
RNG = np.random.default_rng(7)


def test_sums_of_exponentials_do_not_overflow() -> None:
    assert losses.log_sum_exp([1e4, 1e4, -1e4]) == pytest.approx(1e4 + math.log(2))
    assert losses.log_sum_exp([-1e4, -1e4]) == pytest.approx(-1e4 + math.log(2))
    assert losses.softplus([-1e3, 0.0, 1e3]) == pytest.approx([0.0, math.log(2), 1e3])


def test_first_losses_by_hand() -> None:
    assert losses.cross_entropy(np.zeros((2, 80)), [0, 5]) == pytest.approx([math.log(80)] * 2)
    assert losses.binary_cross_entropy(losses.logit(0.01), 1) == pytest.approx(-math.log(0.01))
    assert losses.binary_cross_entropy(losses.logit(0.01), 0) == pytest.approx(-math.log(0.99))
    assert losses.focal_loss(losses.logit(0.01), 1) == pytest.approx(0.25 * 0.99**2 * -math.log(0.01))
    assert losses.focal_loss(losses.logit(0.01), 0) == pytest.approx(0.75 * 0.01**2 * -math.log(0.99))
    assert losses.entropy([0.5, 0.25, 0.25, 0.0]) == pytest.approx(1.5 * math.log(2))
    assert losses.smooth_l1([0.05, -1.0], 0.1) == pytest.approx([0.0125, 0.95])


def test_varifocal_loss_by_hand_and_at_its_limits() -> None:
    bias = losses.logit(0.01)
    assert losses.varifocal_loss(bias, 1, 1) == pytest.approx(-math.log(0.01))
    assert losses.varifocal_loss(bias, 1, 0.5) == pytest.approx(0.25 * -math.log(0.01) + 0.25 * -math.log(0.99))
    assert losses.varifocal_loss(bias, 1, 0) == 0
    assert losses.varifocal_loss(bias, 0, 1) == pytest.approx(0.75 * 0.01**2 * -math.log(0.99))
    assert losses.varifocal_loss([-1e4, 1e4, 1e4, -1e4], [0, 0, 1, 1], [0, 0, 1, 1]) == pytest.approx([0, 7.5e3, 0, 1e4])
    assert (np.diff(losses.varifocal_loss(bias, 1, np.linspace(0, 1, 101))) > 0).all()  # the most at IoU 1


def test_varifocal_loss_is_what_rtdetr_computes() -> None:
    document = json.loads(gzip.decompress((FATES / "rtdetr_losses.json.gz").read_bytes()))
    assert len(document["cases"]) == 14
    for case in document["cases"]:
        logits = np.array(case["logits"])
        targets, scores = np.zeros_like(logits), np.zeros_like(logits)
        for image, query, label, iou in case["matches"]:
            targets[image, query, label], scores[image, query, label] = 1, iou
        found = losses.varifocal_loss(logits, targets, scores).sum() / len(case["matches"])
        assert found == pytest.approx(case["vfl"], rel=1e-9)


def test_expected_varifocal_loss_is_what_rtdetr_computes_at_first() -> None:
    """Two images of three objects in three classes, 300 queries at the prior: recorded with an IoU of 1 for each match."""
    case = json.loads(gzip.decompress((FATES / "rtdetr_losses.json.gz").read_bytes()))["cases"][-2]
    assert {m[3] for m in case["matches"]} == {1.0}
    found = losses.expected([("a", 2), ("b", 1), ("c", 0)], np.full((3, 2), 0.25), np.full((3, 2), 0.5), 2, 640)
    numbers = {name: value for name, value, _ in found.losses}
    assert numbers["varifocal loss, prior 0.01, IoU 1, per object"] == pytest.approx(case["vfl"], rel=1e-9)


def test_first_losses_of_rtdetr_are_near_those_of_its_decoder() -> None:
    document = json.loads(gzip.decompress((FATES / "rtdetr_losses.json.gz").read_bytes()))
    boxes = np.array(document["boxes"])
    found = losses.expected([("a", 8), ("b", 8), ("c", 8)], boxes[:, 2:], boxes[:, :2], 4, 640)
    numbers = {name: value for name, value, _ in found.losses}
    for name, near in (("loss_vfl", 0.25), ("loss_bbox", 0.1), ("loss_giou", 0.1)):
        recorded = np.mean([first[name] for first in document["first"]])
        assert numbers[f"RT-DETR: {name}"] == pytest.approx(recorded, rel=near)


def test_ious_of_boxes() -> None:
    boxes = np.array([[0.5, 0.5, 0.2, 0.2], [0.6, 0.5, 0.2, 0.2], [0.9, 0.5, 0.2, 0.2]])
    iou, giou = losses.box_ious(boxes[:1], boxes)
    assert iou[0] == pytest.approx([1, 1 / 3, 0])
    assert giou[0] == pytest.approx([1, 1 / 3, -1 / 3])


def test_entropy_is_the_loss_of_a_model_that_knows_the_shares() -> None:
    shares = np.array([0.7, 0.2, 0.1])
    targets = np.repeat([0, 1, 2], [70, 20, 10])
    assert losses.cross_entropy(np.tile(np.log(shares), (100, 1)), targets).mean() == pytest.approx(losses.entropy(shares))


def test_best_constant_is_the_best() -> None:
    values = RNG.gamma(2, 0.1, 500)
    best = losses.best_constant(values)
    mean = losses.smooth_l1(values - best).mean()
    assert all(mean <= losses.smooth_l1(values - c).mean() + 1e-12 for c in np.linspace(values.min(), values.max(), 201))


def test_best_shape_beats_the_mean_and_the_median() -> None:
    wh = np.exp(RNG.normal([-2, -1.5], [0.5, 0.7], (400, 2)))
    w, h, mean = losses.best_shape(wh)
    assert mean == pytest.approx(losses.shape_iou(wh, w, h).mean())
    for other in (wh.mean(axis=0), np.median(wh, axis=0)):
        assert mean >= losses.shape_iou(wh, *other).mean()
    assert losses.best_shape(np.full((3, 2), 0.5))[2] == pytest.approx(1)


def test_expected_numbers_of_a_set() -> None:
    found = losses.expected([("a", 30), ("b", 10), ("c", 0)], np.full((40, 2), 0.25), np.full((40, 2), 0.5), 20, 640)
    numbers = {name: value for name, value, _ in found.losses}
    assert numbers["cross-entropy, uniform"] == pytest.approx(math.log(3))
    assert numbers["cross-entropy, shares known"] == pytest.approx(losses.entropy([0.75, 0.25]))
    assert numbers["1 - IoU of the best constant box"] == pytest.approx(0, abs=1e-9)
    assert numbers["smooth L1 of the best constant box"] == pytest.approx(0, abs=1e-9)
    # 5 expected false positives per level and image, whatever the number of classes: 3 levels, 2 objects an image.
    assert numbers["classification loss of Ultralytics, before its gain"] == pytest.approx(7.5, rel=2e-2)
    assert found.classes[2] == ("c", 0, 0.0, math.inf)


def test_formulas_equal_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    logits, targets = RNG.normal(0, 30, (200, 7)), RNG.integers(0, 7, 200)
    t = torch.tensor(logits)
    want = functional.cross_entropy(t, torch.tensor(targets), reduction="none")
    assert losses.cross_entropy(logits, targets) == pytest.approx(want.numpy())
    assert losses.log_sum_exp(logits) == pytest.approx(torch.logsumexp(t, 1).numpy())
    ones = RNG.integers(0, 2, logits.shape).astype(np.float64)
    want = functional.binary_cross_entropy_with_logits(t, torch.tensor(ones), reduction="none")
    assert losses.binary_cross_entropy(logits, ones) == pytest.approx(want.numpy(), abs=1e-12)
    assert losses.smooth_l1(logits, 0.5) == pytest.approx(
        functional.smooth_l1_loss(t, torch.zeros_like(t), beta=0.5, reduction="none").numpy())
    p = torch.sigmoid(t)
    p_t = p * torch.tensor(ones) + (1 - p) * (1 - torch.tensor(ones))
    a_t = 0.25 * torch.tensor(ones) + 0.75 * (1 - torch.tensor(ones))
    want = a_t * (1 - p_t) ** 2 * functional.binary_cross_entropy_with_logits(t, torch.tensor(ones), reduction="none")
    assert losses.focal_loss(logits, ones) == pytest.approx(want.numpy(), rel=1e-6, abs=1e-9)
    iou = torch.tensor(RNG.uniform(0, 1, logits.shape)) * torch.tensor(ones)
    weight = 0.75 * p**2 * (1 - torch.tensor(ones)) + iou
    want = functional.binary_cross_entropy_with_logits(t, iou, weight=weight, reduction="none")
    assert losses.varifocal_loss(logits, ones, iou.numpy()) == pytest.approx(want.numpy(), rel=1e-9, abs=1e-12)
