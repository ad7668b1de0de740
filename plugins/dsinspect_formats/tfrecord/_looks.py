"""How TFRecord files are recognised, and the options of reading and writing them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from dsinspect.protocols.options import BaseOptions, option
from dsinspect_formats._sniffing import files_that, head_of

_NAME = re.compile(r"(\.tfrecords?|\.records?)(-\d+-of-\d+|\.gz)?$|-\d{2,}-of-\d{2,}$", re.I)


class Options(BaseOptions, frozen=True):
    """How records are read."""

    extract: Annotated[bool, option("give images inside the records a file in the cache folder, so that they are measured")] = True


class WriterOptions(BaseOptions, frozen=True):
    """How records are written."""

    embed: Annotated[bool, option("write the bytes of the images into the records")] = True


def record_files(root: Path, *, first_only: bool = False) -> list[str]:
    """Return the files that begin with a record, relative to the folder."""
    if root.is_file():
        return [root.name] if _begins_with_record(root) else []
    return files_that(root, _NAME.search, _begins_with_record, first_only=first_only)


def _begins_with_record(path: Path) -> bool:
    head = head_of(path, 12)
    if head[6:8] != b"\0\0":  # the length, 8 bytes from the lowest up, would be beyond 256 TB: text
        return False
    from dsinspect_formats.tfrecord._records import is_record_head

    return is_record_head(head)
