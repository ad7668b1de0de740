"""A simulation on the terminal: what arrives, trainer beside trainer, then what is lost, by reason."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dsinspect.findings.rendering import printable
from dsinspect.findings.wording import counted
from dsinspect.protocols.run import NO_CLASS
from dsinspect.simulation.simulate import Simulated, Simulation
from dsinspect.tables.schema import CORNER_COLUMNS

if TYPE_CHECKING:
    from rich.console import Console

    from dsinspect.protocols.trainers import Rule, Stop
    from dsinspect.simulation.fates import Loss

CLASSES = 14
"""Classes shown; those that lose most come first."""
NOTE_FROM = 92
"""Columns of a terminal from which on the table of what arrives has room for a note."""
WIDEST = 40
"""Characters of a class name that are shown."""
LOSSES = 12
OTHERS = 3
"""Stops and files to be rewritten that are shown."""


def text_of(done: Simulation, width: int | None = None, colour: bool | None = None) -> str:
    """Return the text; as wide as the terminal (76 to 120) and coloured when stdout is one, unless asked otherwise."""
    from rich.console import Console
    from rich.text import Text

    if colour is None:
        colour = "NO_COLOR" not in os.environ and ("FORCE_COLOR" in os.environ or sys.stdout.isatty())
    file = io.StringIO()
    if width is None:
        width = max(min(shutil.get_terminal_size((100, 24)).columns, 120), 76)
    console = Console(file=file, width=width, force_terminal=colour, highlight=False, markup=False, no_color=not colour,
                      emoji=False)
    console.print()
    console.print(Text.assemble((done.path, "bold"), f"  {done.info.format}, {counted(done.census.images, 'image')}, "
                                                     f"{counted(done.census.annotations, 'annotation')}"))
    _arrivals(console, done)
    _classes(console, done)
    for simulated in done.trainers:
        _losses(console, simulated, turned=CORNER_COLUMNS[0] in done.info.columns)
    return "\n".join(line.rstrip() for line in file.getvalue().split("\n"))


def line_of(done: Simulation, again: tuple[int, int] = (0, 0)) -> str:
    """Return one line on the only trainer of a simulation: what arrives, and whether anything is lost.

    Args:
        done: the simulation.
        again: images and annotations in it that are there a second time, for another split.
    """
    (s,) = done.trainers
    kept, changed, dropped = s.part.annotations.tolist()
    arrive, out = s.part.images.tolist()
    whole = not (s.stops or out or dropped or changed)
    images, annotations = (arrive - again[0], kept - again[1]) if whole else (arrive, kept + changed)
    text = f"{s.trainer.label} reads {counted(images, 'image')} and {counted(annotations, 'annotation')} of it"
    if any(again) and not whole:
        text += " (those of the split that stands for another one twice)"
    if s.stops:
        return f"{text}, and stops: {_error(s.stops[0].error)}"
    if out or dropped or changed:
        text += f"; {counted(out, 'image')} left out, {counted(dropped, 'annotation')} dropped, {changed:,} changed"
    else:
        text += ": all there are"
    return f"{text}; it rewrites {counted(len(s.writes), 'file')} ({s.writes[0].what})" if s.writes else text


def _arrivals(console: Console, done: Simulation) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("trainer", "images", "left out", "annotations", "dropped", "changed", ""):
        table.add_column(title, justify="left" if title in ("trainer", "") else "right", no_wrap=True)
    for s in done.trainers:
        kept, changed, dropped = s.part.annotations.tolist()
        arrive, out = s.part.images.tolist()
        note = Text("stops", "bold white on red") if s.stops else Text(
            "as if converted" if s.converted and console.width >= NOTE_FROM else "", "dim")
        table.add_row(s.trainer.label, f"{arrive:,}", _count(out), f"{kept + changed:,}", _count(dropped),
                      _count(changed), note)
    console.print()
    console.print(table)


def _classes(console: Console, done: Simulation) -> None:
    from rich.text import Text

    names = list(done.trainers[0].part.classes)
    losing = {n: max(int(s.part.classes[n][1] - s.part.classes[n][3]) for s in done.trainers) for n in names}
    names.sort(key=lambda n: (n is None, -losing[n], -int(done.trainers[0].part.classes[n][1]), str(n)))
    if not names:
        return
    shown = names[:CLASSES]
    for trainers in _beside(done.trainers, console.width - min(max(len(_of(n)) for n in shown), WIDEST) - 19):
        _class_table(console, shown, trainers)
    if len(names) > CLASSES:
        console.print(Text(f"and {len(names) - CLASSES:,} more classes; -o FILE.json has them all", "dim"))


def _beside(trainers: Sequence[Simulated], room: int) -> Iterator[Sequence[Simulated]]:
    """Yield the trainers whose columns find room beside each other."""
    start, used = 0, 0
    for k, s in enumerate(trainers):
        wide = max(len(s.trainer.name), 6) + 11
        if k > start and used + wide > room:
            yield trainers[start:k]
            start, used = k, 0
        used += wide
    yield trainers[start:]


def _of(name: str | None) -> str:
    return NO_CLASS if name is None else _line(name)


def _class_table(console: Console, names: Sequence[str | None], trainers: Sequence[Simulated]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("class", max_width=WIDEST, overflow="ellipsis", no_wrap=True)
    table.add_column("images", justify="right", no_wrap=True)
    table.add_column("boxes", justify="right", no_wrap=True)
    for s in trainers:
        table.add_column(f"{s.trainer.name}\n@{s.trainer.release}\nimages", justify="right", no_wrap=True)
        table.add_column("boxes", justify="right", no_wrap=True)
    for name in names:
        before = trainers[0].part.classes[name]
        row: list[str | Text] = [_of(name), f"{int(before[0]):,}", f"{int(before[1]):,}"]
        for s in trainers:
            for at in (2, 3):
                after = int(s.part.classes[name][at])
                lost = after < int(before[at - 2])
                row.append(Text(f"{after:,}", "bold red" if not after and lost else "yellow" if lost else ""))
        table.add_row(*row)
    console.print()
    console.print(table)


def _error(error: str) -> str:
    """Return an error on a line; one that is known up to the name of a file only says that it goes on."""
    return _line(error) + (" ..." if error.endswith((" in", " named")) else "")


def stopped(stop: Stop) -> str:
    """Return an error, and what in the dataset makes it."""
    return _error(stop.error) + (f" ({_line(stop.found)})" if stop.found else "")


def beyond_the_tables(extras: int) -> str:
    """Say why more annotations arrive and are dropped than a report counts."""
    are, records = ("is a record", "it is") if extras == 1 else ("are records", "they are")
    return (f"{extras:,} of the annotations that are changed {are} that dsinspect report counts as malformed: {records} in no "
            "class above.")


def _losses(console: Console, s: Simulated, *, turned: bool) -> None:
    """Print what a trainer loses; `turned`: the set has rotated boxes, of which a conversion keeps envelopes."""
    from rich.padding import Padding
    from rich.text import Text

    console.print()
    console.print(Text.assemble((s.trainer.label, "bold"), f"  {s.trainer.title}"))
    if s.converted:
        envelopes = " Rotated boxes are judged as their envelopes, the upright boxes around them." if turned else ""
        by = "" if s.trainer.target is None else f" convert --for {s.trainer.name} counts what the conversion itself cannot keep."
        console.print(Padding(Text(f"Reads {' and '.join(s.trainer.reads)}: judged as if converted.{envelopes}{by}", "dim"),
                              (0, 0, 0, 2)))
    for stop in s.stops[:1]:
        console.print(Padding(Text.assemble(("Stops: ", "bold red"), stopped(stop)), (0, 0, 0, 2)))
        place = ", ".join(_line(p) for p in (stop.image, stop.source and _record(stop.source, stop.index)) if p)
        console.print(Padding(Text(f"in {stop.where}{f'; at {place}' if place else ''}. What follows is as if it went on.", "dim"),
                              (0, 0, 0, 4)))
    others = list(dict.fromkeys(stopped(stop) for stop in s.stops))[1:OTHERS]  # of each split one, mostly in the same words
    for other in others:
        console.print(Padding(Text(f"then {other}", "dim"), (0, 0, 0, 4)))
    if len(s.stops) > 1 + len(others):
        console.print(Padding(Text(f"and {len(s.stops) - 1 - len(others):,} more; -o FILE.json has them all", "dim"), (0, 0, 0, 4)))
    for write in s.writes[:1]:
        more = f" ({len(s.writes):,} files, first {_line(write.path)})" if len(s.writes) > 1 else f" ({_line(write.path)})"
        console.print(Padding(Text.assemble(("Rewrites ", "bold yellow"), f"files: {write.what}{more}"), (0, 0, 0, 2)))
    if s.part.extras:
        console.print(Padding(Text(beyond_the_tables(s.part.extras), "dim"), (0, 0, 0, 2)))
    for rule, loss in s.losses[:LOSSES]:
        _loss(console, rule, loss)
    if len(s.losses) > LOSSES:
        console.print(Padding(Text(f"and {len(s.losses) - LOSSES:,} more reasons; -o FILE.json has them all", "dim"), (0, 0, 0, 2)))
    if not s.losses and not s.stops:
        how = ", as the conversion writes them" if s.converted else " as they stand"
        console.print(Padding(Text(f"All images and annotations arrive{how}.", "green"), (0, 0, 0, 2)))


def _loss(console: Console, rule: Rule, loss: Loss) -> None:
    from rich.padding import Padding
    from rich.text import Text

    counts = []
    if loss.images:
        company = f" with {counted(loss.dropped, 'annotation')}" if loss.dropped else ""
        counts.append(f"{counted(loss.images, 'image')} left out{company}")
    elif loss.dropped:
        counts.append(f"{counted(loss.dropped, 'annotation')} dropped")
    if loss.changed:
        counts.append(f"{counted(loss.changed, 'annotation')} changed")
    console.print(Padding(Text.assemble((", ".join(counts), "bold"), f": {rule.reason}"), (0, 0, 0, 2)))
    says = f' "{rule.says.partition("|")[0]}"' if rule.says else ""
    console.print(Padding(Text(f"{rule.where}{says}", "dim"), (0, 0, 0, 4)))
    if loss.examples:
        console.print(Padding(Text("such as " + ", ".join(_line(e) for e in loss.examples), "dim"), (0, 0, 0, 4)))


def _count(n: int) -> str:
    return f"{n:,}" if n else "-"


def _record(source: str, index: int) -> str:
    """Return the place of a record as `dsinspect check` writes it."""
    return source if index < 0 else f"{source} [{index}]"


def _line(text: str | None) -> str:
    """Return text without control characters: a file's name must not steer the terminal."""
    return printable(text or "")
