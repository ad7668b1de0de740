"""What writers of a label file per image share whose rows are words: names of one word, places, and losses of images."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

import pandas as pd

from dsinspect_formats._reading import split_of
from dsinspect_formats._writing import Losses


def label_in(folder: str, path: str) -> str:
    """Return the label file of an image: in a folder beside the image's own."""
    image = PurePosixPath(path)
    return str(image.parent.parent / folder / f"{image.stem}.txt")


def one_words(names: list[str], joint: str, losses: Losses) -> list[str]:
    """Return class names without white space; those that had some are counted."""
    words = [re.sub(r"\s+", joint, name.strip()) or joint for name in names]
    losses.add(f"spaces in class names (written as {joint})", sum(a != b for a, b in zip(words, names, strict=True)))
    return words


def count_images(losses: Losses, images: pd.DataFrame, folders: Mapping[str, str], *, has_files: bool) -> None:
    """Count the images of which only a label file is written, and those whose split no reader of folders knows.

    Args:
        losses: where to count.
        images: of a shard.
        folders: split to the folder it is written to, where that has another name.
        has_files: whether images of the set are on disk at all.
    """
    losses.add("names of images without a file (their label files are there)", sum(
        f is None for f in images["file"].tolist()) if has_files else 0)
    losses.add("images in splits that readers of folders do not know", sum(
        s is not None and split_of(f"{folders.get(s, s)}/x") != s for s in images["split"].tolist()))
