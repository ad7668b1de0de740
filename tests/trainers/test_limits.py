"""A trainer's limits are the defaults of checks; the configuration beats them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from trainers.recorded import image

from dsinspect.cli import main
from dsinspect.config import Config
from dsinspect.inspection.plan import build_checks
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols.trainers import Fates, Loaded, Trainer

PLUGINS = load_plugins()


class Strict(Trainer):
    """Wants boxes of 7 px, and a limit that no check has."""

    name = title = "strict"
    releases = ("1",)
    newest = "1"
    reads = ("coco",)
    rules = ()
    limits = {"BOX005": {"min_side": 7.0, "no_such_option": 1}}

    def judge(self, loaded: Loaded) -> Fates:
        raise NotImplementedError


def side(config: Config, trainer: Trainer | None) -> float:
    built = build_checks(Request("set", Path("set"), config, trainer=trainer), PLUGINS)
    return float(built["BOX005"].options.min_side)


def test_a_trainers_limit_is_the_default() -> None:
    plain = side(Config(), None)
    assert plain != 7
    assert side(Config(), Strict()) == 7
    assert side(Config(checks={"BOX005": {"min_side": 3.0}}), Strict()) == 3


def test_limits_are_those_of_checks() -> None:
    for trainer in PLUGINS.trainers.values():
        for code, values in trainer.limits.items():
            check = PLUGINS.checks.get(code)
            if check is not None:  # a plugin may be left out
                assert set(values) <= set(check.options_type.__struct_fields__), (trainer.name, code)


def codes(root: Path, trainer: str, select: str) -> list[tuple[str, str]]:
    """Return code and severity of what `report --trainer` finds; `trainer` may be empty."""
    out = root / "out.json"
    asked = ["--trainer", trainer] if trainer else []
    assert main(["report", str(root / "all.json"), *asked, "--select", select, "-o", str(out), "--no-cache", "--force",
                 "--quiet"]) == 0
    return [(f["code"], f["severity"]) for f in json.loads(out.read_text())["findings"]]


def write(root: Path, boxes: int, ids: tuple[int, ...] = (1, 2), wh: tuple[int, int] = (640, 480)) -> None:
    """Write a set of one image, its classes in turn."""
    (root / "all.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "a.jpg", "width": wh[0], "height": wh[1]}],
        "categories": [{"id": k, "name": f"class {k}"} for k in ids],
        "annotations": [{"id": k + 1, "image_id": 1, "category_id": ids[k % len(ids)], "bbox": [k % 50, k // 50, 9, 9], "area": 81,
                         "iscrowd": 0} for k in range(boxes)]}))


@pytest.mark.parametrize(("trainer", "most"), [
    ("ultralytics", 300), ("rtdetr", 300), ("rfdetr", 300), ("detectron2", 100), ("torchvision", 100), ("mmdet", 100),
    ("cocoeval", 100), ("yolox", 120)])
def test_an_image_has_more_boxes_than_the_trainer_returns(trainer: str, most: int, tmp_path: Path) -> None:
    write(tmp_path, most)
    assert codes(tmp_path, trainer, "DST005") == []
    write(tmp_path, most + 1)
    assert codes(tmp_path, trainer, "DST005") == [("DST005", "warning")]


@pytest.mark.parametrize(("trainer", "ids", "found"), [
    ("rtdetr", (0, 1), False), ("rtdetr", (1, 2), True), ("torchvision", (1, 2), False), ("torchvision", (0, 1), True),
    ("yolox", (1, 2), False), ("yolox", (2, 1), True), ("detectron2", (3, 1), False)])
def test_ids_are_an_error_for_the_trainer_named(trainer: str, ids: tuple[int, ...], found: bool, tmp_path: Path) -> None:
    write(tmp_path, 4, ids)
    assert (("CLS009", "error") in codes(tmp_path, trainer, "CLS009")) == found


OPENS_UPRIGHT = ("ultralytics", "detectron2", "mmdet", "yolox")


@pytest.mark.parametrize("trainer", [*OPENS_UPRIGHT, "torchvision", "rtdetr", "rfdetr", "cocoeval"])
def test_a_turned_image_counts_where_its_boxes_are_of_another_frame_than_the_trainer_opens(trainer: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(image("exif 6.jpg"))
    for wh, frame in (((64, 48), "stored"), ((48, 64), "upright")):
        write(tmp_path, 4, wh=wh)
        assert ("IMG005", "warning") in codes(tmp_path, "", "IMG005")
        opened = "upright" if trainer in OPENS_UPRIGHT else frame if trainer == "cocoeval" else "stored"
        assert (("IMG005", "warning") in codes(tmp_path, trainer, "IMG005")) == (frame != opened)


@pytest.mark.parametrize(("release", "found"), [("8.4.173", ["info"]), ("8.4.174", [])])
def test_who_turns_the_size_depends_on_the_release(release: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(image("exif 5.jpg"))
    write(tmp_path, 4, wh=(48, 64))
    assert [s for _, s in codes(tmp_path, f"ultralytics@{release}", "IMG005")] == found
