"""What a small mistake in the core would break: each of these has slipped through the tests before."""

from __future__ import annotations

import io
import struct
import zipfile
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

import dsinspect
from dsinspect.errors import UserError
from dsinspect.findings.findings import Findings
from dsinspect.findings.severity import Severity
from dsinspect.fixing.from_findings import resolve
from dsinspect.geometry.affine import move_points
from dsinspect.geometry.exif import orientation_matrix, turned_upright
from dsinspect.inspection.baseline import apply_baseline
from dsinspect.inspection.census import Tally
from dsinspect.inspection.finish import fold
from dsinspect.inspection.shard_task import ShardState, merge_states
from dsinspect.io import spreadsheets
from dsinspect.loader import load_plugins
from dsinspect.protocols.checks import Fold, Result
from dsinspect.protocols.run import Census, KnownFinding, Outcome, Run
from dsinspect.protocols.transforms import ImageRow
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.transformation.chain import build_chain, routes

PLUGINS = load_plugins()
RED = (0, 0, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_and_points_turn_alike(orientation: int) -> None:
    height, width = 30, 50
    stored = np.zeros((height, width), np.uint8)
    stored[4:8, 10:18] = 255
    upright = turned_upright(stored, orientation)
    assert upright.shape == ((width, height) if orientation >= 5 else (height, width))
    corners = move_points(orientation_matrix(orientation, width, height), [[10, 4], [18, 8]])
    (x_min, y_min), (x_max, y_max) = corners.min(axis=0), corners.max(axis=0)
    expected = np.zeros(upright.shape, np.uint8)
    expected[int(y_min):int(y_max), int(x_min):int(x_max)] = 255
    assert np.array_equal(upright, expected)


def jpeg(pixels: np.ndarray, orientation: int) -> bytes:
    """Return a JPEG whose EXIF says how to turn it."""
    done, content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 100])
    assert done
    exif = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0)
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + bytes(content)[2:]


@pytest.fixture(scope="module")
def turned_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One scene in all eight orientations, with YOLO labels drawn on the upright image, as tools show it."""
    root = tmp_path_factory.mktemp("turned")
    for part in ("images/train", "labels/train"):
        (root / part).mkdir(parents=True)
    scene = np.full((120, 80, 3), 90, np.uint8)
    scene[90:110, 8:32] = RED
    for orientation in range(1, 9):
        height, width = (80, 120) if orientation >= 5 else (120, 80)
        back = {6: 8, 8: 6}.get(orientation, orientation)  # the turn that undoes it
        stored = turned_upright(scene, back)
        assert stored.shape[:2] == (height, width)
        (root / f"images/train/o{orientation}.jpg").write_bytes(jpeg(stored, orientation))
        (root / f"labels/train/o{orientation}.txt").write_text(
            f"0 {20 / 80:.6f} {100 / 120:.6f} {24 / 80:.6f} {20 / 120:.6f}\n")
    (root / "data.yaml").write_text("path: .\ntrain: images/train\nnames: [red]\n")
    return root


def assert_red_inside(sample: dsinspect.api.Sample) -> None:  # type: ignore[name-defined]
    (x_min, y_min, x_max, y_max), = sample.boxes_xyxy.round().astype(int).tolist()
    inside = sample.image[y_min + 2:y_max - 2, x_min + 2:x_max - 2].reshape(-1, 3).mean(axis=0)
    assert inside[0] > 200, f"{sample.path}: {inside} inside {(x_min, y_min, x_max, y_max)} of {sample.image.shape}"
    assert inside[1] < 60
    ring = sample.image[max(y_min - 8, 0):max(y_min - 2, 0), x_min:x_max].reshape(-1, 3)
    assert not len(ring) or ring[:, 0].mean() < 150


@pytest.mark.parametrize("ops", [[], ["upright"], ["flip"], ["rot90"], ["letterbox:size=96"], ["resize:size=60"]])
def test_boxes_lie_on_their_objects_in_all_orientations(turned_set: Path, ops: list[str]) -> None:
    samples = list(dsinspect.iter(turned_set, ops))
    assert len(samples) == 8
    for sample in samples:
        assert_red_inside(sample)


@pytest.mark.parametrize("to", ["coco", "voc", "yolo", "table"])
def test_boxes_lie_on_their_objects_after_a_conversion(turned_set: Path, tmp_path: Path, to: str) -> None:
    dsinspect.convert(turned_set, tmp_path / to, to=to)
    samples = list(dsinspect.open(tmp_path / to))
    assert len(samples) == 8
    for sample in samples:
        assert_red_inside(sample)


def test_ids_start_at_one_where_there_were_none_and_stay_where_there_were(turned_set: Path, tmp_path: Path) -> None:
    dsinspect.convert(turned_set, tmp_path / "coco", to="coco")
    made = dsinspect.open(tmp_path / "coco")
    assert sorted(made.images["image_id"]) == list(range(1, 9))
    assert sorted(made.annotations["annotation_id"]) == list(range(1, 9))
    text = next((tmp_path / "coco").rglob("*.json")).read_text()
    assert '"id":0' not in text.replace(" ", "")


def state(troubles: set[str]) -> ShardState:
    empty = Columns({}, 0)
    counts = Tally(Counter(), Counter(), {}, Counter(), Counter())
    return ShardState(1, {}, counts, (empty,), (), {"load": 1.0}, frozenset(troubles))


def test_troubles_of_both_parts_survive_a_merge() -> None:
    merged = merge_states({}, {}, state({"left"}), state({"right"}))
    assert merged.troubles == {"left", "right"}
    assert merged.images_done == 2
    assert merged.seconds == {"load": 2.0}


def test_all_folded_findings_are_counted() -> None:
    results = {
        "CNV001": Result(Findings.of_subjects(["set"], "x"), folds=(Fold(("BOX",)), Fold(("IMG004",)))),
        "BOX003": Result(Findings.of_subjects(["a", "b"], "x")), "BOX004": Result(Findings.of_subjects(["c"], "x")),
        "IMG004": Result(Findings.of_subjects(["d", "e"], "x")), "IMG005": Result(Findings.of_subjects(["f"], "x"))}
    fold(results)  # type: ignore[arg-type]
    counts = {code: len(r.findings) for code, r in results.items()}
    assert counts == {"CNV001": 1, "BOX003": 0, "BOX004": 0, "IMG004": 0, "IMG005": 1}
    explained = next(results["CNV001"].findings.iterate("CNV001", Severity.ERROR))
    assert explained.values["folded"] == 5


def test_the_window_of_a_route_is_wide_where_the_image_is_wide() -> None:
    chain = build_chain([("letterbox", {"size": 100})], PLUGINS)
    route, = routes(chain, ImageRow("a.jpg", 200, 100))
    window, is_cut = route.window
    assert not is_cut
    assert window == (0.0, 25.0, 100.0, 75.0)
    assert route.size_wh == (100, 100)
    tall, = routes(chain, ImageRow("a.jpg", 100, 200))
    assert tall.window[0] == (25.0, 0.0, 75.0, 100.0)


def test_fingerprints_are_those_of_every_earlier_release() -> None:
    def made(**where: str) -> str:
        return next(Findings.of_subjects(["s"], "x", **where).iterate("BOX001", Severity.ERROR)).fingerprint

    found = [made(), made(image="a.jpg"), made(category="cat"), made(image="a.jpg", category="cat")]
    assert found == ["ce25a98f275867ea", "9a02eaa132207d6f", "20962a9ee4dd35da", "a0e66a470552a945"]
    assert made(split="train") == made(), "a split is not: images move between splits"
    twice = Findings.of_subjects(["s", "s"], "x")
    assert len(set(twice.fingerprints("BOX001").tolist())) == 2, "equal findings are told apart by a counter"
    assert Findings.of_subjects(["s"], "x").fingerprints("BOX001") != Findings.of_subjects(["s"], "x").fingerprints("BOX002")


def test_the_class_that_others_go_into_is_not_dropped() -> None:
    changes = [{"action": "merge-category", "category": "Cat", "text": "cat"}, {"action": "drop-category", "category": "cat"},
               {"action": "drop-category", "category": "Cat"}, {"action": "drop-category", "category": "dog"}]
    assert [(c["action"], c["category"]) for c in resolve(changes)] == [("merge-category", "Cat"), ("drop-category", "dog")]


@pytest.mark.parametrize(("status", "stale"), [("clean", 1), ("skipped", 0), ("crashed", 0)])
def test_only_a_check_that_ran_shows_that_a_finding_is_gone(status, stale) -> None:
    outcome = Outcome("BOX001", "no-area", Severity.ERROR, status, Findings.none())
    none = Columns({"name": np.empty(0, object)}, 0)
    run = Run("set", DatasetInfo("coco", Path()), Census(0, 0, none, none), (outcome,))
    found = apply_baseline(run, [KnownFinding("0" * 16, "BOX001", "gone?")])
    assert found.baseline is not None
    assert len(found.baseline.stale) == stale


@pytest.mark.parametrize("fill", ["zeros", "noise"])
def test_a_workbook_that_unfolds_a_thousand_times_is_refused(tmp_path, fill) -> None:
    size = (10 << 20) + 1000
    noise = np.random.default_rng(0).integers(32, 127, size, np.uint8).tobytes()
    path = tmp_path / "a.xlsx"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(size) if fill == "zeros" else noise)
    path.write_bytes(buffer.getvalue())
    with pytest.raises(UserError) as error:
        spreadsheets.sheets_of(path)
    assert ("zip bomb" in str(error.value)) == (fill == "zeros"), error.value
