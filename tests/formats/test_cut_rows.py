"""A file of rows that was cut in the middle of one: an error, where the rest of the row could be read as a row of another kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsinspect.api import inspect

KITTI = "Car 0 0 0 5 5 9 9 1 1 1 1 1 1 1"
FACE = "1 2 30 40 0 0 0 0 0 0"
SETS: dict[str, tuple[str, str, str, str]] = {
    # file, what stands before the rows, a row, the row without its last field (or fields)
    "dota": ("labelTxt/a.txt", "gsd:0.15\n", "0 0 4 0 4 2 0 2 plane 0", "0 0 4 0 4 2 0 2 plane"),
    "kitti": ("label_2/a.txt", "", f"{KITTI} 0.9", KITTI),
    "mot": ("A/gt/gt.txt", "", "1,3,11,21.0,30,40,1,1,0.5", "1,4,11,21.0,30,40"),
    "visdrone": ("annotations/a.txt", "", "1,2,30,40,1,4,0,0", "1,2,30,40,1,4"),
    "widerface": ("wider_face_train_bbx_gt.txt", "a.jpg\n3\n", FACE, "1 2 30 40"),
    "yolo": ("labels/a.txt", "", "0 .5 .5 .2 .2 .9", "0 .5 .5 .2 .2")}
IMAGES = {"mot": "A/img1/000001.jpg", "kitti": "image_2/a.png", "widerface": "a.jpg"}


def faults(folder: Path, name: str) -> list[str]:
    """Return the messages of SRC001."""
    findings = inspect(folder, format=name, cache=False).findings.to_frame()
    return findings[findings["code"] == "SRC001"]["message"].tolist()


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("name", SETS)
def test_the_rest_of_a_row_is_no_row(tmp_path: Path, name: str, end: str) -> None:
    file, head, row, rest = SETS[name]
    for path, content in ((file, f"{head}{row}\n{row}\n{rest}{end}"), (IMAGES.get(name, "images/a.jpg"), "")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    told = faults(tmp_path, name)
    if end and name != "visdrone":  # the row is whole: one of another kind
        assert not told
    else:
        assert len(told) == 1
        assert f"has {len(rest.replace(',', ' ').split())} " in told[0]


@pytest.mark.parametrize("name", SETS)
def test_every_cut_within_a_field_less_is_an_error(tmp_path: Path, name: str) -> None:
    """Where the cut leaves too few fields for any kind of row."""
    file, head, row, _ = SETS[name]
    mark = "," if "," in row else " "
    for path, content in ((file, f"{head}{row}\n{row}\n{mark.join(row.split(mark)[:3])}"), (IMAGES.get(name, "images/a.jpg"), "")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    assert len(faults(tmp_path, name)) == 1
