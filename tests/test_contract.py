"""Every registered plugin keeps the contract of its protocol."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from dsinspect.loader import load_plugins
from dsinspect.protocols.executors import Executor
from dsinspect.protocols.reports import Report
from dsinspect.protocols.transforms import Params, Transform
from dsinspect.testing import (
    assert_check,
    assert_executor,
    assert_format,
    assert_probe,
    assert_report,
    assert_trainer,
    assert_transform,
    assert_writer,
    make_batch,
)

PLUGINS = load_plugins()
SAMPLES = Path(__file__).resolve().parents[1] / "sample_data"
HEADINGS = ("Why it matters:", "Example:", "When to ignore:", "Source of the default:")


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


@pytest.mark.parametrize("name", PLUGINS.trainers)
def test_trainer(name: str) -> None:
    assert_trainer(PLUGINS.trainers[name])


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


@pytest.mark.parametrize("name", [n for n, f in PLUGINS.formats.items() if f.writable])
def test_what_a_writer_writes_its_reader_reads(name: str) -> None:
    assert_writer(PLUGINS.formats[name])


@pytest.mark.parametrize("name", PLUGINS.transforms)
def test_transform(name: str) -> None:
    assert_transform(PLUGINS.transforms[name])


@pytest.mark.parametrize("name", PLUGINS.reports)
def test_report_on_odd_runs(name: str) -> None:
    assert_report(PLUGINS.reports[name])


@pytest.mark.parametrize("name", [n for n in PLUGINS.executors if n != "dask"])
def test_executor(name: str) -> None:
    assert_executor(PLUGINS.executors[name])


def test_dask_executor() -> None:
    pytest.importorskip("distributed")
    assert_executor(PLUGINS.executors["dask"])


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




def test_laws_catch_a_transform_whose_matrix_is_off() -> None:
    class Off(Transform[Params]):
        """Flips the pixels and leaves the boxes."""

        name = "off"

        def plan(self, image):
            return [Params(width=image.width, height=image.height)]

        def apply(self, pixels, params):
            return pixels[:, ::-1].copy()

        def matrix(self, params):
            return np.array([[1.0, 0, 0], [0, 1, 0]])

    with pytest.raises(AssertionError, match=r"off: the mark lies at .* and the matrix says"):
        assert_transform(Off)


def test_laws_catch_a_report_that_lets_an_escape_pass() -> None:
    class Leaky(Report):
        """Prints whatever the set holds."""

        name = "leaky"

        def text(self, run):
            return "".join(f.message for o in run.outcomes for f in o.iterate())

    with pytest.raises(AssertionError, match="leaky: "):
        assert_report(Leaky)


def test_laws_catch_an_executor_that_merges_in_the_order_of_arrival() -> None:
    class Backwards(Executor):
        """Merges from the end."""

        name = "backwards"

        def map_reduce(self, fn, items, merge, seen=None):
            results = [fn(i) for i in items]
            for r in results if seen else ():
                seen(r)
            total = results.pop()
            while results:
                total = merge(total, results.pop())
            return total

    with pytest.raises(AssertionError, match="backwards: 1 jobs merge 2 items"):
        assert_executor(Backwards)
