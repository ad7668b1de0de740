"""Lists of images that name splits where no configuration does: Darknet's train.txt and val.txt, train_list.txt, test_list.txt."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dsinspect.io.reading import leaves, read_regular, reads_outside
from dsinspect_formats._images import ImageTree, is_image, stem_of
from dsinspect_formats._splits import split_in, split_of_folders
from dsinspect_formats._text import decode
from dsinspect_formats.yolo._looks import lists_images
from dsinspect_formats.yolo._settings import SPLITS


def split_lists(root: Path, texts: Iterable[str], tree: ImageTree) -> tuple[dict[str, str], str | None]:
    """Return the lists by which a set without configuration is split, each with its split, and a note on them.

    A list counts that is called by a split, lies in the folder or one below, and of which an image is there. Where two of one
    split differ, or a list puts an image in another split than its folder does, none is taken: which one is meant nobody knows.

    Args:
        root: of the set.
        texts: the text files below it.
        tree: its images.
    """
    found: dict[str, str] = {}
    names_of: dict[str, frozenset[str]] = {}
    for path in sorted(texts):
        split = split_in(stem_of(path)) if path.count("/") <= 1 else None
        if split is None or not lists_images(root / path) or (leaves(root / path, root) and not reads_outside()):
            continue
        try:
            lines = decode(read_regular(root / path))[0].splitlines()
        except OSError:
            continue
        listed = [line.strip().replace("\\", "/") for line in lines if is_image(line.strip())]
        if not any(name in tree.exact or tree.find(name) is not None for name in listed):
            continue
        other = next((name for name in listed if split_of_folders(name) not in (None, split)), None)
        if other is not None:
            return {}, f"{path} is not taken as a list of {split}, nor is any other: it names {other}, whose folder says " \
                       f"{split_of_folders(other)}"
        names = frozenset(name.rpartition("/")[2] for name in listed)
        rival = next((p for p, s in found.items() if s == split), None)
        if rival is None:
            found[path], names_of[path] = split, names
        elif names != names_of[rival]:
            return {}, f"{rival} and {path} both list images of {split}, and differ: none is taken; name one, or write a data.yaml"
    if not found:
        return {}, None
    found = dict(sorted(found.items(), key=lambda item: SPLITS.index(item[1])))
    shown = ", ".join(f"{split} from {path}" for path, split in found.items())
    return found, f"no configuration names splits; taken by lists of images: {shown}"
