"""The report protocol: write a finished inspection down."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from dsinspect.protocols.options import BaseOptions
from dsinspect.protocols.run import Run


class Report(ABC):
    """Writes a run down.

    A text report overrides `text`, or `stream` when it may be long; one of bytes sets `is_binary` and overrides `write`.

    Attributes:
        name: what `--output-format` calls it.
        suffix: file suffix that chooses it for `-o` (`.xlsx`), or empty when it goes to the terminal only.
        is_binary: True when it cannot go to standard output.
        options_type: the struct of its options.
        needs_images: True to have `Run.images`; an instance may decide by its options.
        needs_annotations: True to have `Run.annotations`; an instance may decide by its options.
    """

    name: ClassVar[str]
    suffix: ClassVar[str] = ""
    is_binary: ClassVar[bool] = False
    options_type: ClassVar[type[BaseOptions]] = BaseOptions
    needs_images: bool = False
    needs_annotations: bool = False

    def __init__(self, options: BaseOptions | None = None) -> None:
        """Take the options; the defaults when None."""
        self.options: Any = options if options is not None else self.options_type()

    def write(self, run: Run, out: Path) -> None:
        """Write the run to a file that does not exist yet, in UTF-8; the caller renames it when it is whole."""
        with out.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(self.stream(run))

    def stream(self, run: Run) -> Iterator[str]:
        """Yield the text in pieces, so that a million findings need little memory."""
        if type(self).text is Report.text:
            raise NotImplementedError(f"report {self.name} overrides none of `text`, `stream` and `write`")
        yield self.text(run)

    def text(self, run: Run) -> str:
        """Return the whole text."""
        return "".join(self.stream(run))
