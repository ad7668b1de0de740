"""VisDrone detection: a text file per image, x,y,w,h,score,category,truncation,occlusion in px from 0."""

from __future__ import annotations

from pathlib import Path

from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Source
from dsinspect.tables.dataset import Category, DatasetInfo
from dsinspect_formats._images import ImageTree
from dsinspect_formats._sniffing import label_files, weigh
from dsinspect_formats.visdrone._rows import looks_like_rows, looks_like_video


class VisDrone(Format):
    """VisDrone: still images, and sequences with tracks."""

    name = "visdrone"
    facts = Facts(
        recognised="text files with rows of eight numbers and commas (a score of 0 or 1, a category of 0 to 11), or ten with a "
                   "frame and a track first",
        read="boxes; score, truncation and occlusion as attributes; tracks of sequences; score 0 or category 0 as ignored; "
             "category 11 is `others`",
        assumed="px from 0, left, top, width and height; frames are `sequences/SEQUENCE/0000001.jpg`")
    load_us = 60
    by_stem = True

    def detect(self, root: Path) -> Detection | None:
        """Look at the first text files for rows of eight numbers: a score of 0 or 1 and a category of 0 to 11."""
        if not root.is_dir():
            return None
        found = label_files(root, ".txt", looks_like_rows, first_only=True)
        if not found:
            video = label_files(root, ".txt", looks_like_video, first_only=True)
            return Detection(0.95, f"{video[0]} has rows of ten numbers with commas, as VisDrone's sequences",
                             weigh(root, video[0], b"\n")) if video and not video[0].endswith("gt/gt.txt") else None
        return Detection(0.95, f"{found[0]} has rows of eight numbers with commas, as VisDrone's", weigh(root, found[0], b"\n"))

    def open(self, request: OpenRequest) -> Source:
        """List label files and images; no label is read yet."""
        from dsinspect_formats._label_files import FilesSource, matched
        from dsinspect_formats.visdrone._video import open_video
        from dsinspect_formats.visdrone.reader import CLASSES, COLUMNS, image_of, read

        root = request.root
        video = label_files(root, ".txt", looks_like_video)
        if video and not label_files(root, ".txt", looks_like_rows, first_only=True):
            return open_video(self.name, request, video)
        labels = label_files(root, ".txt", looks_like_rows, ("annotations",))
        entries, problems = matched(labels, ImageTree.below(request.images or root), root, image_of, words=True)
        categories = tuple(Category(k, name) for k, name in enumerate(CLASSES))
        info = DatasetInfo(
            format=self.name, root=root, categories=categories, problems=tuple(problems), columns=COLUMNS,
            notes=("boxes are read as px from 0",
                   "rows with score 0 or category 0 (ignored regions) are ignored; category 11 is `others`"))
        return FilesSource(info, entries, read, sorted(COLUMNS & request.columns))
