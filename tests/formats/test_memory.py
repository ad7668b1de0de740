"""Readers take little more memory than the tables they give: no Python object per box outlives its shard."""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dsinspect.loader import load_plugins
from dsinspect.protocols.formats import OpenRequest
from dsinspect.tables.columns import Columns

FORMATS = load_plugins().formats
IMAGES, BOXES = 400, 40


def coco(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    annotations = [{"id": k + 1, "image_id": k % IMAGES, "category_id": k % 7 + 1, "bbox": rng.random(4).round(2).tolist(),
                    "area": 12.5, "iscrowd": 0, "segmentation": [rng.random(24).round(2).tolist()]}
                   for k in range(IMAGES * BOXES)]
    path = folder / "instances.json"
    path.write_text(json.dumps({
        "images": [{"id": k, "file_name": f"{k:06}.jpg", "width": 640, "height": 480} for k in range(IMAGES)],
        "annotations": annotations, "categories": [{"id": k, "name": f"class {k}"} for k in range(1, 8)]}))
    return path


def yolo(folder: Path) -> Path:
    (folder / "images").mkdir()
    (folder / "labels").mkdir()
    (folder / "data.yaml").write_text("path: .\ntrain: images\nnames: [a, b]\n")
    row = "1 0.512345 0.412345 0.112345 0.212345\n"
    for k in range(IMAGES):
        (folder / "images" / f"{k:06}.jpg").write_bytes(b"")
        (folder / "labels" / f"{k:06}.txt").write_text(row * BOXES)
    return folder


def voc(folder: Path) -> Path:
    thing = ("<object><name>cat</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax>"
             "<ymax>40</ymax></bndbox></object>")
    for k in range(IMAGES):
        (folder / f"{k:06}.xml").write_text(
            f"<annotation><filename>{k:06}.jpg</filename><size><width>640</width><height>480</height></size>"
            f"{thing * BOXES}</annotation>")
    return folder


def size_of(table: Columns) -> int:
    """Return the bytes of a table: its arrays, and the texts they point to, each once."""
    distinct = {id(v): v for name in table if table[name].dtype.kind == "O" for v in table[name].tolist() if v is not None}
    return sum(table[n].nbytes for n in table) + sum(map(sys.getsizeof, distinct.values()))


@pytest.mark.parametrize(("name", "draw"), [("coco", coco), ("yolo", yolo), ("voc", voc)])
def test_memory_stays_under_three_times_the_tables_and_the_file(tmp_path: Path, name: str,
                                                               draw: Callable[[Path], Path]) -> None:
    root = draw(tmp_path)
    files = [root] if root.is_file() else [p for p in root.rglob("*") if p.is_file()]
    on_disk = sum(p.stat().st_size for p in files)
    columns = frozenset({"segmentation", "area"}) if name == "coco" else frozenset()
    request = OpenRequest(root, columns=columns, options=FORMATS[name].options_type())
    for ref in FORMATS[name]().open(request).shards(10_000):
        ref.load()  # what is imported and remembered on the way is no part of it
    gc.collect()
    tracemalloc.start()
    try:
        shards = [ref.load() for ref in FORMATS[name]().open(request).shards(10_000)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    tables = sum(size_of(t) for s in shards for t in (s.image_columns, s.annotation_columns))
    assert sum(len(s.annotation_columns) for s in shards) == IMAGES * BOXES
    assert peak < 3 * tables + on_disk, f"{peak / 1e6:.1f} MB for tables of {tables / 1e6:.1f} MB"
