"""The cache of measurements."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dsinspect.inspection.cache import Cache, FileIdentity, cache_file, clear

FILE = FileIdentity("/x/a.jpg", 10, 20)
VALUES = {"header": [1, 640.0, None, "jpeg"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return cache_file(tmp_path / "cache")


def test_what_was_put_is_got(path: Path) -> None:
    with Cache(path) as cache:
        cache.put([(FILE, VALUES)])
    with Cache(path) as cache:
        assert cache.get([FILE]) == {FILE.path: VALUES}
        assert cache.count() == 1


@pytest.mark.parametrize("changed", [FileIdentity("/x/a.jpg", 11, 20), FileIdentity("/x/a.jpg", 10, 21),
                                     FileIdentity("/x/b.jpg", 10, 20)])
def test_changed_file_is_unknown(path: Path, changed: FileIdentity) -> None:
    with Cache(path) as cache:
        cache.put([(FILE, VALUES)])
        assert cache.get([changed]) == {}


def test_many_files(path: Path) -> None:
    files = [FileIdentity(f"/x/{k}.jpg", k, k) for k in range(1801)]
    with Cache(path) as cache:
        cache.put((f, VALUES) for f in files)
        assert len(cache.get(files)) == 1801


@pytest.mark.parametrize("content", [b"not a database, at all " * 100, b"SQLite format 3\0" + b"\1" * 4096])
def test_damaged_file_is_made_anew_with_one_line(path: Path, content: bytes,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with Cache(path) as cache:
        cache.put([(FILE, VALUES)])
        assert cache.get([FILE]) == {FILE.path: VALUES}
    assert capsys.readouterr().err.count("\n") == 1


def test_a_bit_that_flipped_is_no_measurement(path: Path) -> None:
    with Cache(path) as cache:
        cache.put([(FILE, VALUES)])
    content = path.read_bytes()
    first = content.index(FILE.path.encode()) - 20  # the row, and what says how long it is
    for bit in range(first * 8, len(content) * 8, 3):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            with Cache(path) as cache:
                known = cache.get([FILE])
        except sqlite3.DatabaseError:
            continue  # whoever measures goes on without it
        assert known in ({}, {FILE.path: VALUES})


def test_a_row_of_another_file_is_not_believed(path: Path) -> None:
    other = FILE._replace(path="/x/b.jpg")  # of the same size and time
    with Cache(path) as cache:
        cache.put([(FILE, VALUES)])
    db = sqlite3.connect(path)
    with db:
        db.execute("UPDATE files SET path = '/x/b.jpg'")
    db.close()
    with Cache(path) as cache:
        assert cache.get([FILE, other]) == {}


def test_two_open_at_once(path: Path) -> None:
    with Cache(path) as one, Cache(path) as two:
        one.put([(FILE, VALUES)])
        assert two.get([FILE]) == {FILE.path: VALUES}
        two.put([(FileIdentity("/x/b.jpg", 1, 1), VALUES)])
        assert one.count() == 2


def test_trim_keeps_the_size_bounded(path: Path) -> None:
    files = [FileIdentity(f"/x/{k}.jpg", k, k) for k in range(3000)]
    with Cache(path) as cache:
        cache.put((f, {"p": [1, "x" * 200]}) for f in files)
        cache.trim(10)
        assert cache.count() == 1500


def test_trim_forgets_what_was_stored_longest_ago(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Cache(path) as cache:
        for day, name in ((2, "a"), (1, "c"), (4, "b"), (3, "d")):  # neither in the order of the names nor of storing
            monkeypatch.setattr("dsinspect.inspection.cache.time.time", lambda day=day: day * 86400.0)
            cache.put([(FileIdentity(f"/x/{name}.jpg", 1, 1), VALUES)])
        cache.trim(10)
        assert set(cache.get([FileIdentity(f"/x/{name}.jpg", 1, 1) for name in "abcd"])) == {"/x/b.jpg", "/x/d.jpg"}


def test_clear(path: Path) -> None:
    with Cache(path) as cache:
        cache.put([(FILE, VALUES)])
    clear(path)
    assert not path.exists()
