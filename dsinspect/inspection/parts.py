"""Edits of a set that is made of several: each goes to the part that holds what it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect.errors import UserError
from dsinspect.inspection.combined import prefix_of
from dsinspect.protocols.edits import ACTIONS, Edits

if TYPE_CHECKING:
    import pandas as pd

    from dsinspect.inspection.request import DatasetRequest
    from dsinspect.protocols.formats import Source

ALIKE = frozenset({"drop-image", "cut-trailing-bytes", "set-image-size"})
"""Actions on an image that hold for every part that has the image."""


class Part(msgspec.Struct, frozen=True):
    """One of several datasets.

    Attributes:
        split: its name.
        request: to read it alone.
        place: the way from the folder that holds all parts to its own; ends with a slash, or is empty.
        edits: of it, with its own paths.
    """

    split: str
    request: DatasetRequest
    place: str
    edits: Edits

    @property
    def folder(self) -> Path:
        """The folder that it is, or lies in."""
        return folder_of(self.request.root)


def folder_of(root: Path) -> Path:
    """Return a folder, or that of a file."""
    return root if root.is_dir() else root.parent


def alone_of(request: DatasetRequest, split: str) -> DatasetRequest:
    """Return the request that reads one part alone."""
    root = request.parts[split]
    return replace(request, path=f"{split}={root}", root=root, parts={}, prefixes={}, part_images={},
                   images=request.part_images.get(split, request.images))


def parts_of(request: DatasetRequest, edits: Edits, open_part: Callable[[DatasetRequest], Source]) -> Iterator[Part]:
    """Yield the parts of a set with their edits.

    Args:
        request: a set with parts.
        edits: of the whole set.
        open_part: opens one part.

    Raises:
        UserError: a part lies in another one, or it is not clear whose an edit is.
    """
    places = {s: prefix_of(folder_of(root), request.root) for s, root in request.parts.items()}
    _require_apart(request, places)
    alone = {s: alone_of(request, s) for s in request.parts}
    sources = {s: open_part(one) for s, one in alone.items()}
    prefixes = {s: prefix_of(source.info.root, request.root) for s, source in sources.items()}
    files = {s: prefixes[s] + prefix_of(request.parts[s], source.info.root)[:-1] for s, source in sources.items()}
    loaded: dict[str, _Held] = {}

    def held(split: str) -> _Held:
        if split not in loaded:
            loaded[split] = _Held.of(sources[split])
        return loaded[split]

    rows = edits.rows
    of_class = np.array([ACTIONS[a][0] == "category" for a in rows["action"].tolist()], bool)
    belongs = {s: np.zeros(len(rows), bool) for s in alone}
    addresses = list(zip(*(rows[c].tolist() for c in ("action", "source", "image")), strict=True))
    for k in np.flatnonzero(~of_class).tolist():
        for split in _owners(request, addresses[k], prefixes, files, held):
            belongs[split][k] = True
    for split, own in alone.items():
        mine = rows[belongs[split]].copy()
        for column in ("source", "image"):
            mine[column] = [v[len(prefixes[split]):] if isinstance(v, str) else v for v in mine[column].tolist()]
        changes = mine.to_dict("records")
        if of_class.any():
            changes += _of_classes(rows[of_class], held(split).classes)
        yield Part(split, own, places[split], Edits.of([{str(k): v for k, v in c.items()} for c in changes]))


class _Held(msgspec.Struct, frozen=True):
    """What a part holds: paths of its images, and its classes."""

    images: frozenset[str]
    classes: frozenset[str]

    @staticmethod
    def of(source: Source) -> _Held:
        shards = [ref.load() for ref in source.shards(1 << 40)]
        images = frozenset(str(p) for s in shards for p in s.image_columns["path"].tolist())
        declared = {c.name for c in source.info.categories}
        used = {str(c) for s in shards for c in s.annotation_columns["category"].tolist() if c is not None}
        return _Held(images, frozenset(declared | used))


def _require_apart(request: DatasetRequest, places: dict[str, str]) -> None:
    for split, prefix in places.items():
        for other, longer in places.items():
            is_file = request.parts[split].is_file() and request.parts[other].is_file()
            if split != other and longer.startswith(prefix) and not is_file:
                raise UserError(f"{request.path}: {other} lies in the folder of {split}, so they cannot be edited as one; name "
                                "one of them")


def _owners(request: DatasetRequest, address: tuple[str, str | None, str | None], prefixes: dict[str, str],
            files: dict[str, str], held: Callable[[str], _Held]) -> list[str]:
    """Return the parts that an edit of a record, an image or a file is about."""
    action, source, image = address
    place = image if source is None else source
    near = [s for s, prefix in prefixes.items() if place is not None and place.startswith(prefix)]
    if len(near) > 1 and source is not None:  # files side by side
        near = [s for s in near if source == files[s]] or near
    if len(near) > 1 and image is not None:
        near = [s for s in near if image[len(prefixes[s]):] in held(s).images]
        if len(near) > 1 and action in ALIKE:
            return near
    if len(near) != 1:
        raise UserError(f"{request.path}: {action} of {place}: {'no part has it' if not near else ' and '.join(near)}"
                        f"{' have it' if near else ''}; name one of the parts")
    return near


def _of_classes(rows: pd.DataFrame, classes: frozenset[str]) -> list[dict[Any, Any]]:
    """Return the edits of classes that a part with these has a place for."""
    changes = []
    for change in rows.to_dict("records"):
        action, name = change["action"], change["category"]
        if action == "add-category":
            if name not in classes:
                changes.append(change)
        elif name in classes:
            renames = action == "merge-category" and change["text"] not in classes
            changes.append({**change, "action": "rename-category"} if renames else change)
    return changes
