"""What the losses of a detector must be before it has learnt anything, when everything is wired right.

A first loss that is far from these numbers says that labels, classes or boxes do not arrive as they should, before a night is
spent on training (Karpathy 2019, A Recipe for Training Neural Networks: "verify loss at init"). All logarithms are natural.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

PRIOR = 0.01
"""Probability of an object that heads start with (Lin et al. 2017, Focal Loss for Dense Object Detection, section 4.1)."""
ALPHA, GAMMA = 0.25, 2.0
"""Of the focal loss (Lin et al. 2017, section 5.1)."""
VARIFOCAL_ALPHA = 0.75
"""Weight of negatives in the varifocal loss (Zhang et al. 2021, VarifocalNet, section 3.2; RT-DETRv2, rtdetrv2_r50vd.yml)."""
QUERIES = 300
"""Of each image in RT-DETR (`num_queries`)."""
DRAWS = 8
"""Of RT-DETR's first queries, whose losses are averaged."""
BETA = 1.0 / 9.0
"""Where smooth L1 turns from square to straight (torchvision's and detectron2's RPN)."""
STRIDES = (8, 16, 32)
"""Of the levels of a one-stage head without anchors (YOLOX, YOLOv8 and later)."""
BINS = 16
"""Of the distribution focal loss (Ultralytics, `reg_max`)."""


def log_sum_exp(logits: ArrayLike) -> NDArray[np.float64]:
    """Return ln of the sum of e to the logits along the last axis, without overflow.

    The largest logit is taken out first: ln sum e^x = m + ln sum e^(x - m).

    >>> float(log_sum_exp([1000.0, 1000.0]))
    1000.6931471805599
    """
    x = np.asarray(logits, np.float64)
    top = x.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(x - top).sum(axis=-1)) + top[..., 0])


def cross_entropy(logits: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """Return the softmax cross-entropy of each row.

    Args:
        logits: (N, C).
        targets: (N,) class numbers.
    """
    x = np.asarray(logits, np.float64)
    return np.asarray(log_sum_exp(x) - x[np.arange(len(x)), np.asarray(targets)])


def softplus(x: ArrayLike) -> NDArray[np.float64]:
    """Return ln(1 + e^x) without overflow: max(x, 0) + ln(1 + e^-|x|)."""
    values = np.asarray(x, np.float64)
    return np.asarray(np.maximum(values, 0) + np.log1p(np.exp(-np.abs(values))))


def binary_cross_entropy(logits: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """Return the sigmoid cross-entropy of each value: softplus(x) - t x."""
    x = np.asarray(logits, np.float64)
    return np.asarray(softplus(x) - np.asarray(targets, np.float64) * x)


def focal_loss(logits: ArrayLike, targets: ArrayLike, alpha: float = ALPHA, gamma: float = GAMMA) -> NDArray[np.float64]:
    """Return the sigmoid focal loss of each value (Lin et al. 2017, equation 5).

    Args:
        logits: any shape.
        targets: 0 or 1, of the same shape.
        alpha: weight of positives; 1 - alpha is that of negatives.
        gamma: how much easy values count less.
    """
    x, t = np.asarray(logits, np.float64), np.asarray(targets, np.float64)
    towards = np.where(t > 0.5, x, -x)  # ln p_t = -softplus(-towards), 1 - p_t = e^-softplus(towards)
    weight = np.where(t > 0.5, alpha, 1 - alpha)
    return np.asarray(weight * np.exp(-gamma * softplus(towards)) * softplus(-towards))


def varifocal_loss(logits: ArrayLike, targets: ArrayLike, scores: ArrayLike, alpha: float = VARIFOCAL_ALPHA,
                   gamma: float = GAMMA) -> NDArray[np.float64]:
    """Return the varifocal loss of each value (Zhang et al. 2021, equation 2), as RT-DETR has it.

    A positive is pulled to the IoU q of its box, with q as its weight: q (q softplus(-x) + (1 - q) softplus(x)). A negative
    counts alpha p^gamma softplus(x), where p is the sigmoid of x: ln p = -softplus(-x), so that nothing overflows. Unlike in the
    paper a positive of IoU 0 stays one, and counts nothing (RT-DETRv2 at 068dfde, rtdetrv2_criterion.py: loss_labels_vfl).

    Args:
        logits: any shape.
        targets: 1 for the class of a matched query, else 0; of the same shape.
        scores: IoU, from 0 to 1, of each positive; what negatives have counts nothing.
        alpha: weight of negatives.
        gamma: how much easy negatives count less.
    """
    x, q = np.asarray(logits, np.float64), np.asarray(scores, np.float64)
    negative = alpha * np.exp(-gamma * softplus(-x)) * softplus(x)
    return np.asarray(np.where(np.asarray(targets) > 0.5, q * binary_cross_entropy(x, q), negative))


def entropy(shares: ArrayLike) -> float:
    """Return - sum p ln p, the loss of a model that knows the shares of the classes and nothing else (Shannon 1948)."""
    p = np.asarray(shares, np.float64)
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def logit(p: float) -> float:
    """Return ln(p / (1 - p)), the bias with which a sigmoid starts at p."""
    return math.log(p) - math.log1p(-p)


def smooth_l1(differences: ArrayLike, beta: float = BETA) -> NDArray[np.float64]:
    """Return smooth L1 of each difference: d^2 / (2 beta) below beta, |d| - beta / 2 above (Girshick 2015, equation 3)."""
    d = np.abs(np.asarray(differences, np.float64))
    return np.asarray(np.where(d < beta, d * d / (2 * beta), d - beta / 2))


def best_constant(values: NDArray[np.float64], beta: float = BETA) -> float:
    """Return the constant with the least mean smooth L1 to some values: where the clipped differences add up to 0."""
    low, high = float(values.min()), float(values.max())
    for _ in range(60):
        middle = (low + high) / 2
        if np.clip((values - middle) / beta, -1, 1).sum() > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def shape_iou(wh: NDArray[np.float64], width: float, height: float) -> NDArray[np.float64]:
    """Return the IoU of boxes (N, 2) with one of a width and height, all on one centre."""
    inner = np.minimum(wh[:, 0], width) * np.minimum(wh[:, 1], height)
    return np.asarray(inner / (wh[:, 0] * wh[:, 1] + width * height - inner))


def best_shape(wh: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return width and height of the one box with the largest mean IoU to all, on their centres, and that mean.

    A grid over the logarithms of the sides is made finer three times; the mean is flat near its top.
    """
    logs = np.log(wh)
    centre, reach = np.median(logs, axis=0), np.maximum(np.ptp(logs, axis=0) / 2, 1e-6)
    best = (float(np.exp(centre[0])), float(np.exp(centre[1])), float(shape_iou(wh, *np.exp(centre)).mean()))
    for _ in range(4):
        for dx in np.linspace(-1, 1, 9):
            for dy in np.linspace(-1, 1, 9):
                w, h = np.exp(centre + reach * (dx, dy))
                mean = float(shape_iou(wh, w, h).mean())
                if mean > best[2]:
                    best = (float(w), float(h), mean)
        centre, reach = np.log(best[:2]), reach / 4
    return best


def first_of_rtdetr(wh: NDArray[np.float64], centres: NDArray[np.float64], imgsz: int, unmatched: float,
                    sample: int = 2_000) -> list[tuple[str, float, str]]:
    """Return the losses of RT-DETR's first boxes, as it logs them, with how each is made.

    Its heads start at 0, so that its first boxes are its anchors: squares of 0.05, 0.1 and 0.2 of the image on the cells of its
    levels (RT-DETRv2 at 068dfde, rtdetrv2_decoder.py: _generate_anchors). The 300 with the highest scores become queries; before
    anything is learnt these are any 300. Each object is given the query of the least matching cost, 5 L1 - 2 GIoU (matcher.py:
    HungarianMatcher.forward; the cost of the class is the same for all). The mean of some draws is within a fifth of what its
    decoder and criterion give on features of noise.

    Args:
        wh: (N, 2) sides of the boxes as parts of their image.
        centres: (N, 2) their centres.
        imgsz: training size, px.
        unmatched: varifocal loss of the negatives, by the objects.
        sample: boxes looked at, at most.
    """
    step = -(-len(wh) // sample)
    boxes = np.column_stack([centres, wh])[::step]
    anchors = np.concatenate([_squares(math.ceil(imgsz / s), 0.05 * 2**level) for level, s in enumerate(STRIDES)])
    draw = np.random.default_rng(0)
    found = np.zeros(3)
    for _ in range(DRAWS):
        taken = anchors[draw.choice(len(anchors), min(QUERIES, len(anchors)), replace=False)]
        iou, giou = box_ious(boxes, taken)
        far = np.abs(boxes[:, None] - taken[None]).sum(axis=2)
        at = np.arange(len(boxes)), np.argmin(5 * far - 2 * giou, axis=1)
        found += [varifocal_loss(logit(PRIOR), 1, iou[at]).mean(), 5 * far[at].mean(), 2 * (1 - giou[at]).mean()]
    vfl, l1, g = (found / DRAWS).tolist()
    how = f"with any {min(QUERIES, len(anchors))} of its {len(anchors):,} anchors as first boxes"
    return [("loss_vfl", vfl + unmatched, f"about: varifocal loss {how}"), ("loss_bbox", l1, f"about: 5 x L1 {how}"),
            ("loss_giou", g, f"about: 2 x (1 - GIoU) {how}")]


def _squares(n: int, side: float) -> NDArray[np.float64]:
    """Return squares (n x n, 4) of centre and sides on the cells of a level."""
    places = (np.arange(n) + 0.5) / n
    x, y = np.meshgrid(places, places)
    return np.column_stack([x.ravel(), y.ravel(), np.full((n * n, 2), side)])


def box_ious(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (N, M) IoU and generalised IoU (Rezatofighi et al. 2019, algorithm 1) of boxes with an area.

    Args:
        first: (N, 4) centre and sides.
        second: (M, 4) likewise.
    """
    a, b = ((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2) for boxes in (first, second))
    inner = np.clip(np.minimum(a[1][:, None], b[1]) - np.maximum(a[0][:, None], b[0]), 0, None).prod(axis=2)
    union = first[:, 2:].prod(axis=1)[:, None] + second[:, 2:].prod(axis=1) - inner
    hull = (np.maximum(a[1][:, None], b[1]) - np.minimum(a[0][:, None], b[0])).prod(axis=2)
    return inner / union, inner / union - (hull - union) / hull


@dataclass(frozen=True)
class Expected:
    """What the first losses must be.

    Attributes:
        classes: name, boxes, share, and the loss of one box of the class for a model that knows the shares only.
        losses: name, number, and how it is made, in the order to read them.
        images: number of images.
        boxes: number of boxes with an area.
    """

    classes: tuple[tuple[str, int, float, float], ...]
    losses: tuple[tuple[str, float, str], ...]
    images: int
    boxes: int


def anchors_of(imgsz: int, strides: Sequence[int] = STRIDES) -> list[int]:
    """Return the number of cells of each level of a one-stage head."""
    return [math.ceil(imgsz / s) ** 2 for s in strides]


def expected(counts: Sequence[tuple[str, int]], wh: NDArray[np.float64], centres: NDArray[np.float64], images: int, imgsz: int,
             sample: int = 100_000) -> Expected:
    """Return the losses at initialisation. One cell counts as positive for each object.

    Args:
        counts: boxes of each class, by name, classes without a box included.
        wh: (N, 2) sides of the boxes as parts of their image, above 0.
        centres: (N, 2) centres of the boxes as parts of their image.
        images: number of images.
        imgsz: training size, px.
        sample: boxes that the best constant box is looked for in, at most; every n-th is taken.
    """
    total = sum(n for _, n in counts)
    n_classes = max(len(counts), 1)
    shares = np.array([n for _, n in counts], np.float64) / max(total, 1)
    levels = anchors_of(imgsz)
    anchors = sum(levels)
    positive = min(total / max(images, 1) / anchors, 1.0)
    with_background = np.append(shares * positive, 1 - positive)
    bias = logit(PRIOR)
    negatives = max(images, 1) * anchors * n_classes - total
    focal = float(focal_loss(bias, 1)) + float(focal_loss(bias, 0)) * negatives / max(total, 1)
    bce = float(binary_cross_entropy(bias, 1)) + float(binary_cross_entropy(bias, 0)) * negatives / max(total, 1)
    ultralytics = sum(n * n_classes * float(softplus(math.log(5 / n_classes / (640 / s) ** 2))) for n, s in
                      zip(levels, STRIDES, strict=True)) * max(images, 1) / max(total, 1)
    queries = max(images, 1) * QUERIES * n_classes - total
    unmatched = float(varifocal_loss(bias, 0, 0)) * max(queries, 0) / max(total, 1)
    losses = [
        ("cross-entropy, uniform", math.log(n_classes), f"ln {n_classes}: every class equally likely"),
        ("cross-entropy, uniform, with background", math.log(n_classes + 1), f"ln {n_classes + 1}: two-stage heads at first"),
        ("cross-entropy, shares known", entropy(shares), "entropy of the class shares: where a model that only counts stops"),
        ("cross-entropy, shares known, with background", entropy(with_background),
         f"entropy with background, {positive:.3%} of {anchors:,} cells an object"),
        ("binary cross-entropy, no prior", math.log(2), "ln 2 for each class of each cell: sigmoid heads that start at 0.5"),
        ("binary cross-entropy, prior 0.01, per object", bce,
         f"-ln 0.01 for the object and -ln 0.99 for {negatives:,} negatives, by {total:,} objects"),
        ("focal loss, prior 0.01, per object", focal, "alpha 0.25, gamma 2, summed and divided by the objects"),
        ("varifocal loss, prior 0.01, IoU 1, per object", float(varifocal_loss(bias, 1, 1)) + unmatched,
         f"alpha 0.75, gamma 2, {QUERIES} queries an image: less where the matched boxes have a smaller IoU"),
        ("classification loss of Ultralytics, before its gain", ultralytics,
         "biases of ln(5 / nc / (640 / stride)^2): negatives only, by the objects"),
        ("distribution focal loss", math.log(BINS), f"ln {BINS}: uniform over the bins (reg_max)"),
    ]
    if len(wh):
        step = -(-len(wh) // sample)
        some, places = wh[::step], centres[::step]
        w, h, mean = best_shape(some)
        constant = [best_constant(column) for column in (*places.T, *some.T)]
        l1 = sum(float(smooth_l1(column - c).mean()) for column, c in zip((*places.T, *some.T), constant, strict=True))
        losses += [
            ("1 - IoU of the best constant box", 1 - mean, f"{w:.3f} x {h:.3f} of the image, on the centre of each box"),
            ("smooth L1 of the best constant box", l1, f"centre and size as parts of the image, beta {BETA:.3f}, their sum")]
        losses += [(f"RT-DETR: {name}", value, how) for name, value, how in first_of_rtdetr(some, places, imgsz, unmatched)]
    rows = [(name, n, float(s), float(-np.log(s)) if s > 0 else math.inf)
            for (name, n), s in zip(counts, shares.tolist(), strict=True)]
    return Expected(tuple(rows), tuple(losses), images, len(wh))
