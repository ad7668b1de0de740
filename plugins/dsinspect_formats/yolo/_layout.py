"""Where a YOLO set keeps its class names, its splits, its images and its labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dsinspect.errors import UserError
from dsinspect.model import Category, Problem
from dsinspect_formats._images import ImageTree, is_image, relative, stem_of, walk
from dsinspect_formats._text import decode, odd_encoding

SPLITS = ("train", "val", "test")
LISTED_FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""Folders that are splits where no configuration says so."""
_NOT_LABELS = re.compile(r"(classes|obj|predefined_classes|train|val|valid|test|readme.*|notes?|requirements)", re.I)


@dataclass
class Entry:
    """One image of the set and its label.

    Attributes:
        path: of the image, relative to the root.
        declared: what the configuration or list says of it.
        file: path to open, or None.
        split: name of the split, or None.
        label: label file relative to the root, or None when there is none.
    """

    path: str
    declared: str
    file: str | None
    split: str | None
    label: str | None


@dataclass
class Layout:
    """A YOLO set before its labels are read."""

    root: Path
    categories: tuple[Category, ...] = ()
    splits: tuple[str, ...] = ()
    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    kpt_shape: tuple[int, int] | None = None


def config_of(root: Path) -> Path | None:
    """Return the data.yaml or obj.data of a set: the path itself, or the one in the folder."""
    if root.is_file():
        return root if root.suffix.lower() in (".yaml", ".yml", ".data") else None
    named = [root / n for n in ("data.yaml", "dataset.yaml", "data.yml", "obj.data") if (root / n).is_file()]
    others = sorted(p for p in root.iterdir() if p.suffix.lower() in (".yaml", ".yml", ".data") and p.is_file())
    return next((p for p in (*named, *others) if looks_like_config(p)), None)


def looks_like_config(path: Path) -> bool:
    """Say whether a file is a data.yaml or obj.data: it names classes and at least one split."""
    try:
        settings = read_settings(path)
    except (OSError, ValueError):
        return False
    return ("names" in settings or "nc" in settings) and any(s in settings for s in (*SPLITS, "valid"))


def read_settings(path: Path) -> dict[str, Any]:
    """Read a data.yaml or obj.data as a mapping; nothing in it is ever executed.

    Raises:
        ValueError: it is not one.
        OSError: it cannot be read.
    """
    if path.stat().st_size > 64 << 20:
        raise ValueError("larger than 64 MB")
    text, _ = decode(path.read_bytes())
    if path.suffix.lower() == ".data":
        pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
        return {key.strip(): value.strip() for key, _, value in pairs}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(text, loader)
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        raise ValueError(f"not valid YAML: {' '.join(str(e).split())[:160]}") from None
    if not isinstance(document, dict):
        raise ValueError("not a mapping")
    return {str(k): v for k, v in document.items()}


def find_layout(root: Path, images: Path | None) -> Layout:
    """Find everything there is of a set.

    Raises:
        UserError: neither image nor label is found.
    """
    config = config_of(root)
    folder = root if root.is_dir() else root.parent
    layout = Layout(folder)
    tree = ImageTree.below(images or folder)
    texts = [p for p in walk(folder) if p.lower().endswith(".txt")]
    settings: dict[str, Any] = {}
    if config:
        source = relative(config, folder)
        try:
            settings = read_settings(config)
            _, encoding = decode(config.read_bytes())
            if encoding:
                layout.problems.append(odd_encoding(source, encoding))
        except (OSError, ValueError) as e:
            layout.problems.append(Problem("bad-class-list", source, str(e)))
        layout.categories = _categories(settings, config, layout)
        _look_for_code(settings, source, layout)
    else:
        layout.categories = _listed_names(folder, layout)
    shape = settings.get("kpt_shape")
    if isinstance(shape, list) and len(shape) == 2 and all(isinstance(v, int) for v in shape):
        layout.kpt_shape = (shape[0], shape[1])
    finder = _Finder(layout, tree, images is not None, texts)
    if config and settings:
        finder.from_settings(settings, config)
    if not layout.entries and not any(p.kind == "bad-class-list" and p.text for p in layout.problems):
        finder.from_folders()
    if not layout.entries:
        raise UserError(f"{root}: neither images nor label files found")
    finder.tell_orphans()
    _look_for_stale_caches(layout)
    layout.splits = tuple(dict.fromkeys(e.split for e in layout.entries if e.split))
    return layout


class _Finder:
    """Collects the entries of a layout."""

    def __init__(self, layout: Layout, tree: ImageTree, elsewhere: bool, texts: list[str]) -> None:
        self.layout = layout
        self.tree = tree
        self.elsewhere = elsewhere
        self.texts = frozenset(texts)
        self.texts_by_name: dict[str, list[str]] = {}
        for path in texts:
            self.texts_by_name.setdefault(path.rpartition("/")[2], []).append(path)
        self.lists: set[str] = set()
        self.by_label: dict[tuple[str, str | None], str] = {}

    def from_settings(self, settings: Mapping[str, Any], config: Path) -> None:
        """Take the images that the splits of a configuration name."""
        bases = [config.parent]
        path = settings.get("path")
        if isinstance(path, str) and path:
            declared = Path(path) if Path(path).is_absolute() else config.parent / path
            if declared.is_dir():
                bases.insert(0, declared)
        source = relative(config, self.layout.root)
        for key in (*SPLITS, "valid"):
            value = settings.get(key)
            if value is None or (key == "valid" and "val" in settings):
                continue
            for part in value if isinstance(value, list) else [value]:
                if not isinstance(part, str) or not part.strip():
                    self._problem(source, f"{key}: {part!r} is no path")
                    continue
                place = _resolve(part, bases)
                if place is None:
                    self._problem(source, f"{key}: no file or folder {part}", part)
                    continue
                if Path(part).is_absolute() and not Path(part).exists():
                    self.layout.problems.append(Problem(
                        "unportable-path", source, f"of {key} is of another machine; read as "
                        f"{relative(place, self.layout.root)}", part))
                if place.is_dir():
                    self._folder(place, LISTED_FOLDERS.get(key, key))
                elif is_image(place.name):
                    self._add(str(place), LISTED_FOLDERS.get(key, key), part)
                else:
                    self._list(place, LISTED_FOLDERS.get(key, key), bases)

    def from_folders(self) -> None:
        """Take the images (or, without any, the label files) that lie in the folder."""
        for path in self.tree.paths:
            parts = path.split("/")[:-1]
            split = next((LISTED_FOLDERS[p.lower()] for p in parts if p.lower() in LISTED_FOLDERS), None)
            self._add(self.tree.open_path(path), split, path)
        if self.layout.entries:
            return
        for path in sorted(self.texts):
            if _NOT_LABELS.fullmatch(stem_of(path)) or not looks_like_label(self.layout.root / path):
                continue
            parts = path.split("/")[:-1]
            split = next((LISTED_FOLDERS[p.lower()] for p in parts if p.lower() in LISTED_FOLDERS), None)
            image = _image_of(path)
            self.layout.entries.append(Entry(image, image, None, split, path))

    def tell_orphans(self) -> None:
        """Report label files that belong to no image: those in folders of labels, if they look like labels."""
        used = {e.label for e in self.layout.entries}
        folders = {e.label.rpartition("/")[0] for e in self.layout.entries if e.label}
        for path in sorted(self.texts - used - self.lists):
            if path.rpartition("/")[0] in folders and not _NOT_LABELS.fullmatch(stem_of(path)) \
                    and looks_like_label(self.layout.root / path):
                self.layout.problems.append(Problem("orphan-label", path, "no image belongs to this label file"))

    def _problem(self, source: str, reason: str, text: str = "") -> None:
        self.layout.problems.append(Problem("bad-class-list", source, reason, text))

    def _folder(self, folder: Path, split: str) -> None:
        tree = ImageTree.below(folder)
        for path in tree.paths:
            self._add(tree.open_path(path), split, path)
        if not tree.paths:
            label_folder = Path(_label_of(relative(folder, self.layout.root) + "/x.jpg")).parent
            for path in sorted(t for t in self.texts if Path(t).parent == label_folder):
                image = _image_of(path)
                self.layout.entries.append(Entry(image, image, None, split, path))

    def _list(self, file: Path, split: str, bases: list[Path]) -> None:
        source = relative(file, self.layout.root)
        self.lists.add(source)
        text, encoding = decode(file.read_bytes())
        if encoding:
            self.layout.problems.append(odd_encoding(source, encoding))
        for line in text.splitlines():
            declared = line.strip()
            if declared:
                place = _resolve(declared, [file.parent, *bases])
                self._add(str(place) if place else None, split, declared)

    def _add(self, file: str | None, split: str | None, declared: str) -> None:
        posix = declared.replace("\\", "/")
        if file is None:
            found = self.tree.find(posix)
            file = self.tree.open_path(found) if found else None
        path = relative(file, self.layout.root) if file else posix.removeprefix("./")
        label = self._label(path, posix)
        if label is None:
            expected = _label_of(path)
            self.layout.problems.append(Problem("missing-label", expected, f"no label file {expected}", image=path,
                                                split=split))
        else:
            first = self.by_label.setdefault((label, split), path)
            if first != path:
                self.layout.problems.append(Problem(
                    "ambiguous-stem", label, f"{first} and {path} share this label file", image=path, split=split))
        self.layout.entries.append(Entry(path, declared, file, split, label))

    def _label(self, path: str, declared: str) -> str | None:
        for expected in (_label_of(path), _label_of(declared)):
            if expected in self.texts:
                return expected
        if not self.elsewhere and path in self.tree.exact:
            return None
        name = stem_of(path) + ".txt"
        same = self.texts_by_name.get(name, [])
        tails = [t for t in same if declared.endswith(t.rpartition("/")[0].rpartition("/")[2] + "/" + Path(path).name)]
        return tails[0] if len(tails) == 1 else same[0] if len(same) == 1 else None


def looks_like_label(path: Path) -> bool:
    """Say whether the first row of a text file is a class number and at least four more numbers; empty counts."""
    try:
        with path.open("rb") as f:
            head = f.read(4096)
    except OSError:
        return True  # it cannot be read: reading it tells
    rows = [line.split() for line in head.split(b"\n") if line.strip()]
    if not rows:
        return True
    try:
        values = [float(t) for t in rows[0][:5]]
    except ValueError:
        return False
    return len(values) >= 4 and values[0].is_integer()


def _label_of(image: str) -> str:
    """Return the label of an image as Ultralytics finds it: the last `/images/` becomes `/labels/`."""
    before, found, after = f"/{image}".rpartition("/images/")
    path = f"{before}/labels/{after}" if found else f"/{image}"
    return re.sub(r"\.[^./]+$", "", path).removeprefix("/") + ".txt"


def _image_of(label: str) -> str:
    before, found, after = f"/{label}".rpartition("/labels/")
    path = f"{before}/images/{after}" if found else f"/{label}"
    return path.removeprefix("/").removesuffix(".txt") + ".jpg"


def _resolve(part: str, bases: list[Path]) -> Path | None:
    """Return the file or folder a configuration means, or None.

    Exports say `../train/images` where `train/images` is meant, `data/...` for the folder the file is in, and absolute
    paths of the machine they were made on: the longest tail that exists is taken.
    """
    posix = part.strip().replace("\\", "/")
    if Path(posix).is_absolute() and Path(posix).exists():
        return Path(posix)
    parts = [p for p in posix.split("/") if p]
    for start in range(len(parts)):
        tail = "/".join(parts[start:])
        if start and ".." in parts[start:]:
            continue
        for base in bases:
            if (base / tail).exists():
                return base / tail
    return None


def _categories(settings: Mapping[str, Any], config: Path, layout: Layout) -> tuple[Category, ...]:
    source = relative(config, layout.root)
    names = settings.get("names")

    def problem(reason: str) -> None:
        layout.problems.append(Problem("bad-class-list", source, reason))

    if isinstance(names, str):  # obj.data names a file
        place = _resolve(names, [config.parent])
        if place is None or not place.is_file():
            problem(f"names: no file {names}")
            return ()
        text, encoding = decode(place.read_bytes())
        if encoding:
            layout.problems.append(odd_encoding(relative(place, layout.root), encoding))
        names = [line.strip() for line in text.splitlines() if line.strip()]
    if isinstance(names, dict):
        pairs = []
        for key, name in names.items():
            try:
                pairs.append((int(key), str(name)))
            except (TypeError, ValueError):
                problem(f"names: {key!r} is no class number")
        pairs.sort()
        missing = sorted(set(range(len(pairs))) - {k for k, _ in pairs})
        if missing:
            problem(f"names has no class {', '.join(map(str, missing[:5]))}")
    elif isinstance(names, list):
        pairs = [(k, str(n)) for k, n in enumerate(names)]
    else:
        problem("names is missing" if names is None else f"names: {str(names)[:60]!r} is neither a list nor a mapping")
        pairs = []
    nc = settings.get("nc", settings.get("classes"))
    if nc is not None and names is not None:
        try:
            if int(nc) != len(pairs):
                problem(f"nc is {nc}, names has {len(pairs)}")
        except (TypeError, ValueError):
            problem(f"nc: {nc!r} is not a whole number")
    seen: dict[str, int] = {}
    for key, name in pairs:
        if name in seen:
            problem(f"names has {name!r} twice: {seen[name]} and {key}")
        seen.setdefault(name, key)
    return tuple(Category(k, n) for k, n in pairs)


def _listed_names(folder: Path, layout: Layout) -> tuple[Category, ...]:
    for name in ("classes.txt", "labels/classes.txt", "obj.names", "data.names", "predefined_classes.txt"):
        if (folder / name).is_file():
            text, encoding = decode((folder / name).read_bytes())
            if encoding:
                layout.problems.append(odd_encoding(name, encoding))
            return tuple(Category(k, n.strip()) for k, n in enumerate(text.splitlines()) if n.strip())
    return ()


def _look_for_code(settings: Mapping[str, Any], source: str, layout: Layout) -> None:
    download = settings.get("download")
    if isinstance(download, str) and download.strip():
        one_line = download.strip()
        if "\n" in one_line or not re.match(r"https?://\S+$", one_line):
            layout.problems.append(Problem("code-in-config", source, "download holds code or a shell line; trainers "
                                           "run it, dsinspect never does", one_line))


def _look_for_stale_caches(layout: Layout) -> None:
    labels: dict[str, float] = {}
    for entry in layout.entries:
        if entry.label:
            folder = entry.label.rpartition("/")[0]
            try:
                changed = (layout.root / entry.label).stat().st_mtime
            except OSError:
                continue
            labels[folder] = max(labels.get(folder, 0.0), changed)
    for folder, changed in sorted(labels.items()):
        cache = layout.root / f"{folder}.cache"
        if folder and cache.is_file() and cache.stat().st_mtime < changed:
            layout.problems.append(Problem("stale-cache", f"{folder}.cache", "is older than a label file beside it"))


__all__ = ["Entry", "Layout", "config_of", "find_layout", "looks_like_config", "looks_like_label"]
