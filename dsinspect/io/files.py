"""Copy files: as clones that share their bytes until one is changed, as copies, or as hard links for those who ask."""

from __future__ import annotations

import contextlib
import errno
import filecmp
import os
import re
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from dsinspect.io.atomic import partial_name
from dsinspect.io.folders import make_folder
from dsinspect.io.packed import member_at
from dsinspect.io.packed_bytes import Member
from dsinspect.io.reading import READ_FLAGS, read_regular

IMAGE_SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".gif", ".avif", ".jp2", ".pgm", ".ppm",
    ".pbm", ".pnm", ".hdr", ".exr", ".heic", ".mpo", ".dng", ".pfm", ".npy"))
"""Suffixes, in lower case, of files that hold pixels: those that `--annotations-only` leaves out."""
_ANNOTATIONS = re.compile(
    r"\.(jsonl?|ndjson|geojson|xml|txt|csv|tsv|ya?ml|parquet|arrow|odgt|pbtxt|ini|names|data|xlsx|ods|tf_?records?|record)(-\d+-of-\d+)?$",
    re.IGNORECASE)
_OF_SETS = re.compile(
    r"(\.(csv|tsv|ya?ml|odgt|pbtxt|ini|names|data|parquet|tf_?records?|record)(-\d+-of-\d+)?"
    r"|^(labels|classes|config|annotations)\.(txt|xml)|_bbx_gt\.txt)$", re.IGNORECASE)
LINK_WARNING = ("hard links share their bytes with the originals: a trainer that rewrites an image (Ultralytics before "
                "8.4.167 saves some JPEG files anew) rewrites the original as well")
"""What is said once where `--link` made any."""
_FICLONE = 0x40049409  # ioctl of Linux: Btrfs, XFS, bcachefs and others share the blocks of two files until one is written
_NO_CLONE = {errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.EPERM, errno.ENOSYS, errno.EBADF}

Placed = Literal["linked", "copied", "there", "missing"]
"""What became of a file; a clone counts as a copy, for it behaves as one."""


def may_hold_annotations(name: str) -> bool:
    """Say whether a file name has the suffix of annotations, of a list of images or classes, or of a configuration.

    >>> may_hold_annotations("labels/a.txt"), may_hold_annotations("train.record-00000-of-00010"), may_hold_annotations("a.jpg")
    (True, True, False)
    """
    return _ANNOTATIONS.search(name) is not None


def is_of_a_set(name: str) -> bool:
    """Say whether a file name is that of annotations of many images, of classes or of a configuration, not of one image's labels.

    >>> is_of_a_set("seqinfo.ini"), is_of_a_set("labels.txt"), is_of_a_set("image_001.txt")
    (True, True, False)
    """
    return _OF_SETS.search(name) is not None


def place_file(source: str | os.PathLike[str], target: Path, *, link: bool) -> Placed:
    """Give a copy of a file its place; the source is only ever read. Images in an archive are written out, never linked.

    Args:
        source: the file; a link is followed.
        target: where it goes; its folders are made. What is there already stays.
        link: make a hard link where the file system can.

    Returns:
        `missing` when the source is no regular file or cannot be read.

    Raises:
        OSError: the target cannot be written.
    """
    if os.path.lexists(target):
        return "there"
    real = os.path.realpath(source)
    try:
        status = os.stat(real)  # noqa: PTH116
        if not stat.S_ISREG(status.st_mode):  # a FIFO or a device would never end
            return "missing"
        member = member_at(real, status)
    except (OSError, ValueError):
        return "missing"
    if os.path.islink(source) and target.suffix.lower() in IMAGE_SUFFIXES and _is_text(real):  # noqa: PTH114
        return "missing"  # a link called image.png that leads to a private file
    make_folder(target.parent)
    if link and member is None:
        with contextlib.suppress(OSError):  # another file system, or one without hard links
            os.link(real, target)
            return "linked"
    partial = partial_name(target)
    try:
        if not (_copied(real, partial) if member is None else _unpacked(member, partial)):
            return "missing"
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return "copied"


def _is_text(path: str) -> bool:
    """Say whether a file begins with text; images of the netpbm formats, which do as well, say so in two letters."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            head = file.read(512)
    except OSError:
        return False
    return bool(head) and not (head[:1] == b"P" and head[1:2].isalnum()) and not head.startswith(b"#?") \
        and all(b >= 32 or b in b"\t\r\n\f" for b in head)


def _copied(source: str, target: Path) -> bool:
    """Clone or copy a file with its times, and what the umask leaves of its mode; False when the source cannot be read."""
    try:
        reading = os.open(source, READ_FLAGS)
    except OSError:
        return False
    with open(reading, "rb") as original:  # noqa: PTH123 - a descriptor
        with target.open("xb") as copy:
            if not _cloned(original.fileno(), copy.fileno()):
                shutil.copyfileobj(original, copy, 1 << 20)
            allowed = os.fstat(copy.fileno()).st_mode  # as the umask makes a new file
        shutil.copystat(source, target)
        # A read-only original makes a copy that its owner can change and remove.
        target.chmod(stat.S_IMODE(target.stat().st_mode & allowed) | stat.S_IWUSR)
    return True


def _unpacked(member: Member, target: Path) -> bool:
    """Write an image out of its archive; False when it is damaged there."""
    with target.open("xb") as copy:
        blocks = member.blocks()
        while True:
            try:
                block = next(blocks, None)
            except OSError:
                return False
            if block is None:
                return True
            copy.write(block)


def are_equal(paths: Sequence[str]) -> bool:
    """Say whether files, of which there is one at least, hold the same bytes; False where one cannot be read."""
    try:
        if not any(map(member_at, paths)):
            return all(filecmp.cmp(paths[0], p, shallow=False) for p in paths[1:])
        first = read_regular(paths[0], "image_mb")
        return all(read_regular(p, "image_mb") == first for p in paths[1:])
    except OSError:
        return False


def _cloned(source: int, target: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as e:
        if e.errno in _NO_CLONE:
            return False
        raise
    return True
