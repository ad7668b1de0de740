"""Loaders that are installed beside dsinspect are run themselves, on sets drawn anew; simulate says what they make of them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from trainers.drawn import CLASSES, documents, examples, label_files
from trainers.recorded import HERE, cases, image, judge, loaded, plugins
from trainers.test_coco_loaders import difference, difference_of_judge, opened
from trainers.test_ultralytics import difference as difference_of_labels
from trainers.test_ultralytics import write_labels

from dsinspect.protocols.trainers import version_key

NEEDS = {
    "cocoeval": ("pycocotools",), "yolox": ("yolox", "pycocotools", "cv2"), "mmdet": ("mmdet", "mmengine", "pycocotools"),
    "detectron2": ("detectron2", "pycocotools", "torch"), "rfdetr": ("rfdetr", "pycocotools", "torch"),
    "ultralytics": ("ultralytics", "torch")}
"""Modules that each loader needs; the first is its own."""
COUNT = 300


def skip_without(name: str) -> None:
    """Skip where a loader is absent, before anything is drawn for it."""
    absent = [m for m in NEEDS[name] if importlib.util.find_spec(m) is None]
    if absent:
        pytest.skip(f"{name} cannot be run: {', '.join(absent)} cannot be imported")


def run(name: str, given: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Return what an installed loader makes of documents or label files, in a process of its own."""
    spec = importlib.util.find_spec(NEEDS[name][0])
    assert spec is not None
    assert spec.origin is not None
    pictures = {k: v for k, v in cases()["images"].items() if k in ("plain.jpg", "plain.png", "grey.png")}
    asked, made = tmp_path / "given.json", tmp_path / "made.json"
    asked.write_text(json.dumps({"images": pictures, "labels": [], "coco": [], "pairs": [], **given}))
    done = subprocess.run(
        [sys.executable, HERE / "runners.py", name, Path(spec.origin).parents[1], asked, made, tmp_path / "run"],
        env={**os.environ, "PYTHONUTF8": "1", "YOLO_CONFIG_DIR": str(tmp_path), "CUDA_VISIBLE_DEVICES": ""}, capture_output=True,
        text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(made.read_text())
    return found


@pytest.mark.parametrize("name", [n for n in NEEDS if n != "ultralytics"])
def test_documents_fare_as_the_installed_loader_has_them(name: str, tmp_path: Path) -> None:
    skip_without(name)
    seed = int.from_bytes(os.urandom(4))
    drawn = {str(k): document for k, document in enumerate(examples(documents(), COUNT, seed))}
    fates = run(name, {"coco": [{"name": k, "document": d} for k, d in drawn.items()]}, tmp_path)
    trainer = plugins().trainers[name]()
    for picture in ("plain.jpg", "plain.png", "grey.png"):
        (tmp_path / picture).write_bytes(image(picture))
    compare = difference_of_judge if name == "cocoeval" else difference
    wrong = [(d, *found) for k, d in drawn.items() if (found := compare(trainer, opened(tmp_path, d), d, fates[k]))]
    assert not wrong, f"{len(wrong)} of {len(drawn)} differ with seed {seed}: {wrong[:2]}"


def test_label_files_fare_as_the_installed_ultralytics_has_them(tmp_path: Path) -> None:
    skip_without("ultralytics")
    seed = int.from_bytes(os.urandom(4))
    drawn = [{"name": str(k), "nc": CLASSES, "label": text} for k, text in enumerate(examples(label_files(), COUNT, seed))]
    fates = run("ultralytics", {"labels": drawn}, tmp_path)
    release = importlib.metadata.version("ultralytics")
    newest = plugins().trainers["ultralytics"].newest
    if version_key(release) > version_key(newest):
        pytest.skip(f"ultralytics {release} is newer than the rules that are known, up to {newest}")
    trainer = plugins().trainers["ultralytics"](release)
    shard = loaded(write_labels(tmp_path / "set", drawn, CLASSES), "yolo", trainer)
    _, made, _ = judge(shard, trainer)
    wrong = [(c, *found) for k, c in enumerate(drawn)
             if (found := difference_of_labels(trainer, made, shard, k, fates[f"label {c['name']}"]))]
    assert not wrong, f"{len(wrong)} of {len(drawn)} differ with seed {seed}: {wrong[:2]}"
