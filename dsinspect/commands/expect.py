"""`dsinspect expect`: what the losses must be before a model has learnt anything, if all is wired right."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Dataset, Judging, Only, Running, Split, shares_options
from dsinspect.errors import UserError

if TYPE_CHECKING:
    from dsinspect.expected_losses import Expected
    from dsinspect.loader import Plugins
    from dsinspect.protocols.formats import Source
    from dsinspect.protocols.trainers import Trainer

SHARD = 16_384
CLASSES = 20
"""Classes shown on the terminal."""


@shares_options
def expect(
    dataset: Dataset,
    *,
    imgsz: Annotated[int, typer.Option("--imgsz", metavar="PX", min=32, help="Training size.")] = 640,
    judged_for: Annotated[Judging, Only("trainer")],
    split: Split = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it as .json.")] = None,
    judging: Annotated[Judging, Only("format images columns")],
    running: Annotated[Running, Only("config no_plugin quiet")],
) -> None:
    """Show what the first losses of a detector must be, so that a wrong wiring shows in the first minute.

    With --trainer only what it keeps is counted.
    """
    from dsinspect.commands.balance import chosen_split
    from dsinspect.inspection.opening import open_dataset
    from dsinspect.protocols.trainers import chosen_trainer

    if output is not None:
        if output.suffix.lower() != ".json":
            raise UserError(f"-o {output}: name a .json file")
        common.require_writable(output, *dataset)
    session = common.start(dataset, judging, running)
    name = judged_for.trainer or session.config.trainer
    asked = chosen_trainer(name, session.plugins.trainers) if name else None
    source = open_dataset(session.request(), session.plugins, trainers=() if asked is None else (asked,))
    chosen = chosen_split(split, source.info.splits)
    found = counted(source, session.plugins, asked, chosen, imgsz)
    if not found.boxes:
        raise UserError(f"{session.choices.dataset}: no box of a known class" + (f" in split {chosen}" if chosen else ""))
    if output is not None:
        write(found, output, {"dataset": session.choices.dataset, "split": chosen, "imgsz": imgsz,
                              "trainer": asked.label if asked else None})
    if not running.quiet:
        sys.stdout.write(shown(found, chosen, imgsz, asked))
        if output is not None:
            print(f"wrote {output}")
    session.end()


def counted(source: Source, plugins: Plugins, trainer: Trainer | None, split: str | None, imgsz: int) -> Expected:
    """Count boxes by class and measure them as parts of their images, and return the losses."""
    import numpy as np

    from dsinspect.expected_losses import expected
    from dsinspect.inspection.measure import measure, measured_shard
    from dsinspect.inspection.trainer_fates import loaded_for_trainers, wanted_probes
    from dsinspect.inspection.watched import judge
    from dsinspect.protocols.probes import column_owners
    from dsinspect.protocols.trainers import DROPPED, NO_RULE
    from dsinspect.tables.schema import FRAME_COLUMNS, boxes_xyxy

    info = source.info
    owners = column_owners(plugins.probes)
    if trainer is not None:
        probes = wanted_probes([trainer], info, plugins.probes)
    else:
        probes = tuple({owners[c].name: owners[c]() for c in FRAME_COLUMNS if c in owners}.values()) if info.has_files else ()
    counts: Counter[str] = Counter(dict.fromkeys((c.name for c in info.categories), 0))
    sides, centres, n_images = [], [], 0
    for ref in source.shards(SHARD):
        shard = ref.load()
        measurements = measure(shard.image_columns["file"].tolist(), probes, None) if probes else None
        made = measured_shard(shard, measurements, info.box_units)
        a, images = made.annotation_columns, made.image_columns
        arrives = np.array([split in (None, s) for s in images["split"].tolist()], bool)
        keep = ~a["is_crowd"]
        if trainer is not None:
            fates = judge(trainer, loaded_for_trainers(info, shard, made), plugins.blame(type(trainer)))
            arrives &= fates.image_rule == NO_RULE
            keep &= fates.fate != DROPPED
        rows = a["image_row"]
        keep &= np.append(arrives, False)[rows] & np.array([c is not None for c in a["category"].tolist()], bool)
        n_images += int(arrives.sum())
        counts.update(a["category"][keep].tolist())
        wh = np.column_stack([np.append(images[c], np.nan)[rows[keep]] for c in ("frame_width", "frame_height")])
        boxes = boxes_xyxy(a)[keep] / np.tile(wh, 2)
        size = boxes[:, 2:] - boxes[:, :2]
        good = np.isfinite(boxes).all(axis=1) & (size > 0).all(axis=1)
        sides.append(size[good])
        centres.append((boxes[good, :2] + boxes[good, 2:]) / 2)
    empty = np.empty((0, 2))
    return expected(sorted(counts.items(), key=lambda c: (-c[1], c[0])), np.concatenate([empty, *sides]),
                    np.concatenate([empty, *centres]), n_images, imgsz)


def shown(found: Expected, split: str | None, imgsz: int, trainer: Trainer | None) -> str:
    """Return the losses and the classes as text."""
    from dsinspect.findings.rendering import printable

    of = f"split {split}" if split else "the set"
    after = f" that {trainer.label} keeps" if trainer is not None else ""
    total = sum(n for _, n, _, _ in found.classes)
    lines = [f"{found.images:,} images and {total:,} boxes of {of}{after}, {len(found.classes):,} classes, {imgsz} px", ""]
    width = max(len(name) for name, _, _ in found.losses)
    lines += [f"{name:{width}}  {value:>10.4f}  {how}" for name, value, how in found.losses]
    wide = min(max(len(c) for c in ("class", *(name for name, *_ in found.classes))), 40)
    lines += ["", f"{'class':{wide}}  {'boxes':>9}  {'share':>7}  loss of one box when only shares are known"]
    for name, n, share, loss in found.classes[:CLASSES]:
        lines.append(f"{printable(name)[:wide]:{wide}}  {n:>9,}  {share:>7.2%}  {loss:.4f}")
    if len(found.classes) > CLASSES:
        lines.append(f"and {len(found.classes) - CLASSES:,} more; -o FILE.json has them all")
    return "\n".join(lines) + "\n"


def write(found: Expected, output: Path, head: dict[str, Any]) -> None:
    """Write JSON."""
    import math

    from dsinspect import __version__
    from dsinspect.io.atomic import write_atomic
    from dsinspect.io.json_text import indented

    document = {"schema_version": 1, "tool": {"name": "dsinspect", "version": __version__}, **head, "images": found.images,
                "boxes": found.boxes,
                "losses": [{"name": name, "value": value, "how": how} for name, value, how in found.losses],
                "classes": [{"name": name, "boxes": n, "share": share,
                             "loss_when_shares_known": loss if math.isfinite(loss) else None}
                            for name, n, share, loss in found.classes]}
    try:
        write_atomic(output, indented(document))
    except OSError as e:
        raise UserError(f"-o {output}: {e.strerror or e}") from None
