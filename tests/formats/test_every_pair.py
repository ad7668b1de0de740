"""A set with everything the tables hold goes through every writer, and from there through every other one.

Boxes and classes come back equal, or the loss is named; and each built-in format says of itself what the documentation needs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from convert.sets import content

from dsinspect.cli import main
from dsinspect.loader import load_plugins
from dsinspect.testing.rich_set import write_rich_set

FORMATS = {n: f for n, f in load_plugins().formats.items() if f.readable}
WRITERS = [n for n, f in FORMATS.items() if f.writable]
Boxes = list[list[tuple[str, list[float]]]]


def boxes_of(root: Path, name: str) -> Boxes:
    """Return the objects of each image, in an order that does not depend on names: MOT numbers images."""
    found = [sorted((str(c).replace("_", " ").replace("-", " "), list(map(float, box))) for c, *box in rows)
             for rows in content(root, name).values()]
    return sorted(found)


def is_near(a: Boxes, b: Boxes) -> bool:
    """Say whether all classes are alike, and all edges to half a pixel's thousandth."""
    flat: list[Any] = [[(c, len(box)) for rows in x for c, box in rows] for x in (a, b)]
    edges: list[list[float]] = [[v for rows in x for _, box in rows for v in box] for x in (a, b)]
    return flat[0] == flat[1] and list(map(len, a)) == list(map(len, b)) and all(
        abs(x - y) <= 5e-3 for x, y in zip(*edges, strict=True))


@pytest.mark.parametrize("first", WRITERS)
def test_what_one_writes_all_others_take(first: str, tmp_path: Path) -> None:
    write_rich_set(FORMATS[first], tmp_path / "first")
    before = boxes_of(tmp_path / "first", first)
    assert [len(rows) for rows in before].count(0) == 1, "the image without boxes"
    assert sum(map(len, before)) == 7
    for second in WRITERS:
        out = tmp_path / second
        assert main(["convert", str(tmp_path / "first"), "--format", first, "-o", str(out), "--to", second, "-q"]) == 0
        losses = json.loads((out / "conversion.json").read_text())["losses"]
        (out / "conversion.json").unlink()
        assert is_near(boxes_of(out, second), before), (second, losses)
        assert not [what for what in losses if what.startswith(("annotations of", "annotations without", "records"))]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_what_the_documentation_needs(name: str) -> None:
    kind = FORMATS[name]
    facts = kind.facts
    assert facts.recognised
    assert facts.read
    assert facts.assumed
    assert bool(facts.written) is kind.writable
    assert bool(facts.kept) is kind.patchable
