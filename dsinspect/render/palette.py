"""Colours for classes that people can distinguish from each other and from the mark of a finding.

Chosen in OKLab (Björn Ottosson, "A perceptual color space for image processing", 2020), where a distance is about how
different two colours look: each next colour is the one farthest from all before it and from the marks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from itertools import product

RGB = tuple[int, int, int]
MARK: RGB = (255, 43, 214)
"""Of what a finding is about."""
OTHER: RGB = (0, 213, 255)
"""Of the second of a pair."""
UNMARKED: RGB = (255, 225, 74)
"""Of boxes around that are not marked, where classes have no colours."""
LEVELS = (0.55, 0.68, 0.80, 0.92)
"""Lightness of the candidates; darker ones are lost on photographs."""
CHROMA = (0.12, 0.17, 0.22)
HUES = 24
COUNT = 40
"""Colours made; more classes than that share them."""


@cache
def palette() -> tuple[RGB, ...]:
    """Return the colours, RGB 0 to 255, the most different first."""
    candidates = []
    for light, chroma, k in product(LEVELS, CHROMA, range(HUES)):
        angle = 2 * math.pi * k / HUES
        lab = (light, chroma * math.cos(angle), chroma * math.sin(angle))
        rgb = from_oklab(lab)
        if rgb is not None:
            candidates.append((lab, rgb))
    taken = [to_oklab(MARK), to_oklab(OTHER), to_oklab((0, 0, 0)), to_oklab((255, 255, 255))]
    nearest = [min(math.dist(lab, t) for t in taken) for lab, _ in candidates]
    chosen = []
    for _ in range(COUNT):
        best = max(range(len(candidates)), key=nearest.__getitem__)
        lab, rgb = candidates[best]
        chosen.append(rgb)
        nearest = [min(d, math.dist(lab, other)) for d, (other, _) in zip(nearest, candidates, strict=True)]
    return tuple(chosen)


def colours_of(names: Iterable[str]) -> dict[str, RGB]:
    """Return a colour for each class: by its place in the list, so that a set has the same colours in every sheet."""
    colours = palette()
    return {name: colours[k % len(colours)] for k, name in enumerate(dict.fromkeys(names))}


def to_oklab(rgb: RGB) -> tuple[float, float, float]:
    """Return an sRGB colour in OKLab."""
    r, g, b = (v / 255 / 12.92 if v <= 10.31475 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in rgb)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
            1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
            0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short)


def from_oklab(lab: tuple[float, float, float]) -> RGB | None:
    """Return a colour of OKLab in sRGB; None when a screen cannot show it.

    >>> from_oklab(to_oklab((200, 30, 90)))
    (200, 30, 90)
    """
    light, a, b = lab
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
              -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
              -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short)
    if not all(-1e-4 <= v <= 1 + 1e-4 for v in linear):
        return None
    shown = [12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in (min(max(v, 0.0), 1.0) for v in linear)]
    return round(255 * shown[0]), round(255 * shown[1]), round(255 * shown[2])
