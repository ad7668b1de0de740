"""Boxes after the same operations in albumentations agree with ours.

It is no dependency: set DSINSPECT_ORACLE_PYTHON to an interpreter of an environment that has it (`pip install
albumentations`), or install it beside the tests; they are skipped without.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsinspect.geometry import affine as g
from dsinspect.loader import load_plugins
from dsinspect.protocols.options import make
from dsinspect.protocols.transforms import ImageRow

TYPES = load_plugins().transforms
SIZES = [(640, 480), (333, 501), (97, 64)]
OPERATIONS: list[tuple[str, list[tuple[str, dict[str, Any]]], list[tuple[str, dict[str, Any]]]]] = [
    ("flip", [("flip", {})], [("HorizontalFlip", {})]),
    ("flip-vertical", [("flip", {"axis": "vertical"})], [("VerticalFlip", {})]),
    ("flip-both", [("flip", {"axis": "both"})], [("HorizontalFlip", {}), ("VerticalFlip", {})]),
    ("turn-180", [("rot90", {"angle": 180})], [("HorizontalFlip", {}), ("VerticalFlip", {})]),
    ("turn-90", [("rot90", {"angle": 90})], [("Transpose", {}), ("HorizontalFlip", {})]),
    ("turn-270", [("rot90", {"angle": 270})], [("Transpose", {}), ("VerticalFlip", {})]),
    ("resize", [("resize", {"size": "320x200"})], [("Resize", {"height": 200, "width": 320})]),
    ("long", [("resize", {"long": 256})], [("LongestMaxSize", {"max_size": 256})]),
    ("short", [("resize", {"short": 256})], [("SmallestMaxSize", {"max_size": 256})]),
    ("letterbox", [("letterbox", {"size": 416})],
     [("LongestMaxSize", {"max_size": 416}), ("PadIfNeeded", {"min_height": 416, "min_width": 416})]),
    ("pad", [("pad", {"left": 10, "top": 20, "right": 30, "bottom": 40})],
     [("Pad", {"padding": (10, 20, 30, 40)})]),
    ("crop", [("crop", {"left": 7, "top": 5, "right": 11, "bottom": 13})], []),
]


@pytest.fixture(scope="module")
def oracle() -> str:
    """An interpreter that has albumentations."""
    named = os.environ.get("DSINSPECT_ORACLE_PYTHON")
    if named:
        return named
    if importlib.util.find_spec("albumentations") is None:
        pytest.skip("no albumentations; name an interpreter that has it with DSINSPECT_ORACLE_PYTHON")
    return sys.executable


def random_boxes(width: int, height: int) -> np.ndarray:
    rng = np.random.default_rng(width)
    corners = rng.random((20, 2, 2)) * [width, height]
    return np.concatenate([corners.min(axis=1), corners.max(axis=1) + 1], axis=1).clip(0, [width, height, width, height])


def test_boxes_agree(oracle: str) -> None:
    cases, ours = [], []
    for name, chain, theirs in OPERATIONS:
        for width, height in SIZES:
            boxes = random_boxes(width, height)
            steps = theirs or [("Crop", {"x_min": 7, "y_min": 5, "x_max": width - 11, "y_max": height - 13})]
            cases.append({"size": [width, height], "boxes": boxes.tolist(), "operations": steps})
            image, moved = ImageRow("a.png", width, height), boxes
            for step, values in chain:
                transform = TYPES[step](make(TYPES[step].options_type, values, step))
                params, = transform.plan(image)
                matrix = transform.matrix(params)
                assert matrix is not None
                moved, _ = g.clip_boxes(g.move_boxes(matrix, moved), (params.width, params.height))
                image = ImageRow("a.png", params.width, params.height)
            ours.append((name, [image.width, image.height], moved))
    script = Path(__file__).with_name("oracle_boxes.py")
    done = subprocess.run([oracle, str(script)], input=json.dumps(cases), capture_output=True, text=True, check=True,
                          env={**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"})
    answers = json.loads(done.stdout)
    for (name, size, moved), answer in zip(ours, answers, strict=True):
        assert answer["size"] == size, name
        # Its boxes are float32 fractions of the picture: 1e-3 px at these sizes.
        np.testing.assert_allclose(moved[answer["kept"]], answer["boxes"], atol=2e-3, err_msg=name)
        assert answer["kept"] == np.flatnonzero(g.box_areas(moved) > 0).tolist(), name
