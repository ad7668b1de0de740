"""Nothing is lost without a word, and nothing is called fixed that was not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.conftest import Done, picture
from hostile.sets import coco

Cli = Callable[..., Done]


def test_a_table_counts_the_classes_it_leaves_empty(cli: Cli, tmp_path: Path) -> None:
    source = coco(tmp_path / "set", annotations=[{}, {"category_id": 99}, {"category_id": 98}])
    done = cli("convert", source, "-o", tmp_path / "out", "--to", "table")
    assert done.code == 0
    assert "2  lost: classes of boxes whose category is in no list" in done.out
    assert cli("convert", source, "-o", tmp_path / "strict", "--to", "table", "--strict").code == 2


@pytest.mark.parametrize("row", ["0 0.5 0.5 0.2 0.2\n", "0 0.9 0.9 0.4 0.4\n"])
def test_fix_with_images_elsewhere_claims_what_it_did(cli: Cli, tmp_path: Path, row: str) -> None:
    for k in range(3):
        picture(tmp_path / "images" / f"a{k}.jpg", (100, 80), k)
        image = tmp_path / "images" / f"a{k}.jpg"
        image.rename(image.with_suffix(".png"))  # IMG007, which no safe fix is for
    (tmp_path / "labels").mkdir()
    for k in range(3):
        (tmp_path / "labels" / f"a{k}.txt").write_text(row)
    done = cli("fix", tmp_path / "labels", "--images", tmp_path / "images", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert "3 IMG007" in done.out.partition("left:")[2]
    if row.startswith("0 0.5"):
        assert "nothing to fix" in done.out
        assert "fixed" not in done.out
    else:
        assert "fixed: 3 BOX003" in done.out
