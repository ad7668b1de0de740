"""VisDrone for video: a text file a sequence, each row of a frame, a track and the eight values of a still image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dsinspect.protocols.formats import OpenRequest
from dsinspect.tables.dataset import Category, DatasetInfo
from dsinspect_formats._images import ImageTree, stem_of
from dsinspect_formats._named_images import Images
from dsinspect_formats._numbers import numbers, whole
from dsinspect_formats._reading import MemorySource, as_json, split_of
from dsinspect_formats._rows import Rows
from dsinspect_formats.visdrone._rows import tokens_of
from dsinspect_formats.visdrone.reader import CLASSES

COLUMNS = frozenset(("attributes", "track"))


def open_video(name: str, request: OpenRequest, labels: Sequence[str]) -> MemorySource:
    """Read the sequences; frames are `sequences/SEQUENCE/0000001.jpg`."""
    root: Path = request.root
    rows, images = Rows(sorted(COLUMNS & request.columns)), Images()
    for label in labels:
        split = split_of(label, words=True)
        rows.file(label, split=split)
        text = rows.text_of(root / label)
        if text is None:
            continue
        index = 0
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                try:
                    _row(line, label, split, index, number, images, rows)
                except ValueError as e:
                    rows.fault(str(e), line.strip(), number, index)
                index += 1
    table, problems = images.table(ImageTree.below(request.images or root), root, orphans=False)
    info = DatasetInfo(
        format=name, root=root, categories=tuple(Category(k, c) for k, c in enumerate(CLASSES)), columns=COLUMNS,
        notes=("boxes are read as px from 0, rows as a frame of a sequence and a track",
               "rows with score 0 or category 0 (ignored regions) are ignored; category 11 is `others`"))
    return MemorySource(info, table, rows.table(table["image_id"]), [*rows.problems, *problems])


def _row(line: str, label: str, split: str | None, index: int, number: int, images: Images, rows: Rows) -> None:
    tokens = tokens_of(line)
    if len(tokens) != 10:
        raise ValueError(f"has {len(tokens)} values, a row has 10 (frame,track,x,y,w,h,score,category,truncation,occlusion)")
    frame, track, category = (whole(tokens[k]) for k in (0, 1, 7))
    if not 0 <= frame < 10_000_000:
        raise ValueError(f"the frame is {frame:,}, which has no name of seven digits")
    x, y, w, h, score, truncation, occlusion = numbers([*tokens[2:7], *tokens[8:]])
    image = images.row(f"sequences/{stem_of(label)}/{frame:07}.jpg", split, label, number)
    extra = {"attributes": as_json({"score": score, "truncation": truncation, "occlusion": occlusion}),
             "track": str(track)} if rows.fields else None
    rows.add(image, CLASSES[category] if 0 <= category < len(CLASSES) else None, (x, y, x + w, y + h), index, number,
             category_id=category, ignored=score == 0 or category == 0, extra=extra)
