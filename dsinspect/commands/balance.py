"""`dsinspect balance`: class weights and repeat factors, ready for a training script."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Dataset, Read, Split, Writing, shares_options
from dsinspect.errors import UserError, nearest
from dsinspect.findings.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from dsinspect.class_balance import Balance, BalanceCounts
    from dsinspect.protocols.formats import ShardRef

SHARD = 16_384


@dataclass(frozen=True)
class _Task:
    """Load one shard and count it; picklable."""

    split: str | None

    def __call__(self, ref: ShardRef) -> BalanceCounts:
        from dsinspect.class_balance import counts_of

        return counts_of(ref.load(), self.split)


@shares_options
def balance(
    dataset: Dataset,
    *,
    output: Annotated[Path | None, typer.Option(
        "--output", "-o", metavar="FILE", help="weights.json, or weights.csv with weights_images.csv beside it.")] = None,
    split: Split = None,
    beta: Annotated[float, typer.Option("--beta", min=0, max=0.9999999, help="Of the effective number (Cui 2019).")] = 0.999,
    threshold: Annotated[float, typer.Option(
        "--threshold", min=0, max=1, help="Share of images below which a class is repeated (LVIS).")] = 0.001,
    judging: Read,
    running: Writing,
) -> None:
    """Compute what to do about rare classes: weights per class, repeat factors per class and image."""
    from dsinspect.class_balance import balance_of
    from dsinspect.findings.rendering import without_controls
    from dsinspect.inspection.choose_executor import choose_executor, for_workers
    from dsinspect.inspection.opening import open_dataset

    if output and output.suffix.lower() not in (".json", ".csv"):
        raise UserError(f"-o {output}: name a .json or a .csv file")
    session = common.start(dataset, judging, running)
    if output:
        with session.dataset_first():
            common.require_writable(output, *dataset, judging=judging)
            if output.suffix.lower() == ".csv":
                common.require_writable(images_file(output), *dataset, judging=judging)
    request = for_workers(session.request(), session.plugins)
    source = open_dataset(request, session.plugins)
    chosen = chosen_split(split, source.info.splits)
    refs = source.shards(SHARD)
    parts = choose_executor(request, session.plugins, len(refs)).results(_Task(chosen), refs)
    found = balance_of(parts, source.info.categories, beta, threshold)
    if not len(found.classes):
        raise UserError(f"{session.choices.dataset}: no box of a known class" + (f" in split {chosen}" if chosen else ""))
    if output:
        write(found, output, {"dataset": session.choices.dataset, "split": chosen, "beta": beta, "repeat_threshold": threshold})
    if not running.quiet:
        print(without_controls(shown(found, chosen)))
        if output:
            print(f"wrote {output}" + (f" and {images_file(output)}" if output.suffix.lower() == ".csv" else ""))
    session.end()


def chosen_split(split: str | None, splits: tuple[str, ...]) -> str | None:
    """Return the split to count: the named one, else train; None counts all.

    Raises:
        UserError: there is no such split.
    """
    if split == "all":
        return None
    if split is None:
        return "train" if "train" in splits else None
    if split not in splits:
        there = ", ".join((*splits, "all"))
        raise UserError(f"--split {split}: no such split{nearest(split, splits)}; there are {there}")
    return split


def images_file(output: Path) -> Path:
    """Return the file of the images beside a CSV file of the classes."""
    return output.with_name(f"{output.stem}_images.csv")


def write(found: Balance, output: Path, head: dict[str, Any]) -> None:
    """Write JSON with both tables, or one CSV file of each."""
    from dsinspect import __version__
    from dsinspect.findings.rendering import guarded, without_controls
    from dsinspect.io.json_text import indented

    if output.suffix.lower() == ".csv":
        for path, table in ((images_file(output), found.images), (output, found.classes)):
            safe = table.map(lambda v: guarded(without_controls(v)) if isinstance(v, str) else v)
            put(path, safe.to_csv(index=False, lineterminator="\r\n").encode(errors="replace"))
        return
    document = {"schema_version": 1, "tool": {"name": "dsinspect", "version": __version__}, **head,
                "classes": without_nan(found.classes), "images": found.images.to_dict("records")}
    put(output, indented(document))


def without_nan(classes: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a record per class, None for what a class without boxes does not have."""
    return [{str(k): None if v != v else v for k, v in record.items()} for record in classes.to_dict("records")]


def put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    from dsinspect.io.atomic import write_atomic

    try:
        write_atomic(path, content)
    except OSError as e:
        raise UserError(f"-o {path}: {e.strerror or e}") from None


def shown(found: Balance, split: str | None) -> str:
    """Return the classes as a table of text, the largest first."""
    table: pd.DataFrame = found.classes.sort_values(["boxes", "class"], ascending=[False, True], kind="stable")
    width = min(max(len(str(n)) for n in [*table["class"], "class"]), 40)
    lines = [f"{'class':{width}}  {'boxes':>9}  {'images':>8}  {'share':>7}  {'inverse freq.':>13}  {'effective no.':>13}  "
             f"{'repeat':>6}"]
    for row in table.itertuples(index=False):
        name = str(row[1]) if len(str(row[1])) <= width else str(row[1])[:width - 1] + "…"
        weights = (f"  {row.inverse_frequency_weight:>13.4g}  {row.effective_number_weight:>13.4g}  {row.repeat_factor:>6.3g}"
                   if row.boxes else "")
        lines.append(f"{name:{width}}  {row.boxes:>9,}  {row.images:>8,}  {row.share:>7.2%}{weights}")
    repeated = int((found.images["repeat_factor"] > 1).sum())
    of = f"split {split} (reports count all splits, as --split all does)" if split else "the set"
    lines.append(f"{counted(len(found.images), 'image')} of {of}; {repeated:,} with a repeat factor above 1")
    return "\n".join(lines)
