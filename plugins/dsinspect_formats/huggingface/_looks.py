"""How Hugging Face's files are recognised, and the options of reading them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from dsinspect.protocols.options import BaseOptions, option
from dsinspect_formats._images import walk
from dsinspect_formats._sniffing import head_of

METADATA = ("metadata.jsonl", "metadata.csv")
_BOX_KEYS = (b'"bbox', b'"boxes"', b'"box"', b'"objects"')


class Options(BaseOptions, frozen=True):
    """How records are read."""

    boxes: Annotated[Literal["xywh", "xyxy", "cxcywh"], option(
        "what the four numbers of a box are; nothing in the files says it, COCO's is the convention")] = "xywh"
    extract: Annotated[bool, option("give images inside parquet a file in the cache folder, so that they are measured")] = True


def metadata_files(root: Path) -> list[str]:
    """Return the metadata files, relative to the folder; of one folder, .jsonl before .csv."""
    if root.is_file():
        return [root.name] if root.name in METADATA else []
    found: dict[str, str] = {}
    for path in walk(root):
        folder, _, name = path.rpartition("/")
        if name in METADATA and (folder not in found or name == METADATA[0]):
            found[folder] = path
    return sorted(found.values())


def parquet_files(root: Path) -> list[str]:
    """Return the parquet files, relative to the folder."""
    if root.is_file():
        return [root.name] if root.suffix == ".parquet" and head_of(root, 4) == b"PAR1" else []
    return [p for p in walk(root) if p.endswith(".parquet") and head_of(root / p, 4) == b"PAR1"]
