"""Which file is the image that a record names: of that name in the named folder, never another of the same name."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsinspect_formats._images import ImageTree


@pytest.mark.parametrize(("paths", "declared", "found"), [
    (("A/2.jpg", "B/1.jpg"), "A/1.jpg", None),  # A is there, its file is not
    (("A/2.jpg", "B/1.jpg"), "/home/kim/set/A/1.jpg", None),
    (("set/A/2.jpg", "B/1.jpg"), "A/1.jpg", None),
    (("A/2.jpg", "A/train/1.jpg", "B/1.jpg"), "A/1.jpg", "A/train/1.jpg"),  # sorted into splits later
    (("A/2.jpg", "A/x/1.jpg", "A/y/1.jpg"), "A/1.jpg", None),  # one of two
    (("B/1.jpg", "B/2.jpg"), "A/1.jpg", "B/1.jpg"),  # the folder has another name here
    (("B/1.jpg", "C/1.jpg"), "A/1.jpg", None),
    (("images/1.jpg",), "D:/work/images/1.jpg", "images/1.jpg"),
    (("images/1.jpg",), "1.jpg", "images/1.jpg"),
    (("A/1.JPG",), "A/1.jpg", "A/1.JPG"),
])
def test_the_file_that_a_record_names(paths: tuple[str, ...], declared: str, found: str | None) -> None:
    assert ImageTree(Path("set"), paths).find(declared) == found
