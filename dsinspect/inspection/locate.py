"""Where a dataset lies: a path, a URL, an archive, or several of them as the splits of one set."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dsinspect.errors import UserError
from dsinspect.io.archives import is_archive, unpack


@dataclass(frozen=True)
class Located:
    """Where a dataset lies on disk.

    Attributes:
        path: the dataset as the user named it.
        root: the folder or file; of several, the folder that holds them all.
        parts: folder or file by split, of several.
        is_temporary: whether it was fetched or unpacked: its paths and times are new in each run.
    """

    path: str
    root: Path
    parts: Mapping[str, Path] = field(default_factory=dict)
    is_temporary: bool = False


def located(datasets: Sequence[str]) -> Located:
    """Return where a dataset lies; what is behind a URL or in an archive is brought into a temporary folder.

    Args:
        datasets: one path or URL, or several as `SPLIT=PATH`.

    Raises:
        UserError: several without names, two of one name, or one that cannot be had.
    """
    if len(datasets) == 1 and (named := named_part(datasets[0])) is None:
        root = _on_disk(datasets[0])
        return Located(datasets[0], root, {}, root != Path(datasets[0]))
    parts: dict[str, Path] = {}
    is_temporary = False
    for text in datasets:
        named = named_part(text)
        if named is None:
            raise UserError(f"{text}: several datasets are one set when each is named, as in train={datasets[0]} val={text}; "
                            "an option with several values needs quotes")
        split, place = named
        if split in parts:
            raise UserError(f"{text}: two datasets are named {split}")
        parts[split] = _on_disk(place)
        is_temporary |= parts[split] != Path(place)
    folders = [os.path.abspath(p if p.is_dir() else p.parent) for p in parts.values()]  # noqa: PTH100 - links stay
    return Located(" ".join(datasets), Path(os.path.commonpath(folders)), parts, is_temporary)


def named_part(text: str) -> tuple[str, str] | None:
    """Return split and place of `SPLIT=PATH`; None when it is no such text, or there is a file of that name."""
    match = re.fullmatch(r"([A-Za-z][\w.-]*)=(.+)", text, re.DOTALL)
    return None if match is None or os.path.lexists(text) else (match[1], match[2])


def _on_disk(dataset: str) -> Path:
    path = Path(dataset)
    if "://" in dataset:
        from dsinspect.io.remote import fetch

        path = fetch(dataset)
    try:
        return unpack(path) if is_archive(path) else path
    except ValueError:  # a NUL in the name
        return path
