"""Names as long as the file system takes, in characters of three bytes: temporary names beside them are cut by bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.conftest import Done, picture
from hostile.sets import voc

from dsinspect.io.atomic import partial_name

Cli = Callable[..., Done]
LONG = "\u56fe" * 83  # 249 bytes, and a suffix


@pytest.mark.parametrize("name", [LONG + ".png", "a" * 251 + ".png", "." + "\u56fe" * 80, "a." + "\u56fe" * 84,
                                  "\U0001f98a" * 60 + ".xml"])
def test_a_temporary_name_has_room(tmp_path: Path, name: str) -> None:
    partial = partial_name(tmp_path / name)
    assert len(os.fsencode(partial.name)) <= 255
    partial.write_bytes(b"")
    assert (tmp_path / name).parent == partial.parent


@pytest.mark.parametrize("command", [
    ("fix", "-o", "out"), ("convert", "--to", "coco", "-o", "out"), ("convert", "--to", "voc", "-o", "out"),
    ("convert", "--to", "yolo", "-o", "out"), ("transform", "--op", "flip", "-o", "out"), ("report", "-o", f"{LONG}.xlsx"),
    ("report", "-o", f"{LONG}.json"), ("check", "--write-baseline", f"{LONG}.json", "--fail-on", "never")],
    ids=lambda c: "-".join(c)[:30])
def test_every_command_writes_long_names(cli: Cli, tmp_path: Path, command: tuple[str, ...]) -> None:
    source = voc(tmp_path / "set")
    picture(tmp_path / "set/b.jpg", (32, 24), 3).rename(tmp_path / f"set/{LONG}.jpg")
    (tmp_path / f"set/{LONG}.xml").write_text((source / "a.xml").read_text().replace("a.jpg", f"{LONG}.jpg"))
    done = cli(command[0], source, *command[1:])
    assert done.code == 0, done.err
    assert not list(tmp_path.glob(".*"))
