"""Write transformed shards as COCO JSON, one file per split, as they come.

Stands in until the formats write; the interface is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
import pandas as pd

from dsinspect.errors import UserError
from dsinspect.model import NO_POSITION, Category, DatasetInfo, Shard, boxes_xyxy


class CocoOutput:
    """Writes `annotations/instances_SPLIT.json`.

    Ids of annotations stay when the source is COCO and they are unique to it (`keep_ids`), else they count from 1 in each
    file. Categories keep declared ids; names without one get the next free id, in order of first appearance.
    """

    def __init__(self, *, keep_ids: bool) -> None:
        self._keep_ids = keep_ids

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the files; returns what was lost.

        Raises:
            UserError: a file cannot be written.
        """
        folder = out / "annotations"
        categories = _Categories(info)
        files: dict[str | None, _SplitFile] = {}
        try:
            folder.mkdir(exist_ok=True, parents=True)
            with ExitStack() as open_files:
                for split in info.splits or (None,):
                    files[split] = open_files.enter_context(_SplitFile(folder, split))
                for shard in shards:
                    for split in dict.fromkeys(shard.images["split"].tolist()):
                        if split not in files:
                            files[split] = open_files.enter_context(_SplitFile(folder, split))
                        files[split].add(shard, categories, keep_ids=self._keep_ids and info.format == "coco")
                for split, file in files.items():
                    file.finish(categories.of(info.split_categories.get(split or "")))
        except OSError as e:
            raise UserError(f"{e.filename or folder}: {(e.strerror or str(e)).lower()}; mend that and go on with "
                            "--resume") from None
        lost = {"annotations of unknown categories": categories.unknown}
        return {k: v for k, v in lost.items() if v}


class _Categories:
    """Ids of categories by name, the declared ones first."""

    def __init__(self, info: DatasetInfo) -> None:
        self._declared = [_record(c) for c in info.categories]
        self._ids: dict[str, int] = {}
        for c in info.categories:
            self._ids.setdefault(c.name, c.category_id)
        self._added: list[dict[str, Any]] = []
        self.unknown = 0

    def ids(self, annotations: pd.DataFrame) -> list[int]:
        """Return the id of each annotation's category; declared ids stay, even of a category nobody declared."""
        declared = {c["id"] for c in self._declared}
        ids = []
        for name, own in zip(annotations["category"].tolist(), annotations["category_id"].tolist(), strict=True):
            if name is None:
                self.unknown += 1
                ids.append(own)
                continue
            if name not in self._ids:
                taken = declared | {c["id"] for c in self._added}
                self._ids[name] = own if own != NO_POSITION and own not in taken else max(taken, default=0) + 1
                self._added.append({"id": self._ids[name], "name": name, "supercategory": ""})
            same = any(c["id"] == own and c["name"] == name for c in self._declared)
            ids.append(own if same else self._ids[name])
        return ids

    def of(self, declared: Any) -> list[dict[str, Any]]:
        """Return the list for a file: the categories its split declares, else all."""
        if declared:
            return [_record(c) for c in declared] + self._added
        return self._declared + self._added


def _record(category: Category) -> dict[str, Any]:
    return {"id": category.category_id, "name": category.name, "supercategory": category.supercategory}


class _SplitFile:
    """One file: images are written as they come, annotations to a second temporary file that is appended at the end."""

    def __init__(self, folder: Path, split: str | None) -> None:
        self._path = folder / (f"instances_{split}.json" if split else "instances.json")
        self._partial = self._path.with_name(f".{self._path.name}.part")
        self._rest = self._path.with_name(f".{self._path.name}.annotations.part")
        self._split = split
        self._images = self._annotations = 0
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> _SplitFile:
        self._head: IO[bytes] = self._partial.open("wb")
        self._tail: IO[bytes] = self._rest.open("w+b")
        self._head.write(b'{"images": [')
        return self

    def __exit__(self, *error: object) -> None:
        self._head.close()
        self._tail.close()
        self._partial.unlink(missing_ok=True)
        self._rest.unlink(missing_ok=True)

    def add(self, shard: Shard, categories: _Categories, *, keep_ids: bool) -> None:
        """Append the shard's pictures of this split and their annotations."""
        images = shard.images
        mine = np.array([s == self._split for s in images["split"].tolist()], bool)
        columns = [images[c].to_numpy()[mine].tolist() for c in ("image_id", "path", "width", "height")]
        for image_id, path, width, height in zip(*columns, strict=True):
            self._head.write(b",\n" if self._images else b"\n")
            self._head.write(self._encoder.encode({"id": image_id, "file_name": path, "width": int(width),
                                                   "height": int(height)}))
            self._images += 1
        a = shard.annotations[mine[shard.annotations["image_row"].to_numpy()]].reset_index(drop=True)
        boxes = boxes_xyxy(a).reshape(-1, 4)
        xywh = np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).tolist()
        areas = self._areas(a, boxes)
        fields = {k: _field(a, k) for k in ("segmentation", "keypoints")}
        for k, (own, image_id, category, crowd, ignored) in enumerate(zip(
                a["annotation_id"].tolist(), a["image_id"].tolist(), categories.ids(a), a["is_crowd"].tolist(),
                a["is_ignored"].tolist(), strict=True)):
            self._tail.write(b",\n" if self._annotations else b"\n")
            self._annotations += 1
            record: dict[str, Any] = {"id": own if keep_ids else self._annotations, "image_id": image_id,
                                      "category_id": category, "bbox": xywh[k], "area": areas[k], "iscrowd": int(crowd)}
            if ignored:
                record["ignore"] = 1
            for name, values in fields.items():
                if values is not None and values[k] is not None:
                    record[name] = msgspec.Raw(values[k])
            self._tail.write(self._encoder.encode(record))

    @staticmethod
    def _areas(annotations: pd.DataFrame, boxes: Any) -> list[float]:
        """Return the areas: the source's own where it has them, else of the boxes."""
        plain = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        own = _field(annotations, "area")
        values: list[float] = (plain if own is None else np.where(np.isnan(own.astype(float)), plain, own)).tolist()
        return values

    def finish(self, categories: list[dict[str, Any]]) -> None:
        """Append annotations and categories, and put the file in its place."""
        self._head.write(b'\n],\n"annotations": [')
        self._tail.seek(0)
        while block := self._tail.read(1 << 20):
            self._head.write(block)
        self._head.write(b'\n],\n"categories": ' + msgspec.json.encode(categories) + b"}\n")
        self._head.close()
        self._partial.replace(self._path)


def _field(annotations: pd.DataFrame, name: str) -> Any:
    """Return a format column by its field, or None."""
    columns = [c for c in annotations.columns if str(c).partition(":")[2] == name]
    return annotations[columns[0]].to_numpy() if columns else None
