"""Open Images: CSV files of boxes in fractions of the displayed image, classes by /m/ ids, descriptions beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.errors import UserError
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect_formats._images import ImageTree, relative, stem_of
from dsinspect_formats._no_place import NO_PLACE
from dsinspect_formats._sniffing import marks_in
from dsinspect_formats.openimages._looks import NEEDED, box_files

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits


class OpenImages(Format):
    """Open Images boxes, version 4 to 7, and what else has its header (decimal commas as well)."""

    name = "openimages"
    also_called = ("oid", "openimages-csv", "oidv6")
    facts = Facts(
        recognised="a CSV header with ImageID, LabelName, XMin, XMax, YMin, YMax",
        read="boxes, decimal commas too, flags as attributes, IsGroupOf as a crowd, names of MIDs, lists of images; a class "
             "that is not verified for an image is unknown there",
        kept="flags, Source, Confidence, other columns, digits",
        written="boxes, class descriptions and a list of images for each split",
        assumed="fractions of the image as displayed, in the order XMin, XMax, YMin, YMax")
    writable = True
    by_stem = True
    patchable = True
    no_place = NO_PLACE

    def detect(self, root: Path) -> Detection | None:
        """Look for a CSV file whose header has ImageID, LabelName, XMin, XMax, YMin and YMax."""
        found = box_files(root, first_only=True)
        if not found:
            return None
        return Detection(0.96, f"{found[0]} has the header of Open Images", marks_in(root, box_files(root), b"\n"), found[0])

    def open(self, request: OpenRequest) -> Source:
        """Read the boxes, the descriptions of classes and the lists of images.

        Raises:
            UserError: no such file.
        """
        from dsinspect_formats._named_images import Images, orphan_images
        from dsinspect_formats._reading import MemorySource, split_of
        from dsinspect_formats._rows import Rows
        from dsinspect_formats.openimages.reader import COLUMNS, _folders, _read, beside

        root = request.root if request.root.is_dir() else request.root.parent
        paths = box_files(request.root)
        if not paths:
            raise UserError(f"{request.root}: no CSV file with the columns {', '.join(NEEDED)}")
        names, listed = beside(root, paths)
        tree = ImageTree.below(request.images or root)
        rows = Rows(sorted(COLUMNS & request.columns))
        images = Images()
        for path in paths:
            split = split_of(path, words=True)
            rows.file(path, split=split)
            text = rows.text_of(root / path)
            if text is None:
                continue
            _read(text, path, split, images, rows, names, listed)
        table, problems = images.table(tree, root, _folders, orphans=False)
        named = {(s, stem_of(p)) for p, s in zip(table["path"].tolist(), table["split"].tolist(), strict=True)}
        stems = {stem for _, stem in named}
        for path in tree.paths:  # images of the lists that have no box
            stem = stem_of(path)
            lists = listed.get(stem, {})
            for split, source in lists.items():
                # An id of several lists is an image of each; of one list it is one image, whatever its boxes' file is called.
                if (split, stem) not in named and (len(lists) > 1 or stem not in stems) and (
                        len(lists) == 1 or split_of(path, words=True) in (None, split)):
                    images.row(path if tree.folder == root else relative(tree.folder / path, root), split, source)
        table, problems = images.table(tree, root, _folders, orphans=False)
        used = {f[len(tree.open_path("")):] for f in table["file"].tolist() if f is not None}
        problems += orphan_images(tree, used, root)
        info = DatasetInfo(
            format=self.name, root=root, box_units="fraction", columns=COLUMNS,
            categories=tuple(Category(k, name) for k, name in enumerate(dict.fromkeys(names.values()))),
            notes=("boxes are fractions of the image as displayed", "IsGroupOf is a crowd",
                   "a class that is not verified for an image is unknown there, not absent"))
        return MemorySource(info, table, rows.table(table["image_id"]), [*rows.problems, *problems])

    def place(self, path: str, split: str | None) -> str:
        """Return its place in `images/SPLIT/`."""
        from dsinspect_formats.openimages.writer import place

        return place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.openimages.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.openimages.patcher import patch

        return patch(self, request, edits)
