"""Whether a text of rows ends in the middle of its last one, of which what is left could be read as a row of another kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def cut_short(lines: Sequence[str], fields: Callable[[str], Sequence[str]], kinds: Sequence[int] | None = None) -> str | None:
    """Return why the last row is none: no line end follows it, and it has fewer fields than the row before it and the first one.

    Args:
        lines: of a text, split at its line ends.
        fields: cuts a line into its fields.
        kinds: how many fields the rows before may have for that to say anything; any number when None.

    >>> cut_short(["1 2 3", "1 2"], str.split)
    'has 2 fields, the row before it has 3: the file is cut off'
    >>> cut_short(["1 2 3", "1 2", ""], str.split), cut_short(["1 2", "1 2 3", "1 2"], str.split)
    (None, None)
    """
    if not lines[-1].strip():
        return None
    before = next((line for line in reversed(lines[:-1]) if line.strip()), None)
    if before is None:
        return None
    found, expected = len(fields(lines[-1])), len(fields(before))
    first = next(line for line in lines if (line.strip() and len(fields(line)) > 1) or line is before)
    if found >= expected or (kinds is not None and expected not in kinds) or len(fields(first)) < expected:
        return None
    return f"has {found} fields, the row before it has {expected}: the file is cut off"
