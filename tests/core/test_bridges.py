"""Bridges carry every image, box and class there and back, where the other library is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from by_archive import packed

import dsinspect
from dsinspect import bridges
from dsinspect.errors import UserError

CLEAN = Path(__file__).resolve().parents[2] / "sample_data" / "clean"
BOX = ["x_min", "y_min", "x_max", "y_max"]


def objects(ds: dsinspect.Dataset) -> list[tuple]:
    a = ds.annotations
    paths = ds.images["path"].to_numpy()[a["image_row"].to_numpy()]
    return sorted((Path(p).name, c, *np.round(b, 3).tolist())
                  for p, c, b in zip(paths, a["category"], a[BOX].to_numpy(), strict=True))


def test_supervision_there_and_back(tmp_path: Path) -> None:
    pytest.importorskip("supervision")
    ds = dsinspect.open(CLEAN)
    theirs = bridges.to_supervision(ds)
    assert len(theirs) == len(ds)
    assert theirs.classes == ds.categories["name"].tolist()
    bridges.from_supervision(theirs, tmp_path / "back", to="coco")
    back = dsinspect.open(tmp_path / "back")
    assert len(back) == len(ds)
    assert objects(back) == objects(ds)


def test_images_of_an_archive_are_files_for_others(tmp_path: Path) -> None:
    pytest.importorskip("supervision")
    whole = bridges.to_supervision(dsinspect.open(CLEAN))
    theirs = bridges.to_supervision(dsinspect.open(packed(CLEAN, tmp_path, "deflated")))
    assert len(theirs) == len(whole)
    for (_, ours, _), (_, image, _) in zip(whole, theirs, strict=True):
        assert np.array_equal(ours, image)


def test_torch_pairs() -> None:
    torch = pytest.importorskip("torch")
    ds = dsinspect.open(CLEAN)
    pairs = list(bridges.to_torch(ds))
    assert len(pairs) == len(ds)
    image, target = pairs[0]
    assert image.dtype == torch.float32
    assert image.shape[0] == 3
    assert float(image.max()) <= 1
    assert sum(len(t["boxes"]) for _, t in pairs) == len(ds.annotations)
    assert {int(v) for _, t in pairs for v in t["labels"]} <= set(range(1, len(ds.categories) + 1))
    assert target["boxes"].shape[1] == 4


def test_fiftyone_fractions() -> None:
    fo = pytest.importorskip("fiftyone")
    ds = dsinspect.open(CLEAN)
    theirs = bridges.to_fiftyone(ds)
    try:
        assert len(theirs) == len(ds)
        assert theirs.count("ground_truth.detections") == len(ds.annotations)
    finally:
        fo.delete_dataset(theirs.name)


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(UserError, match="pip install supervision"):
        bridges.to_supervision(dsinspect.open(CLEAN))
