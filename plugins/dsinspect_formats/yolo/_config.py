"""The configuration of a YOLO set, data.yaml or obj.data: settings, class names, and what is wrong with them."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from dsinspect.errors import UserError
from dsinspect.io.limits import limits, option
from dsinspect.io.places import ends_as, remembered
from dsinspect.io.reading import is_regular, leaves, read_regular, reads_outside
from dsinspect.tables.dataset import Category
from dsinspect.tables.schema import NO_POSITION, Problem
from dsinspect_formats._images import is_image, relative, walk
from dsinspect_formats._sniffing import head, names_in
from dsinspect_formats._splits import SPLIT_NAMES
from dsinspect_formats._text import decode, odd_encoding
from dsinspect_formats.yolo._looks import is_label_name

SPLITS = ("train", "val", "test")
_SUFFIXES = (".yaml", ".yml", ".data")
_USUAL = ("data.yaml", "dataset.yaml", "data.yml", "obj.data")
_LOOKED_AT = 50
_LISTED = 50
"""Lines of a list of images that are looked for on disk."""
_NAME_LISTS = ("classes.txt", "labels/classes.txt", "classes.names", "obj.names", "data.names", "predefined_classes.txt")


@dataclass
class Config:
    """What a configuration says.

    Attributes:
        path: the file, or None when there is none.
        settings: its content; empty when it cannot be read.
        categories: declared classes in their order.
        kpt_shape: number of keypoints and of values per keypoint, for pose sets.
        flip_pairs: which keypoint takes the place of each in a mirrored image (`flip_idx`); empty where it does not fit them.
        problems: what is wrong with it.
    """

    path: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    categories: tuple[Category, ...] = ()
    kpt_shape: tuple[int, int] | None = None
    flip_pairs: tuple[int, ...] = ()
    problems: list[Problem] = field(default_factory=list)


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
    return next((p for p in named if not _is_readable(p)), None) or (root / below[0] if len(below) == 1 else None)


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
    names = [n for n in names_in(root, *_SUFFIXES) if "/" in n][:_LOOKED_AT]
    configs = [n for n in names if looks_like_config(root / n)]
    if found := [n for n in configs if _finds_a_split(root / n)]:
        return found
    started_here = [n for n in configs if n.count("/") == 1 and any(True for _ in _places(root / n, bases_above(root / n, root)))]
    return started_here if len(started_here) == 1 else []


def bases_above(config: Path, folder: Path) -> list[Path]:
    """Return the folder that a Darknet configuration in a subfolder (`cfg/`) of a set may start its paths from: that of the set."""
    return [folder] if config.suffix.lower() == ".data" and config.parent.parent == folder else []


def several_configs(names: Sequence[str]) -> str:
    """Return in words that a folder holds several sets."""
    return f"holds {len(names)} YOLO datasets ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"


def _finds_a_split(path: Path) -> bool:
    return any(True for _ in _places(path))


def _places(path: Path, more: Sequence[Path] = ()) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each file or folder that a configuration's splits name and that is there, with the folders that paths start from."""
    settings = read_settings(path)
    values = [v for key in SPLIT_NAMES for v in _as_list(settings.get(key))]
    bases = [path.parent, *more]
    declared = settings.get("path")
    if isinstance(declared, str) and (place := resolve(declared, bases)):
        bases.append(place)
    for value in values:
        if isinstance(value, str) and value.strip() and (place := resolve(value, bases)) is not None:
            yield place, bases


def _as_list(value: Any) -> list[Any]:
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


def _is_readable(path: Path) -> bool:
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
    return {k if isinstance(k, str) else _shown(k): v for k, v in document.items()}


def _refuse_depth(text: str, loader: Any) -> None:
    import yaml

    # libyaml builds nested values by recursion in C: 100,000 brackets end the process without a traceback.
    depth = 0
    for event in yaml.parse(text, loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > (most := limits().yaml_depth):
            raise ValueError(f"more than {most:,} levels deep ({option('yaml_depth')})")


def read_config(root: Path, folder: Path) -> Config:
    """Read the configuration of a set, or the list of class names that stands for it.

    Args:
        root: what the user named.
        folder: where paths of problems start from.

    Raises:
        UserError: there is none in the folder, and several below it.
    """
    path = config_of(root)
    if path is None and len(several := configs_below(root)) > 1:
        raise UserError(f"{root}: {several_configs(several)}; name one of these files, or its folder")
    config = Config(path)
    if path is None:
        config.categories = _listed_names(folder, config)
        return config
    source = relative(path, folder)
    try:
        config.settings = read_settings(path)
        _, encoding = decode(read_regular(path, "yaml_mb"))
    except (OSError, ValueError) as e:
        reason = f"cannot be read: {(e.strerror or 'error').lower()}" if isinstance(e, OSError) else str(e)
        config.problems.append(Problem("bad-class-list", source, reason))
        config.categories = _listed_names(folder, config)
        return config
    if encoding:
        config.problems.append(odd_encoding(source, encoding))
    config.categories = _categories(config, path, folder)
    shape = config.settings.get("kpt_shape")
    if isinstance(shape, list) and len(shape) == 2 and all(type(v) is int and 0 < v < 10_000 for v in shape):
        config.kpt_shape = (shape[0], shape[1])
        _look_for_flip(config, source)
    _look_for_code(config, source)
    return config


def _look_for_flip(config: Config, source: str) -> None:
    """Say whether `flip_idx` says where each keypoint is in a mirrored image."""
    n = config.kpt_shape[0] if config.kpt_shape else 0
    pairs = config.settings.get("flip_idx")
    if pairs is None:
        config.problems.append(Problem("no-flip-pairs", source, "flip_idx is missing: it says which keypoint takes the place of "
                                       f"each of the {n} in a mirrored image"))
        return
    if not isinstance(pairs, list) or len(pairs) != n or not all(type(k) is int for k in pairs):
        config.problems.append(Problem("wrong-flip-pairs", source, f"flip_idx is no list of {n} numbers, one for each keypoint"))
        return
    config.flip_pairs = tuple(pairs)
    if sorted(pairs) != list(range(n)) or any(pairs[k] != j for j, k in enumerate(pairs)):
        config.problems.append(Problem("wrong-flip-pairs", source, f"flip_idx does not pair the keypoints 0 to {n - 1} with each "
                                       "other"))


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
    return _exists(place) and (home is None or not posixpath.relpath(
        os.path.abspath(place), os.path.abspath(home)).startswith(".."))  # noqa: PTH100


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        return False


def _categories(config: Config, path: Path, folder: Path) -> tuple[Category, ...]:
    names = config.settings.get("names")
    source = relative(path, folder)

    def problem(reason: str) -> None:
        config.problems.append(Problem("bad-class-list", source, reason))

    if isinstance(names, str):  # obj.data names a file
        place = resolve(names, [path.parent, *bases_above(path, folder)])
        if place is None or not is_regular(place):
            problem(f"names: no file {names}")
            return ()
        if leaves(place, folder) and not reads_outside():
            problem(f"names: {names} lies outside of the dataset and is not read (--read-outside)")
            return ()
        text, encoding = decode(read_regular(place, "yaml_mb"))
        if encoding:
            config.problems.append(odd_encoding(relative(place, folder), encoding))
        names = [line.strip() for line in text.splitlines() if line.strip()]
    if isinstance(names, dict):
        pairs = []
        for key, name in names.items():
            try:
                pairs.append((int(key), _shown(name)))
            except (TypeError, ValueError):
                problem(f"names: {_shown(key)!r} is no class number")
        pairs.sort()
        numbers = {k for k, _ in pairs}
        missing = [k for k in range(len(pairs)) if k not in numbers]
        if missing:
            problem(f"names has no class {', '.join(map(str, missing[:5]))}")
    elif isinstance(names, list):
        pairs = [(k, _shown(n)) for k, n in enumerate(names)]
    else:
        problem("names is missing" if names is None else f"names: {_shown(names)!r} is neither a list nor a mapping")
        pairs = []
    _check_count(config.settings.get("nc", config.settings.get("classes")), names, len(pairs), problem)
    seen: dict[str, int] = {}
    for key, name in pairs:
        if name in seen:
            problem(f"names has {name!r} twice: {seen[name]} and {key}")
        seen.setdefault(name, key)
    return tuple(Category(k, n) for k, n in pairs)


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
    return None if nc is None else _shown(nc)


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
        return not isinstance(part, str) or any(_exists(b / p) for b in bases for p in (part, part.removeprefix("../")))

    return {key: bool(settings.get("download")) or all(map(is_there, _as_list(settings[key])))
            for key in SPLIT_NAMES if key in settings}


def _check_count(nc: Any, names: Any, n_names: int, problem: Any) -> None:
    if nc is None or names is None:
        return
    try:
        if int(nc) != n_names:
            problem(f"nc is {_shown(nc)}, names has {n_names}")
    except (TypeError, ValueError, OverflowError):
        problem(f"nc: {_shown(nc)!r} is not a whole number")


def _shown(value: Any) -> str:
    """Return a scalar as text; never the text of a nest of aliases, which can be longer than memory."""
    return f"({type(value).__name__})" if isinstance(value, list | dict | set | tuple) else str(value)[:200]


def _listed_names(folder: Path, config: Config) -> tuple[Category, ...]:
    roboflow = [n for n in names_in(folder, ".labels") if n.rpartition("/")[2] == "_darknet.labels"]  # one in each split
    lists: dict[str, tuple[str, ...]] = {}
    for name in (*_NAME_LISTS, *roboflow):
        if is_regular(folder / name) and (reads_outside() or not leaves(folder / name, folder)) and (not lists or name in roboflow):
            text, encoding = decode(read_regular(folder / name, "yaml_mb"))
            if encoding:
                config.problems.append(odd_encoding(name, encoding))
            lists[name] = tuple(n.strip() for n in text.rstrip().splitlines())
    if not lists and (beside := lists_beside_labels(folder)):
        text, encoding = decode(read_regular(folder / beside[0], "yaml_mb"))
        if encoding:
            config.problems.append(odd_encoding(beside[0], encoding))
        lists[beside[0]] = tuple(n.strip() for n in text.rstrip().splitlines())
    first = next(iter(lists), "")
    for name, names in lists.items():
        if names != lists[first]:
            config.problems.append(Problem("bad-class-list", name, f"names other classes than {first}"))
    return tuple(Category(k, n) for k, n in enumerate(lists.get(first, ())))


def lists_beside_labels(folder: Path) -> list[str]:
    """Return each classes.txt beside label files in a folder below, as labelImg writes them, where all hold the same bytes."""
    texts = names_in(folder, ".txt")
    found = [n for n in texts if n.endswith("/classes.txt") and is_regular(folder / n)
             and (reads_outside() or not leaves(folder / n, folder))]
    if not found:
        return []
    places = {n.rpartition("/")[0] for n in texts if is_label_name(n)}
    found = [n for n in found if n.rpartition("/")[0] in places]
    contents = {read_regular(folder / n, "yaml_mb") for n in found[:_LOOKED_AT]}
    return found if len(contents) == 1 and len(found) <= _LOOKED_AT else []


def _look_for_code(config: Config, source: str) -> None:
    download = config.settings.get("download")
    if isinstance(download, str) and download.strip():
        one_line = download.strip()
        if "\n" in one_line or not re.match(r"https?://\S+$", one_line):
            config.problems.append(Problem("code-in-config", source, "download holds code or a shell line; trainers "
                                           "run it, dsinspect never does", one_line))
