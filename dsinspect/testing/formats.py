"""The laws of a format: its reader, its writer and its patch."""

from __future__ import annotations

import pickle
import struct
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest
from dsinspect.tables.dataset import Shard
from dsinspect.tables.schema import ANNOTATION_COLUMNS, IMAGE_COLUMNS, boxes_xyxy
from dsinspect.testing.batches import make_batch

ROUNDING_PX = 1e-3
"""How far a box may come back from where it was written, px: fractions have some six digits."""
SIZE_WH = (100, 80)


def assert_format(format_type: type[Format], root: Path) -> None:
    """Open a dataset, and hold what comes out against the model; any shard size gives the same records."""
    detection = format_type().detect(root)
    assert detection is not None, f"{format_type.name} does not detect {root}"
    assert 0 < detection.confidence <= 1, f"{format_type.name}: confidence {detection.confidence}"
    tables = []
    for size in (1, 5, 10_000):
        source = format_type().open(OpenRequest(root, options=format_type.options_type()))
        shards = [pickle.loads(pickle.dumps(ref)).load() for ref in source.shards(size)]
        for shard in shards:
            rows = shard.annotations["image_row"].to_numpy()
            assert ((rows >= -1) & (rows < len(shard.images))).all(), f"{format_type.name}: image_row out of range"
            for frame, schema in ((shard.images, IMAGE_COLUMNS), (shard.annotations, ANNOTATION_COLUMNS)):
                for name, (dtype, _) in schema.items():
                    assert frame[name].dtype == dtype, f"{format_type.name}: {name} is {frame[name].dtype}, not {dtype}"
        joined = [pd.concat([getattr(s, table) for s in shards], ignore_index=True)
                  for table in ("images", "annotations", "problems")]
        tables.append([t.drop(columns="image_row", errors="ignore").to_csv() for t in joined])
    assert tables[0] == tables[1] == tables[2], f"{format_type.name}: the shard size changes the records"
    if format_type.patchable:
        changed = [p.path for p in format_type().patch(OpenRequest(root, options=format_type.options_type()), Edits.of([]))]
        assert not changed, f"{format_type.name}: no edit changes {', '.join(changed)}"


def assert_writer(format_type: type[Format]) -> None:
    """Write a small set, and read it back: the same images, boxes and classes, but for what the writer says is lost.

    Raises:
        AssertionError: what is broken, in words.
    """
    name = format_type.name
    assert format_type.writable, f"{name} cannot be written"
    splits = {"a.bmp": "train", "b.bmp": "train", "c.bmp": "val"}
    boxes = [("a.bmp", "cat", [10.0, 20.0, 30.0, 60.0]), ("a.bmp", "dog", [0.0, 0.0, 100.0, 80.0]),
             ("b.bmp", "dog", [12.5, 7.25, 90.0, 33.0])]
    kind = format_type()
    places = {path: kind.place(path, split) for path, split in splits.items()}
    images = [{"path": places[p], "width": float(SIZE_WH[0]), "height": float(SIZE_WH[1]), "split": s, "image_id": k + 1}
              for k, (p, s) in enumerate(splits.items())]
    rows = [{"image": places[image], "category": category, "box": box, "annotation_id": k + 1}
            for k, (image, category, box) in enumerate(boxes)]
    batch = make_batch(images, rows, categories=[{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}])
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for place in places.values():
            (out / place).parent.mkdir(parents=True, exist_ok=True)
            (out / place).write_bytes(bmp(*SIZE_WH))
        kind.options = format_type.writer_options_type()
        shard = Shard(batch.image_columns.with_columns({"file": np.array([str(out / p) for p in places.values()], object)}),
                      batch.annotation_columns)
        losses = kind.write(replace(batch.dataset, root=out), iter([shard]), out)
        source = format_type().open(OpenRequest(out, options=format_type.options_type()))
        shards = [ref.load() for ref in source.shards(10)]
    read = []
    for shard in shards:
        paths = shard.image_columns["path"].tolist()
        scale = np.array([*SIZE_WH, *SIZE_WH], float) if source.info.box_units == "fraction" else 1.0
        columns = shard.annotation_columns
        read += [(paths[row], category, box) for row, category, box in zip(
            columns["image_row"].tolist(), columns["category"].tolist(), (boxes_xyxy(columns) * scale).tolist(), strict=True)]
    if losses:
        return
    found = {p for s in shards for p in s.image_columns["path"].tolist()}
    assert len(found) == len(splits), f"{name}: wrote {len(splits)} images and read {sorted(found)}"
    assert len(read) == len(boxes), f"{name}: wrote {len(boxes)} boxes, lost none, and read {len(read)}"
    written = sorted((places[image], category, box) for image, category, box in boxes)
    for (place, category, box), (path, got_category, got) in zip(written, sorted(read), strict=True):
        assert Path(path).stem == Path(place).stem, f"{name}: a box of {place} came back on {path}"
        assert got_category == category, f"{name}: class {category!r} came back as {got_category!r}"
        assert np.abs(np.array(got) - box).max() <= ROUNDING_PX, f"{name}: box {box} came back as {got}"


def bmp(width: int, height: int) -> bytes:
    """Return a black image of 24 bits, rows padded to 4 bytes."""
    row = (width * 3 + 3) // 4 * 4
    head = struct.pack("<2sIHHI", b"BM", 54 + row * height, 0, 0, 54)
    return head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, row * height, 2835, 2835, 0, 0) + bytes(row * height)
