"""Image files on disk: list them, and find the one a record names."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from operator import attrgetter
from pathlib import Path, PurePosixPath

from dsinspect.io.files import IMAGE_SUFFIXES, are_equal, is_of_a_set, may_hold_annotations
from dsinspect.io.places import remembered
from dsinspect.io.reading import is_regular, reads_outside
from dsinspect.io.unread import leave_alone, note_forbidden, note_special, special
from dsinspect.tables.columns import Columns
from dsinspect.tables.schema import Problem

SUFFIXES = IMAGE_SUFFIXES - {".npy"}
"""Suffixes, in lower case, that make a file an image of a set."""
_CALLED_IMAGES = frozenset(("images", "image", "img", "imgs", "jpegimages", "image_2", "img1", "leftimg8bit"))
_FOLDERS = 3
"""Folders that a note names."""


def is_image(name: str) -> bool:
    """Say whether a file name has the suffix of an image; spaces after it are part of the name."""
    dot = name.rfind(".")
    return dot > 0 and name[dot - 1] != "/" and name[dot:].rstrip(" ").lower() in SUFFIXES


def walk(folder: Path) -> Iterator[str]:
    """Yield the paths of all entries below a folder that are no folders of files, relative to it, in sorted order.

    A folder whose name has an image's suffix is an entry too: something made it by mistake, and a record may name it.
    Hidden folders are left out; links to folders are followed once. Detecting the format and opening the set list the
    same folders: within `remembered_listings` each is listed once.
    """
    return iter(remembered(("walk", os.fspath(folder)), partial(_walked, os.fspath(folder))))


def _walked(folder: str) -> list[str]:
    """List a tree without recursion: a thousand nested folders are no reason to stop.

    Text behind a link that leads out of the folder is not listed, only images are: the words of a private file must not
    reach a report. Nor is anything but regular files, unless it is called an image, which is then told as none; what has the
    name of an annotation file is remembered, and told when the set is opened.
    """
    found: list[str] = []
    links: list[tuple[str, str, bool]] = []
    seen: set[tuple[int, int]] = set()
    home = os.path.join(os.path.realpath(folder), "")  # noqa: PTH118
    trusted = reads_outside()
    waiting: list[tuple[str, str, bool] | str] = [(folder, "", False)]
    followed = False
    while waiting or links:
        if not waiting:  # after all folders: a link beside a folder is another name of it, and the labels are beside its own
            waiting.append(links.pop(0))
            followed = True
        item = waiting.pop()
        if isinstance(item, str):
            found.append(item)
            continue
        where, prefix, outside = item  # only a link leads outside: asking for the real path of each folder is quadratic in depth
        try:
            status = os.stat(where)  # noqa: PTH116
            with os.scandir(where) as listing:
                entries = sorted(listing, key=attrgetter("name"), reverse=True)
        except OSError as e:  # it holds nothing we could read; its records are reported as missing
            note_forbidden(where, e)
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        if prefix and may_hold_annotations(prefix[:-1]) and not any(may_hold_annotations(e.name) for e in entries):
            note_special(where, "is a folder, no file")  # one of parts, as Spark writes a table, holds files of its kind
        here: list[tuple[str, str, bool]] = []
        for entry in entries:  # from the last to the first: the stack turns them round again
            name = entry.name
            called_image = is_image(name)
            if called_image or not _is_folder(entry):
                if not called_image and may_hold_annotations(name) and (what := _special(entry)):
                    note_special(entry.path, what)
                    if os.path.exists(entry.path):  # noqa: PTH110 - a record may name a link to nothing
                        continue
                if (not called_image and not trusted and (outside or entry.is_symlink())
                        and not os.path.realpath(entry.path).startswith(home)):
                    leave_alone(prefix + name)
                    continue
                if not called_image and is_of_a_set(name) and not os.access(entry.path, os.R_OK) and os.path.exists(entry.path):  # noqa: PTH110
                    note_forbidden(entry.path, PermissionError(errno.EACCES, "permission denied"))  # labels of one image tell it
                if called_image or _is_file_or_gone(entry):
                    waiting.append(prefix + name)
            elif entry.is_symlink() and not name.startswith("."):
                real = os.path.join(os.path.realpath(entry.path), "")  # noqa: PTH118
                if not home.startswith(real):  # a link to a folder above the dataset would bring all that lies beside it
                    here.append((entry.path, f"{prefix}{name}/", not trusted and not real.startswith(home)))
            elif not name.startswith("."):
                waiting.append((entry.path, f"{prefix}{name}/", outside))
        links += reversed(here)
    return sorted(found, key=lambda path: path.split("/")) if followed else found


def _is_file_or_gone(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a regular file, or a link to nothing or in a circle: a record may name it."""
    try:
        return entry.is_file() or not os.path.exists(entry.path)  # noqa: PTH110
    except OSError:
        return True


def _special(entry: os.DirEntry[str]) -> str:
    """Return what an entry is that is no regular file, in words; a plain entry costs no look at the disk."""
    return "" if entry.is_file(follow_symlinks=False) else special(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a folder, links followed; one that cannot be looked at is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


@dataclass(frozen=True)
class ImageTree:
    """The images below a folder.

    Attributes:
        folder: where it starts.
        paths: POSIX paths relative to it, sorted.
        twins: files of equal bytes that a record means alike, by the first of them, which was taken.
        meant: files of different bytes that a record means alike, of which none was taken.
    """

    folder: Path
    paths: tuple[str, ...]
    twins: dict[str, list[str]] = field(default_factory=dict, compare=False, repr=False)
    meant: set[str] = field(default_factory=set, compare=False, repr=False)

    @staticmethod
    def below(folder: Path) -> ImageTree:
        """List the images below a folder."""
        return ImageTree(folder, tuple(filter(is_image, walk(folder))))

    @cached_property
    def exact(self) -> frozenset[str]:
        """The paths as a set."""
        return frozenset(self.paths)

    @cached_property
    def by_folded(self) -> dict[str, str]:
        """The paths by their case-folded text."""
        return {p.casefold(): p for p in reversed(self.paths)}

    @cached_property
    def folded_names(self) -> frozenset[str]:
        """The case-folded file names."""
        return frozenset(p.rpartition("/")[2].casefold() for p in self.paths)

    @cached_property
    def by_name(self) -> dict[str, list[str]]:
        """The paths by file name."""
        return _grouped(self.paths, lambda p: p.rpartition("/")[2])

    @cached_property
    def by_stem(self) -> dict[str, list[str]]:
        """The paths by file name without suffix."""
        return _grouped(self.paths, stem_of)

    def find(self, declared: str, folders: Iterable[str] = ("",)) -> str | None:
        """Return the path of the image a record names, or None.

        Args:
            declared: what the record says, in POSIX form; a whole path, a tail of one, or a bare name.
            folders: where to look first, relative to the tree, each empty or ending with a slash.
        """
        declared = declared.removeprefix("./")
        found = self._find(declared, folders)
        return self._with_backslash(declared, folders) if found is None and self._by_slashed else found

    def choose(self, declared: str, size: int | None = None) -> tuple[str | None, list[str]]:
        """Return which of several files a record means that `find` finds none for, and all that it could mean.

        Args:
            declared: as in `find`.
            size: of the file, bytes, where the record says it: the only file of that size is meant.
        """
        hits = self._by_tail(declared.removeprefix("./"))
        if len(hits) < 2:
            return None, []
        sized = [h for h in hits if size is not None and _size(self.open_path(h)) == size]
        if len(sized) == 1:
            return sized[0], hits
        if self._are_equal(alike := sized or hits):
            self.twins[alike[0]] = alike
            return alike[0], hits
        self.meant.update(hits)
        return None, hits

    def _are_equal(self, paths: Sequence[str]) -> bool:
        """Say whether files hold the same bytes; they are read only where their sizes are equal."""
        files = [self.open_path(p) for p in paths]
        sizes = {_size(f) for f in files}
        if len(sizes) > 1 or None in sizes:
            return False
        return are_equal(files)

    def _with_backslash(self, declared: str, folders: Iterable[str]) -> str | None:
        """Return the only image that a record means if the backslashes of the file's own name are read as slashes."""
        hits = [self._by_slashed[f + declared] for f in folders if f + declared in self._by_slashed]
        tails = hits[:1] or [path for slashed, path in self._by_slashed.items() if slashed.endswith("/" + declared)]
        return tails[0] if len(tails) == 1 else None

    @cached_property
    def _by_slashed(self) -> dict[str, str]:
        return {p.replace("\\", "/"): p for p in self.paths if "\\" in p}

    def _find(self, declared: str, folders: Iterable[str]) -> str | None:
        if declared.rpartition("/")[2].casefold() not in self.folded_names:
            return None
        for folder in folders:
            if folder + declared in self.exact:
                return folder + declared
        hits = self._by_tail(declared)
        if len(hits) == 1:
            return hits[0]
        if hits and not hits[0].endswith("/" + declared):
            return None
        for folder in folders:
            found = self.by_folded.get((folder + declared).casefold())
            if found:
                return found
        parts = PurePosixPath(declared).parts
        tails = ("/".join(parts[start:]).casefold() for start in range(1, len(parts) - 1))  # of a folder and a file at least
        found = next((self.by_folded[t] for t in tails if t in self.by_folded), None)
        if found or hits:
            return found
        folded = self._folded._by_tail(declared.casefold())
        return self.by_folded[folded[0]] if len(folded) == 1 else None

    @cached_property
    def _folded(self) -> ImageTree:
        """The same tree in one case; two paths that differ in case only stay two."""
        return ImageTree(self.folder, tuple(p.casefold() for p in self.paths))

    def _by_tail(self, declared: str) -> list[str]:
        """Return the files whose paths end as a record says, or as the longest end of what it says that any has."""
        same_name = self.by_name.get(declared.rpartition("/")[2], ())
        ends = [p for p in same_name if p.endswith("/" + declared)]
        if ends or "/" not in declared:
            return ends
        parts = PurePosixPath(declared).parts  # the tail of an absolute path from somebody's machine
        for start in range(len(parts)):
            tail = "/".join(parts[start:])
            hits = [p for p in same_name if p == tail or p.endswith("/" + tail)]
            parent = tail.rpartition("/")[0]
            if not hits and parent in self._folders:
                hits = [p for p in same_name if p.startswith(f"{parent}/") or f"/{parent}/" in p]
                if not hits:  # the folder is there and the file is not: one of its name elsewhere is another image
                    return []
            if hits:
                return hits
        return []

    @cached_property
    def _folders(self) -> frozenset[str]:
        """The folders that images are in, each also by every tail of its path."""
        folders = {p.rpartition("/")[0] for p in self.paths}
        return frozenset(f[k:] for f in folders for k in (0, *(i + 1 for i, c in enumerate(f) if c == "/")) if f)

    def open_path(self, path: str) -> str:
        """Return the path to open an image by."""
        return self._prefix + path

    @cached_property
    def _prefix(self) -> str:
        return os.path.join(self.folder, "")  # noqa: PTH118


def is_of_images(path: str) -> bool:
    """Say whether an image lies in a folder, at any depth, that is called as folders of images are."""
    return any(folder.lower() in _CALLED_IMAGES for folder in path.split("/")[:-1])


def namesakes(tree: ImageTree, files: Iterable[str | None]) -> list[Problem]:
    """Report that images of a set have files of the same names in folders of which none is read: the wrong one may be taken.

    Args:
        tree: the images on disk.
        files: path to open of each image of the set, None where it has none.
    """
    used = {f for f in files if f is not None}
    if not used or len(used) >= len(tree.paths):
        return []
    told = _told_twins(tree)
    same = {path for paths in tree.twins.values() for path in paths}
    names = {f.rpartition("/")[2] for f in used}
    folders = {f.rpartition("/")[0] for f in used}
    others: Counter[str] = Counter()
    for path in tree.paths:
        if path not in same and path.rpartition("/")[2] in names and tree.open_path(path).rpartition("/")[0] not in folders:
            others[path.rpartition("/")[0] or "."] += 1
    if not others:
        return told
    shown = ", ".join(f"{f}/" for f in sorted(others)[:_FOLDERS]) + (", ..." if len(others) > _FOLDERS else "")
    read = sorted({f.removeprefix(tree.open_path("")).rpartition("/")[0] or "." for f in used})
    taken = ", ".join(f"{f}/" for f in read[:_FOLDERS]) + (", ..." if len(read) > _FOLDERS else "")
    n = max(others.values())
    images = "image has a file" if n == 1 else "images have files"
    return [*told, Problem("same-names", shown, f"{n:,} {images} of the same name in {shown} too, not read; those in {taken} are "
                    "(--images names another folder)")]


def by_their_paths(problems: Iterable[Problem], images: Columns) -> list[Problem]:
    """Return problems of records with their images by the paths that these have; without, where the tables have no such image.

    A record names its image as it does; a decision on the finding has to name it as the tables do.
    """
    declared, paths = images["declared_path"].tolist(), images["path"].tolist()
    path_of = dict(zip(reversed(declared), reversed(paths), strict=True))
    known = set(paths)
    return [p if p.kind != "malformed-record" or p.image is None or p.image in known else replace(p, image=path_of.get(p.image))
            for p in problems]


def _told_twins(tree: ImageTree) -> list[Problem]:
    if not tree.twins:
        return []
    (taken, paths), n = next(iter(sorted(tree.twins.items()))), len(tree.twins)
    others = ", ".join(p for p in paths if p != taken)
    images = "image has several files of its name" if n == 1 else "images have several files of their names"
    return [Problem("same-names", taken, f"{n:,} {images} with the same bytes, of which the first is read ({taken}, not {others})")]


def _size(file: str) -> int | None:
    """Return the size of a regular file, bytes; None of what is none."""
    try:
        return os.path.getsize(file) if is_regular(Path(file)) else None  # noqa: PTH202
    except OSError:
        return None


def stem_of(path: str) -> str:
    """Return a path's file name without its last suffix."""
    return os.path.splitext(path.rpartition("/")[2])[0]  # noqa: PTH122


def relative(path: str | Path, root: Path) -> str:
    """Return a path relative to the root as POSIX text, with `..` where it lies outside."""
    text, folder = os.fspath(path), f"{os.fspath(root)}/"
    if text.startswith(folder) and _is_plain(rest := text[len(folder):]):
        return rest
    return Path(os.path.relpath(path, root)).as_posix()


def _is_plain(path: str) -> bool:
    """Say whether a relative path is written in the one way that `relative` writes it."""
    return bool(path) and os.sep == "/" and not any(part in {"", ".", ".."} for part in path.split("/"))


def _grouped(paths: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(key(path), []).append(path)
    return groups
