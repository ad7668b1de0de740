"""A chart as data; each report draws it in its own way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Chart:
    """A chart as data; each report draws it in its own way.

    Attributes:
        kind: `bar`, `histogram`, `scatter` or `heatmap`.
        title: what it shows.
        x: categories, bin edges (one more than `y`), or x coordinates.
        y: heights or y coordinates; rows of values for a heatmap.
        x_label: name and unit of x.
        y_label: name and unit of y.
    """

    kind: str
    title: str
    x: tuple[Any, ...]
    y: tuple[Any, ...]
    x_label: str = ""
    y_label: str = ""
