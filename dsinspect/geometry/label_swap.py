"""Names that distinguish left from right, and the names that take their place in a mirrored image."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORDS = re.compile(r"(?<![a-zA-Z])(?:left|Left|LEFT|right|Right|RIGHT|l|L|r|R)(?![a-zA-Z])"  # left_arm, eye-l
                    r"|(?<=[a-z])(?:Left|Right)(?![a-z])"  # handLeft
                    r"|(?<![a-zA-Z])(?:left|right|Left|Right)(?=[A-Z])")  # leftHand
_OTHER = {"left": "right", "right": "left", "l": "r", "r": "l"}


def mirrored(name: str) -> str:
    """Return a name with left and right exchanged.

    >>> mirrored("left_arm"), mirrored("Turn Right"), mirrored("arrow-l")
    ('right_arm', 'Turn Left', 'arrow-r')
    """
    return _WORDS.sub(lambda m: _cased(_OTHER[m[0].lower()], m[0]), name)


def mirrored_pairs(names: Iterable[str]) -> dict[str, str]:
    """Return the names whose mirrored name is among them too, each with that one."""
    known = set(names)
    return {n: mirrored(n) for n in sorted(known) if mirrored(n) != n and mirrored(n) in known}


def _cased(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[0].isupper() else word
