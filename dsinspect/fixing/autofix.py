"""Fix what findings say how to fix, and hold the result against the dataset it came from."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.errors import UserError
from dsinspect.findings.findings import Findings
from dsinspect.findings.severity import Severity
from dsinspect.fixing.apply import Applied, apply_edits
from dsinspect.inspection.combined import prefix_of
from dsinspect.inspection.opening import open_dataset
from dsinspect.inspection.parts import alone_of, folder_of
from dsinspect.io.under_way import complete, under_way
from dsinspect.protocols.edits import Edits

if TYPE_CHECKING:
    from dsinspect.inspection.request import Request
    from dsinspect.loader import Plugins
    from dsinspect.protocols.run import Run


@dataclass(frozen=True)
class Comparison:
    """Findings before and after, by code.

    Attributes:
        fixed: findings that are gone.
        left: findings that are still there.
        new: findings that were not there before.
        kept: findings that are gone though a reviewer decided to keep them: they changed with the others.
        notes: codes of which all new findings are of severity info: nothing is wrong by them.
        changed: findings that are still there in other words, of a class that was renamed or with another number: gone and new
            ones of one check in one image and box, or about the whole set. They count as neither fixed nor new.
        errors: codes with a new finding of severity error.
    """

    fixed: Mapping[str, int]
    left: Mapping[str, int]
    new: Mapping[str, int]
    notes: frozenset[str] = frozenset()
    kept: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)
    errors: frozenset[str] = frozenset()


def compare(before: Run, after: Run, kept: Collection[str] = ()) -> Comparison:
    """Compare the findings of two runs by fingerprint.

    Args:
        before: the dataset as it was.
        after: the corrected dataset.
        kept: fingerprints of findings that a reviewer decided to keep; of those none is called fixed.
    """
    asked = np.array([int(f, 16) for f in kept], np.uint64)
    fixed, left, new, spared, changed = (Counter[str]() for _ in range(5))
    notes, errors = set(), set()
    earlier = {o.code: o.findings for o in before.outcomes}
    for outcome in after.outcomes:
        code, found = outcome.code, outcome.findings
        was = earlier.get(code, Findings.none())
        own, old = found.fingerprints(code), was.fingerprints(code)
        is_old, stays = np.isin(own, old), np.isin(old, own)
        is_spared = np.isin(old, asked) & ~stays
        is_changed = np.zeros(len(own), bool)
        is_changed[~is_old] = np.isin(found.take(~is_old).places(), was.take(~stays & ~is_spared).places())
        is_new = ~is_old & ~is_changed
        severities = found.severities(outcome.severity)[is_new]
        if (severities == Severity.INFO.rank).all():
            notes.add(code)
        if (severities == Severity.ERROR.rank).any():
            errors.add(code)
        spared[code], changed[code] = int(is_spared.sum()), int(is_changed.sum())
        left[code], new[code] = int(is_old.sum()), int(is_new.sum())
        fixed[code] = len(old) - left[code] - spared[code] - changed[code]
    return Comparison(+fixed, +left, +new, frozenset(notes), +spared, +changed, frozenset(errors))


def write_fixed(request: Request, plugins: Plugins, run: Run, edits: Edits, out: Path, *, annotations_only: bool = False,
                link: bool = False, force: bool = False, keep: bool = False) -> tuple[Applied, Run]:
    """Write the corrected dataset and inspect it with the same settings.

    Args:
        request: what was inspected.
        plugins: that did it.
        run: the inspection, with images.
        edits: what to change.
        out: a new folder.
        annotations_only: leave images out; the check then finds them where they were.
        link: make hard links of images, which share their bytes with the originals.
        force: write into a folder that is not empty.
        keep: keep the tables of images and annotations of the result, for a report on it.

    Raises:
        UserError: it cannot be written, an edit cannot be applied, or what would be written cannot be read; nothing is written
            then, but into a folder that held other files (`force`).
    """
    was_there = out.is_dir()
    held_files = was_there and any(out.iterdir())
    applied = apply_edits(request, plugins, edits, out, images=files_of(run), annotations_only=annotations_only, link=link,
                          force=force)
    try:
        with contextlib.nullcontext() if held_files else under_way(out):  # broken off, it goes: the next run needs the place
            images_left = annotations_only or applied.elsewhere > 0
            after = recheck(request, plugins, out, images_left=images_left, keep=keep)
            if images_left:
                after = named_as_before(run, after, keep=keep)
            complete()
    except UserError as e:
        if held_files:
            raise UserError(f"-o {out}: is written, but cannot be read with the files that were there before ({e}); name a new "
                            "folder") from None
        raise UserError(f"-o {out}: not written, for what is left of the set cannot be read: {e}") from None
    finally:
        if was_there:
            out.mkdir(exist_ok=True)
    return applied, after


def named_as_before(before: Run, after: Run, *, keep: bool) -> Run:
    """Return a run on a corrected set whose images stayed behind, with findings that name them as they are named there."""
    if before.image_columns is None or after.image_columns is None:
        return after
    was, now = (dict(zip(r.image_columns["file"].tolist(), r.image_columns["path"].tolist(), strict=True))  # type: ignore[index]
                for r in (before, after))
    ways = {path.removesuffix(was[file]) for file, path in now.items() if file in was and path.endswith(was[file])}
    prefixes = sorted(ways - {""}, key=len, reverse=True)
    return replace(after, outcomes=tuple(replace(o, findings=o.findings.without_prefixes(prefixes)) for o in after.outcomes),
                   image_columns=after.image_columns if keep else None)


def recheck(request: Request, plugins: Plugins, out: Path, *, images_left: bool, keep: bool = False) -> Run:
    """Inspect a corrected dataset as its source was inspected; images that stayed behind are looked for there."""
    from dsinspect.inspection.inspect import inspect

    if request.parts:
        parts = {s: corrected(request, out, root) for s, root in request.parts.items()}
        folders = {s: folder_of(root) for s, root in request.parts.items()} if images_left and request.images is None else {}
        prefixes = {s: prefix_of(open_dataset(alone_of(request, s), plugins).info.root, request.root) for s in parts}
        return inspect(replace(request, root=out, parts=parts, part_images=folders, prefixes=prefixes,
                               keep_images=keep or images_left, keep_annotations=keep), plugins)
    root = out if request.root.is_dir() else out / request.root.name
    folder = request.root if request.root.is_dir() else request.root.parent
    images = request.images or (folder if images_left else None)
    return inspect(replace(request, root=root, images=images, keep_images=keep or images_left,
                           keep_annotations=keep), plugins)


def corrected(request: Request, out: Path, root: Path) -> Path:
    """Return where the corrected copy of a part lies: below the output as it lies below the folder that holds all parts."""
    return out / prefix_of(folder_of(root), request.root) / ("" if root.is_dir() else root.name)


def files_of(run: Run) -> Collection[str]:
    """Return the image files of a run."""
    return [] if run.images is None else [f for f in run.images["file"].tolist() if f]
