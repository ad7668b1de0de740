"""Keep what image decoders write to standard error from C away from the user."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep what libjpeg and libpng write to the standard error of the process away from the user.

    They write from C, for every damaged file, and in no order; what matters is a finding. Python's own stderr goes on.
    """
    try:
        kept = os.dup(2)
    except OSError:  # no stderr at all: nothing to keep quiet
        yield
        return
    sys.stderr.flush()
    python_stderr = sys.stderr
    hushed = os.open(os.devnull, os.O_WRONLY)
    speaks = _is_descriptor_two(python_stderr)
    try:
        os.dup2(hushed, 2)
        if speaks:
            sys.stderr = os.fdopen(os.dup(kept), "w", encoding=python_stderr.encoding, errors="backslashreplace",
                                   buffering=1)
        yield
    finally:
        if speaks:
            sys.stderr.close()
            sys.stderr = python_stderr
        os.dup2(kept, 2)
        os.close(kept)
        os.close(hushed)


def _is_descriptor_two(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 2
    except (OSError, ValueError):
        return False
