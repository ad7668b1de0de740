"""What changed operators and numbers left alone: each of these fails on a mutant that no other test noticed."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from dsinspect.errors import nearest_path
from dsinspect.findings.findings import Findings, Fix
from dsinspect.findings.members import members
from dsinspect.findings.severity import Severity
from dsinspect.fixing import diff
from dsinspect.geometry import affine
from dsinspect.geometry.exif import turned_upright as turned_pixels
from dsinspect.geometry.exif_frames import turned_upright
from dsinspect.geometry.rle import counts_from_text, decode_mask, encode_mask
from dsinspect.protocols.formats import Patch
from dsinspect.tables.dataset import Shard
from dsinspect.testing import make_batch

WIDTH, HEIGHT = 7, 4


def stored_shard(orientations: list[int], *, upright: bool = False) -> Shard:
    """Return images of 7 x 4 px stored, each with a mask, a polygon, keypoints and a box around pixel (1..3, 2..4)."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[2:4, 1:3] = 1
    outline = msgspec.json.encode({"counts": encode_mask(mask), "size": [HEIGHT, WIDTH]})
    paths = [f"{k}.jpg" for k in range(len(orientations))]
    batch = make_batch(
        [{"path": p, "orientation": float(o), "file_width": float(WIDTH), "file_height": float(HEIGHT)}
         for p, o in zip(paths, orientations, strict=True)],
        [{"image": p, "category": "cat", "box": [1, 2, 3, 4], "segmentation": outline.decode()} for p in paths])
    images = batch.image_columns.with_columns({
        "boxes_upright": np.full(len(paths), upright), "frame_width": np.full(len(paths), float(WIDTH)),
        "frame_height": np.full(len(paths), float(HEIGHT))})
    return Shard(images, batch.annotation_columns)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_masks_boxes_and_sizes_turn_as_pixels_do(orientation: int) -> None:
    shard = turned_upright(stored_shard([1, orientation]))
    stored = np.zeros((HEIGHT, WIDTH), np.uint8)
    stored[2:4, 1:3] = 1
    expected = turned_pixels(stored, orientation)
    found = msgspec.json.decode(shard.annotations["segmentation"][1])
    assert found["size"] == list(expected.shape)
    assert np.array_equal(decode_mask(found["counts"], found["size"]), expected.astype(bool))
    rows, columns = np.nonzero(expected)
    assert shard.annotations[["x_min", "y_min", "x_max", "y_max"]].to_numpy()[1].tolist() == [
        columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert shard.images[["frame_width", "frame_height"]].to_numpy()[1].tolist() == list(expected.shape[::-1])
    assert msgspec.json.decode(shard.annotations["segmentation"][0])["size"] == [HEIGHT, WIDTH]


def test_boxes_that_are_upright_already_stay() -> None:
    shard = stored_shard([6], upright=True)
    assert turned_upright(shard) is shard


def test_a_stretched_matrix_is_no_similarity_whichever_side_is_longer() -> None:
    assert not affine.is_similarity(np.array([[2.0, 0, 0], [0, 1, 0]]))
    assert not affine.is_similarity(np.array([[1.0, 0, 0], [0, 2, 0]]))
    assert not affine.is_similarity(np.array([[100.0, 1e-4, 0], [0, 100, 0]]))
    assert affine.is_similarity(np.array([[0.001, 0.0005, 0], [-0.0005, 0.001, 0]]))


def test_whole_numbers_move_to_fractions() -> None:
    assert affine.move_keypoints([[0.5, 0, 0], [0, 0.5, 0]], [[1, 3, 2]]).tolist() == [[0.5, 1.5, 2.0]]


@pytest.mark.parametrize(("values", "expected"), [
    ({"members": ["a.jpg", "b.jpg"]}, ["a.jpg", "b.jpg"]), ({"members": "a.jpg\nb.jpg"}, ["a.jpg", "b.jpg"]), ({}, []),
    ({"files": "a.jpg (train), b.jpg (val)"}, ["a.jpg", "b.jpg"]),
    ({"files": "a, b.jpg (train)"}, ["a, b.jpg", "a", "b.jpg"])])
def test_members_of_a_group(values: dict[str, object], expected: list[str]) -> None:
    assert members(values) == expected


def test_text_of_a_mask_has_no_character_beyond_its_last() -> None:
    with pytest.raises(ValueError, match="damaged"):
        counts_from_text("p")


def test_a_diff_of_very_many_lines_shows_them_as_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MAX_LINES", 1)
    monkeypatch.setattr(diff, "MARGIN", 0)
    assert list(diff.unified_diff(Patch("a.txt", b"same\none\ntwo\nend", b"same\none\n2\nthree\n"))) == [
        "--- a/a.txt\n", "+++ b/a.txt\n", "@@ -3,2 +3,2 @@\n", "-two\n", "-end\n\\ No newline at end of file\n", "+2\n",
        "+three\n"]


def test_a_file_of_very_many_lines_that_goes_leaves_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MAX_LINES", 0)
    gone, come = (list(diff.unified_diff(Patch("a.txt", *both))) for both in ((b"one\n", None), (b"", b"one\n")))
    assert gone == ["--- a/a.txt\n", "+++ /dev/null\n", "@@ -1,1 +0,0 @@\n", "-one\n"]
    assert come == ["--- a/a.txt\n", "+++ b/a.txt\n", "@@ -0,0 +1,1 @@\n", "+one\n"]


def test_as_many_lines_as_are_compared_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MAX_LINES", 3)
    patch = Patch("a.txt", b"one\ntwo\nthree\n", b"1\ntwo\n3\n")
    alike = [line for line in diff.unified_diff(patch) if line.startswith(" ")]
    assert alike == [" two\n"], "six lines are no more than twice three"
    monkeypatch.setattr(diff, "MAX_LINES", 2)
    assert not [line for line in diff.unified_diff(patch) if line.startswith(" ")]


def test_the_near_path_is_of_the_same_number_and_the_last_part_counts() -> None:
    known = ["train/1/img_7.jpg", "train/7/img_1.jpg"]
    assert nearest_path("imgs_1.jpg", known) == " (did you mean 'train/7/img_1.jpg'?)"


def test_a_polygon_that_reaches_the_border_by_less_than_a_pixel_stays_as_it_is() -> None:
    points = np.array([[0.5, 0.25], [9.5, 0.25], [9.5, 9.75], [0.5, 9.75]])
    np.testing.assert_array_equal(affine.clip_polygon(points, (10, 10)), points)
    beyond = np.array([[-1.0, 0.5], [9.5, 0.5], [9.5, 9.5], [-1.0, 9.5]])
    assert affine.polygon_area(affine.clip_polygon(beyond, (10, 10))) == pytest.approx(9.5 * 9.0)


def test_fewer_than_three_points_have_no_area() -> None:
    assert [affine.polygon_area(np.ones((n, 2)) * 3) for n in range(3)] == [0, 0, 0]


def test_windows_of_several_sizes() -> None:
    np.testing.assert_array_equal(affine.windows_of([[10, 20], [30, 40]]), [[0, 0, 10, 20], [0, 0, 30, 40]])


def test_a_finding_has_the_severity_of_its_kind_else_that_of_the_check_and_keeps_what_a_fix_writes() -> None:
    batch = make_batch([{"path": "a.jpg", "width": 10, "height": 10}], [{"image": "a.jpg", "box": [0, 0, 5, 5], "category": "cat"}])
    mild = Findings.of_annotations(batch, [0], "x", severity=Severity.INFO, fix=Fix("safe", "set-category"), new_text=["dog"])
    usual = Findings.of_annotations(batch, [0], "y")
    found = list(Findings.concat([mild, usual]).iterate("TEA001", Severity.ERROR))
    assert [(f.message, f.severity) for f in found] == [("x", Severity.INFO), ("y", Severity.ERROR)]
    assert mild.columns["fix:text"].tolist() == ["dog"]
