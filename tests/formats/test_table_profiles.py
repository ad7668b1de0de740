"""Tables that tools write: TensorFlow's detection CSV, RetinaNet's without a header, VoTT's; the columns read are said."""

from __future__ import annotations

from pathlib import Path

import pytest
from formats.reading import Read, detected, put

PROFILES = {
    "tensorflow": ("filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,100,80,cat,1,2,30,40\n",
                   {"image_width": 2, "image_height": 3, "category": 4, "x_min": 5, "y_max": 8}),
    "retinanet": ("a.jpg,1,2,30,40,cat\nb.jpg,,,,,\n", {"image": 1, "x_min": 2, "y_max": 5, "category": 6}),
    "vott": ('"image","xmin","ymin","xmax","ymax","label"\n"a.jpg",1,2,30,40,"cat"\n', {"image": 1, "category": 6}),
}


@pytest.mark.parametrize("name", PROFILES)
def test_profile(name: str, tmp_path: Path) -> None:
    text, columns = PROFILES[name]
    root = put(tmp_path, {"annotations.csv": text, "a.jpg": ""})
    assert detected(root) == "table"
    read = Read("table", root)
    assert read.boxes() == [("a.jpg", "cat", 1, 2, 30, 40)]
    said = " ".join(read.info.notes)
    assert all(f"{field} = column {number}" in said for field, number in columns.items())
    if name == "tensorflow":
        assert read.images[["width", "height"]].to_numpy().tolist() == [[100, 80]]
    if name == "retinanet":
        assert read.images["path"].tolist() == ["a.jpg", "b.jpg"]
