"""Read Label Studio JSON: what stands in the files becomes tables."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from dsinspect.errors import UserError
from dsinspect.protocols.formats import OpenRequest
from dsinspect.tables.schema import CORNER_COLUMNS
from dsinspect_formats._gathering import Gathered, MemorySource, memory_source
from dsinspect_formats._images import ImageTree, relative
from dsinspect_formats._json_files import all_like, read_json_file
from dsinspect_formats._values import counted, first_reason, polygon_json, real
from dsinspect_formats._writing import left_out_losses
from dsinspect_formats.coco._files import base_folder
from dsinspect_formats.coco._records import collector_off
from dsinspect_formats.labelstudio._looks import Options, looks_like
from dsinspect_formats.labelstudio._regions import (
    image_text,
    is_cancelled,
    labels_beside,
    path_of,
    region_of,
    results_of,
    without_prefix,
    works_of,
)

COLUMNS = frozenset(("segmentation", "attributes", "labelstudio:shape", "labelstudio:annotator", *CORNER_COLUMNS))


def open_set(request: OpenRequest) -> MemorySource:
    """Read the files of a set.

    Raises:
        UserError: see `Format.open`.
    """
    files = all_like(request.root, looks_like)
    if not files:
        raise UserError(f"{request.root}: no Label Studio JSON file found")
    base = base_folder(request.root)
    options = request.options if isinstance(request.options, Options) else Options()
    reader = _Reader(Gathered(request.columns & COLUMNS), ImageTree.below(request.images or base), options.annotator)
    for path in files:
        source = relative(path, base)
        with collector_off():  # until the value is gone: turned on again, the collector would look at all of it
            value, problems = read_json_file(path, source)
            reader.gathered.problems += problems
            reader.read(value if isinstance(value, list) else [value] if isinstance(value, dict) else [], source)
            del value
    if not reader.gathered.declared and len(files) == 1:
        reason = first_reason(reader.gathered.problems, "the file is not a list of tasks")
        raise UserError(f"{files[0]}: no task can be read: {reason}")
    return memory_source("labelstudio", request, base, reader.gathered, files=files, columns=COLUMNS, notes=reader.notes(),
                         beyond=left_out_losses(reader.left_out))


class _Reader:
    """Reads tasks into tables."""

    def __init__(self, gathered: Gathered, tree: ImageTree, annotator: str) -> None:
        self.gathered, self._tree, self._annotator = gathered, tree, annotator
        self.left_out: Counter[str] = Counter()
        self._of_several = self._labels = 0

    def read(self, tasks: list[Any], source: str) -> None:
        """Read the tasks of a file."""
        index = 0
        for position, task in enumerate(tasks):
            _, text = image_text(task)
            values = task.get("data") if isinstance(task, dict) else None
            split = values.get("split") if isinstance(values, dict) and isinstance(values.get("split"), str) else None
            if not text:
                self.gathered.faulty(source, "the task names no image", task, index=position)
            works = list(works_of(task))
            size = self._size([w for _, w in works])
            row = self.gathered.add_image(text, source, *size, split=split, index=position, lookup=self._lookup(text))
            done = [w for _, w in works if not is_cancelled(w)]
            self._of_several += len(done) > 1
            if isinstance(task, dict):
                self.left_out["predictions"] += _length(task.get("predictions"))
                self.left_out["drafts"] += _length(task.get("drafts"))
            self.left_out["skipped annotations"] += len(works) - len(done)
            for _, work in works:
                results = results_of(work)
                if not is_cancelled(work) and self._is_wanted(work):
                    self._work(results, row, source, index, text, _annotator(work))
                index += len(results)

    def _lookup(self, text: str) -> str:
        """Return the path to look for: as the task says, or as the file was called before it was uploaded."""
        path = path_of(text.replace("\\", "/"))
        plain = without_prefix(path)
        found = self._tree.find(path) if self._tree.paths else None
        return plain if found is None and plain != path and self._tree.paths and self._tree.find(plain) else path

    def _is_wanted(self, work: Any) -> bool:
        return not self._annotator or self._annotator in (_annotator(work) or "").split(" ")

    def _size(self, works: list[Any]) -> tuple[float, float]:
        """Return the size of an image, px, as the first result that says one has it; NaN when none does."""
        for work in works:
            for result in results_of(work):
                try:
                    w, h = (real(result.get(k), k) for k in ("original_width", "original_height"))
                except (ValueError, AttributeError):
                    continue
                if 0 < w < 1e9 and 0 < h < 1e9:
                    return w, h
        return float("nan"), float("nan")

    def _work(self, results: list[Any], row: int, source: str, first: int, image: str, annotator: str | None) -> None:
        beside = labels_beside(results)
        for index, result in enumerate(results, first):
            try:
                region = region_of(result, beside)
                if isinstance(region, str):
                    self.left_out[region] += 1
                    self.gathered.shapeless.add(row)
                elif region is not None:
                    flat = region.flat() if region.kind != "ellipse" else []
                    self._labels += len(region.labels) > 1
                    extra: dict[str, Any] = {}
                    if self.gathered.columns:
                        extra = {"labelstudio:shape": region.kind, "labelstudio:annotator": annotator,
                                 "segmentation": polygon_json([flat]) if region.kind == "polygon" else None,
                                 "attributes": msgspec.json.encode({"labels": region.labels}) if len(region.labels) > 1 else None}
                    self.gathered.add(row, region.labels[0] if region.labels else None, region.box(), index,
                                      corners=flat if flat and region.kind == "rectangle" else None, extra=extra)
            except ValueError as e:
                self.gathered.faulty(source, str(e), result, index=index, image=image or None)

    def notes(self) -> tuple[str, ...]:
        """Return what the user should know."""
        notes = []
        what = ", ".join(counted(n, w.removesuffix("s"), w) for w, n in sorted(self.left_out.items()) if n)
        if what:
            notes.append(f"left out: {what}")
        if self._of_several and not self._annotator:
            notes.append(f"{counted(self._of_several, 'task has', 'tasks have')} the work of several people, and all of it is "
                         "read (option annotator)")
        if self._labels:
            notes.append(f"{counted(self._labels, 'region has', 'regions have')} several labels: the first is the class, all are "
                         "in the attributes")
        return tuple(notes)


def _annotator(work: Any) -> str | None:
    by = work.get("completed_by")
    if isinstance(by, dict):
        return " ".join(str(by[k])[:200] for k in ("id", "email") if by.get(k) is not None) or None
    return None if by is None else str(by)[:200]


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0
