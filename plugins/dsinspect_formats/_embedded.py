"""Images that stand inside annotation files: each gets a file in the cache folder, named by its bytes, to be measured."""

from __future__ import annotations

import contextlib
import os
from hashlib import blake2b
from pathlib import Path

from dsinspect.io.atomic import write_atomic
from dsinspect.io.embedded import embedded_folder
from dsinspect.io.folders import make_folder
from dsinspect_formats._images import is_image

_MAGIC = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"GIF8", ".gif"), (b"BM", ".bmp"), (b"II*\0", ".tif"),
          (b"MM\0*", ".tif"))


def suffix_of(content: bytes, name: str = "") -> str:
    """Return the suffix of an image: that of its name, else what its first bytes say, else `.jpg`."""
    if is_image(name):
        return name[name.rfind("."):]
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ".webp"
    return next((s for magic, s in _MAGIC if content.startswith(magic)), ".jpg")


def exposed(content: bytes, name: str) -> str | None:
    """Return the path of a file with these bytes, written once; None when the cache folder cannot be written.

    Args:
        content: of the image; nothing has no file.
        name: that the record gives the image, for its suffix.
    """
    if not content:
        return None
    digest = blake2b(content, digest_size=16).hexdigest()
    path = f"{embedded_folder()}/{digest[:2]}/{digest}{suffix_of(content, name).lower()}"
    with contextlib.suppress(OSError):
        if os.stat(path).st_size == len(content):  # noqa: PTH116 - a Path an image costs more
            return path
    try:
        make_folder(Path(path).parent)
        write_atomic(Path(path), content, durable=False)
    except OSError:
        return None
    return path
