"""Pascal VOC masks: PNG images of instances and classes; the boxes are the extents of the instances."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from dsinspect.errors import UserError
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Source
from dsinspect.tables.dataset import Category, DatasetInfo
from dsinspect_formats._images import ImageTree, stem_of, walk
from dsinspect_formats._sniffing import head_of
from dsinspect_formats.vocmask._looks import LABELS, OBJECTS, PNG, _masks


class VocMask(Format):
    """Pascal VOC segmentation: SegmentationObject and SegmentationClass."""

    name = "vocmask"
    also_called = ("voc-mask", "segmentation-mask")
    facts = Facts(
        recognised="PNG files in `SegmentationObject/`; where there is XML as well, that is surer",
        read="each colour of the mask of instances as an object with its mask; its class is the commonest in SegmentationClass "
             "(labelmap.txt, else VOC's colours)",
        assumed="boxes are the extents of the masks, half-open px from 0; the white border belongs to nothing")
    load_us = 1_400
    by_stem = True

    def detect(self, root: Path) -> Detection | None:
        """Look for PNG images in SegmentationObject; where there is XML beside them, the set is VOC's, whose boxes that holds."""
        found = next(iter(_masks(root)), None) if root.is_dir() else None
        if found is None or not head_of(root / found, 8).startswith(PNG):
            return None
        if any((root / found.rpartition(OBJECTS)[0] / "Annotations").glob("*.xml")):
            return None
        return Detection(0.6, f"{found} is a mask of instances", len(_masks(root)))  # one at least in each

    def open(self, request: OpenRequest) -> Source:
        """List masks and images; no mask is decoded yet.

        Raises:
            UserError: no mask, or the decoder cannot be had.
        """
        from dsinspect_formats._label_files import FilesSource, matched
        from dsinspect_formats.vocmask.reader import COLUMNS, _colours, _lines, read_masks

        root = request.root
        masks = _masks(root)
        if not masks:
            raise UserError(f"{root}: no PNG file in SegmentationObject")
        try:
            import cv2  # noqa: F401 - said now, not in every worker
        except ImportError as e:
            raise UserError(f"{root}: masks need OpenCV, which cannot be imported: {e}") from None
        tree = ImageTree.below(request.images or root)
        entries, problems = matched(masks, tree, root, lambda p: p.replace(OBJECTS, "JPEGImages/").rpartition(".")[0] + ".jpg",
                                    within=lambda p: OBJECTS not in f"/{p}" and LABELS not in f"/{p}")
        listed = {s for p in walk(root) if "ImageSets/" in p and p.endswith(".txt") for s in _lines(root / p)}
        told = [p for p in problems if p.kind != "orphan-image" or (p.image and stem_of(p.image) in listed)]
        colours, names = _colours(root)
        categories = tuple(Category(k, n) for k, n in enumerate(names) if k)
        info = DatasetInfo(format=self.name, root=root, categories=categories, problems=tuple(told), columns=COLUMNS, notes=(
            "boxes are the extents of the instances, half-open px from 0", "white borders (void) belong to no object"))
        read = partial(read_masks, root=str(root), colours=colours, names=names)
        kept = [e for e in entries if e.label is not None]  # most images of VOC have no mask
        return FilesSource(info, kept, read, sorted(COLUMNS & request.columns))
