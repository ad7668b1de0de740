"""The settings of a data.yaml or obj.data: a mapping of bounded size, never executed, and what its keys say."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dsinspect.io.limits import limits, option
from dsinspect.io.places import ends_as
from dsinspect.io.reading import read_regular
from dsinspect.io.split_names import SPLIT_NAMES
from dsinspect.tables.schema import NO_POSITION
from dsinspect_formats._text import decode

SPLITS = ("train", "val", "test")


def bases_above(config: Path, folder: Path) -> list[Path]:
    """Return the folder that a Darknet configuration in a subfolder (`cfg/`) of a set may start its paths from: that of the set."""
    return [folder] if config.suffix.lower() == ".data" and config.parent.parent == folder else []


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def split_settings(settings: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield the key, the split and the value of each split that a configuration names; `val` goes before `valid`."""
    for split in SPLITS:
        key = next((k for k, s in SPLIT_NAMES.items() if s == split and settings.get(k) is not None), None)
        key = split if split in settings and settings[split] is not None else key
        if key is not None:
            yield key, split, settings[key]


def looks_like_config(path: Path) -> bool:
    """Say whether a file is a data.yaml or obj.data: it names classes and at least one split."""
    try:
        settings = read_settings(path)
    except (OSError, ValueError):
        return False
    return ("names" in settings or "nc" in settings) and any(s in settings for s in SPLIT_NAMES)


def names_classes(path: Path) -> bool:
    """Say whether a file holds class names, whatever else it lacks."""
    try:
        return isinstance(read_settings(path).get("names"), list | dict)
    except (OSError, ValueError):
        return False


def is_readable(path: Path) -> bool:
    try:
        read_settings(path)
    except (OSError, ValueError):
        return False
    return True


def read_settings(path: Path) -> dict[str, Any]:
    """Read a data.yaml or obj.data as a mapping; nothing in it is ever executed.

    Raises:
        ValueError: it is not one.
        OSError: it cannot be read.
    """
    text, _ = decode(read_regular(path, "yaml_mb"))
    if path.suffix.lower() == ".data":
        pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
        return {key.strip(): value.strip() for key, _, value in pairs if not key.lstrip().startswith("#")}
    import yaml  # takes as long as reading a small set, and only YOLO sets need it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_depth(text, loader)
        document = yaml.load(text, loader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as e:
        raise ValueError(f"not valid YAML: {' '.join(str(e).split())[:160]}") from None
    if not isinstance(document, dict):
        raise ValueError("not a mapping")
    return {k if isinstance(k, str) else shown(k): v for k, v in document.items()}


def _refuse_depth(text: str, loader: Any) -> None:
    import yaml

    # libyaml builds nested values by recursion in C: 100,000 brackets end the process without a traceback.
    depth = 0
    for event in yaml.parse(text, loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > (most := limits().yaml_depth):
            raise ValueError(f"more than {most:,} levels deep ({option('yaml_depth')})")


def resolve(part: str, bases: Sequence[Path], home: Path | None = None) -> Path | None:
    """Return the file or folder a configuration means, or None.

    Args:
        part: what it says.
        bases: folders that it may be relative to, the first one that has it wins.
        home: folder that the place must not lie outside of; None allows any.

    Exports say `../train/images` where `train/images` is meant, `data/...` for the folder the file is in, and absolute
    paths of the machine they were made on: the longest tail that exists is taken. A last folder called images or
    labels alone is no tail: it would make one split of the whole set.
    """
    posix = part.strip().replace("\\", "/")
    if Path(posix).is_absolute() and _is_meant(Path(posix), home):
        return Path(posix)
    parts = [p for p in posix.split("/") if p]
    for start in range(len(parts)):
        if start and ".." in parts[start:]:
            continue
        tail = "/".join(parts[start:])
        if start and tail.lower() in ("images", "labels") and set(parts[:start]) - {".", ".."}:
            continue
        for base in bases:
            if _is_meant(base / tail, home):
                return base / tail
    return None


def _is_meant(place: Path, home: Path | None) -> bool:
    # Asked by the text: a folder of the dataset may be a link to another disk, which is for the listing to judge.
    return exists(place) and (home is None or not posixpath.relpath(
        os.path.abspath(place), os.path.abspath(home)).startswith(".."))  # noqa: PTH100


def exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        return False


def is_absolute(path: str) -> bool:
    r"""Say whether a path is absolute, here or on Windows.

    >>> is_absolute("/content/set"), is_absolute("C:\\set"), is_absolute("../set")
    (True, True, False)
    """
    return path.startswith("/") or re.match(r"[A-Za-z]:[\\/]", path) is not None


def line_of(file: Path, key: str) -> int:
    """Return the line of a key at the top of a configuration, from 1; NO_POSITION where no line begins with it."""
    text, _ = decode(read_regular(file, "yaml_mb"))
    begins = re.compile(rf"""["']?{re.escape(key)}["']?\s*[:=]""")
    return next((k for k, line in enumerate(text.splitlines(), 1) if begins.match(line)), NO_POSITION)


def declared_count(settings: Mapping[str, Any]) -> str | None:
    """Return `nc` as it is written, None where there is none."""
    nc = settings.get("nc")
    return None if nc is None else shown(nc)


def named_splits(settings: Mapping[str, Any], file: Path) -> dict[str, bool]:
    """Return the splits as a configuration spells them, and whether what they name is on disk, as trainers resolve it.

    A place is relative to `path`, which is relative to the folder in which training is started, here that of the file, or to
    Ultralytics' folder of datasets: whatever lies before the file's own folder could be that. `../` before a place may be left
    out. `download` promises what is missing.
    """
    base = settings.get("path")
    bases = [file.parent]
    if isinstance(base, str) and base:
        bases = [file.parent / base, *([file.parent] if ends_as(file.parent, base) else [])]

    def is_there(part: Any) -> bool:
        return not isinstance(part, str) or any(exists(b / p) for b in bases for p in (part, part.removeprefix("../")))

    return {key: bool(settings.get("download")) or all(map(is_there, as_list(settings[key])))
            for key in SPLIT_NAMES if key in settings}


def shown(value: Any) -> str:
    """Return a scalar as text; never the text of a nest of aliases, which can be longer than memory."""
    return f"({type(value).__name__})" if isinstance(value, list | dict | set | tuple) else str(value)[:200]
