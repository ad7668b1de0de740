"""Write Open Images: a CSV file of boxes and a list of images per split, class descriptions beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from dsinspect.geometry.exif_frames import turned_upright
from dsinspect.io.containment import name_of, plain_stem
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import boxes_xyxy
from dsinspect_formats._growing import GrowingFiles, growing
from dsinspect_formats._reading import split_of
from dsinspect_formats._writing import Losses, attributes_of, count_attributes, sized, sizes_wh, slices_of
from dsinspect_formats.openimages.reader import FLAGS

HEADER = ("ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax", *FLAGS)
FOLDERS = {"val": "validation"}


def place(path: str, split: str | None) -> str:
    """Return `images/SPLIT/NAME`."""
    folder = "" if split is None else f"{name_of(FOLDERS.get(split, split))}/"
    return f"images/{folder}{plain_stem(PurePosixPath(path).name) or 'image'}"


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write `annotations/SPLIT-annotations-bbox.csv`, the lists of images and the classes; see `Format.write`.

    Fractions are of the upright image, in the shortest digits that read back as the same float64.

    Raises:
        UserError: a file cannot be written.
    """
    losses = Losses(info, ("crowd", "unused", "attributes"), stripped=True)
    used: dict[str, None] = dict.fromkeys(c.name for c in info.categories)
    with growing(out) as files:
        for split in info.splits or [None]:
            _start(files, split)
        for shard in shards:
            shard = turned_upright(shard)
            annotations = sized(shard.images, losses.take(shard), losses)
            used.update(dict.fromkeys(annotations["category"].tolist()))
            said = attributes_of(annotations)
            count_attributes(losses, said, (*FLAGS, "Source", "Confidence"))
            sizes = sizes_wh(shard.images)[annotations["image_row"].to_numpy()]
            boxes = boxes_xyxy(annotations).reshape(-1, 4)
            edges = (boxes / sizes[:, [0, 1, 0, 1]])[:, [0, 2, 1, 3]].tolist()
            names, crowds = annotations["category"].tolist(), annotations["is_crowd"].tolist()
            images = shard.images
            for path, file, split, (start, end) in zip(
                    images["path"].tolist(), images["file"].tolist(), images["split"].tolist(),
                    slices_of(annotations, len(images)), strict=True):
                own = PurePosixPath(path).stem if file is not None else PurePosixPath(path).name
                _start(files, split)
                rows = [(own, str(said[k].get("Source", "")), names[k], str(said[k].get("Confidence", "1")), *map(repr, edges[k]),
                         *(_flag(said[k], flag, crowds[k]) for flag in FLAGS)) for k in range(start, end)]
                files.add(_boxes(split), _csv(rows))
                files.add(_list(split), _csv([(own, FOLDERS.get(split or "", split or ""), "")]))
                losses.add("images in splits that readers of folders do not know", split is not None and (
                    split_of(_boxes(split), words=True) != split))
        files.add("annotations/class-descriptions.csv", _csv((n, n) for n in used))
    return losses.result()


def _flag(said: Mapping[str, object], flag: str, crowd: bool) -> str:
    if flag == "IsGroupOf":
        own = str(said.get(flag, "0"))
        return own if (own == "1") == crowd else str(int(crowd))
    return str(said.get(flag, "0"))


def _boxes(split: str | None) -> str:
    return f"annotations/{'' if split is None else name_of(FOLDERS.get(split, split)) + '-'}annotations-bbox.csv"


def _list(split: str | None) -> str:
    return f"annotations/{'' if split is None else name_of(FOLDERS.get(split, split)) + '-'}images-boxable-with-rotation.csv"


def _start(files: GrowingFiles, split: str | None) -> None:
    """Begin the files of a split with their headers, once."""
    if not files.has(_boxes(split)):
        files.add(_boxes(split), _csv([HEADER]))
        files.add(_list(split), b"ImageID,Subset,OriginalURL\n")


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    usual = csv.writer(text, lineterminator="\n")
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:  # of a line end within a cell the writer quotes its own kind only
        (quoted if any("\r" in cell for cell in row) else usual).writerow(row)
    return text.getvalue().replace("\0", "\ufffd").encode(errors="replace")
