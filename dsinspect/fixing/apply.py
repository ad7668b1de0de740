"""Apply edits: a corrected copy of the dataset in a new place, every byte that no edit names as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.errors import UserError
from dsinspect.inspection.opening import patch_dataset
from dsinspect.io.containment import held, leads_outside
from dsinspect.io.files import IMAGE_SUFFIXES, place_file
from dsinspect.output.destination import Apart, files_below, staged
from dsinspect.protocols.edits import Edits

if TYPE_CHECKING:
    from collections.abc import Collection

    from dsinspect.inspection.request import Request
    from dsinspect.loader import Plugins


@dataclass(frozen=True)
class Applied:
    """What applying edits came to.

    Attributes:
        changed: annotation files written anew, relative to the output.
        removed: annotation files left out.
        copied: other files copied as they are.
        linked: images that share their bytes on disk with the source (hard links).
        dropped: images left out because an edit drops them.
        elsewhere: images of the set that lie outside of its folder and stay there.
    """

    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    copied: int = 0
    linked: int = 0
    dropped: int = 0
    elsewhere: int = 0


def apply_edits(request: Request, plugins: Plugins, edits: Edits, out: Path, *, images: Collection[str] = (),
                annotations_only: bool = False, link: bool = False, force: bool = False) -> Applied:
    """Write the corrected dataset.

    It is built beside `out` under a temporary name and renamed when it is whole.

    Args:
        request: the dataset.
        plugins: with its format.
        edits: what to change.
        out: a new folder; for a dataset that is a file, the folder to write the file into.
        images: files of the set's images; a dataset that is a single file takes those of them along that lie beside it.
        annotations_only: leave images out.
        link: make hard links of images, which share their bytes with the originals.
        force: write into a folder that is not empty; files of the same names are replaced.

    Raises:
        UserError: it cannot be written, or an edit cannot be applied; nothing is written then.
    """
    Apart(out).require(images)
    with staged(request.roots, out, force=force) as stage:
        return _build(request, plugins, edits, stage, images, annotations_only=annotations_only, link=link)


def _build(request: Request, plugins: Plugins, edits: Edits, stage: Path, images: Collection[str], *,
           annotations_only: bool, link: bool) -> Applied:
    root = request.root
    folder = root if root.is_dir() else root.parent
    changed, removed = [], []
    for patch in patch_dataset(request, plugins, edits):
        if leads_outside(patch.path):
            raise UserError(f"{request.path}: {patch.path} lies outside of {folder} and stays as it is; copy the files that name "
                            "it into the folder that holds it, without their `path:`, and name that folder")
        if patch.after is None:
            removed.append(patch.path)
            continue
        target = held(stage, patch.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(patch.after)
        changed.append(patch.path)
    dropped = set(edits.for_action("drop-image")["image"])
    files = files_below(folder) if root.is_dir() else _files_of_a_file(root, images)
    copied = linked = left_out = 0
    for path in files:
        is_image = Path(path).suffix.lower() in IMAGE_SUFFIXES
        if path in removed or path in changed or (is_image and annotations_only):
            continue
        if path in dropped:
            left_out += 1
            continue
        became = place_file(folder / path, held(stage, path), link=link and is_image)
        linked += became == "linked"
        copied += became == "copied"
    home = os.path.join(folder.resolve(), "")  # noqa: PTH118 - the separator at the end is wanted
    elsewhere = sum(not os.path.realpath(p).startswith(home) for p in images)
    return Applied(tuple(changed), tuple(removed), copied, linked, left_out, elsewhere)


def _files_of_a_file(root: Path, images: Collection[str]) -> Iterator[str]:
    yield root.name
    folder = root.parent.resolve()
    for image in dict.fromkeys(images):
        path = Path(os.path.abspath(image))  # noqa: PTH100 - links stay as they are
        if path.is_relative_to(folder):
            yield path.relative_to(folder).as_posix()
