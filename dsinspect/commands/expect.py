"""`dsinspect expect`: what the losses must be before a model has learnt anything, if all is wired right."""

from __future__ import annotations

import math
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dsinspect.commands import common
from dsinspect.commands.options import Dataset, Judging, Only, Split, Writing, shares_options
from dsinspect.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dsinspect.errors import Blame
    from dsinspect.expected_losses import Expected
    from dsinspect.inspection.request import Request
    from dsinspect.loader import Plugins
    from dsinspect.protocols.formats import ShardRef, Source
    from dsinspect.protocols.probes import Probe
    from dsinspect.protocols.trainers import Trainer
    from dsinspect.tables.dataset import DatasetInfo

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
    running: Writing,
) -> None:
    """Show what the first losses of a detector must be, so that a wrong wiring shows in the first minute.

    With --trainer only what it keeps is counted.
    """
    from dsinspect.commands.balance import chosen_split
    from dsinspect.inspection.choose_executor import for_workers
    from dsinspect.inspection.opening import open_dataset
    from dsinspect.protocols.trainers import chosen_trainer

    if output is not None and output.suffix.lower() != ".json":
        raise UserError(f"-o {output}: name a .json file")
    session = common.start(dataset, judging, running)
    if output is not None:
        with session.dataset_first():
            common.require_writable(output, *dataset, judging=judging)
    name = judged_for.trainer or session.config.trainer
    asked = chosen_trainer(name, session.plugins.trainers) if name else None
    request = for_workers(session.request(), session.plugins)
    source = open_dataset(request, session.plugins, trainers=() if asked is None else (asked,))
    chosen = chosen_split(split, source.info.splits)
    found = counted(source, request, session.plugins, asked, chosen, imgsz)
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


@dataclass(frozen=True)
class _Part:
    """What some images add: boxes by class, (N, 2) sides and centres as parts of the image, and how many images."""

    counts: Counter[str]
    sides: NDArray[np.float64]
    centres: NDArray[np.float64]
    images: int


@dataclass(frozen=True)
class _Task:
    """Load one shard and measure its boxes as parts of their images; picklable."""

    info: DatasetInfo
    trainer: Trainer | None
    blame: Blame | None
    probes: tuple[Probe, ...]
    split: str | None

    def __call__(self, ref: ShardRef) -> _Part:
        import numpy as np

        from dsinspect.inspection.as_converted import judged_as_read
        from dsinspect.inspection.measure import measure, measured_shard
        from dsinspect.inspection.trainer_fates import loaded_for_trainers
        from dsinspect.protocols.trainers import DROPPED, NO_RULE
        from dsinspect.tables.schema import boxes_xyxy

        shard = ref.load()
        measurements = measure(shard.image_columns["file"].tolist(), self.probes, None) if self.probes else None
        made = measured_shard(shard, measurements, self.info.box_units)
        a, images = made.annotation_columns, made.image_columns
        arrives = np.array([self.split in (None, s) for s in images["split"].tolist()], bool)
        keep, rows = ~a["is_crowd"], a["image_row"]
        if self.trainer is not None and self.blame is not None:
            judged = judged_as_read(self.trainer, loaded_for_trainers(self.info, shard, made), self.blame)
            arrives &= judged.fates.image_rule == NO_RULE
            keep &= judged.fates.fate != DROPPED
            rows = rows if judged.image_row is None else judged.image_row
        keep &= np.append(arrives, False)[rows] & np.array([c is not None for c in a["category"].tolist()], bool)
        wh = np.column_stack([np.append(images[c], np.nan)[rows[keep]] for c in ("frame_width", "frame_height")])
        boxes = boxes_xyxy(a)[keep] / np.tile(wh, 2)
        size = boxes[:, 2:] - boxes[:, :2]
        good = np.isfinite(boxes).all(axis=1) & (size > 0).all(axis=1)
        return _Part(Counter(a["category"][keep].tolist()), size[good], (boxes[good, :2] + boxes[good, 2:]) / 2,
                     int(arrives.sum()))


def counted(source: Source, request: Request, plugins: Plugins, trainer: Trainer | None, split: str | None,
            imgsz: int) -> Expected:
    """Count boxes by class and measure them as parts of their images, and return the losses."""
    import numpy as np

    from dsinspect.expected_losses import expected
    from dsinspect.inspection.choose_executor import choose_executor
    from dsinspect.inspection.trainer_fates import shards_for_trainers, wanted_probes

    task = _Task(source.info, trainer, None if trainer is None else plugins.blame(type(trainer)),
                 wanted_probes(() if trainer is None else (trainer,), source.info, plugins.probes), split)
    refs = source.shards(SHARD) if trainer is None else shards_for_trainers(source, plugins.formats[source.info.format], SHARD)
    parts = list(choose_executor(request, plugins, len(refs)).results(task, refs))
    counts: Counter[str] = Counter(dict.fromkeys((c.name for c in source.info.categories), 0))
    for part in parts:
        counts.update(part.counts)
    empty = np.empty((0, 2))
    return expected(sorted(counts.items(), key=lambda c: (-c[1], c[0])), np.concatenate([empty, *(p.sides for p in parts)]),
                    np.concatenate([empty, *(p.centres for p in parts)]), sum(p.images for p in parts), imgsz)


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
        own = f"{loss:.4f}" if math.isfinite(loss) else "none: no box"  # null in JSON
        lines.append(f"{printable(name)[:wide]:{wide}}  {n:>9,}  {share:>7.2%}  {own}")
    if len(found.classes) > CLASSES:
        lines.append(f"and {len(found.classes) - CLASSES:,} more; -o FILE.json has them all")
    return "\n".join(lines) + "\n"


def write(found: Expected, output: Path, head: dict[str, Any]) -> None:
    """Write JSON; the loss of a class without boxes is null."""
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
