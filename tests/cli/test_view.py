"""`dsinspect view`: which images a sheet shows, and in which colours."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dsinspect.render.contact_sheet import Marked, _unseen, grid_places, sheet, tile
from dsinspect.render.palette import MARK, OTHER, colours_of, palette, to_oklab

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
COCO = SAMPLES / "coco"


def has_colour(sheet: Path, rgb: tuple[int, int, int]) -> bool:
    pixels = cv2.imread(str(sheet))
    assert pixels is not None
    return bool((pixels == np.array(rgb[::-1])).all(axis=2).any())


def test_twenty_classes_are_told_apart_from_each_other_and_from_the_marks() -> None:
    names = [f"class {k}" for k in range(20)]
    colours = [to_oklab(c) for c in [*colours_of(names).values(), MARK, OTHER]]
    assert min(math.dist(a, b) for k, a in enumerate(colours) for b in colours[:k]) > 0.1
    assert len(set(palette())) == len(palette())


def test_more_classes_than_colours_share_them() -> None:
    names = [str(k) for k in range(1000)]
    assert set(colours_of(names)) == set(names)


def test_an_image_by_path_and_by_name(cli: Any, tmp_path: Path) -> None:
    for name in ("train/train_08.jpg", "train_08.jpg", "train_08"):
        done = cli("view", COCO, "-o", tmp_path / "sheet.png", "--image", name)
        assert done.code == 0
        assert "1 image" in done.err
    done = cli("view", COCO, "-o", tmp_path / "none.png", "--image", "train_80.jgp")
    assert done.code == 2
    assert "train_8" in done.err or "no such image" in done.err
    assert not (tmp_path / "none.png").exists()


def test_a_sample_is_the_same_with_the_same_seed(cli: Any, tmp_path: Path) -> None:
    def drawn(name: str, seed: int) -> bytes:
        assert cli("view", COCO, "-o", tmp_path / name, "--sample", "5", "--seed", str(seed)).code == 0
        return (tmp_path / name).read_bytes()

    assert drawn("a.png", 1) == drawn("b.png", 1)
    assert drawn("c.png", 2) != drawn("a.png", 1)


def test_both_images_of_a_pair_are_shown(cli: Any, tmp_path: Path) -> None:
    done = cli("view", COCO, "-o", tmp_path / "sheet.png", "--select", "SPL001")
    assert done.code == 0
    assert "2 images" in done.err


def test_both_boxes_of_a_pair_are_marked(cli: Any, tmp_path: Path) -> None:
    assert cli("view", COCO, "-o", tmp_path / "sheet.png", "--select", "BOX007").code == 0
    assert has_colour(tmp_path / "sheet.png", MARK)
    assert has_colour(tmp_path / "sheet.png", OTHER)


def test_no_group_is_parted_by_the_end_of_a_row() -> None:
    assert grid_places([0, 0, 1, 1, 2, 2], 3) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    assert grid_places([0, 1, 1, 1, 1], 3) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)], "it fits into no row"
    assert grid_places(range(5), 3) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert grid_places([], 3) == []
    tiles = [np.full((10 + k, 20, 3), k, np.uint8) for k in range(4)]
    made = sheet(tiles, 3, [0, 0, 1, 1])
    assert made.shape == (6 + 11 + 6 + 13 + 6, 3 * 26 + 6, 3)
    assert (made[6, 6 + 26] == 1).all()
    assert (made[6 + 11 + 6, 6] == 2).all()


def test_a_box_is_seen_on_any_ground_and_its_label_beside_it() -> None:
    for ground in (0, 128, 255):
        box = Marked((30.0, 2.0, 60.0, 30.0), "no class", colour=(255, 255, 255), line=2)
        drawn = tile(np.full((100, 100, 3), ground, np.uint8), 100, [box]).astype(int)
        assert drawn[15, 25:36].max() - drawn[15, 25:36].min() >= 127
        assert (drawn[8:24, 40:50] == ground).all(), "there is no room for the label above: it must not hide the box"


def test_a_box_of_no_declared_class_is_called_so(cli: Any, tmp_path: Path) -> None:
    assert cli("view", COCO, "-o", tmp_path / "named.png", "--image", "train_34").code == 0
    assert cli("view", COCO, "-o", tmp_path / "plain.png", "--image", "train_34", "--no-labels").code == 0
    white = [int((cv2.imread(str(tmp_path / n)) == 255).all(axis=2).sum()) for n in ("named.png", "plain.png")]
    assert white[0] - white[1] > 300, "the ground of the label"


def test_codes_are_selected_like_everywhere(cli: Any, tmp_path: Path) -> None:
    one = cli("view", COCO, "-o", tmp_path / "one.png", "--select", "BOX,IMG", "--ignore", "IMG")
    other = cli("view", COCO, "-o", tmp_path / "other.png", "--select", "BOX")
    assert one.code == other.code == 0
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
    wrong = cli("view", COCO, "-o", tmp_path / "wrong.png", "--select", "BOX099")
    assert wrong.code == 2


def test_messages_stand_below(cli: Any, tmp_path: Path) -> None:
    cli("view", COCO, "-o", tmp_path / "with.png", "--select", "BOX003")
    cli("view", COCO, "-o", tmp_path / "without.png", "--image", "train_08.jpg")
    a, b = cv2.imread(str(tmp_path / "with.png")), cv2.imread(str(tmp_path / "without.png"))
    assert a is not None
    assert b is not None
    assert a.shape[0] > b.shape[0] + 18
    assert a.shape[1] == b.shape[1]


@pytest.mark.parametrize("named", [True, False], ids=["with --images", "by name"])
def test_before_and_after_with_images_elsewhere(cli: Any, tmp_path: Path, named: bool) -> None:
    shutil.copytree(SAMPLES / "clean" / "annotations", tmp_path / "set" / "annotations")
    for split in ("train", "val"):
        shutil.copytree(SAMPLES / "clean" / split, tmp_path / "images" / split)
    made = cli("transform", tmp_path / "set", "--images", tmp_path / "images", "-o", tmp_path / "out", "--op", "flip")
    assert made.code == 0
    more = ("--images", tmp_path / "images") if named else ()
    done = cli("view", tmp_path / "out", "--before-after", "--originals", tmp_path / "set", "-o", tmp_path / "sheet.png",
               "--limit", "4", *more)
    assert done.code == 0
    assert "2 pairs" in done.err


def test_before_and_after_of_other_originals_is_told(cli: Any, tmp_path: Path) -> None:
    assert cli("transform", SAMPLES / "clean", "-o", tmp_path / "out", "--op", "flip").code == 0
    (tmp_path / "other.json").write_text('{"images": [{"id": 1, "file_name": "other.jpg", "width": 9, "height": 9}], '
                                         '"annotations": [], "categories": []}')
    done = cli("view", tmp_path / "out", "--before-after", "--originals", tmp_path / "other.json", "-o", tmp_path / "sheet.png")
    assert done.code == 2
    assert "--images" in done.err


def test_originals_of_the_same_names_and_other_sizes_are_refused(cli: Any, tmp_path: Path) -> None:
    assert cli("transform", SAMPLES / "clean", "-o", tmp_path / "out", "--op", "flip").code == 0
    assert cli("transform", SAMPLES / "clean", "-o", tmp_path / "other", "--op", "resize:size=50").code == 0
    done = cli("view", tmp_path / "out", "--before-after", "--originals", tmp_path / "other", "-o", tmp_path / "sheet.png")
    assert done.code == 2
    assert re.search(r"--originals .*: .*\.jpg has 50 x \d+ px, and out was made of one of \d+ x \d+ px; name the set", done.err)
    assert not (tmp_path / "sheet.png").exists()


def test_what_was_asked_for_is_named_when_there_is_no_such_image(cli: Any, tmp_path: Path) -> None:
    done = cli("view", COCO, "-o", tmp_path / "v.png", "--class", "tram", "--split", "val")
    assert done.code == 2
    assert "no image of the split val has a box of tram" in done.err


def test_every_suffix_of_a_sheet_is_named(cli: Any, tmp_path: Path) -> None:
    done = cli("view", COCO, "-o", tmp_path / "v.gif")
    assert done.code == 2
    assert done.err.endswith("a sheet is an image; write .png, .jpg, .jpeg, .webp, .bmp, .tif, .tiff\n")
    assert cli("view", COCO, "-o", tmp_path / "v.bmp", "--limit", 1).code == 0


def test_pairs_and_channels_are_counted_as_such(cli: Any, tmp_path: Path) -> None:
    assert cli("transform", SAMPLES / "clean", "-o", tmp_path / "out", "--op", "flip", "--quiet").code == 0
    originals = json.loads((tmp_path / "out" / "manifest.json").read_text())["outputs"]
    done = cli("view", tmp_path / "out", "--before-after", "--originals", SAMPLES / "clean", "--limit", "4",
               "-o", tmp_path / "sheet.png")
    assert done.err.strip().endswith(f"2 pairs; {len(originals) - 2} more (--limit, which counts both images of a pair)")
    np.save(tmp_path / "stack.npy", np.zeros((12, 20, 20), np.float32))
    assert cli("view", tmp_path / "stack.npy", "--limit", "5", "-o", tmp_path / "s.png").err.strip().endswith(
        "5 channels; 7 more (--limit)")


def test_a_box_outside_has_no_tag_on_the_image() -> None:
    ground = np.full((60, 80, 3), 128, np.uint8)
    outside = tile(ground, 80, [Marked((100, 10, 120, 30), "car")])
    assert (outside == ground).all()
    assert (tile(ground, 80, [Marked((40, 30, 60, 50), "car")]) != ground).any()


def test_both_boxes_of_a_pair_on_one_place_are_seen() -> None:
    box = (20.0, 20.0, 60.0, 50.0)
    pair = [Marked(box, "", True, (255, 0, 255), 2), Marked(box, "", True, (0, 213, 255), 8)]
    made = tile(np.full((60, 80, 3), 128, np.uint8), 80, pair)
    across = made[35].astype(int).tolist()
    assert across.count([255, 213, 0]) >= 6, "light blue, 2 px or more on either side of the magenta, but for its dark edge"
    assert across.count([255, 0, 255]) >= 4


def test_a_pair_shows_the_output_that_is_changed(cli: Any, tmp_path: Path) -> None:
    cli("transform", SAMPLES / "clean", "-o", tmp_path / "out", "--op", "flip", "--variants", "--quiet")
    done = cli("view", tmp_path / "out", "--before-after", "--originals", SAMPLES / "clean", "--limit", "2",
               "-o", tmp_path / "a.png")
    assert done.code == 0, done.err
    sheet = cv2.imread(str(tmp_path / "a.png"))
    assert sheet is not None
    half = sheet.shape[1] // 2
    before, after = (part[20:140].mean(axis=2) for part in (sheet[:, 6:half - 6], sheet[:, -half + 6:-6]))
    width = min(before.shape[1], after.shape[1])
    assert np.abs(before[:, :width] - after[:, :width]).mean() > 10


def test_pairs_with_boxes_come_first(cli: Any, tmp_path: Path) -> None:
    import dsinspect

    cli("transform", COCO, "-o", tmp_path / "out", "--op", "flip", "--quiet")
    done = cli("view", tmp_path / "out", "--before-after", "--originals", COCO, "--limit", "2", "-o", tmp_path / "a.png",
               "--no-labels")
    assert done.code == 0, done.err
    classes = [c.name for c in dsinspect.open(COCO).info.categories]
    assert any(has_colour(tmp_path / "a.png", rgb) for rgb in colours_of(classes).values())


def test_boxes_that_leave_no_trace_are_counted() -> None:
    grey = np.full((40, 60, 3), 100, np.uint8)
    inside, edge = Marked((10, 10, 30, 30), "car"), Marked((60, 5, 60, 20), "car")
    outside, nowhere = Marked((70, 5, 90, 20), "car"), Marked((math.nan, 5, 90, 20), "car")
    plain = tile(grey, 240, [inside, edge], "a.png").shape[0]
    assert tile(grey, 240, [inside, outside], "a.png").shape[0] > plain
    assert tile(grey, 240, [inside, nowhere], "a.png").shape[0] > plain
    told = _unseen([inside, edge, outside, outside, nowhere], (0, 0, 60, 40))
    assert told == ["2 boxes outside of the image", "1 box not finite"]
