"""Bridges to other libraries, where they are installed: supervision, FiftyOne, PyTorch.

    from dsinspect import bridges

    detections = bridges.to_supervision(dsinspect.open("my_dataset"))
    bridges.from_supervision(detections, "as_coco", to="coco")
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsinspect import api
from dsinspect.errors import UserError
from dsinspect.io.files import place_file
from dsinspect.io.packed import written_out
from dsinspect.known_names import TARGET_FORMAT

if TYPE_CHECKING:
    from dsinspect.api import Dataset, StrPath
    from dsinspect.conversion.pipeline import Conversion
    from dsinspect.transformation.samples import Sample

Target = tuple[Any, dict[str, Any]]


def to_supervision(dataset: Dataset) -> Any:
    """Return a `supervision.DetectionDataset`; images stay on disk and are read when it asks for them.

    Annotations of unknown images or categories and images without a file have no place in it, and are left out; boxes that
    are not finite stay, for it takes any number.

    Args:
        dataset: from `dsinspect.open`.

    Raises:
        UserError: supervision is not installed.
    """
    import numpy as np

    sv = _imported("supervision")
    categories = dataset.categories
    number = {name: k for k, name in enumerate(categories["name"].tolist())}
    images, annotations = dataset.images, dataset.annotations
    known = annotations[(annotations["image_row"] >= 0) & annotations["category"].isin(list(number))]
    of_image = dict(iter(known.groupby("image_row", sort=False)))
    detections = {}
    for row, file in enumerate(images["file"].tolist()):
        if file is None:
            continue
        part = of_image.get(row)
        boxes = np.zeros((0, 4)) if part is None else part[["x_min", "y_min", "x_max", "y_max"]].to_numpy(np.float64)
        names = [] if part is None else part["category"].tolist()
        detections[_on_disk(file)] = sv.Detections(xyxy=boxes, class_id=np.array([number[n] for n in names], int)) \
            if len(boxes) else sv.Detections.empty()
    return sv.DetectionDataset(classes=list(number), images=list(detections), annotations=detections)


def from_supervision(dataset: Any, out: StrPath, to: str = TARGET_FORMAT, **options: Any) -> Conversion:
    """Write a `supervision.DetectionDataset` as a dataset of any format that can be written.

    Args:
        dataset: with images on disk.
        out: a new folder.
        to: name of the format.
        options: of `dsinspect.convert`.

    Raises:
        UserError: supervision is not installed, or the output cannot be written.
    """
    import numpy as np

    _imported("supervision")
    rows = []
    for path, _, detections in dataset:
        ids = detections.class_id if detections.class_id is not None else np.zeros(len(detections), int)
        boxes = zip(ids.tolist(), detections.xyxy.tolist(), strict=True)
        rows.append((os.fspath(path), [(dataset.classes[k], *box) for k, box in boxes]))
    return _written(rows, list(dataset.classes), out, to, options)


def to_fiftyone(dataset: Dataset, name: str | None = None) -> Any:
    """Return a `fiftyone.Dataset` with one `ground_truth` field of detections; boxes become fractions, as it wants them.

    Args:
        dataset: from `dsinspect.open`.
        name: of the new dataset; FiftyOne chooses one when None.

    Raises:
        UserError: FiftyOne is not installed.
    """
    fo = _imported("fiftyone")
    images, annotations = dataset.images, dataset.annotations
    known = annotations[(annotations["image_row"] >= 0) & annotations["category"].notna()]
    of_image = dict(iter(known.groupby("image_row", sort=False)))
    samples = []
    columns = zip(images["file"].tolist(), images["split"].tolist(), images["frame_width"].tolist(),
                  images["frame_height"].tolist(), strict=True)
    for row, (file, split, width, height) in enumerate(columns):
        if file is None or not (width > 0 and height > 0):
            continue
        part = of_image.get(row)
        found = [] if part is None else [
            fo.Detection(label=c, bounding_box=[x / width, y / height, (x2 - x) / width, (y2 - y) / height])
            for c, x, y, x2, y2 in part[["category", "x_min", "y_min", "x_max", "y_max"]].itertuples(index=False)]
        samples.append(fo.Sample(filepath=str(Path(_on_disk(file)).absolute()), tags=[split] if split else [],
                                 ground_truth=fo.Detections(detections=found)))
    made = fo.Dataset(name)
    made.add_samples(samples)
    return made


def to_torch(dataset: Dataset, transform: Callable[[Sample], Target] | None = None) -> Any:
    """Return a `torch.utils.data.IterableDataset` of image and target, as torchvision's detectors take them.

    The image is (3, H, W) float32, 0 to 1, RGB; the target has `boxes` (N, 4) float32 xyxy px and `labels` (N,) int64,
    from 1 in the order of the categories, for 0 is the background. Boxes without area, which the detectors refuse, and
    annotations of unknown categories are left out.

    Args:
        dataset: from `dsinspect.open`.
        transform: makes image and target of a sample otherwise.

    Raises:
        UserError: PyTorch is not installed.
    """
    import numpy as np

    torch = _imported("torch")
    number = {name: k for k, name in enumerate(dataset.categories["name"].tolist(), 1)}

    def pair(sample: Sample) -> Target:
        labels = np.array([number.get(c or "", 0) for c in sample.categories], np.int64)
        boxes = sample.boxes_xyxy
        keep = (labels > 0) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        image = torch.from_numpy(sample.image.transpose(2, 0, 1).astype(np.float32) / 255)
        return image, {"boxes": torch.from_numpy(boxes[keep].astype(np.float32)), "labels": torch.from_numpy(labels[keep])}

    def pairs(_: Any) -> Iterator[Target]:
        worker = torch.utils.data.get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for k, sample in enumerate(dataset):
            if k % step == first:  # workers share the images out
                yield (transform or pair)(sample)

    return type("Pairs", (torch.utils.data.IterableDataset,), {"__iter__": pairs})()


def _written(rows: list[tuple[str, list[tuple[Any, ...]]]], classes: list[str], out: StrPath, to: str,
             options: dict[str, Any]) -> Conversion:
    """Write images and boxes as COCO JSON in a temporary folder, and convert that."""
    import msgspec

    images: list[dict[str, Any]] = [{"id": k, "file_name": os.path.basename(path)} for k, (path, _) in enumerate(rows, 1)]  # noqa: PTH119
    annotations: list[dict[str, Any]] = []
    for k, (_, boxes) in enumerate(rows, 1):
        for name, x_min, y_min, x_max, y_max in boxes:
            annotations.append({"id": len(annotations) + 1, "image_id": k, "category_id": classes.index(name) + 1, "iscrowd": 0,
                                "bbox": [x_min, y_min, x_max - x_min, y_max - y_min], "area": (x_max - x_min) * (y_max - y_min)})
    with tempfile.TemporaryDirectory(prefix="dsinspect-") as folder:
        for image, (path, _) in zip(images, rows, strict=True):
            place = Path(folder) / image["file_name"]
            if place.exists():
                raise UserError(f"{path}: another image has this name; names must be unique")
            if place_file(path, place, link=False) != "copied":
                raise UserError(f"{path}: cannot be read")
        categories = [{"id": k, "name": n} for k, n in enumerate(classes, 1)]
        (Path(folder) / "annotations.json").write_bytes(msgspec.json.encode(
            {"images": images, "annotations": annotations, "categories": categories}))
        return api.convert(folder, out, to, **options)


def _on_disk(file: str) -> str:
    """Return the path of an image for others to open; one in an archive is written out, unless it is damaged there."""
    with contextlib.suppress(OSError):
        written_out(file)
    return file


def _imported(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as e:
        raise UserError(f"bridges: {name} cannot be imported ({e}); install it with `pip install {name}`") from None
