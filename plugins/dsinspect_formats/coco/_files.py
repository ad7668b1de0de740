"""Which JSON files make up a COCO set, which split each is, and where its images lie."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from dsinspect.io.places import remembered
from dsinspect_formats._images import relative, walk

_SPLIT = re.compile(r"(?:^|[_\-. ])(train|valid|validation|val|test)(?:[_\-. ]?\d{0,4})?(?=$|[_\-. ])", re.I)
_NAMES = {"valid": "val", "validation": "val"}
_KEYS = re.compile(rb'"(images|annotations|categories)"\s*:\s*\[')
SNIFF_BYTES = 256 * 1024


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
    except OSError:
        return False
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return False
    keys = set(_KEYS.findall(head)) | set(_KEYS.findall(tail))
    if b"images" in keys and (b"annotations" in keys or b"categories" in keys or size > SNIFF_BYTES):
        return b'"file_name"' in head + tail or b'"bbox"' in head + tail or b"categories" in keys
    return b"annotations" in keys and b'"bbox"' in head + tail and b'"image_id"' in head + tail


def find_files(root: Path) -> list[Path]:
    """Return the COCO files of a set: the file itself, else those below the folder.

    Where there are `instances_*.json`, other files (captions, keypoints of the same images) are left alone.
    """
    if root.is_file():
        return [root] if looks_like_coco(root) else []
    found = [root / p for p in walk(root) if p.lower().endswith(".json") and looks_like_coco(root / p)]
    instances = [p for p in found if p.name.startswith("instances")]
    return instances or found


def base_folder(root: Path) -> Path:
    """Return the folder that paths are relative to: a file in `annotations/` belongs to the folder above."""
    if root.is_dir():
        return root
    parent = root.parent
    return parent.parent if parent.name.lower() in ("annotations", "labels") else parent


def split_of(path: Path, only: bool) -> str | None:
    """Return the split that a file is: by its name, by its folder, else its stem when there are several files."""
    match = _SPLIT.search(path.stem)
    name = match.group(1).lower() if match else None
    if name is None and path.parent.name.lower() in ("train", "val", "valid", "validation", "test"):
        name = path.parent.name.lower()
    if name is None:
        return None if only else path.stem
    return _NAMES.get(name, name)


def image_folders(file: Path, base: Path, split: str | None) -> list[str]:
    """Return the folders, relative to the base and with a slash, in which to look for a file's images, best first."""
    here = relative(file.parent, base)
    own = "" if here == "." else here + "/"
    above = "" if here == "." else (here.rpartition("/")[0] + "/").lstrip("/")
    words = [w for w in (split, {"val": "valid"}.get(split or ""), *re.findall(r"(?:train|val|test)\d{4}", file.stem))
             if w]
    folders = [own, own + "images/", own + "data/"]
    folders += [f"{p}{w}/" for p in (own, above, own + "images/", above + "images/") for w in words]
    folders += [above + "images/", above + "data/", above]
    return list(dict.fromkeys(folders))
