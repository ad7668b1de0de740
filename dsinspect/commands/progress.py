"""The progress line: one line on stderr, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Progress = Callable[[str, int, int], None]


def progress_line(*, enabled: bool = True) -> Progress | None:
    """Return a function that shows stage, images done, rate and time left; None when nobody would see it.

    The function takes the stage, how many images are done (0: the stage begins), and about how many there are (0: not
    known). Called with a stage of "" it clears the line.
    """
    if not enabled or sys.stderr is None or not sys.stderr.isatty():
        return None
    start = time.monotonic()
    last = 0.0

    def show(stage: str, done: int, total: int) -> None:
        nonlocal last, start
        now = time.monotonic()
        if not stage:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            return
        if stage and not done:
            start = last = now
            sys.stderr.write(f"\r{stage}\x1b[K")
            sys.stderr.flush()
            return
        if now - last < 0.1 and done != total:
            return
        last = now
        rate = done / max(now - start, 1e-6)
        text = f"{stage}  {done:,}"
        if total:
            text += f" of about {total:,}" if done < total else ""
        text += f" images  {rate:,.0f}/s"
        if total and rate > 0 and done < total:
            left = (total - done) / rate
            text += f"  {left // 60:.0f}:{left % 60:02.0f} left"
        sys.stderr.write(f"\r{text}\x1b[K")
        sys.stderr.flush()

    return show
