"""The configuration of a YOLO set, data.yaml or obj.data: settings, class names, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsinspect.errors import UserError
from dsinspect.io.reading import is_regular, leaves, read_regular, reads_outside
from dsinspect.tables.dataset import Category
from dsinspect.tables.schema import Problem
from dsinspect_formats._images import relative
from dsinspect_formats._reading import reason_of
from dsinspect_formats._sniffing import names_in
from dsinspect_formats._text import decode, odd_encoding
from dsinspect_formats.yolo._configs import LOOKED_AT, config_of, configs_below, several_configs
from dsinspect_formats.yolo._looks import is_label_name
from dsinspect_formats.yolo._settings import bases_above, read_settings, resolve, shown

NAME_LISTS = ("classes.txt", "labels/classes.txt", "classes.names", "obj.names", "data.names", "predefined_classes.txt")


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
        reason = reason_of(e) if isinstance(e, OSError) else str(e)
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
                pairs.append((int(key), shown(name)))
            except (TypeError, ValueError):
                problem(f"names: {shown(key)!r} is no class number")
        pairs.sort()
        numbers = {k for k, _ in pairs}
        missing = [k for k in range(len(pairs)) if k not in numbers]
        if missing:
            problem(f"names has no class {', '.join(map(str, missing[:5]))}")
    elif isinstance(names, list):
        pairs = [(k, shown(n)) for k, n in enumerate(names)]
    else:
        problem("names is missing" if names is None else f"names: {shown(names)!r} is neither a list nor a mapping")
        pairs = []
    _check_count(config.settings.get("nc", config.settings.get("classes")), names, len(pairs), problem)
    seen: dict[str, int] = {}
    for key, name in pairs:
        if name in seen:
            problem(f"names has {name!r} twice: {seen[name]} and {key}")
        seen.setdefault(name, key)
    return tuple(Category(k, n) for k, n in pairs)


def _check_count(nc: Any, names: Any, n_names: int, problem: Any) -> None:
    if nc is None or names is None:
        return
    try:
        if int(nc) != n_names:
            problem(f"nc is {shown(nc)}, names has {n_names}")
    except (TypeError, ValueError, OverflowError):
        problem(f"nc: {shown(nc)!r} is not a whole number")


def _listed_names(folder: Path, config: Config) -> tuple[Category, ...]:
    roboflow = [n for n in names_in(folder, ".labels") if n.rpartition("/")[2] == "_darknet.labels"]  # one in each split
    lists: dict[str, tuple[str, ...]] = {}
    for name in (*NAME_LISTS, *roboflow):
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
    contents = {read_regular(folder / n, "yaml_mb") for n in found[:LOOKED_AT]}
    return found if len(contents) == 1 and len(found) <= LOOKED_AT else []


def _look_for_code(config: Config, source: str) -> None:
    download = config.settings.get("download")
    if isinstance(download, str) and download.strip():
        one_line = download.strip()
        if "\n" in one_line or not re.match(r"https?://\S+$", one_line):
            config.problems.append(Problem("code-in-config", source, "download holds code or a shell line; trainers "
                                           "run it, dsinspect never does", one_line))
