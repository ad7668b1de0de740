"""Collect the images of a YOLO set, from its configuration, a list or its folders, each with its label."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dsinspect.io.reading import leaves, read_regular, reads_outside
from dsinspect.tables.dataset import Category
from dsinspect.tables.schema import Problem
from dsinspect_formats._images import ImageTree, is_image, namesakes, relative, stem_of
from dsinspect_formats._reading import reason_of
from dsinspect_formats._sniffing import head
from dsinspect_formats._splits import split_in, split_of_folders
from dsinspect_formats._text import decode, odd_encoding
from dsinspect_formats.yolo._config import Config
from dsinspect_formats.yolo._label_places import (
    common_tail,
    image_of,
    is_folder,
    is_same_place,
    label_of,
    looks_like_label,
    prefix_of,
)
from dsinspect_formats.yolo._looks import is_label_name, rows_of_head
from dsinspect_formats.yolo._settings import (
    bases_above,
    is_absolute,
    line_of,
    resolve,
    split_settings,
)
from dsinspect_formats.yolo._split_lists import split_lists


@dataclass(slots=True)
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
    flip_pairs: tuple[int, ...] = ()
    config: str | None = None
    named_splits: dict[str, bool] = field(default_factory=dict)
    config_base: str | None = None
    class_count: str | None = None
    notes: list[str] = field(default_factory=list)
    loses_flip: bool = False


class Finder:
    """Collects the entries of a layout."""

    def __init__(self, layout: Layout, tree: ImageTree, elsewhere: bool, texts: list[str]) -> None:
        self.layout = layout
        self.tree = tree
        self.elsewhere = elsewhere
        self.prefix = prefix_of(tree.folder, layout.root)
        self.texts = frozenset(texts)
        self.texts_by_name: dict[str, list[str]] = {}
        for path in texts:
            self.texts_by_name.setdefault(path.rpartition("/")[2], []).append(path)
        self.outside: dict[str, frozenset[str]] = {}
        self.lists: set[str] = set()
        self.kept_out: set[str] = set()
        self.by_label: dict[tuple[str, str | None], str] = {}

    def from_settings(self, config: Config, file: Path) -> None:
        """Take the images that the splits of a configuration name."""
        settings = config.settings
        bases = [file.parent, *bases_above(file, self.layout.root)]
        path = settings.get("path")
        source = relative(file, self.layout.root)
        if isinstance(path, str) and path:
            declared = resolve(path, [file.parent]) if path.startswith(("/", ".")) else file.parent / path
            if declared is not None and declared.is_dir():
                bases.insert(0, declared)
            elif not is_absolute(path) and PurePosixPath(path).name != file.parent.absolute().name:
                self.layout.problems.append(Problem(
                    "unportable-path", source, "of path is not there, and training stops unless it lies in the working directory "
                    "or among the trainer's datasets; splits are read from the folder of this file", path, line_of(file, "path")))
        if isinstance(path, str) and is_absolute(path) and not is_folder(Path(path)):
            self.layout.problems.append(Problem(
                "unportable-path", source, "of path is of another machine, and training stops where it is not; splits are read "
                "from the folder of this file", path, line_of(file, "path")))
        for key, split, value in split_settings(settings):
            for part in value if isinstance(value, list) else [value]:
                if not isinstance(part, str) or not part.strip():
                    self._problem(source, f"{key}: a {type(part).__name__} is no path" if part else f"{key} is empty")
                    continue
                self._take(part, key, split, bases, source)

    def _take(self, part: str, key: str, split: str, bases: list[Path], source: str) -> None:
        """Take what a split names."""
        home = None if reads_outside() else self.layout.root
        place = resolve(part, bases, home)
        if place is None and self.elsewhere:
            place = resolve(part, [self.tree.folder], home and self.tree.folder)  # --images moves the folders of images
        if place is None and (elsewhere := resolve(part, bases)) is not None:
            self._problem(source, f"{key}: {relative(elsewhere, self.layout.root)} lies outside of the dataset and is not read "
                          "(--read-outside)", part)
            return
        if place is None:
            self._problem(source, f"{key}: no file or folder {part}", part)
            self._labels_of_folder(posixpath.normpath(part.strip().replace("\\", "/")), split)
            return
        if Path(part).is_absolute() and not Path(part).exists():
            self.layout.problems.append(Problem(
                "unportable-path", source, f"of {key} is of another machine; read as "
                f"{relative(place, self.layout.root)}, which is what it should say", part))
        if place.is_dir():
            tree = ImageTree.below(place)
            prefix = prefix_of(place, self.layout.root)
            for image in tree.paths:
                self._add(prefix + image, tree.open_path(image), split, image)
            if not tree.paths:
                self._labels_of_folder(prefix.rstrip("/"), split)
        elif is_image(place.name):
            self._add(relative(place, self.layout.root), str(place), split, part)
        else:
            self._list(place, split, bases)

    def from_list(self, file: Path) -> None:
        """Take the images that a list file names."""
        self._list(file, split_in(file.stem), [self.layout.root])

    def from_folders(self) -> None:
        """Take the images (or, without any, the label files) that lie in the folder, those of lists in their splits."""
        lists, note = split_lists(self.layout.root, self.texts, self.tree)
        self.layout.notes += [note] if note else []
        for file, split in lists.items():
            self._list(self.layout.root / file, split, [self.layout.root])
        listed = {e.path for e in self.layout.entries}
        folders = {p.rpartition("/")[0] for p in self.tree.paths if self._label(self.prefix + p, p)}
        for path in self.tree.paths:
            folder = path.rpartition("/")[0]
            # Without this the plots of a training run beside the set would be images of it.
            if self.prefix + path not in listed and (folder in folders or not folders or f"/{folder}/".rfind("/images/") >= 0):
                self._add(self.prefix + path, self.tree.open_path(path), split_of_folders(path), path)
        if not self.layout.entries:
            for path in sorted(self.texts):
                if is_label_name(path) and looks_like_label(self.layout.root / path):
                    self._add_label(path, split_of_folders(path))

    def tell_orphans(self) -> None:
        """Report label files that belong to no image, and images that belong to no split.

        Label files are those that look like labels; elsewhere than in the folders of labels an empty one is none. Images are
        those beside images of the set, and those that have a label file of their own.
        """
        taken = {e.path for e in self.layout.entries}
        beside = {e.path.rpartition("/")[0] for e in self.layout.entries if e.file}
        theirs = set()
        for path in (self.prefix + p for p in self.tree.paths):
            has_label = self._exists(label_of(path))
            if path not in taken and (has_label or path.rpartition("/")[0] in beside):
                theirs.add(label_of(path))
                self.layout.problems.append(Problem("orphan-image", path, "no split names this image", image=path))
        self.layout.problems += namesakes(self.tree, (e.file for e in self.layout.entries))
        used = {e.label for e in self.layout.entries}
        folders = {e.label.rpartition("/")[0] for e in self.layout.entries if e.label}
        for path in sorted(self.texts - used - theirs - self.lists):
            file = self.layout.root / path
            beside_labels = path.rpartition("/")[0] in folders
            if is_label_name(path) and (looks_like_label(file) if beside_labels else rows_of_head(head(file), fractions=True)):
                self.layout.problems.append(Problem("orphan-label", path, "no image belongs to this label file"))

    def _problem(self, source: str, reason: str, text: str = "") -> None:
        self.layout.problems.append(Problem("bad-class-list", source, reason, text))

    def _labels_of_folder(self, folder: str, split: str) -> None:
        """Take the labels of a folder whose images are not there."""
        while folder.startswith("../"):
            folder = folder[3:]
        start = label_of(f"{folder}/x.jpg").rpartition("/")[0] + "/"
        for path in sorted(t for t in self.texts if t.startswith(start) and is_label_name(t)):
            self._add_label(path, split)

    def _add_label(self, label: str, split: str | None) -> None:
        image = image_of(label)
        found = self.tree.by_stem.get(stem_of(label), ()) if self.elsewhere else ()
        path = self.prefix + found[0] if found else image
        self.layout.entries.append(Entry(path, image, self.tree.open_path(found[0]) if found else None, split, label))

    def _list(self, file: Path, split: str | None, bases: list[Path]) -> None:
        source = relative(file, self.layout.root)
        if leaves(file, self.layout.root) and not reads_outside():
            self._problem(source, f"lies outside of the dataset and is not read as the list of {split} "
                          "(--read-outside)")
            return
        self.lists.add(source)
        try:
            text, encoding = decode(read_regular(file))
        except OSError as e:
            self._problem(source, reason_of(e))
            return
        if encoding:
            self.layout.problems.append(odd_encoding(source, encoding))
        prefixes = tuple(dict.fromkeys(prefix_of(b, self.layout.root) for b in (file.parent, *bases)))
        for number, line in enumerate(text.splitlines(), 1):
            if declared := line.strip():
                self._add_listed(declared, split, prefixes, source, number)

    def _add_listed(self, declared: str, split: str | None, prefixes: Iterable[str], source: str, line: int) -> None:
        posix = declared.replace("\\", "/")
        root = f"{self.layout.root.as_posix()}/"
        trusted = reads_outside()
        candidates = [posix.removeprefix(root)] if posix.startswith("/") else [
            posixpath.normpath(prefix + posix) for prefix in prefixes]
        for path in candidates:
            inside = not path.startswith(("/", "../"))
            if path in self.tree.exact if inside and not self.elsewhere else not inside and os.path.exists(root + path):  # noqa: PTH110
                if inside or trusted:
                    self._add(path, root + path if not path.startswith("/") else path, split, declared)
                    return
                if source not in self.kept_out:
                    self._problem(source, f"{declared} lies outside of the dataset and is not read, nor are others like it "
                                  "(--read-outside)")
                self.kept_out.add(source)
        found = self.tree.find(posix)
        if found is None:
            path = posixpath.normpath(posix)
            while path.startswith("../"):
                path = path[3:]
            self._add(path, None, split, declared)
            return
        path = self.prefix + found
        if found.rpartition("/")[2] != posix.rpartition("/")[2]:
            self.layout.problems.append(Problem("unportable-path", source, f"differs in case from the image, {found}",
                                                declared, line, image=path, split=split))
        self._add(path, self.tree.open_path(found), split, declared)

    def _add(self, path: str, file: str | None, split: str | None, declared: str) -> None:
        label = self._label(path, declared.replace("\\", "/"))
        if label is None:
            expected = label_of(path.removeprefix(self.prefix) if self.elsewhere else path)
            self.layout.problems.append(Problem("missing-label", expected, f"no label file {expected}", image=path,
                                                split=split))
        else:
            first = self.by_label.setdefault((label, split), path)
            if first != path:
                self.layout.problems.append(Problem(
                    "ambiguous-stem", label, f"{first} and {path} share this label file", image=path, split=split))
        self.layout.entries.append(Entry(path, declared, file, split, label))

    def _label(self, path: str, declared: str) -> str | None:
        """Return the label of an image: where trainers look, else beside it, else the only one of its name.

        An image that was found elsewhere than it is declared may have its label where it is declared: CVAT's archives name
        `data/obj_train_data/a.jpg`, their labels are in `obj_train_data`, and the images may be anywhere.
        """
        expected = label_of(path)
        if self._exists(expected):
            return expected
        for other in (label_of(declared), posixpath.splitext(path)[0] + ".txt"):
            if self._exists(other) and is_label_name(other):
                return other
        if not self.elsewhere and path in self.tree.exact and is_same_place(path, declared):
            return None
        same = self.texts_by_name.get(stem_of(path) + ".txt", [])
        places = (label_of(declared), posixpath.splitext(declared)[0] + ".txt")
        alike = {t: max(common_tail(t, place) for place in places) for t in same}
        nearest = [t for t in same if alike[t] == max(alike.values())]
        return nearest[0] if len(nearest) == 1 and (alike[nearest[0]] > 1 or len(same) == 1) else None

    def _exists(self, label: str) -> bool:
        if not label.startswith("../"):
            return label in self.texts
        if self.elsewhere:  # --images moves images, never labels: those are the dataset's own
            return False
        folder, _, name = label.rpartition("/")
        if folder not in self.outside:
            try:
                self.outside[folder] = frozenset(os.listdir(self.layout.root / folder))  # noqa: PTH208
            except OSError:
                self.outside[folder] = frozenset()
        return name in self.outside[folder]
