"""Every registered plugin keeps the contract of its protocol."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from dsinspect.loader import load_plugins
from dsinspect.testing import assert_check, assert_format, assert_probe, make_batch

PLUGINS = load_plugins()
SAMPLES = Path(__file__).resolve().parents[1] / "sample_data"
HEADINGS = ("Why it matters:", "Example:", "When to ignore:")


@pytest.mark.parametrize("code", PLUGINS.checks)
def test_check(code: str) -> None:
    assert_check(PLUGINS.checks[code])


@pytest.mark.parametrize("code", PLUGINS.checks)
def test_check_explains_itself(code: str) -> None:
    check = PLUGINS.checks[code]
    doc = sys.modules[check.__module__].__doc__ or ""
    assert doc.startswith(f"{code} {check.name}: ")
    for heading in HEADINGS:
        assert f"\n\n{heading}" in doc, heading


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Images of every kind, and each of them cut."""
    folder = tmp_path_factory.mktemp("files")
    pixels = np.random.default_rng(1).integers(0, 255, (40, 60, 3), np.uint8)
    made = []
    for name, picture in (("a.jpg", pixels), ("b.png", pixels), ("c.bmp", pixels), ("d.webp", pixels), ("e.tiff", pixels),
                          ("grey.jpg", pixels[..., 0]), ("deep.png", pixels.astype(np.uint16) * 257),
                          ("alpha.png", np.dstack([pixels, pixels[..., 0]])), ("f.ppm", pixels)):
        path = folder / name
        assert cv2.imwrite(str(path), picture)
        made.append(path)
        content = path.read_bytes()
        for k in range(8):
            cut = folder / f"cut{k}_{name}"
            cut.write_bytes(content[:len(content) * k // 8])
            made.append(cut)
    return made


@pytest.mark.parametrize("name", PLUGINS.probes)
def test_probe(name: str, files: list[Path]) -> None:
    assert_probe(PLUGINS.probes[name], files)


@pytest.mark.parametrize("name", ["coco", "voc", "yolo", "table"])
def test_format_on_its_sample(name: str) -> None:
    assert_format(PLUGINS.formats[name], SAMPLES / name)


def test_reports_have_distinct_suffixes_and_docstrings() -> None:
    suffixes = [r.suffix for r in PLUGINS.reports.values() if r.suffix]
    assert len(set(suffixes)) == len(suffixes)
    assert all(r.__doc__ for r in PLUGINS.reports.values())


def test_laws_catch_a_check_that_depends_on_the_sharding() -> None:
    check_type = PLUGINS.checks["DST001"]

    class Wrong(check_type):  # type: ignore[misc,valid-type]
        """Counts shards instead of images."""

        def merge(self, a, b):
            return {**a, "images": a["images"] + b["images"] + 1}

    batch = make_batch(images=[{"path": f"{k}.jpg", "width": 10, "height": 10} for k in range(5)])
    with pytest.raises(AssertionError, match="shards give another result"):
        assert_check(Wrong, batch)


