"""Read CreateML JSON: what stands in the files becomes tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dsinspect.errors import UserError
from dsinspect.protocols.formats import OpenRequest
from dsinspect_formats._editing import Box, Change
from dsinspect_formats._gathering import Gathered, MemorySource, memory_source
from dsinspect_formats._images import relative
from dsinspect_formats._json_files import all_like, read_json_file
from dsinspect_formats._json_patching import ImageRecord, JsonSetFile, Record
from dsinspect_formats._json_text import Node
from dsinspect_formats._splicing import extent_text, number_text
from dsinspect_formats._values import first_reason, real
from dsinspect_formats.coco._files import base_folder, split_of
from dsinspect_formats.createml._looks import looks_like

_SIDES = ("x", "y", "width", "height")


_NAMES = ("image", "imagefilename")


_LISTS = ("annotations", "annotation")


def open_set(request: OpenRequest) -> MemorySource:
    """Read the files of a set.

    Raises:
        UserError: see `Format.open`.
    """
    files = all_like(request.root, looks_like)
    if not files:
        raise UserError(f"{request.root}: no CreateML JSON file found")
    base = base_folder(request.root)
    gathered = Gathered(())
    found = False
    for path in files:
        source = relative(path, base)
        split = split_of(path, len(files) == 1)
        value, problems = read_json_file(path, source)
        gathered.problems += problems
        if isinstance(value, list):
            found = True
            _read(value, source, split, gathered)
    if not found:
        reason = first_reason(gathered.problems, "the file is not a list of images")
        raise UserError(f"{files[0]}: not a CreateML file: {reason}")
    return memory_source("createml", request, base, gathered, files=files)


def _read(images: Sequence[Any], source: str, split: str | None, gathered: Gathered) -> None:
    index = 0
    for position, image in enumerate(images):
        name = next((image[k] for k in _NAMES if isinstance(image.get(k), str)), None) if isinstance(image, dict) else None
        if name is None:
            gathered.faulty(source, "the image has no name", image, index=position, split=split)
            name = ""
        row = gathered.add_image(name, source, split=split, index=position)
        for record in _objects(image):
            try:
                gathered.add(row, _label(record), box_of(record), index)
            except ValueError as e:
                gathered.faulty(source, str(e), record, index=index, image=name or None, split=split)
            index += 1


def _objects(image: Any) -> list[Any]:
    found: Any = next((image[k] for k in _LISTS if k in image), []) if isinstance(image, dict) else []
    return found if isinstance(found, list) else []


def _label(record: Any) -> str:
    label = record.get("label") if isinstance(record, dict) else None
    if not isinstance(label, str):
        raise ValueError("label is missing" if label is None else "label is not a text")
    return label


def box_of(record: Any) -> Box:
    """Return the box of an object; raises ValueError, in words, when it has none."""
    coordinates = record.get("coordinates") if isinstance(record, dict) else None
    if not isinstance(coordinates, dict):
        raise ValueError("coordinates is missing")
    x, y, w, h = (real(coordinates.get(side), side) for side in _SIDES)
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


class _File(JsonSetFile):
    """One file: a list of images."""

    def images(self, root: Node) -> Sequence[ImageRecord]:
        """Return the images."""
        return [ImageRecord(root, node) for node in root.elements()]

    def records(self, root: Node) -> Iterator[Record]:
        """Yield the objects."""
        for image in root.elements():
            members = image.members()
            parent = next((members[k] for k in _LISTS if k in members), None)
            for node in parent.elements() if parent is not None else ():
                try:
                    yield Record(parent, node, _label(node.value), box_of(node.value))  # type: ignore[arg-type]
                except ValueError:
                    yield Record(parent, node, None, None)  # type: ignore[arg-type]

    def set_category(self, record: Record, name: str) -> None:
        """Write the label."""
        self.edits.set_member(record.node, "label", name)

    def set_box(self, record: Record, box: Box, change: Change, *, plain: bool) -> None:
        """Write centre and size, those of an axis that stays as they are."""
        old = record.box or box
        for axis, side in ((0, "width"), (1, "height")):
            if abs(box[axis] - old[axis]) <= 1e-9 and abs(box[axis + 2] - old[axis + 2]) <= 1e-9:
                continue
            for key, value, text in (("xy"[axis], box[axis] / 2 + box[axis + 2] / 2, None),
                                     (side, box[axis + 2] - box[axis], extent_text(box[axis], box[axis + 2]))):
                node = record.node.get("coordinates", key)
                if node is not None and node.value != value:
                    self.edits.replace(node, text or number_text(value, node.raw))

    def add_box(self, image: ImageRecord, box: Box, name: str, change: Change) -> None:
        """Add an object."""
        parent = next((image.node.get(k) for k in _LISTS if image.node.get(k) is not None), None)
        if parent is None:
            raise change.wrong("the image has no list of annotations")
        values = (box[0] / 2 + box[2] / 2, box[1] / 2 + box[3] / 2, box[2] - box[0], box[3] - box[1])
        self.edits.append(parent, {"label": name, "coordinates": dict(zip(_SIDES, values, strict=True))})

    def set_path(self, image: ImageRecord, change: Change) -> None:
        """Write the name of an image."""
        folder = self.source.rpartition("/")[0]
        name = (change.image or "").removeprefix(f"{folder}/" if folder else "") if change.text is None else change.text
        self.edits.set_member(image.node, next((k for k in _NAMES if k in image.node.value), "image"), name)
