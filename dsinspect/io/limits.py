"""How much of a dataset is read: each limit an option, `--read-limit NAME=VALUE` or `[limits]` in the configuration.

A dataset is hostile: a hundred bytes may unfold to gigabytes. Every size is compared with its limit before memory is taken
for it, and a message about a limit names its option, so that an honest dataset of that size can be read all the same.
"""

from __future__ import annotations

import dataclasses
import errno
import functools
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dsinspect.errors import UserError, nearest

VARIABLE = "DSINSPECT_LIMITS"
"""Environment variable that holds the limits in force as `NAME=VALUE,...`: workers inherit it."""


def _limit(default: int, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Limits:
    """The limits in force; all are whole numbers from 1 on, and MB are 2^20 bytes."""

    text_mb: int = _limit(4096, "MB of one annotation file")
    label_mb: int = _limit(64, "MB of the label file of one image")
    label_lines: int = _limit(1_000_000, "lines of the label file of one image")
    rows: int = _limit(100_000_000, "rows of a table")
    columns: int = _limit(1024, "columns of a table that hold something")
    classes: int = _limit(100_000, "classes that a dataset declares")
    json_depth: int = _limit(1000, "levels of brackets in JSON; only more than 1,000 change anything")
    yaml_mb: int = _limit(64, "MB of a data.yaml or a list of classes")
    yaml_depth: int = _limit(50, "levels of lists and mappings in a data.yaml")
    xlsx_mb: int = _limit(2048, "MB that the rows and texts of an .xlsx unfold to")
    xlsx_ratio: int = _limit(250, "bytes out of one byte of a part of an .xlsx, from 10 MB on")
    xlsx_cells: int = _limit(50_000_000, "cells of an .xlsx, empty ones with a format too")
    xlsx_texts: int = _limit(5_000_000, "different texts of an .xlsx")
    xlsx_texts_mb: int = _limit(256, "MB that the texts of an .xlsx unfold to")
    xlsx_elements: int = _limit(200_000, "XML elements of one row, of one text and of the styles of an .xlsx")
    xls_mb: int = _limit(256, "MB of an .xls")
    config_mb: int = _limit(1, "MB of a configuration of dsinspect")
    decisions_mb: int = _limit(256, "MB of a file of decisions")
    archive_files: int = _limit(2_000_000, "files in an archive")
    archive_mb: int = _limit(200 << 10, "MB that are unpacked from an archive; images stay in it")
    archive_ratio: int = _limit(200, "bytes out of one byte of an archive, or of an image in it, from 64 MB on")
    image_mb: int = _limit(1200, "MB of an image file (268 million pixels of 4 bytes, and what is said of them)")
    pixels: int = _limit(1 << 28, "pixels of an image that is decoded (268 million: 16,384 x 16,384)")
    mask_pixels: int = _limit(1 << 27, "pixels of a mask that is decoded")


NAMES = tuple(f.name for f in dataclasses.fields(Limits))


def limits() -> Limits:
    """Return the limits in force.

    Raises:
        UserError: `DSINSPECT_LIMITS` holds what is none.
    """
    return _parsed(os.environ.get(VARIABLE, ""))


def option(name: str) -> str:
    """Return how a limit is named in a message.

    >>> option("pixels")
    'option --read-limit pixels'
    """
    if name not in NAMES:
        raise KeyError(name)
    return f"option --read-limit {name}"


def too_large(path: str | os.PathLike[str], size: int, limit: str) -> OSError:
    """Return the error of a file that is larger than a limit in MB, by the limit's name."""
    most = getattr(limits(), limit)
    return OSError(errno.EFBIG, f"{size / (1 << 20):,.0f} MB, more than the {most:,} MB that are read ({option(limit)})",
                   os.fspath(path))


def too_deep() -> str:
    """Return what a message says of JSON that nests deeper than is read.

    >>> too_deep()
    '1,000 levels (option --read-limit json_depth)'
    """
    return f"{limits().json_depth:,} levels ({option('json_depth')})"


def checked(given: Mapping[str, Any], where: str) -> dict[str, int]:
    """Return limits that are named by a user.

    Args:
        given: names to values, whole numbers or texts of them.
        where: what a message begins with.

    Raises:
        UserError: no such limit, with the nearest one, or no whole number from 1 on.
    """
    found = {}
    for name, value in given.items():
        if name not in NAMES:
            raise UserError(f"{where}: no limit {name!r}{nearest(name, NAMES)}; there are {', '.join(NAMES)}")
        text = str(value).replace("_", "")
        if isinstance(value, bool) or not (text.isascii() and text.isdecimal() and len(text) < 19) or int(text) < 1:
            raise UserError(f"{where}: {name}={value}: write a whole number from 1 on")
        found[name] = int(text)
    return found


def put_in_force(given: Mapping[str, int], *, weak: bool = False) -> None:
    """Put limits in force, for this process and the workers it starts.

    Args:
        given: names to values.
        weak: leave those that are set already, as the command line beats the configuration.
    """
    known = _named(os.environ.get(VARIABLE, ""))
    merged = {**given, **known} if weak else {**known, **given}
    if merged:
        os.environ[VARIABLE] = ",".join(f"{n}={v}" for n, v in sorted(merged.items()))
    depth = limits().json_depth
    if depth > Limits().json_depth:  # decoders recurse as deep as Python does
        sys.setrecursionlimit(max(sys.getrecursionlimit(), depth + 200))


@functools.lru_cache(maxsize=8)
def _parsed(text: str) -> Limits:
    return Limits(**_named(text))


def _named(text: str) -> dict[str, int]:
    pairs = [p.partition("=") for p in text.split(",") if p.strip()]
    return checked({name.strip(): value.strip() for name, _, value in pairs}, VARIABLE)
