"""The report protocol: write a finished inspection down."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from dsinspect.protocols.run import Run

if TYPE_CHECKING:

    pass


class Report(ABC):
    """Writes a run down.

    A text report overrides `text`, or `stream` when it may be long; one of bytes sets `is_binary` and overrides `write`.

    Attributes:
        name: what `--output-format` calls it.
        suffix: file suffix that chooses it for `-o` (`.xlsx`), or empty when it goes to the terminal only.
        is_binary: True when it cannot go to standard output.
        needs_images: True to have `Run.images`.
        needs_annotations: True to have `Run.annotations`.
    """

    name: ClassVar[str]
    suffix: ClassVar[str] = ""
    is_binary: ClassVar[bool] = False
    needs_images: ClassVar[bool] = False
    needs_annotations: ClassVar[bool] = False

    def write(self, run: Run, out: Path) -> None:
        """Write the run to a file that does not exist yet, in UTF-8; the caller renames it when it is whole."""
        with out.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(self.stream(run))

    def stream(self, run: Run) -> Iterator[str]:
        """Yield the text in pieces, so that a million findings need little memory."""
        yield self.text(run)

    def text(self, run: Run) -> str:
        """Return the whole text."""
        return "".join(self.stream(run))
