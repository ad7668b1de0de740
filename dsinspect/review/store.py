"""The store of a served review: decisions in an SQLite file, each written down before it is answered.

It is a log: a decision that replaces another, and one that is taken back, are rows of their own, so that several reviewers see
each other's by asking for what came after the last row they know. The latest row of a reviewer on a subject counts.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from dsinspect.errors import UserError
from dsinspect.io.json_text import encoded
from dsinspect.protocols.decisions import Decision, Decisions, Settings
from dsinspect.review.decision import about as subject_of
from dsinspect.review.decision import check_address

APPLICATION_ID = 0x64734964
"""Marks the file as a store (SQLite's application_id): `dsId`."""
SUBJECT = re.compile(r"[fanick]:.{1,4000}", re.DOTALL)
"""Finding, annotation, new box, image, class or whole check (k), then which."""
_SAVE = "save decisions.json from this page, then start dsinspect review serve again"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS log (
    number INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, reviewer TEXT NOT NULL, decision TEXT
);
CREATE INDEX IF NOT EXISTS log_of_subject ON log (subject, reviewer, number);
"""


class StoreGoneError(Exception):
    """The file no longer is the store that was opened, or cannot be used: nothing was written down."""


class Entry(NamedTuple):
    """A row of the log; `decision` is JSON, or None when it was taken back."""

    number: int
    subject: str
    reviewer: str
    decision: str | None


class Store:
    """An open store; safe with other processes writing at once, and with threads."""

    def __init__(self, path: Path, dataset: str, settings: Settings, findings: int = 0) -> None:
        """Open a store, or make it.

        Args:
            path: of the file.
            dataset: as it was named.
            settings: of the inspection that findings come from.
            findings: number of them, for whoever counts what is left; 0 when it is not known.

        Raises:
            UserError: it is no store, or one of another inspection.
        """
        self.path = path
        self._lock = threading.Lock()
        self._db = _open(path)
        status = path.stat()
        self._identity = status.st_dev, status.st_ino
        own = {"dataset": dataset, "settings": encoded(settings).decode()}
        with self._lock, self._db:
            self._db.executemany("INSERT OR IGNORE INTO about VALUES (?, ?)", own.items())
            if findings:
                self._db.execute("INSERT OR REPLACE INTO about VALUES ('findings', ?)", (str(findings),))
        kept = dict(self._db.execute("SELECT name, value FROM about"))
        if _in_effect(kept["settings"]) != _in_effect(own["settings"]):
            self.close()
            raise UserError(f"--store {path}: its decisions were taken with other settings; use the same ones, or another file "
                            f"(they were {kept['settings'][:200]})")

    def add(self, reviewer: str, rows: Sequence[tuple[str, Decision | None]]) -> int:
        """Write decisions down, all or none; they are on disk when this returns.

        Args:
            reviewer: who decided.
            rows: subject and decision; None takes the reviewer's own back.

        Returns:
            number of the last row.

        Raises:
            StoreGoneError: the file was removed, replaced or damaged, or the disk is full.
        """
        texts = [(s, reviewer, None if d is None else encoded(d).decode()) for s, d in rows]
        with self._lock, self._told():
            self._require_there()  # first, for another store at this path must not meet a journal of ours
            with self._db:
                last = self._write(texts)
                self._require_there()  # within the transaction: what is not kept is taken back
            return last

    def _write(self, texts: Sequence[tuple[str, str, str | None]]) -> int:
        self._db.executemany("INSERT INTO log (subject, reviewer, decision) VALUES (?, ?, ?)", texts)
        return int(self._db.execute("SELECT max(number) FROM log").fetchone()[0] or 0)

    def since(self, number: int) -> list[Entry]:
        """Return the rows that came after a row, in order; raises as `add` does."""
        with self._lock, self._told():
            self._require_there()
            return [Entry(*row) for row in self._db.execute(
                "SELECT number, subject, reviewer, decision FROM log WHERE number > ? ORDER BY number", (number,))]

    def _require_there(self) -> None:
        """Raise StoreGoneError unless the path still leads to the file that is open: SQLite itself does not notice."""
        status = self.path.stat()
        if (status.st_dev, status.st_ino) != self._identity:
            raise StoreGoneError(f"another file lies at {self.path.name} now; {_SAVE}")
        if not is_store(self.path):
            raise StoreGoneError(f"{self.path.name} was overwritten; start dsinspect review serve again with another --store")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise StoreGoneError(f"{self.path.name} was removed or renamed; {_SAVE}") from None
        except (OSError, sqlite3.Error) as e:
            raise StoreGoneError(f"{self.path.name} cannot be used: {e}") from None

    def decisions(self) -> Decisions:
        """Return the decisions that count now, in the order in which they were taken."""
        with self._lock, self._told():
            return _decisions(self._db)

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def read_store(path: Path) -> Decisions:
    """Return the decisions of a store, which may be open elsewhere; raises as `read_counted` does."""
    return read_counted(path)[0]


def read_counted(path: Path) -> tuple[Decisions, int]:
    """Return the decisions of a store and how many findings there are to decide on, 0 where it does not say.

    Raises:
        UserError: it is none.
    """
    db = _open(path, make=False)
    try:
        row = db.execute("SELECT value FROM about WHERE name = 'findings'").fetchone()
        count = int(row[0]) if row is not None and re.fullmatch("[0-9]{1,12}", str(row[0])) else 0
        return _decisions(db, path.name), count
    except sqlite3.DatabaseError as e:
        raise UserError(f"{path}: {e}") from None
    finally:
        db.close()


def _in_effect(settings: str) -> dict[str, Any]:
    """Return settings without the name of their configuration, which changes nothing."""
    made: dict[str, Any] = msgspec.json.decode(settings, type=dict[str, Any])
    made.pop("config", None)
    return made


def is_store(path: Path) -> bool:
    """Say whether a file is a store, by its content."""
    with path.open("rb") as file:
        head = file.read(72)
    return head.startswith(b"SQLite format 3\0") and int.from_bytes(head[68:72], "big") == APPLICATION_ID


def _open(path: Path, *, make: bool = True) -> sqlite3.Connection:
    if path.is_dir() or (path.exists() and path.stat().st_size and not is_store(path)):
        raise UserError(f"{path}: is no store of decisions; name another file")
    if not path.parent.is_dir():
        raise UserError(f"{path}: no folder {path.parent}")
    if not make and not path.exists():
        raise UserError(f"{path}: no such file")
    try:
        db = sqlite3.connect(path, timeout=10, check_same_thread=False, isolation_level="IMMEDIATE")
        if not db.execute("PRAGMA application_id").fetchone()[0]:
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        if make:
            db.execute("PRAGMA journal_mode = DELETE")  # no WAL: a copy of the file has every decision, and so has a network share
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(_SCHEMA)
    except sqlite3.DatabaseError as e:
        raise UserError(f"{path}: {e}") from None
    return db


def _decisions(db: sqlite3.Connection, name: str = "the store") -> Decisions:
    about = dict(db.execute("SELECT name, value FROM about"))
    rows: Iterable[tuple[int, str]] = db.execute(
        "SELECT log.number, decision FROM log JOIN (SELECT max(number) AS number FROM log GROUP BY subject, reviewer) "
        "USING (number) WHERE decision IS NOT NULL ORDER BY log.number")
    made = []
    for number, text in rows:
        decision = msgspec.json.decode(text, type=Decision)
        check_address(decision, f"{name}, row {number}")
        made.append(msgspec.structs.replace(decision, place=f"{name}, {subject_of(decision)}"))
    return Decisions(about.get("dataset", ""), msgspec.json.decode(about.get("settings", "{}"), type=Settings), tuple(made))
