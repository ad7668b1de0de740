"""The recorded cases and fates, and the fates that a trainer of ours gives the same cases."""

from __future__ import annotations

import base64
import gzip
import json
from functools import cache, partial
from pathlib import Path
from typing import Any

from dsinspect.inspection.measure import measure, measured_shard
from dsinspect.inspection.trainer_fates import loaded_for_trainers, wanted_columns, wanted_probes
from dsinspect.loader import Plugins, load_plugins
from dsinspect.protocols.formats import OpenRequest
from dsinspect.protocols.trainers import Fates, Loaded, Trainer, Verdict
from dsinspect.tables.columns import Columns
from dsinspect.tables.schema import problem_columns

HERE = Path(__file__).parent


@cache
def plugins() -> Plugins:
    return load_plugins()


@cache
def cases() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(gzip.decompress((HERE / "cases.json.gz").read_bytes()))
    return content


@cache
def fates(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(gzip.decompress((HERE / "fates" / f"{name}.json.gz").read_bytes()))
    return content


def recorded(name: str, release: str, case: str) -> Any:
    """Return what a release of a trainer did with a case."""
    kinds, *of = fates(name)["cases"][case]
    return kinds[of[0][fates(name)["releases"].index(release)]] if of else kinds[0]


def image(name: str) -> bytes:
    return base64.b64decode(cases()["images"][name])


def judged(root: Path, format_name: str, trainer: Trainer) -> tuple[Loaded, Fates, Verdict]:
    """Open a set as one shard and let a trainer judge it."""
    return judge(loaded(root, format_name, trainer), trainer)


def judge(shard: Loaded, trainer: Trainer) -> tuple[Loaded, Fates, Verdict]:
    made = trainer.judge(shard)
    return shard, made, Verdict(trainer, made.stops, made.writes, made.state)


def loaded(root: Path, format_name: str, trainer: Trainer) -> Loaded:
    source = plugins().formats[format_name]().open(OpenRequest(root, columns=wanted_columns([trainer], format_name)))
    refs = source.shards(1_000_000)
    shard = refs[0].load()
    shard = shard.replace(problems=Columns.concat((problem_columns(source.info.problems), shard.problem_columns)))
    probes = wanted_probes([trainer], source.info, plugins().probes)
    measurements = measure(shard.image_columns["file"].tolist(), probes, None) if probes else None
    return loaded_for_trainers(source.info, shard, measured_shard(shard, measurements, source.info.box_units))


__all__ = ["Columns", "cases", "fates", "image", "judge", "judged", "loaded", "partial", "plugins", "recorded"]
