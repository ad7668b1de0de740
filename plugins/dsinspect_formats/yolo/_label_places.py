"""Where the label of a YOLO image lies, and what text files may be labels or lists of images."""

from __future__ import annotations

import posixpath
from itertools import takewhile
from pathlib import Path

from dsinspect_formats._images import relative
from dsinspect_formats._sniffing import head
from dsinspect_formats._text import decode
from dsinspect_formats.yolo._looks import _LISTED, rows_of_head


def looks_like_label(path: Path) -> bool:
    """Say whether a text file may be a label file: empty, unreadable, or its first row of a class and four more numbers."""
    content = head(path)
    return not content.strip() or bool(rows_of_head(content))


def folder_of_list(file: Path) -> Path:
    """Return the folder that the paths in a list file start from: its own, or one above, where the first images are."""
    lines = [line.strip().replace("\\", "/") for line in decode(head(file))[0].splitlines()[:_LISTED] if line.strip()]
    for folder in [file.parent, *file.parent.absolute().parents][:4]:
        if any(_is_there(folder / line) for line in lines if not line.startswith("/")):
            return folder
    return file.parent


def is_same_place(path: str, declared: str) -> bool:
    """Say whether a path and what is declared of it are one place, whatever folder each is relative to."""
    a, b = f"/{posixpath.normpath(path)}".casefold(), f"/{posixpath.normpath(declared)}".casefold()
    return a.endswith(b) or b.endswith(a)


def common_tail(a: str, b: str) -> int:
    """Return how many names two paths share at their ends."""
    names = zip(reversed(a.split("/")), reversed(b.split("/")), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], names))


def is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        return False


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        return False


def prefix_of(folder: Path, root: Path) -> str:
    """Return what to put before a path below `folder` to make it relative to the root."""
    path = relative(folder, root)
    return "" if path == "." else path + "/"


def label_of(image: str) -> str:
    """Return the label of an image as Ultralytics finds it: the last `/images/` becomes `/labels/`."""
    before, found, after = f"/{image}".rpartition("/images/")
    path = f"{before}/labels/{after}" if found else f"/{image}"
    return posixpath.splitext(path)[0][1:] + ".txt"


def image_of(label: str) -> str:
    before, found, after = f"/{label}".rpartition("/labels/")
    path = f"{before}/images/{after}" if found else f"/{label}"
    return posixpath.splitext(path)[0][1:] + ".jpg"
