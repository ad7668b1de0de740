"""Apply edits: a corrected copy of the dataset in a new place, every byte that no edit names as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.errors import UserError
from dsinspect.inspection.opening import edited_parts, patch_dataset
from dsinspect.io.containment import held, leads_outside
from dsinspect.io.files import IMAGE_SUFFIXES, place_file
from dsinspect.io.folders import make_folder
from dsinspect.output.destination import Apart, files_below, staged
from dsinspect.protocols.edits import FILE_ACTIONS, Edits

if TYPE_CHECKING:
    from collections.abc import Collection

    from dsinspect.inspection.request import Request
    from dsinspect.loader import Plugins

END_MARKER = b"\xff\xd9"
"""The last two bytes of a JPEG."""


@dataclass(frozen=True)
class Applied:
    """What applying edits came to.

    Attributes:
        changed: files written anew, relative to the output.
        removed: annotation files left out.
        copied: other files copied as they are.
        linked: images that share their bytes on disk with the source (hard links).
        dropped: images left out because an edit drops them.
        elsewhere: images of the set that lie outside of its folder and stay there.
        unread: files that cannot be read, left out.
    """

    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    copied: int = 0
    linked: int = 0
    dropped: int = 0
    elsewhere: int = 0
    unread: int = 0


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
    if request.parts:
        return _build_parts(request, plugins, edits, stage, images, annotations_only=annotations_only, link=link)
    root = request.root
    folder = root if root.is_dir() else root.parent
    changed, removed = [], []
    of_files = edits.for_action(*FILE_ACTIONS)
    cuts = dict(zip(of_files["image"], of_files["text"], strict=True))
    for patch in patch_dataset(request, plugins, edits):
        if leads_outside(patch.path):
            raise UserError(f"{request.path}: {patch.path} lies outside of {folder} and stays as it is; copy the files that name "
                            "it into the folder that holds it, without their `path:`, and name that folder")
        if patch.after is None:
            removed.append(patch.path)
            continue
        target = held(stage, patch.path)
        make_folder(target.parent)
        target.write_bytes(patch.after)
        changed.append(patch.path)
    dropped = set(edits.for_action("drop-image")["image"])
    files = files_below(folder) if root.is_dir() else _files_of_a_file(root, images)
    copied = linked = left_out = unread = 0
    for path in files:
        is_image = Path(path).suffix.lower() in IMAGE_SUFFIXES
        if path in removed or path in changed or (is_image and annotations_only):
            continue
        if path in dropped:
            left_out += 1
            continue
        became = place_file(folder / path, held(stage, path), link=link and is_image and path not in cuts)
        if became == "missing":
            unread += 1
            continue
        if path in cuts:
            cut_ending(held(stage, path), path, int(cuts[path]))
            changed.append(path)
            continue
        linked += became == "linked"
        copied += became == "copied"
    home = os.path.join(folder.resolve(), "")  # noqa: PTH118 - the separator at the end is wanted
    elsewhere = sum(not os.path.realpath(p).startswith(home) for p in images)
    return Applied(tuple(changed), tuple(removed), copied, linked, left_out, elsewhere, unread)


def _build_parts(request: Request, plugins: Plugins, edits: Edits, stage: Path, images: Collection[str], *,
                 annotations_only: bool, link: bool) -> Applied:
    """Build each part below the output as it lies below the folder that holds them all."""
    made = Applied()
    gone = {os.path.abspath(request.root / path) for path in edits.for_action("drop-image")["image"]}  # noqa: PTH100
    left = [i for i in images if os.path.abspath(i) not in gone]  # noqa: PTH100 - links stay as they are
    inside: set[str] = set()
    for part in edited_parts(request, plugins, edits):
        home = os.path.join(os.path.abspath(part.folder), "")  # noqa: PTH100, PTH118
        own = [i for i in left if os.path.abspath(i).startswith(home)]  # noqa: PTH100
        inside.update(own)
        target = held(stage, part.place) if part.place else stage
        make_folder(target)
        one = _build(replace(request, **part.request.dataset), plugins, part.edits, target, own, annotations_only=annotations_only,
                     link=link)
        is_folder = part.request.root.is_dir()
        made = Applied(
            made.changed + tuple(part.place + c for c in one.changed), made.removed + tuple(part.place + c for c in one.removed),
            made.copied + one.copied, made.linked + one.linked, made.dropped + one.dropped * is_folder,
            unread=made.unread + one.unread)
    of_files = [p for p in request.parts.values() if p.is_file()]
    dropped = made.dropped + (len(images) - len(left) if of_files else 0)
    return replace(made, dropped=dropped, elsewhere=sum(i not in inside for i in left))


def cut_ending(copy: Path, path: str, n_bytes: int) -> None:
    """Cut the bytes after the end marker off the copy of a JPEG.

    Args:
        copy: the file that is cut.
        path: of the image, for the error.
        n_bytes: bytes to cut off.

    Raises:
        UserError: no end marker stands before them: the file changed since it was inspected.
    """
    with copy.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        end = size - n_bytes
        if n_bytes > 0 and end >= len(END_MARKER):
            file.seek(end - len(END_MARKER))
            if file.read(len(END_MARKER)) == END_MARKER:
                file.truncate(end)
                return
    raise UserError(f"{path}: no end marker stands {n_bytes:,} bytes before its end; it changed since it was inspected")


def _files_of_a_file(root: Path, images: Collection[str]) -> Iterator[str]:
    yield root.name
    folder = root.parent.resolve()
    for image in dict.fromkeys(images):
        path = Path(os.path.abspath(image))  # noqa: PTH100 - links stay as they are
        if path.is_relative_to(folder):
            yield path.relative_to(folder).as_posix()
