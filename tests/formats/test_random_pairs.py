"""Drawn sets go through every writer, and from there through every other one: equal, or the losses that are named and no other."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from convert.sets import put, shards_of
from formats.aspects import require_equal_or_named
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsinspect.cli import main
from dsinspect.loader import load_plugins
from dsinspect.output.image_layout import Places
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect.tables.schema import annotations_frame, images_frame

FORMATS = load_plugins().formats
WRITERS = sorted(n for n, f in FORMATS.items() if f.writable)
W, H = 640, 480
names = st.text("abcXYZ019 äß猫é", min_size=1, max_size=8).map(str.strip).filter(
    lambda s: s.lower() not in ("", "dontcare") and not s.isdigit())
side = st.floats(0, 1, allow_subnormal=False) | st.sampled_from((0.0, 0.25, 1 / 3, 1.0))


@st.composite
def sets(draw: st.DrawFn) -> tuple[DatasetInfo, Shard]:
    """One to four images of two splits, some without boxes; boxes within them, some crowds, some ignored, some with a polygon."""
    n = draw(st.integers(1, 4))
    classes = draw(st.lists(names, min_size=1, max_size=3, unique_by=lambda s: s.casefold().replace(" ", "")))
    rows = sorted(draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=6)))
    m = len(rows)
    fractions = np.array([draw(st.tuples(side, side, side, side)) for _ in rows]).reshape(-1, 2, 2)
    low = np.minimum(fractions.min(axis=1), 0.9)
    high = np.maximum(fractions.max(axis=1), low + 0.05)
    boxes = np.hstack([low, high]) * [W, H, W, H]
    codes = [draw(st.integers(0, len(classes) - 1)) for _ in rows]
    flags = [draw(st.sampled_from("----ci")) for _ in rows]
    polygons = [json.dumps([[a, b, c, b, c, d, a, d]]).encode() if f == "-" and draw(st.booleans()) else None
                for f, (a, b, c, d) in zip(flags, boxes.tolist(), strict=True)]
    images = images_frame(n, image_id=np.arange(n), path=[f"{k:03}.png" for k in range(n)], file=["x"] * n,
                          width=np.full(n, float(W)), height=np.full(n, float(H)),
                          split=[("train", "val")[k % 2] for k in range(n)], source="s")
    annotations = annotations_frame(
        m, annotation_id=np.arange(m), image_row=np.array(rows), index=np.arange(m), image_id=np.array(rows),
        category_id=np.array(codes), category=[classes[c] for c in codes], segmentation=objects(polygons),
        is_crowd=np.array([f == "c" for f in flags]), is_ignored=np.array([f == "i" for f in flags]),
        **{c: boxes[:, k] for k, c in enumerate(("x_min", "y_min", "x_max", "y_max"))})
    used = tuple(dict.fromkeys(images["split"].tolist()))
    info = DatasetInfo("drawn", Path(), tuple(Category(k, c) for k, c in enumerate(classes)), splits=used)
    return info, Shard(images, annotations)


@pytest.mark.parametrize("first", WRITERS)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=sets(), second=st.sampled_from(WRITERS))
def test_a_drawn_set_through_two_writers(first: str, drawn: tuple[DatasetInfo, Shard], second: str) -> None:
    info, shard = drawn
    kind = FORMATS[first]()
    kind.options = FORMATS[first].writer_options_type()
    with tempfile.TemporaryDirectory() as folder:
        one, two = Path(folder) / "one", Path(folder) / "two"
        one.mkdir()
        places = Places(kind)
        paths = [places.of(p, s) for p, s in zip(shard.images["path"], shard.images["split"], strict=True)]
        for path in paths:
            put(one, path, (W, H))
        placed = shard.replace(images=shard.images.assign(path=np.array(paths, object)))
        lost = dict(kind.write(info, iter([placed]), one))
        read = shards_of(one, first)
        require_equal_or_named([shard], read, lost, first)
        assert main(["convert", str(one), "--format", first, "-o", str(two), "--to", second, "-q"]) == 0
        losses = json.loads((two / "conversion.json").read_text())["losses"]
        (two / "conversion.json").unlink()
        require_equal_or_named(read, shards_of(two, second), losses, (first, second))
