"""Finished parts of a long run, kept on disk: what lets a run go on after ^C, and keeps memory small.

A part is one file, msgpack of plain values and raw array bytes; reading one never executes anything.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect.errors import UserError, os_reason
from dsinspect.io.folders import make_folder, remove_folder
from dsinspect.io.json_text import encoded
from dsinspect.tables.columns import Columns, objects

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Failure:
    """An image that could not be transformed.

    Attributes:
        image: path of the image.
        code: code of the check that reports such files.
        reason: why.
        annotations: how many annotations are left out with it.
    """

    image: str
    code: str
    reason: str
    annotations: int


@dataclass(frozen=True)
class Part:
    """What one shard came to.

    Attributes:
        images: table of the outputs.
        annotations: table of their annotations.
        entries: an entry of the manifest for each output.
        failures: images left out.
        counts: what happened to annotations and images.
        images_done: how many images the shard has.
    """

    images: Columns
    annotations: Columns
    entries: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    images_done: int = 0


class Parts:
    """The parts of a run, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"

    @property
    def exists(self) -> bool:
        """Say whether a run was begun here."""
        return (self.folder / "plan.json").is_file()

    def begin(self, plan: Mapping[str, Any], *, anew: bool = False) -> None:
        """Begin a run.

        Args:
            plan: what decides the outputs, JSON-ready.
            anew: no other run may have begun there.

        Raises:
            UserError: the folder cannot be made, or another run has begun.
        """
        try:
            if anew:
                make_folder(self.folder.parent)
                self.folder.mkdir()
            make_folder(self.temporary)
            (self.folder / "plan.json").write_bytes(encoded(plan))
        except FileExistsError:
            raise UserError(f"-o {self.folder.parent}: another run has begun there; name another folder") from None
        except OSError as e:
            raise UserError(f"-o {self.folder.parent}: {os_reason(e)}") from None

    def plan(self) -> dict[str, Any]:
        """Return the plan of the run that was begun; empty when it is damaged."""
        try:
            plan: dict[str, Any] = msgspec.json.decode((self.folder / "plan.json").read_bytes())
        except (OSError, msgspec.DecodeError):
            return {}
        return plan

    def sweep(self) -> None:
        """Remove what was only half written."""
        with contextlib.suppress(OSError):
            for path in self.temporary.iterdir():
                path.unlink()

    def done(self, number: int) -> bool:
        """Say whether a part is finished."""
        return self._path(number).is_file()

    def put(self, number: int, part: Part) -> None:
        """Keep a part, whole or not at all."""
        document = {"images": _packed(part.images), "annotations": _packed(part.annotations), "entries": part.entries,
                    "failures": [vars(f) for f in part.failures], "counts": dict(part.counts), "pictures": part.images_done}
        partial = self.temporary / f"part-{number}-{os.getpid()}"
        try:
            partial.write_bytes(_encoded(document))
            partial.replace(self._path(number))
        except OSError as e:
            raise UserError(f"{self.folder}: {os_reason(e)}; change that and go on with --resume") from None

    def get(self, number: int) -> Part:
        """Read a part.

        Raises:
            UserError: it is damaged.
        """
        path = self._path(number)
        try:
            document = msgspec.msgpack.decode(path.read_bytes(), ext_hook=_text_of)
            return Part(_unpacked(document["images"]), _unpacked(document["annotations"]), document["entries"],
                        [Failure(**f) for f in document["failures"]], Counter(document["counts"]), document["pictures"])
        except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError) as e:
            raise UserError(f"{path}: damaged ({type(e).__name__}); remove it and go on with --resume") from None

    def end(self) -> None:
        """Remove the folder."""
        remove_folder(self.folder)

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:06}.msgpack"


def _encoded(document: dict[str, Any]) -> bytes:
    """Return a part as bytes; texts that are none (file names of other bytes) go as an extension of msgpack."""
    try:
        return msgspec.msgpack.encode(document)
    except UnicodeEncodeError:
        return msgspec.msgpack.encode(_extended(document))


def _text_of(_: int, content: memoryview) -> str:
    return bytes(content).decode("utf-8", "surrogatepass")


def _extended(value: Any) -> Any:
    if isinstance(value, str) and not value.isascii():
        return msgspec.msgpack.Ext(1, value.encode("utf-8", "surrogatepass"))
    if isinstance(value, dict):
        return {_extended(k): _extended(v) for k, v in value.items()}
    return [_extended(v) for v in value] if isinstance(value, (list, tuple)) else value


def _packed(table: Columns) -> dict[str, Any]:
    columns = {name: table[name].tolist() if table[name].dtype == object else [table[name].dtype.str, table[name].tobytes()]
               for name in table}
    return {"rows": len(table), "objects": [name for name in table if table[name].dtype == object], "columns": columns}


def _unpacked(packed: Mapping[str, Any]) -> Columns:
    of_objects = set(packed["objects"])
    return Columns({name: objects(value) if name in of_objects else np.frombuffer(bytearray(value[1]), np.dtype(value[0]))
                    for name, value in packed["columns"].items()}, packed["rows"])
