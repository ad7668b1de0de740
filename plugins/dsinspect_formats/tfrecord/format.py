"""TFRecord files with the keys of TensorFlow's object detection API: boxes in fractions, images inside; no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect_formats._no_place import NO_PLACE
from dsinspect_formats._sniffing import estimate
from dsinspect_formats.tfrecord._looks import Options, WriterOptions, record_files

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits


class TFRecord(Format):
    """TFRecord files of object detection: TFOD's, Roboflow's, CVAT's, Datumaro's."""

    name = "tfrecord"
    also_called = ("tf", "tfod", "tensorflow", "tf-detection-api", "tfrecords")
    facts = Facts(
        recognised="a record whose length has the right CRC32C",
        read="boxes, class numbers and texts, difficult, group_of, is_crowd, areas; label maps (.pbtxt); images inside the "
             "records; no TensorFlow",
        kept="bytes of every record that no edit names, unknown features, source_id",
        written="`SPLIT.tfrecord` and `label_map.pbtxt`, with the images in the records (`tfrecord.embed`)",
        assumed="fractions of the image as displayed, float32; class numbers begin at 1")
    writable = True
    patchable = True
    no_place = NO_PLACE - {"set-image-size", "set-path", "set-area"}
    load_us = 100
    options_type = Options
    writer_options_type = WriterOptions

    def detect(self, root: Path) -> Detection | None:
        """Look for a file whose first record has a length with the right CRC."""
        found = record_files(root, first_only=True)
        if not found:
            return None
        from dsinspect_formats.tfrecord.reader import boxes_in

        return Detection(0.97, f"{found[0]} begins with a TFRecord", estimate(record_files(root), partial(boxes_in, root))[0])

    def open(self, request: OpenRequest) -> Source:
        """Read the boxes of all records; the bytes of the images are touched by the shards.

        Raises:
            UserError: no such file.
        """
        from dsinspect_formats.tfrecord.reader import TFRecordSource

        return TFRecordSource(request)

    def place(self, path: str, split: str | None) -> str:
        """Return its place in `images/SPLIT/`."""
        from dsinspect_formats.tfrecord.writer import place

        return place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the records."""
        from dsinspect_formats.tfrecord.writer import write

        options = self.options if isinstance(self.options, WriterOptions) else WriterOptions()
        return write(info, shards, out, embed=options.embed)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits; records that no edit names keep their bytes."""
        from dsinspect_formats.tfrecord.patcher import patch

        return patch(self, request, edits)
