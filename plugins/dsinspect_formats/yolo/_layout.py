"""Where a YOLO set keeps its images and labels, and which label belongs to which image."""

from __future__ import annotations

from pathlib import Path

from dsinspect.errors import UserError
from dsinspect.tables.schema import Problem
from dsinspect_formats._images import ImageTree, relative, walk
from dsinspect_formats.yolo._config import read_config
from dsinspect_formats.yolo._configs import config_of, note_on_rivals
from dsinspect_formats.yolo._finder import Finder, Layout
from dsinspect_formats.yolo._label_places import folder_of_list
from dsinspect_formats.yolo._settings import declared_count, named_splits, split_settings


def find_layout(root: Path, images: Path | None) -> Layout:
    """Find everything there is of a set.

    Raises:
        UserError: neither image nor label is found, or the path is a file of another kind.
    """
    listed = not root.is_dir() and root.suffix.lower() == ".txt"
    if not root.is_dir() and not listed and config_of(root) is None:
        raise UserError(f"{root}: not a YOLO file: a data.yaml, an obj.data or a list of images (.txt) is one")
    folder = root if root.is_dir() else folder_of_list(root) if listed else root.parent
    config = read_config(folder if listed else root, folder)
    layout = Layout(folder, config.categories, problems=config.problems, kpt_shape=config.kpt_shape, flip_pairs=config.flip_pairs)
    layout.loses_flip = not config.flip_pairs and config.settings.get("flip_idx") is not None
    finder = Finder(layout, ImageTree.below(images or folder), images is not None,
                     [p for p in walk(folder) if p.lower().endswith(".txt")])
    if config.path is not None and config.settings and not listed:
        layout.config = relative(config.path, folder)
        layout.named_splits = named_splits(config.settings, config.path)
        base = config.settings.get("path")
        layout.config_base = base if isinstance(base, str) and base else None
        layout.class_count = declared_count(config.settings)
        if root.is_dir() and (note := note_on_rivals(config.path, folder)):
            layout.notes.append(note)
    names_splits = any(True for _ in split_settings(config.settings))
    if listed:
        finder.from_list(root)
    elif config.path and names_splits:
        finder.from_settings(config, config.path)
    else:
        finder.from_folders()
    if not layout.entries:
        faults = [p for p in layout.problems if p.kind == "bad-class-list"]
        why = next((f"{p.source}: {p.reason}" for p in sorted(faults, key=lambda p: not p.text)), "")
        # What else lies below is not taken instead: it may be any other dataset.
        raise UserError(f"{root}: neither images nor label files found{f' ({why})' if why else ''}"
                        + ("; correct its paths" if names_splits and why else ""))
    finder.tell_orphans()
    if any(e.file for e in layout.entries):  # without any image nothing else reports what is listed and not there
        missing = {(e.path, e.split) for e in layout.entries if e.file is None}
        layout.problems = [p for p in layout.problems if p.kind != "missing-label" or (p.image, p.split) not in missing]
    _look_for_stale_caches(layout, config.path)
    layout.splits = tuple(dict.fromkeys(e.split for e in layout.entries if e.split))
    return layout


def _look_for_stale_caches(layout: Layout, config: Path | None) -> None:
    labels: dict[str, list[str]] = {}
    for entry in layout.entries:
        if entry.label:
            labels.setdefault(entry.label.rpartition("/")[0], []).append(entry.label)
    for folder, files in sorted(labels.items()):
        cache = layout.root / f"{folder}.cache"
        if not folder or not cache.is_file():
            continue
        made = cache.stat().st_mtime
        if any(_changed(layout.root / f) > made for f in files):
            layout.problems.append(Problem("stale-cache", f"{folder}.cache", "is older than a label file beside it"))
        elif config is not None and _changed(config) > made:
            layout.problems.append(Problem("stale-cache", f"{folder}.cache", f"is older than {config.name}"))


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
