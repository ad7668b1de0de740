"""Numbers of text files, as trainers read them."""

from __future__ import annotations

from collections.abc import Sequence


def number(token: str) -> float:
    """Return a number as trainers read it; Python alone would also take `1_0` and digits of other scripts.

    Raises:
        ValueError: it is none, in words.
    """
    try:
        if token.isascii() and "_" not in token:
            return float(token)
    except ValueError:
        pass
    raise ValueError(f"{token[:40]!r} is not a number")


def whole(token: str) -> int:
    """Return a whole number; raises ValueError, in words, when it is none."""
    value = number(token)
    if not value.is_integer() or abs(value) >= 2.0**53:
        raise ValueError(f"{token[:40]!r} is not a whole number")
    return int(value)


def is_plain(text: str) -> bool:
    """Say whether `float` alone takes no word of a text that `number` does not."""
    return text.isascii() and "_" not in text


def numbers(tokens: Sequence[str], *, plain: bool = False) -> list[float]:
    """Return numbers as `number` does; raises ValueError, in words, at the first that is none.

    Args:
        tokens: the texts.
        plain: whether they are known to be of a plain text (`is_plain`).
    """
    if plain:
        try:
            return list(map(float, tokens))
        except ValueError:
            pass
    joined = "".join(tokens)
    if joined.isascii() and "_" not in joined:
        try:
            return list(map(float, tokens))
        except ValueError:
            pass
    return [number(t) for t in tokens]


def are_numbers(tokens: Sequence[str]) -> bool:
    """Say whether all texts are numbers."""
    try:
        numbers(tokens)
    except ValueError:
        return False
    return True
