"""Run RT-DETRv2's varifocal loss on drawn logits and write what went in and what came out; see record.py.

    python loss_runner.py SOURCE OUT

SOURCE is a checkout of RT-DETR; PyTorch is installed beside it, torchvision is a stub. Of each case are kept: the logits (images,
queries, classes), image, query, class and IoU of each match, and the loss as the criterion divides it, by the boxes. Then the
decoder is run as it starts, on features of noise, and the criterion asked for all its losses.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
import types
from pathlib import Path
from typing import Any

from runners import packages, stubs

BIAS = -4.59511985013459
"""ln(0.01 / 0.99), with which the heads of RT-DETR start."""


def main() -> None:
    source, out = sys.argv[1:]
    root = Path(source) / "rtdetrv2_pytorch"
    stubs("torchvision")
    import torchvision.ops.boxes

    torchvision.ops.boxes.box_area = lambda b: (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    packages(root, "src", "src.zoo", "src.zoo.rtdetr", "src.misc")
    core, distributed = types.ModuleType("src.core"), types.ModuleType("src.misc.dist_utils")
    core.register = lambda *a, **k: lambda cls: cls  # type: ignore[attr-defined]
    distributed.get_world_size = lambda: 1  # type: ignore[attr-defined]
    distributed.is_dist_available_and_initialized = lambda: False  # type: ignore[attr-defined]
    sys.modules |= {"src.core": core, "src.misc.dist_utils": distributed}
    criterion = importlib.import_module("src.zoo.rtdetr.rtdetrv2_criterion").RTDETRCriterionv2
    draw = random.Random(13)
    cases = [_made(criterion, _drawn(draw), draw) for _ in range(12)]
    cases += [_made(criterion, [[[BIAS] * 3] * 300] * 2, draw, ious) for ious in ([[1.0, 1.0], [1.0]], [[0.25, 0.75], [0.5]])]
    places, sides = (0.25, 0.75), (0.05, 0.5)
    boxes = [[draw.uniform(*r) for r in (places, places, sides, sides)] for _ in range(24)]
    first = [_first(seed, boxes, criterion) for seed in range(6)]
    Path(out).write_text(json.dumps({"cases": cases, "boxes": boxes, "first": first}))


def _first(seed: int, boxes: list[list[float]], criterion: Any) -> dict[str, float]:
    """Return the first losses of a decoder that has learnt nothing, on features of noise and four images of some boxes."""
    import torch

    decoder = importlib.import_module("src.zoo.rtdetr.rtdetrv2_decoder").RTDETRTransformerv2
    matcher = importlib.import_module("src.zoo.rtdetr.matcher").HungarianMatcher
    torch.manual_seed(seed)
    model = decoder(num_classes=3, feat_channels=[256] * 3, num_points=[4] * 3, num_denoising=0, eval_spatial_size=[640, 640])
    weights = {"loss_vfl": 1, "loss_bbox": 5, "loss_giou": 2}
    match = matcher({"cost_class": 2, "cost_bbox": 5, "cost_giou": 2}, use_focal_loss=True, alpha=0.25, gamma=2.0)
    targets = [{"labels": torch.arange(len(own)) % 3, "boxes": torch.tensor(own)} for own in (boxes[k::4] for k in range(4))]
    with torch.no_grad():
        found = model([torch.randn(4, 256, n, n) for n in (80, 40, 20)], targets)
        made = criterion(match, weights, ["vfl", "boxes"], 0.75, 2.0, 3)(found, targets)
    return {name: float(made[name]) for name in weights}


def _drawn(draw: random.Random) -> list[list[list[float]]]:
    images, queries, classes = draw.randint(1, 3), draw.randint(3, 9), draw.randint(1, 5)
    return [[[round(draw.gauss(0, 5), 3) for _ in range(classes)] for _ in range(queries)] for _ in range(images)]


def _made(criterion: Any, logits: list[list[list[float]]], draw: random.Random,
          given: list[list[float]] | None = None) -> dict[str, Any]:
    """Return the loss of some logits, with drawn matches: (image, query, class, IoU) each."""
    import torch

    queries, classes = len(logits[0]), len(logits[0][0])
    matches = []
    for image in range(len(logits)):
        n = len(given[image]) if given else draw.randint(0 if image else 1, queries)
        ious = given[image] if given else [draw.choice([0.0, 1.0, round(draw.random(), 3)]) for _ in range(n)]
        matches += [(image, q, draw.randrange(classes), iou) for q, iou in zip(draw.sample(range(queries), n), ious, strict=True)]
    # The targets of an image stand in the order of its matches: query k of the matches is matched with target k.
    of = [[m for m in matches if m[0] == image] for image in range(len(logits))]
    targets = [{"labels": torch.tensor([m[2] for m in own], dtype=torch.int64)} for own in of]
    indices = [(torch.tensor([m[1] for m in own], dtype=torch.int64), torch.arange(len(own))) for own in of]
    outputs = {"pred_logits": torch.tensor(logits, dtype=torch.float64), "pred_boxes": None}
    values = torch.tensor([m[3] for own in of for m in own], dtype=torch.float64)
    vfl = criterion(None, {}, [], 0.75, 2.0, classes).loss_labels_vfl(outputs, targets, indices, len(matches), values)
    return {"logits": logits, "matches": matches, "vfl": float(vfl["loss_vfl"])}


if __name__ == "__main__":
    main()
