"""Sets go through every writer, and from there through every other one: all ordered pairs, the same sets in each run.

What comes back is equal, or its loss is named; and each built-in format says of itself what the documentation needs.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from convert.sets import PLUGINS, shards_of
from formats.aspects import require_equal_or_named

from dsinspect.conversion.pipeline import ConvertRequest, convert
from dsinspect.protocols.formats import Format
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect.tables.schema import CORNER_COLUMNS, annotations_frame, images_frame
from dsinspect.testing.formats import SIZE_WH, bmp
from dsinspect.testing.rich_set import write_rich_set

FORMATS = {n: f for n, f in PLUGINS.formats.items() if f.readable}
WRITERS = [n for n, f in FORMATS.items() if f.writable]
CLASSES = ("cat", "traffic light", "Über-Hund")
RICH = -1


def drawn(kind: Format, root: Path, seed: int) -> tuple[DatasetInfo, Shard]:
    """Return a set of three images and six objects, each with something of what an object can say, drawn by a seed."""
    random = Random(seed)
    places = [kind.place(f"{k:06}.bmp", ("train", "val")[k % 2]) for k in range(1, 4)]
    for place in places:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(bmp(*SIZE_WH))
    images = images_frame(
        3, image_id=np.arange(1, 4), path=objects(places), declared_path=objects(places), source="s.json", index=np.arange(3),
        file=objects([str(root / p) for p in places]), split=objects(["val", "train", "val"]),
        width=np.full(3, float(SIZE_WH[0])), height=np.full(3, float(SIZE_WH[1])))
    n, rows, boxes = 6, sorted(random.randrange(3) for _ in range(6)), []
    columns: dict[str, list[object]] = {c: [None] * n for c in ("segmentation", "keypoints", "track", "attributes")}
    corners, flags = np.full((n, 8), np.nan), {"is_crowd": np.zeros(n, bool), "is_ignored": np.zeros(n, bool)}
    area = np.full(n, np.nan)
    for k in range(n):
        x, y, w, h = random.uniform(0, 50), random.uniform(0, 40), random.uniform(8, 50), random.uniform(8, 40)
        a, b, c, d = boxes_of = (round(x, 2), round(y, 2), round(x + w, 2), round(y + h, 2))
        boxes.append(boxes_of)
        what = random.choice(("plain", "polygon", "two", "keypoints", "corners", "crowd", "ignored", "area"))
        if what == "polygon":
            columns["segmentation"][k] = f"[[{a},{b},{c},{b},{c},{d}]]".encode()
        elif what == "two":
            columns["segmentation"][k] = f"[[{a},{b},{c},{b},{a},{d}],[{c},{d},{c},{b},{a},{d}]]".encode()
        elif what == "keypoints":
            columns["keypoints"][k] = f"[{a},{b},2,{c},{d},1]".encode()
        elif what == "corners":
            middle_x, middle_y = (a + c) / 2, (b + d) / 2
            corners[k] = (middle_x, b, c, middle_y, middle_x, d, a, middle_y) if abs((c - a) - (d - b)) < 0.01 else (
                a, b, c, b, c, d, a, d)
        elif what == "area":
            area[k] = round(w * h / 2, 2)
        elif what != "plain":
            flags[f"is_{what}"][k] = True
        columns["track"][k] = random.choice((None, str(k)))
        columns["attributes"][k] = random.choice((None, b'{"colour":"red"}', b'{"occluded":true,"score":0.5}'))
    numbers = [random.randrange(len(CLASSES)) for _ in range(n)]
    edges = np.array(boxes)
    annotations = annotations_frame(
        n, annotation_id=np.arange(n), image_id=np.array(rows) + 1, image_row=np.array(rows), index=np.arange(n), source="s.json",
        category_id=np.array(numbers), category=objects([CLASSES[k] for k in numbers]), area=area, **flags,
        **{c: edges[:, k] for k, c in enumerate(("x_min", "y_min", "x_max", "y_max"))},
        **{c: objects(v) for c, v in columns.items()}, **{c: corners[:, k] for k, c in enumerate(CORNER_COLUMNS)})
    info = DatasetInfo("drawn", root, tuple(Category(k, c) for k, c in enumerate(CLASSES)), splits=("train", "val"))
    return info, Shard(images, annotations)


@pytest.mark.parametrize("seed", [RICH, 1])
@pytest.mark.parametrize("first", WRITERS)
def test_what_one_writes_all_others_take(first: str, seed: int, tmp_path: Path) -> None:
    root = tmp_path / "first"
    if seed == RICH:
        write_rich_set(FORMATS[first], root)
    else:
        kind = FORMATS[first]()
        kind.options = FORMATS[first].writer_options_type()
        info, shard = drawn(kind, root, seed)
        losses = kind.write(info, iter([shard]), root)
        require_equal_or_named([shard], shards_of(root, first), losses, first)
    before = shards_of(root, first)
    assert sum(len(s.annotations) for s in before) == (7 if seed == RICH else 6)
    for second in WRITERS:
        out = tmp_path / second
        done = convert(ConvertRequest(path=str(root), root=root, format=first, out=out, to=second), PLUGINS)
        (out / "conversion.json").unlink()
        require_equal_or_named(before, shards_of(out, second), done.losses, (first, second))
        assert not [what for what in done.losses if what.startswith(("annotations of", "annotations without", "records"))]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_what_the_documentation_needs(name: str) -> None:
    kind = FORMATS[name]
    facts = kind.facts
    assert facts.recognised
    assert facts.read
    assert facts.assumed
    assert bool(facts.written) is kind.writable
    assert bool(facts.kept) is kind.patchable
