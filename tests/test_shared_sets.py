"""Real data sets that nobody here made: the counts and faults their README states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dsinspect.findings.severity import Severity
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols.run import Run

PLUGINS = load_plugins()


def run_on(path: Path, **options: Any) -> Run:
    run = inspect(Request(path.name, path, jobs=2, **options), PLUGINS)
    assert not run.crashed
    return run


def classes(run: Run) -> dict[str, int]:
    frame = run.census.categories
    return {n: a for n, a in zip(frame["name"], frame["annotations"].tolist(), strict=True) if a}


def counts(run: Run) -> tuple[int, int]:
    return run.census.images, run.census.annotations


def errors(run: Run) -> dict[str, int]:
    found = {}
    for o in run.outcomes:
        n = int((o.findings.severities(o.severity) == Severity.ERROR.rank).sum())
        if n:
            found[o.code] = n
    return found


def test_bccd(shared_data: Path) -> None:
    run = run_on(shared_data / "bccd")
    assert counts(run) == (364, 4888)
    assert classes(run) == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    assert errors(run) == {"BOX001": 2}
    outcome = run.outcome("BOX001")
    assert outcome
    assert [f.image for f in outcome.iterate()] == [f"JPEGImages/BloodImage_00{k}.jpg" for k in (338, 343)]
    assert run.census.splits["images"].sum() == 364
    assert set(run.census.splits["name"]) == {"train", "val", "test"}


@pytest.mark.parametrize("name", ["pascalvoc_format", "imagenet_format", "coco_format_v1", "coco_format_v2", "yolo_format",
                                  "openimages_format"])
@pytest.mark.parametrize("with_images", [False, True])
def test_rop_metrics_is_the_same_in_every_format(shared_data: Path, name: str, with_images: bool) -> None:
    images = shared_data / "rop_metrics" / "images" if with_images else None
    run = run_on(shared_data / "rop_metrics" / "gts" / name, images=images)
    assert counts(run) == (100, 273)
    found = classes(run)
    assert found["person"] == 91
    assert len(found) == 20
    assert errors(run) == {}
    assert run.info.has_files is with_images


def test_rbc_coco(shared_data: Path) -> None:
    run = run_on(shared_data / "rbc_coco")
    assert counts(run) == (240, 5638)
    assert len(classes(run)) == 2
    assert sorted(run.census.splits["name"]) == ["test", "train", "val"]
    on_boxes = {c: n for c, n in errors(run).items() if c.startswith("BOX")}
    assert on_boxes == {"BOX007": 4}


# Roboflow numbers annotations from 0 in each file, which pycocotools cannot score, and writes boxes among polygons, which
# Ultralytics reads as polygons of two points: both are faults in truth.
@pytest.mark.parametrize(("name", "faults"), [
    ("sharks-tiny-coco", {"REC004": 3}), ("sharks-tiny-yolov9", {"REC012": 5})])
def test_sharks(shared_data: Path, name: str, faults: dict[str, int]) -> None:
    run = run_on(shared_data / "sharks" / name)
    assert counts(run) == (10, 60)
    assert classes(run) == {"shark": 40, "primary": 10, "fish": 10}
    assert errors(run) == faults


def test_chess(shared_data: Path) -> None:
    run = run_on(shared_data / "chess_voc")
    assert counts(run) == (11, 180), "the twelfth image has no XML"
    assert [f.image for o in run.outcomes if o.code == "SRC002" for f in o.iterate()] == ["5c1.jpg"]
    unportable = run.outcome("SRC006")
    assert unportable
    assert [f.image for f in unportable.iterate()] == ["0AF.jpg"]


def test_every_orientation_is_measured_right(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "exif_orientation"
    names = sorted(p.name for p in folder.glob("*.jpg"))
    table = tmp_path / "boxes.csv"
    table.write_text("image,x_min,y_min,x_max,y_max,class\n" + "".join(f"{n},10,10,50,50,scene\n" for n in names))
    run = run_on(table, images=folder, keep_images=True)
    assert run.images is not None
    rows = run.images.assign(name=[p.rpartition("/")[2] for p in run.images["path"]]).set_index("name")
    for name in names:
        digit = int(name[-5])
        assert rows.loc[name, "orientation"] == max(digit, 1)
        upright = (rows.loc[name, "frame_width"], rows.loc[name, "frame_height"])
        assert upright == ((1800, 1200) if name.startswith("Landscape") else (1200, 1800))
    rotated = run.outcome("IMG005")
    assert rotated
    assert len(rotated.findings) == sum(int(n[-5]) > 1 for n in names)


@pytest.mark.parametrize("kind", ["yolo_dataset", "voc_dataset", "coco_dataset"])
def test_tiny_fixtures_open_or_say_why(shared_data: Path, kind: str) -> None:
    from dsinspect.errors import UserError

    opened = 0
    for folder in sorted((shared_data / "formats_tiny" / kind).iterdir()):
        if not folder.is_dir():
            continue
        try:
            opened += run_on(folder).census.images > 0
        except UserError as e:
            assert "\n" not in str(e)
    assert opened >= 3


def test_spreadsheets_open_or_give_one_line(shared_data: Path) -> None:
    from dsinspect.errors import UserError
    from dsinspect.io.spreadsheets import sheets_of

    opened = refused = 0
    for path in sorted((shared_data / "spreadsheets").rglob("*")):
        if path.suffix.lower() not in (".xls", ".xlsx", ".xlsm"):
            continue
        try:
            opened += sum(1 for s in sheets_of(path) for _ in s.rows()) >= 0
        except UserError as e:
            refused += 1
            assert "\n" not in str(e)
    assert opened > 50
    assert refused >= 3
