"""Which file is the configuration of a YOLO set: in its folder, or below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from dsinspect.io.places import remembered
from dsinspect.io.reading import leaves, reads_outside
from dsinspect.io.split_names import SPLIT_NAMES
from dsinspect_formats._images import is_image, walk
from dsinspect_formats._sniffing import head, names_in
from dsinspect_formats._text import decode
from dsinspect_formats.yolo._settings import (
    as_list,
    bases_above,
    is_readable,
    looks_like_config,
    names_classes,
    read_settings,
    resolve,
)

_SUFFIXES = (".yaml", ".yml", ".data")
_USUAL = ("data.yaml", "dataset.yaml", "data.yml", "obj.data")
LOOKED_AT = 50
_LISTED = 50
"""Lines of a list of images that are looked for on disk."""


def config_of(root: Path) -> Path | None:
    """Return the data.yaml or obj.data of a set: the path itself, or the one in the folder.

    Of several in the folder the one that names classes and splits, the first whose images are there if there are more; else
    one that names classes; else one that cannot be read but has the usual name.
    """
    if root.is_file():
        return root if root.suffix.lower() in _SUFFIXES else None
    if not root.is_dir():
        return None
    if rivals := configs_in(root):
        return rivals[0] if len(rivals) == 1 else next((p for p in rivals if finds_images(p)), rivals[0])
    named, others = _candidates(root)
    for path in (*named, *others):
        if names_classes(path):
            return path
    below = configs_below(root)
    return next((p for p in named if not is_readable(p)), None) or (root / below[0] if len(below) == 1 else None)


def _candidates(root: Path) -> tuple[list[Path], list[Path]]:
    named = [root / n for n in _USUAL if (root / n).is_file()]
    return named, sorted(p for p in root.iterdir() if p.suffix.lower() in _SUFFIXES and p not in named and p.is_file())[:20]


def configs_in(root: Path) -> list[Path]:
    """Return the files in a folder that name classes and splits, those of usual names first."""
    return [path for paths in _candidates(root) for path in paths if looks_like_config(path)]


def finds_images(path: Path) -> bool:
    """Say whether an image that a configuration names is there: one in a folder of a split, or among the first of a list.

    What lies outside of the configuration's folder is not looked at.
    """
    return any(_has_image(place, bases) for place, bases in _places(path) if reads_outside() or not leaves(place, path.parent))


def _has_image(place: Path, bases: Sequence[Path]) -> bool:
    if place.is_dir():
        return any(map(is_image, walk(place)))
    if is_image(place.name):
        return True
    lines = [line.strip() for line in decode(head(place))[0].splitlines()[:_LISTED] if is_image(line.strip())]
    return any(resolve(line, [*bases, place.parent]) is not None for line in lines)


def note_on_rivals(chosen: Path, folder: Path) -> str | None:
    """Return which configuration of a folder is read and which are not; None where there is one."""
    rivals = [p for p in configs_in(folder) if p != chosen]
    if not rivals or chosen.parent != folder:
        return None
    gone = [p for p in rivals if not finds_images(p)]
    shown = ", ".join(f"{p.name}{' (none of its images is here)' if p in gone else ''}" for p in rivals[:5])
    more = f" and {len(rivals) - 5:,} more" if len(rivals) > 5 else ""
    return f"classes and splits are read from {chosen.name}, not from {shown}{more}; name a file to read that one"


def configs_below(root: Path) -> list[str]:
    """Return the files below a folder, not in it, that name classes and splits that are there: sets of their own."""
    return remembered(("YOLO configurations", root), partial(_configs_below, root)) if root.is_dir() else []


def _configs_below(root: Path) -> list[str]:
    names = [n for n in names_in(root, *_SUFFIXES) if "/" in n][:LOOKED_AT]
    configs = [n for n in names if looks_like_config(root / n)]
    if found := [n for n in configs if _finds_a_split(root / n)]:
        return found
    started_here = [n for n in configs if n.count("/") == 1 and any(True for _ in _places(root / n, bases_above(root / n, root)))]
    return started_here if len(started_here) == 1 else []


def several_configs(names: Sequence[str]) -> str:
    """Return in words that a folder holds several sets."""
    return f"holds {len(names)} YOLO datasets ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"


def _finds_a_split(path: Path) -> bool:
    return any(True for _ in _places(path))


def _places(path: Path, more: Sequence[Path] = ()) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each file or folder that a configuration's splits name and that is there, with the folders that paths start from."""
    settings = read_settings(path)
    values = [v for key in SPLIT_NAMES for v in as_list(settings.get(key))]
    bases = [path.parent, *more]
    declared = settings.get("path")
    if isinstance(declared, str) and (place := resolve(declared, bases)):
        bases.append(place)
    for value in values:
        if isinstance(value, str) and value.strip() and (place := resolve(value, bases)) is not None:
            yield place, bases
