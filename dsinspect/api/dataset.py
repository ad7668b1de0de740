"""`dsinspect.open`: a dataset as frames, with its samples and a contact sheet."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from dsinspect.api._asked import StrPath, probes_of, requested, samples_of
from dsinspect.api._words import in_python_words
from dsinspect.errors import UserError, nearest_or_all
from dsinspect.findings.wording import counted
from dsinspect.inspection.request import Request
from dsinspect.loader import Plugins

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from dsinspect.protocols.formats import Source
    from dsinspect.tables.columns import Columns
    from dsinspect.tables.dataset import DatasetInfo
    from dsinspect.transformation.samples import Sample

SHARD = 4096


@in_python_words()
def open(path: StrPath, *, format: str | None = None, images: StrPath | None = None, config: StrPath | None = None) -> Dataset:
    """Open a dataset.

    Args:
        path: a folder, an annotation file, or a table.
        format: name of the format; detected when None.
        images: folder of the images when it is not where the format keeps them.
        config: configuration file; the nearest one to the dataset when None.

    Raises:
        UserError: nothing there is readable.
    """
    request, plugins = requested(path, format=format, images=images, config=config)
    return Dataset(request, plugins)


class Dataset:
    """An opened dataset: its tables as pandas frames, and its images drawn.

    The tables are read when they are first asked for. Boxes are in px; frames are shared, so never change them in place.
    """

    def __init__(self, request: Request, plugins: Plugins) -> None:
        """Open it; `dsinspect.open` does."""
        from dsinspect.inspection.opening import open_dataset

        self._request = request
        self._plugins = plugins
        self._source: Source = open_dataset(request, plugins)

    @property
    def info(self) -> DatasetInfo:
        """What is known before the records are read: format, categories, splits, notes."""
        return self._source.info

    @cached_property
    def _tables(self) -> tuple[Columns, Columns]:
        from dsinspect.inspection.measure import measure, measured_shard
        from dsinspect.tables.columns import Columns
        from dsinspect.tables.schema import FRAME_COLUMNS

        probes = probes_of(self._plugins, FRAME_COLUMNS) if self.info.has_files else ()
        images, annotations, done = [], [], 0
        for ref in self._source.shards(SHARD):
            shard = ref.load()
            found = measure(shard.image_columns["file"].tolist(), probes, self._request.cache) if probes else None
            shard = measured_shard(shard, found, self.info.box_units)
            rows = shard.annotation_columns["image_row"]
            images.append(shard.image_columns)
            annotations.append(shard.annotation_columns.with_columns({"image_row": rows + done * (rows >= 0)}))
            done += len(shard.image_columns)
        return Columns.concat(tuple(images)), Columns.concat(tuple(annotations))

    @property
    def images(self) -> pd.DataFrame:
        """One row per image: `dsinspect.tables.schema.IMAGE_COLUMNS`, the measured size, and the frame of the boxes, px."""
        return self._tables[0].frame

    @property
    def annotations(self) -> pd.DataFrame:
        """One row per annotation: `dsinspect.tables.schema.ANNOTATION_COLUMNS`; boxes x_min, y_min, x_max, y_max in px.

        `image_row` is the row in `images`, -1 where the declared image does not exist.
        """
        return self._tables[1].frame

    @property
    def categories(self) -> pd.DataFrame:
        """One row per category: `category_id`, `name`, `supercategory`, and how many `annotations` it has in how many `images`.

        Annotations of an image that no record declares are not counted, as in reports.
        """
        import pandas as pd

        a = self.annotations
        known = a[a["category"].notna() & (a["image_row"] >= 0)]
        boxes = known.groupby("category", sort=False).size()
        images = known.groupby("category", sort=False)["image_row"].nunique()
        declared = [(c.category_id, c.name, c.supercategory) for c in self.info.categories]
        declared += [(-1, n, "") for n in boxes.index if n not in {c.name for c in self.info.categories}]
        frame = pd.DataFrame(declared, columns=["category_id", "name", "supercategory"])
        return frame.assign(annotations=[int(boxes.get(n, 0)) for n in frame["name"]],
                            images=[int(images.get(n, 0)) for n in frame["name"]])

    @in_python_words()
    def view(self, limit: int = 16, *, category: str | None = None, side: int = 240) -> NDArray[np.uint8]:
        """Draw the first images with their boxes on one sheet.

        Args:
            limit: images at most.
            category: only images with a box of it.
            side: longer side of an image on the sheet, px.

        Returns:
            (H, W, 3) uint8 RGB.

        Raises:
            UserError: there is no image to show, or no such category.
        """
        import numpy as np

        from dsinspect.inspection.opening import open_dataset
        from dsinspect.render.contact_sheet import Marked, sheet, tile
        from dsinspect.render.shapes import class_label, shapes_of
        from dsinspect.tables.columns import Columns
        from dsinspect.tables.schema import SHAPE_COLUMNS

        shown = []
        source = open_dataset(self._request, self._plugins, SHAPE_COLUMNS)
        for sample in samples_of(source, (), self._plugins, {"keep_truncated": True}):
            if category is not None and category not in sample.categories:
                continue
            shapes = shapes_of(Columns.of(sample.annotations), range(len(sample.annotations)))
            labels = map(class_label, sample.categories, sample.annotations["category_id"].tolist())
            boxes = [Marked(s.box, label, shape=s) for s, label in zip(shapes, labels, strict=True)]
            shown.append(tile(np.ascontiguousarray(sample.image[..., ::-1]), side, boxes, sample.path))
            if len(shown) == limit:
                break
        if not shown and category is not None:
            if category not in (known := self.categories["name"].tolist()):
                raise UserError(f"category={category}: the dataset has no such class{nearest_or_all(category, known)}")
            raise UserError(f"{self._request.path}: no image that can be shown has a box of {category}")
        if not shown:
            raise UserError(f"{self._request.path}: no image to show")
        return np.ascontiguousarray(sheet(shown)[..., ::-1])

    def __iter__(self) -> Iterator[Sample]:
        """Yield the images that can be read and are whole, as they stand, with their annotations."""
        return samples_of(self._source, (), self._plugins)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._tables[0])

    def __repr__(self) -> str:
        return (f"<dsinspect.Dataset {self._request.path!r}: {self.info.format}, {counted(len(self.images), 'image')}, "
                f"{counted(len(self.annotations), 'annotation')}, {len(self.categories):,} "
                f"{'category' if len(self.categories) == 1 else 'categories'}>")
