"""Boxes of images with an EXIF orientation stay on their objects, also where the image itself cannot tell its frame."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hostile.conftest import Done, with_orientation

Cli = Callable[..., Done]
UPRIGHT_WH = (100, 160)
BOX = (10, 130, 40, 155)
STORED = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_COUNTERCLOCKWISE}


def turned_set(folder: Path, orientations: list[int], *, declared: tuple[int, int] | None, boxes: str = "upright") -> Path:
    """Draw images whose one red object is at BOX when they are upright, as VOC; boxes are on the upright or stored image."""
    folder.mkdir()
    for k, orientation in enumerate(orientations):
        upright = np.random.default_rng(k).integers(0, 90, (UPRIGHT_WH[1], UPRIGHT_WH[0], 3)).astype(np.uint8)
        upright[BOX[1]:BOX[3], BOX[0]:BOX[2]] = (0, 0, 255)
        done, jpeg = cv2.imencode(".jpg", cv2.rotate(upright, STORED[orientation]), [cv2.IMWRITE_JPEG_QUALITY, 95])
        assert done
        (folder / f"a{k}.jpg").write_bytes(with_orientation(bytes(jpeg), orientation))
        box = BOX if boxes == "upright" else (60, 5, 90, 30) if orientation == 3 else (130, 60, 155, 90)
        size = "" if declared is None else f"<size><width>{declared[0]}</width><height>{declared[1]}</height></size>"
        edges = "".join(f"<{e}>{v}</{e}>" for e, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
        (folder / f"a{k}.xml").write_text(f"<annotation><filename>a{k}.jpg</filename>{size}<object><name>red</name>"
                                          f"<bndbox>{edges}</bndbox></object></annotation>")
    return folder


def are_red(images: Path, labels: Path) -> list[bool]:
    """Say for each YOLO label whether its box is on the red object of the image as displayed."""
    found = []
    for label in sorted(labels.rglob("*.txt")):
        pixels = cv2.imread(str(next(images.rglob(f"{label.stem}.jpg"))))  # turned upright, as Ultralytics reads it
        assert pixels is not None
        _, x, y, w, h = map(float, label.read_text().split())
        height, width = pixels.shape[:2]
        top, bottom, left, right = (round(v) for v in ((y - h / 2) * height, (y + h / 2) * height, (x - w / 2) * width,
                                                       (x + w / 2) * width))
        crop = pixels[top:bottom, left:right]
        found.append(bool(crop[..., 2].mean() > 200))
    return found


@pytest.mark.parametrize("declared", [UPRIGHT_WH, None])
def test_the_set_tells_for_images_that_cannot(cli: Cli, tmp_path: Path, declared: tuple[int, int] | None) -> None:
    source = turned_set(tmp_path / "set", [6, 6, 6, 6, 3], declared=declared)
    assert cli("convert", source, "-o", tmp_path / "yolo", "--to", "yolo").code == 0
    assert are_red(tmp_path / "yolo/images", tmp_path / "yolo/labels") == [True] * 5
    for op in ("upright", "flip"):
        assert cli("transform", source, "-o", tmp_path / op, "--op", op, "--to", "yolo").code == 0
        assert are_red(tmp_path / op / "images", tmp_path / op / "labels") == [True] * 5


def test_a_set_of_stored_frames_tells_too(cli: Cli, tmp_path: Path) -> None:
    source = turned_set(tmp_path / "set", [6, 6, 3], declared=(160, 100), boxes="stored")
    xml = source / "a2.xml"
    xml.write_text(xml.read_text().replace("<width>160</width><height>100", "<width>100</width><height>160"))
    done = cli("convert", source, "-o", tmp_path / "yolo", "--to", "yolo")
    assert "nothing in the set shows" not in done.out
    assert are_red(tmp_path / "yolo/images", tmp_path / "yolo/labels") == [True] * 3


@pytest.mark.parametrize("frame", ["upright", "stored"])
def test_the_user_may_say_which_frame(cli: Cli, tmp_path: Path, frame: str) -> None:
    source = turned_set(tmp_path / "set", [3, 3], declared=UPRIGHT_WH, boxes=frame)
    done = cli("convert", source, "-o", tmp_path / "auto", "--to", "yolo")
    assert "2  images have an EXIF orientation, and nothing in the set shows" in done.out
    assert are_red(tmp_path / "auto/images", tmp_path / "auto/labels") == [frame == "upright"] * 2
    done = cli("convert", source, "-o", tmp_path / "yolo", "--to", "yolo", "--frame", frame)
    assert "nothing in the set shows" not in done.out
    assert are_red(tmp_path / "yolo/images", tmp_path / "yolo/labels") == [True] * 2
    assert cli("convert", source, "-o", tmp_path / "no", "--to", "yolo", "--frame", "upside").code == 2


def test_a_set_goes_through_every_format_and_back(cli: Cli, tmp_path: Path) -> None:
    source = turned_set(tmp_path / "set", [6, 6, 3], declared=UPRIGHT_WH)
    at = source
    for k, to in enumerate(("yolo", "coco", "table", "yolo", "voc", "yolo")):
        assert cli("convert", at, "-o", tmp_path / str(k), "--to", to).code == 0
        at = tmp_path / str(k)
    assert are_red(at / "images", at / "labels") == [True] * 3


def test_view_and_thumbnails_show_the_object(cli: Cli, tmp_path: Path) -> None:
    source = turned_set(tmp_path / "set", [6, 6, 6, 6, 3], declared=UPRIGHT_WH)
    assert cli("view", source, "-o", tmp_path / "sheet.png", "--side", "160", "--no-labels").code == 0
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    red = (sheet[..., 2] > 200) & (sheet[..., 0] < 60)
    count, _, stats, _ = cv2.connectedComponentsWithStats(red.astype(np.uint8))
    objects = sorted(tuple(stats[k, 2:4].tolist()) for k in range(1, count) if stats[k, 4] > 300)
    assert len(objects) == 5
    assert max(w for w, _ in objects) <= 34  # a box drawn elsewhere would be a second or a larger patch
