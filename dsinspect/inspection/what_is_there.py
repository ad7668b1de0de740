"""What a path holds that no format knows, in words: how many files of which kind, and how one of them begins."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePath

from dsinspect.findings.wording import counted
from dsinspect.io.archives import SUFFIXES
from dsinspect.io.folders import walk
from dsinspect.io.reading import is_regular, leaves

LOOKED_AT = 20_000
"""Files whose names are looked at."""
KINDS = 3
"""Suffixes that are named."""
TEXTS = (".json", ".jsonl", ".ndjson", ".xml", ".txt", ".csv", ".tsv", ".yaml", ".yml")
"""Suffixes of files that may hold annotations, and of which the first line says something."""
OF_PROGRAMS = (".npy", ".npz", ".pkl", ".pickle", ".mat", ".h5", ".hdf5", ".pt", ".pth")
"""Suffixes of what a program keeps for itself; a pickle may hold code, and none is opened."""
SHOWN = 60
"""Characters of a file's beginning that are shown."""


def what_is_there(root: Path) -> str:
    """Return what a path holds, as a clause: "there are 3 .json files (a.json begins with '{"joints": [')"; never raises."""
    names = [root.name] if root.is_file() else list(islice(_files(root), LOOKED_AT))
    if not names:
        return "there is no file"
    by_suffix = Counter(PurePath(n).suffix.lower() for n in names)
    parts = [counted(n, f"{suffix} file" if suffix else "unsuffixed file") for suffix, n in by_suffix.most_common(KINDS)]
    more = len(names) - sum(n for _, n in by_suffix.most_common(KINDS))
    parts += [counted(more, "other file")] if more else []
    there = f"there {'is' if len(names) == 1 else 'are'} {', '.join(parts[:-1])}{' and ' if len(parts) > 1 else ''}{parts[-1]}"
    of_programs = [s for s in by_suffix if s in OF_PROGRAMS]
    if of_programs:
        there += (f" ({', '.join(of_programs)}: what a program keeps for itself, which is not opened; write its boxes as a table "
                  "or COCO)")
    archives = [n for n in names if n.lower().endswith(SUFFIXES)] if root.is_dir() else []
    if archives:
        there += f" (an archive is read when it is named: {root / archives[0]})"
    example = next((n for suffix in TEXTS for n in names if n.lower().endswith(suffix)), None)
    if example is None:
        return there
    folder = root.parent if root.is_file() else root
    begins = _beginning(folder / example, folder)
    return f"{there} ({example} {begins})" if begins else there


def archives_in(root: Path) -> list[str]:
    """Return the names of the archives in a folder, not below it."""
    try:
        return sorted(e.name for e in os.scandir(root) if e.name.lower().endswith(SUFFIXES) and e.is_file())
    except OSError:  # a file, or a folder that cannot be listed
        return []


def _files(root: Path) -> Iterator[str]:
    for folder, folders, files in walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder, name).relative_to(root).as_posix()


def _beginning(path: Path, folder: Path) -> str:
    try:
        if not is_regular(path) or leaves(path, folder):
            return "is no regular file of this folder"
        with path.open("rb") as file:
            text = file.read(4 * SHOWN).decode("utf-8", "replace")
    except OSError:
        return "cannot be read"
    line = re.sub(r"\s+", " ", text).strip()
    if not line:
        return "is empty"
    return f"begins with {line[:SHOWN]!r}"
