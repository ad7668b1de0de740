"""`check --trainer` judges records that know each other by their ids as one, though they lie in different shards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from trainers.recorded import image

from dsinspect.cli import main
from dsinspect.inspection import inspect as inspection

IMAGES = 7


def document(*more: dict[str, Any]) -> dict[str, Any]:
    """Seven images with a box each, and records beside them."""
    return {
        "images": [{"id": k, "file_name": f"{k}.jpg", "width": 64, "height": 48} for k in range(1, IMAGES + 1)],
        "annotations": [{"id": k, "image_id": k, "category_id": 0, "bbox": [k, k, 20, 20], "area": 400, "iscrowd": 0}
                        for k in range(1, IMAGES + 1)] + list(more),
        "categories": [{"id": 0, "name": "cat"}]}


def other(**changes: Any) -> dict[str, Any]:
    return {"id": 1, "image_id": IMAGES, "category_id": 0, "bbox": [30, 20, 10, 10], "area": 100, "iscrowd": 0, **changes}


@pytest.mark.parametrize("name", ["rtdetr", "mmdet", "yolox", "cocoeval", "detectron2", "torchvision", "rfdetr"])
@pytest.mark.parametrize(("more", "image_id"), [
    ([other()], 0), ([other(bbox=[1, 2, 3], id=50)], 0), ([other(image_id=IMAGES + 1, id=50)], 1), ([], 0)],
    ids=["one id in two shards", "a malformed record of the last shard", "one image id in two shards", "no fault"])
def test_shards_change_no_fate(name: str, more: list[dict[str, Any]], image_id: int, tmp_path: Path,
                               monkeypatch: pytest.MonkeyPatch) -> None:
    content = document(*more)
    if image_id:
        content["images"].append({"id": image_id, "file_name": "8.jpg", "width": 64, "height": 48})
    for k in range(1, IMAGES + 2):
        (tmp_path / f"{k}.jpg").write_bytes(image("plain.jpg"))
    (tmp_path / "all.json").write_text(json.dumps(content))
    found = []
    for size in (1 << 20, 3):
        monkeypatch.setattr(inspection, "TABLE_SHARD", size)
        monkeypatch.setattr(inspection, "MEASURED_SHARD", size)
        out = tmp_path / "out.json"
        assert main(["report", str(tmp_path / "all.json"), "--trainer", name, "--select", "TRN", "-o", str(out), "--no-cache",
                     "--quiet"]) == 0
        found.append(json.loads(out.read_text())["findings"])
    assert found[0] == found[1]
