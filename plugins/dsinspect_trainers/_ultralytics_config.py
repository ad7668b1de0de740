"""What makes Ultralytics' reading of data.yaml raise: keys, classes and places of splits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from dsinspect.io.places import ends_as
from dsinspect.protocols.trainers import Stop

if TYPE_CHECKING:
    from dsinspect.tables.dataset import DatasetInfo

CONFIG = "data/utils.py: check_det_dataset"
NAMES = "nn/autobackend.py: check_class_names"


def stops_of_config(dataset: DatasetInfo, *, wants_integer: bool, looks_here: bool) -> tuple[Stop, ...]:
    """Return what makes the reading of data.yaml raise, the first met at the front; nothing without a configuration.

    Args:
        dataset: the set; training is taken to start in the folder of its configuration.
        looks_here: whether a relative `path` is looked for where training is started, as from 8.3.134 on; before, only in the
            folder of datasets.
        wants_integer: whether `nc` itself is looked at, as from 8.4.85 on.
    """
    if dataset.format != "yolo" or dataset.config is None:
        return ()
    if not dataset.config.lower().endswith((".yaml", ".yml")):
        return (Stop("AssertionError: Not a YAML file", CONFIG, (0, 0), source=dataset.config,
                     found="a data.yaml is needed"),)
    named = dataset.named_splits
    stops = [Stop(f"SyntaxError: '{key}:' key missing", CONFIG, (0, 1), source=dataset.config, split=key)
             for key, others in (("train", ("train",)), ("val", ("val", "validation"))) if not any(k in named for k in others)]
    stops += _stops_of_classes(dataset, dataset.config, wants_integer)
    base = dataset.config_base
    lost = base is not None and not looks_here and not PurePath(base).is_absolute() and not ends_as(
        (dataset.root / dataset.config).parent, base)
    for key, error, where in (("val", "images not found, missing path", CONFIG),
                              ("train", "does not exist", "data/base.py: BaseDataset.get_img_files")):
        there = named.get(key, key != "val" or named.get("validation", True))
        if not there or (lost and (key in named or (key == "val" and "validation" in named))):
            stops.append(Stop(f"FileNotFoundError: {error}", where, (0, 4 if key == "val" else 5), source=dataset.config, split=key,
                              found=f"{key} is not on disk where {_puts_it(base, lost=lost)}"))
    return tuple(stops)


def _puts_it(base: str | None, *, lost: bool) -> str:
    if base is None:
        return "it is said to be"
    return f"path: {base} puts it" + (", below the folder of datasets" if lost else "")


def _stops_of_classes(dataset: DatasetInfo, source: str, wants_integer: bool) -> Iterator[Stop]:
    """Yield what is wrong with `nc` and the numbers of `names`."""
    n, nc = len(dataset.categories), dataset.class_count
    number = None if nc is None else _number(nc)
    if nc is not None and wants_integer and (number is None or number % 1):
        yield Stop(f"SyntaxError: 'nc: {nc}' must be an integer", CONFIG, (0, 2), source=source)
    elif n and nc is not None and number != n:
        yield Stop(f"SyntaxError: 'names' length {n} and 'nc: {nc}' must match.", CONFIG, (0, 2), source=source)
    numbers = [c.category_id for c in dataset.categories]
    if n and max(numbers) >= n:
        yield Stop(f"KeyError: '{n}-class dataset requires class indices 0-{n - 1}, but you have invalid class indices "
                   f"{min(numbers)}-{max(numbers)} defined in your dataset YAML.'", NAMES, (0, 3), source=source)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
