"""The Python API gives what the commands give, prints nothing, and raises what it is told to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dsinspect
from dsinspect.cli import main
from dsinspect.errors import UserError

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
COCO = SAMPLES / "coco"


@pytest.fixture(autouse=True)
def _silent(monkeypatch, tmp_path, capfd):
    monkeypatch.setenv("DSINSPECT_CACHE_DIR", str(tmp_path / "cache"))
    yield
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == ""


@pytest.fixture(scope="module")
def run() -> dsinspect.Inspection:
    return dsinspect.inspect(COCO, cache=False)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import dsinspect, sys; print([m for m in ('numpy', 'pandas', 'cv2', 'openpyxl', 'typer') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_tables_are_those_of_the_files() -> None:
    ds = dsinspect.open(COCO)
    declared = [json.loads(p.read_text(errors="replace")) for p in sorted((COCO / "annotations").glob("*.json"))]
    assert ds.info.format == "coco"
    assert len(ds) == len(ds.images) == sum(len(d["images"]) for d in declared)
    rows = ds.annotations["image_row"].to_numpy()
    assert rows.max() < len(ds.images)
    seven = ds.annotations[(ds.annotations["image_row"] >= 0) & ds.annotations["category"].eq("car")].iloc[0]
    assert ds.images["path"].iloc[seven["image_row"]].startswith("train/")
    cars = ds.categories.set_index("name").loc["car"]
    assert cars["annotations"] == ((ds.annotations["category"] == "car") & (rows >= 0)).sum()
    assert "coco, 76 images" in repr(ds)


def test_fractions_come_as_px() -> None:
    ds = dsinspect.open(SAMPLES / "yolo")
    assert ds.annotations["x_max"].max() > 2


def test_findings_are_those_of_the_command(run, capfd) -> None:
    main(["check", str(COCO), "--output-format", "json", "--no-cache"])
    told = json.loads(capfd.readouterr().out)["findings"]
    frame = run.findings.to_frame()
    assert len(frame) == len(run.findings) == len(told)
    assert frame["fingerprint"].tolist() == [f["fingerprint"] for f in told]
    assert frame["message"].tolist() == [f["message"] for f in told]
    assert frame["fix"].tolist() == [f["fix"] and f"{f['fix']['safety']}: {f['fix']['action']}" for f in told]
    assert json.loads(run.text("json"))["findings"] == told


def test_verdict_metrics_and_tables(run) -> None:
    assert run.verdict.endswith(" in 76 images, 184 boxes")
    assert run.fails("error")
    assert run.metrics("CLS001")["ratio"] > 50
    with pytest.raises(UserError, match="XYZ001: no check of that code ran"):
        run.metrics("XYZ001")
    assert all(hasattr(t, "columns") for t in run.tables("CLS001").values())


def test_options_and_selection() -> None:
    loose = dsinspect.inspect(COCO, select="BOX005", options={"BOX005": {"min_side": 1}}, cache=False)
    assert not len(loose.findings)
    assert not loose.fails("info")
    with pytest.raises(UserError, match="did you mean 'min_side'"):
        dsinspect.inspect(COCO, select=["BOX005"], options={"BOX005": {"min_sde": 1}})
    with pytest.raises(UserError, match="no such file or folder"):
        dsinspect.inspect(COCO / "nowhere")


def test_reports(run, tmp_path) -> None:
    for suffix in (".xlsx", ".html", ".json", ".csv", ".md"):
        run.write(tmp_path / f"run{suffix}")
        assert (tmp_path / f"run{suffix}").stat().st_size > 1000
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []
    with pytest.raises(UserError, match=r"^/.*run.docx: no report writes"):
        run.write(tmp_path / "run.docx")
    run.write(tmp_path / "small.xlsx", thumbnails=0, thumbnails_mb=1, tables=True)
    run.write(tmp_path / "small.html", max_mb=1)
    with pytest.raises(UserError, match="is not text"):
        run.text("xlsx")
    assert "<html" in run.to_html()
    assert 'sandbox="allow-scripts"' in run._repr_html_()
    assert "<script>" not in run._repr_html_()  # the page is inside an attribute


def test_iterating_gives_what_transform_writes(tmp_path) -> None:
    done = dsinspect.transform(SAMPLES / "clean", tmp_path / "out", ["resize:size=80", "flip"])
    written = dsinspect.open(tmp_path / "out")
    samples = list(dsinspect.iter(SAMPLES / "clean", [("resize", {"size": 80}), "flip"]))
    assert len(samples) == done.outputs == len(written.images)
    boxes = written.annotations[["x_min", "y_min", "x_max", "y_max"]].to_numpy()
    assert np.allclose(np.concatenate([s.boxes_xyxy for s in samples]), boxes)
    first = samples[0]
    assert first.image.dtype == np.uint8
    assert first.image.shape[2] == 3
    assert len(first.categories) == len(first.boxes_xyxy) == len(first.annotations)


@pytest.mark.parametrize("ops", ["flip", ["flip"]])
def test_iterating_leaves_out_and_renames_what_transform_does(tmp_path, ops) -> None:
    done = dsinspect.transform(COCO, tmp_path / "out", ["flip"], swap_mirrored=True)
    paths = [s.path for s in dsinspect.iter(COCO, ops, swap_mirrored=True)]
    assert len(paths) == done.outputs
    assert "train/train_17.jpg" not in paths  # it ends early
    assert len(list(dsinspect.iter(COCO, ops, keep_truncated=True))) == done.outputs + 1


def test_mirrored_names_are_exchanged_while_iterating(tmp_path) -> None:
    name = {"images": [{"id": 1, "file_name": "a.png", "width": 8, "height": 8}], "categories": [
        {"id": 1, "name": "left hand"}, {"id": 2, "name": "right hand"}], "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "area": 4, "iscrowd": 0}]}
    (tmp_path / "a.json").write_text(json.dumps(name))
    cv2 = pytest.importorskip("cv2")
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    sample = next(dsinspect.iter(tmp_path / "a.json", "flip", swap_mirrored=True))
    assert sample.categories == ["right hand"]


@pytest.mark.parametrize(("call", "what"), [
    (lambda: dsinspect.inspect(None), "None is no path of a dataset"),
    (lambda: dsinspect.inspect(COCO, jobs=0), "jobs=0: at least 1"),
    (lambda: dsinspect.simulate(COCO), "name a trainer"),
    (lambda: dsinspect.inspect(COCO, select=["BOX001"]).fails("bad"), "severity 'bad': choose info, warning, error"),
    (lambda: dsinspect.iter(COCO, "flipp"), "^ops: flipp: no such transform \\(did you mean 'flip'"),
    (lambda: dsinspect.inspect(COCO, executor="foo"), "^executor=foo: no such executor"),
    (lambda: dsinspect.inspect(COCO, imgsz=31), "^imgsz=31: write a whole number of at least 32"),
    (lambda: dsinspect.inspect(COCO, select=["FOO"]), "^select: no check has a code starting with 'FOO'"),
    (lambda: dsinspect.open(COCO, format="cocco"), "^format=cocco: no such format"),
    (lambda: dsinspect.convert(COCO, COCO.parent, "voc"), "^[^-]*: lies in the dataset's folder or holds it"),
    (lambda: dsinspect.fix(COCO, SAMPLES.parent / "docs"), "^[^ ]*: the folder is not empty; name another one, or use force=True$"),
    (lambda: dsinspect.transform(COCO, SAMPLES.parent / "docs", ["flip"]),
     "^[^ ]*: the folder is not empty; name another one, or use force=True$"),
    (lambda: dsinspect.open(COCO).view(category="nope"), "^category=nope: the dataset has no such class; there are .*car"),
    (lambda: dsinspect.open(COCO).view(category="tram"), "no image that can be shown has a box of tram$")])
def test_mistakes_are_told_as_the_command_tells_them(call, what) -> None:
    with pytest.raises(UserError, match=what):
        call()


def test_categories_count_what_reports_count(run) -> None:
    frame = dsinspect.open(COCO).categories.set_index("name")
    told = {c["class"]: (c["boxes"], c["images"]) for c in run.metrics("CLS001")["classes"]}
    assert {n: (frame.loc[n, "annotations"], frame.loc[n, "images"]) for n in told} == told


def test_images_are_rgb_and_unread_ones_are_left_out() -> None:
    ds = dsinspect.open(COCO)
    paths = [s.path for s in ds]
    assert 0 < len(paths) < len(ds)
    import cv2

    sample = next(iter(ds))
    bgr = cv2.imread(str(COCO / sample.path))
    assert np.array_equal(sample.image, bgr[..., ::-1])


def test_view() -> None:
    sheet = dsinspect.open(COCO).view(4, category="car")
    assert sheet.ndim == 3
    assert sheet.dtype == np.uint8
    with pytest.raises(UserError, match="the dataset has no such class"):
        dsinspect.open(COCO).view(4, category="zebra")


def test_fix_and_convert(tmp_path) -> None:
    fixed = dsinspect.fix(COCO, tmp_path / "fixed")
    assert fixed.changes == sum(fixed.comparison.fixed.values())
    assert fixed.after.run.count(dsinspect.api.Severity.ERROR) < dsinspect.inspect(COCO).run.count(dsinspect.api.Severity.ERROR)
    with pytest.raises(UserError, match="not empty"):
        dsinspect.fix(COCO, tmp_path / "fixed")
    made = dsinspect.convert(SAMPLES / "clean", tmp_path / "yolo", to="yolo")
    assert made.images == len(dsinspect.open(tmp_path / "yolo"))
    with pytest.raises(UserError, match="unexpected keyword"):
        dsinspect.transform(COCO, tmp_path / "t", ["flip"], nonsense=True)
