"""The first rows of the tables of checks, as terminal and Markdown show them, and how much is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar

from dsinspect.findings.wording import counted
from dsinspect.protocols.run import Run
from dsinspect.tables.columns import Columns
from dsinspect_reports._counted import cell_text, charts_of_checks, header, is_share, other_tables, per_class

T = TypeVar("T", bound=tuple[Any, ...])
MAX_EACH = 6
"""Tables, and charts, that are shown of a check."""
WHOLE = "report.xlsx or report.json"


@dataclass(frozen=True)
class Excerpt:
    """The upper left part of a table.

    Attributes:
        origin: code of the check; empty for the table per class, to which several give columns.
        title: of the table.
        headers: of the columns shown.
        numbers: whether a column holds numbers.
        rows: texts of the cells; those of the dataset are as they are, and may be hostile.
        more_rows: that are not shown, when above 0.
        more_columns: the same.
    """

    origin: str
    title: str
    headers: list[str]
    numbers: list[bool]
    rows: list[list[str]]
    more_rows: int = 0
    more_columns: int = 0

    @property
    def left_out(self) -> str:
        """What is not shown and where it is, in words; empty when all is shown."""
        parts = [counted(n, noun) for n, noun in ((self.more_rows, "more row"), (self.more_columns, "more column")) if n > 0]
        return f"{' and '.join(parts)}: {WHOLE}" if parts else ""

    def narrower(self) -> Excerpt:
        """Return the same without its last column."""
        return replace(self, headers=self.headers[:-1], numbers=self.numbers[:-1], rows=[r[:-1] for r in self.rows],
                       more_columns=self.more_columns + 1)


def excerpts(run: Run, rows: int, columns: int) -> Iterator[Excerpt]:
    """Yield what checks say per class in one table, as the workbook does, then the other tables of each check.

    Args:
        run: whose tables.
        rows: shown of a table, at most.
        columns: shown of a table, at most.
    """
    further = per_class(run)
    if further:
        classes = [name for name, _, _ in run.census.largest_first()]
        shown = dict(islice(further.items(), columns - 1))
        title = "Per class, all splits" if len(run.census.split_columns) > 1 else "Per class"
        yield Excerpt("", title, ["Class", *shown], [False, *(_is_numeric(list(c.values.values())) for c in shown.values())],
                      [[str(n), *(cell_text(c.values.get(n), c.is_share) for c in shown.values())] for n in classes[:rows]],
                      len(classes) - rows, len(further) - len(shown))
    for outcome, title, table in first_of_each(other_tables(run)):
        yield _excerpt(outcome.code, title, table, rows, columns)


def first_of_each(things: Iterable[T]) -> Iterator[T]:
    """Yield the first tables or charts of each check, `MAX_EACH` at most: tuples that begin with an outcome."""
    number: Counter[str] = Counter()
    for thing in things:
        number[thing[0].code] += 1
        if number[thing[0].code] <= MAX_EACH:
            yield thing


def more_of_each(run: Run) -> str:
    """Say of which checks there are more tables or charts than `MAX_EACH`, and where they are; nothing when of none."""
    parts = []
    for noun, things in (("more table", other_tables(run)), ("more chart", charts_of_checks(run))):
        counts = Counter(thing[0].code for thing in things)
        parts += [f"{counted(n - MAX_EACH, noun)} of {code}" for code, n in counts.items() if n > MAX_EACH]
    return f"{', '.join(parts)}: {WHOLE}" if parts else ""


def _excerpt(code: str, title: str, table: Columns, rows: int, columns: int) -> Excerpt:
    names = list(table)
    shown = names[:columns]
    cells = table.take(slice(0, rows))
    values = [[cell_text(v, is_share(n)) for v in cells[n].tolist()] for n in shown]
    return Excerpt(code, title, [header(table, n) for n in shown], [table[n].dtype.kind in "iuf" for n in shown],
                   list(map(list, zip(*values, strict=True))), len(table) - rows, len(names) - len(shown))


def _is_numeric(values: list[object]) -> bool:
    return all(v is None or (isinstance(v, (int, float)) and not isinstance(v, bool)) for v in values)
