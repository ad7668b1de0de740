"""Which JSON files make up a COCO set, which split each is, and where its images lie."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from dsinspect.io.places import remembered
from dsinspect.io.split_names import SPLIT_NAMES
from dsinspect.io.unread import note_forbidden
from dsinspect_formats._images import relative
from dsinspect_formats._sniffing import names_in
from dsinspect_formats._splits import split_in, split_named

_KEYS = re.compile(rb'"(images|annotations|categories)"\s*:\s*\[')
_OF_ANNOTATIONS = ("annotations", "annotation", "annos", "labels", "json", "jsons")
SNIFF_BYTES = 256 * 1024
COUNTED_BYTES = 4 << 20


def looks_like_coco(path: Path) -> bool:
    """Say whether a JSON file has COCO's lists at its top, by looking at its head and its tail only."""
    return remembered(("looks like COCO", path), partial(_looks_like_coco, path))


def _looks_like_coco(path: Path) -> bool:
    try:
        with path.open("rb") as f:
            head = f.read(SNIFF_BYTES)
            if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
                head = head.decode("utf-16", "ignore").encode()
            f.seek(0, 2)
            size = f.tell()
            f.seek(max(SNIFF_BYTES, size - SNIFF_BYTES) if size > SNIFF_BYTES else size)
            tail = f.read()
    except OSError as e:
        note_forbidden(path, e)
        return False
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return False
    if b'"segments_info"' in head + tail or (b'"caption"' in head + tail and b'"bbox"' not in head + tail):
        return False  # panoptic segments and captions have these lists too
    keys = set(_KEYS.findall(head)) | set(_KEYS.findall(tail))
    if b"images" in keys and (b"annotations" in keys or b"categories" in keys or size > SNIFF_BYTES):
        return b'"file_name"' in head + tail or b'"bbox"' in head + tail or b"categories" in keys
    return b"annotations" in keys and b'"bbox"' in head + tail and b'"image_id"' in head + tail


def records_in(path: Path) -> int:
    """Return about how many boxes a file holds: counted, or estimated from the last part of a large one."""
    return remembered(("COCO records", path), partial(_records_in, path))


def _records_in(path: Path) -> int:
    try:
        with path.open("rb") as f:
            size = f.seek(0, 2)
            f.seek(max(0, size // 2 - COUNTED_BYTES // 2))
            content = f.read(COUNTED_BYTES)
    except OSError:
        return 0
    if b"\0" in content[:64]:
        content = content.replace(b"\0", b"")  # UTF-16: keys are ASCII
    counted = content.count(b'"bbox"')
    return round(counted * size / max(len(content), 1)) if size > COUNTED_BYTES else counted


def find_files(root: Path) -> list[Path]:
    """Return the COCO files of a set: the file itself, else those below the folder.

    Where a dataset has `instances_*.json`, its other files (captions, keypoints of the same images) are left alone.
    """
    if root.is_file():
        return [root] if looks_like_coco(root) else []
    found = [root / p for p in names_in(root, ".json") if looks_like_coco(root / p)]
    sets = datasets_of(found, root)
    return [root / name for names in sets.values()
            for name in ([n for n in names if n.rpartition("/")[2].startswith("instances")] or names)]


def datasets_of(files: Sequence[Path], root: Path) -> dict[str, list[str]]:
    """Return files by the folder of their dataset: the one above folders of annotations and of splits; all relative."""
    found: dict[str, list[str]] = {}
    for file in files:
        path = relative(file, root)
        parts = path.split("/")[:-1]
        while parts and (parts[-1].lower() in _OF_ANNOTATIONS or split_in(parts[-1])):
            parts.pop()
        found.setdefault("/".join(parts), []).append(path)
    return found


def several_datasets(found: Mapping[str, Sequence[str]]) -> str:
    """Return in words that a folder holds several sets."""
    shown = ", ".join(names[0] for names in islice(found.values(), 5))
    return f"holds {len(found)} COCO datasets ({shown}{', ...' if len(found) > 5 else ''})"


def base_folder(root: Path) -> Path:
    """Return the folder that paths are relative to: a file in `annotations/` belongs to the folder above."""
    if root.is_dir():
        return root
    parent = root.parent
    return parent.parent if parent.name.lower() in ("annotations", "labels") else parent


def split_of(path: Path, only: bool) -> str | None:
    """Return the split that a file is: by its name, by its folder, else its stem when there are several files."""
    return split_in(path.stem) or split_named(path.parent.name) or (None if only else path.stem)


def is_named_split(path: Path) -> bool:
    """Say whether a file's name or folder has the word of a split."""
    return (split_in(path.stem) or split_named(path.parent.name)) is not None


def image_folders(file: Path, base: Path, split: str | None) -> list[str]:
    """Return the folders, relative to the base and with a slash, in which to look for a file's images, best first."""
    here = relative(file.parent, base)
    own = "" if here == "." else here + "/"
    above = "" if here == "." else (here.rpartition("/")[0] + "/").lstrip("/")
    words = [w for w in (split, *(w for w, s in SPLIT_NAMES.items() if s == split),
                         *re.findall(r"(?:train|val|test)\d{4}", file.stem)) if w]
    folders = [own, own + "images/", own + "data/"]
    folders += [f"{p}{w}/" for p in (own, above, own + "images/", above + "images/") for w in words]
    folders += [above + "images/", above + "data/", above]
    return list(dict.fromkeys(folders))
