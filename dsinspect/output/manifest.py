"""manifest.json of a transformed set: where each output comes from, and how to get back.

One entry of `outputs` per line, written as it comes, so that a million of them need no memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from dsinspect.errors import UserError, os_reason
from dsinspect.io.atomic import atomic
from dsinspect.io.json_text import encoded, indented


class Source(msgspec.Struct):
    """The image an output was made of."""

    path: str
    image_id: int
    width: int
    height: int


class Entry(msgspec.Struct):
    """An output: its path and id, and the (2, 3) matrix from its source's px to its own."""

    path: str
    image_id: int
    source: Source
    matrix: list[list[float]] | None


class Manifest(msgspec.Struct):
    """What is read back of a manifest."""

    schema_version: int
    outputs: list[Entry]


def write_manifest(path: Path, head: Mapping[str, Any], outputs: Iterable[Mapping[str, Any]]) -> None:
    """Write a manifest, whole or not at all.

    Args:
        path: the file.
        head: everything but `outputs`, JSON-ready.
        outputs: the entries.

    Raises:
        OSError: it cannot be written.
    """
    with atomic(path) as partial, partial.open("wb") as f:
        start = indented(head).rstrip()
        f.write(start[:-1].rstrip() + b',\n "outputs": [')
        for k, entry in enumerate(outputs):
            f.write((b",\n  " if k else b"\n  ") + encoded(entry))
        f.write(b"\n ]\n}\n")


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        UserError: there is none, or it is none.
    """
    path = path / "manifest.json" if path.is_dir() else path
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as e:
        raise UserError(f"{path}: {os_reason(e)}; name the folder that `dsinspect transform` wrote") from None
    except msgspec.MsgspecError as e:
        raise UserError(f"{path}: no manifest of `dsinspect transform`: {e}") from None
    return manifest
