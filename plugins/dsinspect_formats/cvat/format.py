"""CVAT XML 1.1, for images and for video: one file, or several beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from dsinspect.errors import UserError
from dsinspect.protocols.edits import ROW_ACTIONS
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch, Source
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect_formats._images import relative
from dsinspect_formats._sniffing import LOOKED_AT, ends_of, files_below, weigh
from dsinspect_formats.coco._files import base_folder, split_of
from dsinspect_formats.cvat._looks import looks_like

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits
    from dsinspect_formats.cvat._video import Frames


class WriterOptions(BaseOptions, frozen=True):
    """What is written."""

    video: Annotated[bool, option("write CVAT XML for video: tracks, and images that are named by frames")] = False


class Cvat(Format):
    """CVAT XML 1.1 for images and for video: boxes, rotated boxes, polygons, masks, points, skeletons, and tracks."""

    name = "cvat"
    facts = Facts(
        recognised="an XML file whose root is `<annotations>` with `<image>` or `<track>`",
        read="boxes, rotated boxes, polygons, masks, ellipses, points, skeletons, attributes, occluded, z_order, groups, "
             "subsets; tracks, interpolated between key frames, `outside` as an absence; deleted frames",
        kept="attributes, source, groups, track ids, z_order, the text of numbers",
        written="CVAT XML 1.1 for images: `annotations.xml`, the split as subset; with `cvat.video` that for video: tracks, and "
                "images named by frames",
        assumed="px from 0, xtl ytl xbr ybr; rotation in degrees clockwise about the centre")
    writer_options_type = WriterOptions
    writable = True
    patchable = True
    no_place = ROW_ACTIONS | {"set-area", "set-annotation-id", "mark-as-crowd"}

    def detect(self, root: Path) -> Detection | None:
        """Look for XML files with `<annotations>` that hold images or tracks."""
        for path in islice(files_below(root, (".xml",)), LOOKED_AT):
            if looks_like(ends_of(path)):
                kind = "video" if b"<track" in ends_of(path) else "images"
                name = relative(path, root) if root.is_dir() else root.name
                return Detection(0.9, f"{name} is CVAT XML for {kind}", weigh(root, name, b" occluded="))
        return None

    def open(self, request: OpenRequest) -> Source:
        """Read the XML files and find the images.

        Raises:
            UserError: no CVAT file, or none in which anything can be read.
        """
        from dsinspect_formats._gathering import Gathered, memory_source
        from dsinspect_formats._json_files import all_like
        from dsinspect_formats._json_sets import require_one_set
        from dsinspect_formats._writing import left_out_losses
        from dsinspect_formats.cvat.reader import COLUMNS, _notes, read_file, tags_of

        files = all_like(request.root, looks_like, (".xml",))
        if not files:
            raise UserError(f"{request.root}: no CVAT XML file found")
        require_one_set(files, request.root, "CVAT")
        base = base_folder(request.root)
        gathered = Gathered(request.columns & COLUMNS)
        read = [read_file(f, base, gathered, split_of(f, only=True)) for f in files]
        if not any(r.is_cvat for r in read):
            reason = read[0].error[1] if read[0].error else "its root element is not <annotations>"
            raise UserError(f"{files[0]}: not a CVAT file: {reason}")
        labels = tuple(dict.fromkeys(name for r in read for name in r.labels))
        return memory_source(
            "cvat", request, base, gathered, files=files, columns=COLUMNS, notes=_notes(read), problems=tags_of(read),
            beyond=left_out_losses(sum((f.left_out for f in read), Counter[str]())),
            categories=tuple(Category(k, name) for k, name in enumerate(labels)))

    @cached_property
    def _frames(self) -> Frames:
        from dsinspect_formats.cvat._video import Frames

        return Frames()

    @property
    def _is_video(self) -> bool:
        return isinstance(self.options, WriterOptions) and self.options.video

    def place(self, path: str, split: str | None) -> str:
        """Return the image's own path below `images/`; of a video, its frame there."""
        from dsinspect_formats.cvat.writer import place

        if self._is_video:
            return self._frames.place(path)

        return place(path)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        if self._is_video:
            from dsinspect_formats.cvat._video import write as write_video

            return write_video(info, shards, out)
        from dsinspect_formats.cvat.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.cvat.patcher import patch

        return patch(self, request, edits)
