"""EXIF: boxes and pixels in different frames are told, for those who turn pixels and those who do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from trainers.recorded import image, judged, plugins

from dsinspect.protocols.trainers import CHANGED, KEPT


def turned(root: Path, width: int, height: int) -> Path:
    """The recorded JPEG of 64 x 48 px with orientation 6, declared with some size."""
    (root / "a.jpg").write_bytes(image("exif 6.jpg"))
    (root / "all.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "a.jpg", "width": width, "height": height}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 4, 20, 20], "area": 400, "iscrowd": 0,
                         "segmentation": [[4, 4, 24, 4, 24, 24]]}],
        "categories": [{"id": 1, "name": "cat"}]}))
    return root / "all.json"


@pytest.mark.parametrize(("name", "turns"), [("yolox", True), ("mmdet", True), ("rtdetr", False), ("rfdetr", False),
                                             ("torchvision", False)])
def test_boxes_of_the_other_frame_are_misread(name: str, turns: bool, tmp_path: Path) -> None:
    trainer = plugins().trainers[name]()
    for (width, height), is_misread in (((64, 48), turns), ((48, 64), not turns)):
        _, fates, _ = judged(turned(tmp_path, width, height), "coco", trainer)
        assert fates.fate.tolist() == [CHANGED if is_misread else KEPT]
        if is_misread:
            assert trainer.rules[fates.rule[0]].key == "exif-frame"


def test_detectron2_stops_at_a_stored_size(tmp_path: Path) -> None:
    trainer = plugins().trainers["detectron2"]()
    _, _, verdict = judged(turned(tmp_path, 64, 48), "coco", trainer)
    assert verdict.in_order()[0].error.startswith("SizeMismatchError")
    assert not judged(turned(tmp_path, 48, 64), "coco", trainer)[2].in_order()
