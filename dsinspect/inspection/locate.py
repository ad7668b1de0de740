"""Where a dataset lies: a path, a URL, an archive, or several of them as the splits of one set."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from dsinspect.errors import UserError
from dsinspect.io.archives import SUFFIXES, is_archive, unpack
from dsinspect.io.temporary import temporary_folder


class Located(msgspec.Struct, frozen=True):
    """Where a dataset lies on disk.

    Attributes:
        path: the dataset as the user named it.
        root: the folder or file; of several, the folder that holds them all.
        parts: folder or file by split, of several.
        is_temporary: whether it was fetched or unpacked: its paths and times are new in each run.
    """

    path: str
    root: Path
    parts: Mapping[str, Path] = msgspec.field(default_factory=dict)
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
    places: dict[str, str] = {}
    for text in datasets:
        named = named_part(text)
        if named is None:
            if re.fullmatch(r"[A-Za-z][\w.-]*=", text):
                raise UserError(f"{text}: write the place of the dataset after the =")
            plain = [d for d in datasets if named_part(d) is None]
            example = f"train={plain[0]} val={plain[1]}" if len(plain) > 1 else f"val={text}"
            raise UserError(f"{text}: several datasets are one set when each is named, as in {example}; an option with several "
                            "values needs quotes")
        split, place = named
        if split in places:
            raise UserError(f"{text}: two datasets are named {split}")
        places[split] = place
    brought = [s for s, place in places.items() if "://" in place or is_archive(Path(place))]
    if brought and len(brought) < len(places):
        rest = next(s for s in places if s not in brought)
        raise UserError(f"{brought[0]} is an archive or a URL and {rest} is not: the images of one set have names from one folder; "
                        f"unpack {brought[0]} and name the folder")
    if brought:
        into = temporary_folder()
        return Located(" ".join(datasets), into, {s: _on_disk(place, into / s) for s, place in places.items()}, is_temporary=True)
    parts = {s: Path(place) for s, place in places.items()}
    folders = [os.path.abspath(p if p.is_dir() else p.parent) for p in parts.values()]  # noqa: PTH100 - links stay
    return Located(" ".join(datasets), Path(os.path.commonpath(folders)), parts)


def named_part(text: str) -> tuple[str, str] | None:
    """Return split and place of `SPLIT=PATH`; None when it is no such text, or there is a file of that name."""
    match = re.fullmatch(r"([A-Za-z][\w.-]*)=(.+)", text, re.DOTALL)
    return None if match is None or os.path.lexists(text) else (match[1], match[2])


def _on_disk(dataset: str, into: Path | None = None) -> Path:
    path = Path(dataset)
    if "://" in dataset:
        from dsinspect.io.remote import fetch

        path = fetch(dataset, None if dataset.lower().endswith(SUFFIXES) else into)
    try:
        return unpack(path, into) if is_archive(path) else path
    except ValueError:  # a NUL in the name
        return path
