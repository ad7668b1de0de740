"""Cityscapes: a JSON file of polygons per image; boxes are their envelopes."""

from __future__ import annotations

from pathlib import Path

from dsinspect.errors import UserError
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Source
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import Problem
from dsinspect_formats._images import ImageTree, relative, walk
from dsinspect_formats._sniffing import head_of, weigh

ENDING = "_polygons.json"


class Cityscapes(Format):
    """Cityscapes' fine and coarse polygons."""

    name = "cityscapes"
    also_called = ("gtfine",)
    facts = Facts(
        recognised="`*_polygons.json` with imgHeight, imgWidth and objects with a polygon",
        read="polygons and their envelopes; labels that end in `group` as crowds; labels that Cityscapes does not evaluate as "
             "ignored; `deleted` objects are left out",
        assumed="px from 0")
    load_us = 400

    def detect(self, root: Path) -> Detection | None:
        """Look for a `*_polygons.json` with imgHeight and objects."""
        if not root.is_dir():
            return None
        for path in (p for p in walk(root) if p.endswith(ENDING)):
            head = head_of(root / path)
            if b'"imgHeight"' in head or b'"imgWidth"' in head:
                return Detection(0.96, f"{path} has Cityscapes' polygons", weigh(root, path, b'"polygon"'))
            break
        return None

    def open(self, request: OpenRequest) -> Source:
        """List the files; none is read yet.

        Raises:
            UserError: no such file.
        """
        from dsinspect_formats._label_files import Entry, FilesSource
        from dsinspect_formats._named_images import orphan_images
        from dsinspect_formats._reading import split_of
        from dsinspect_formats.cityscapes.reader import COLUMNS, _scene, read

        root = request.root
        labels = [p for p in walk(root) if p.endswith(ENDING)]
        if not labels:
            raise UserError(f"{root}: no file *{ENDING} found")
        tree = ImageTree.below(request.images or root)
        images = {_scene(p): p for p in tree.paths if "leftImg8bit" in p} or {_scene(p): p for p in tree.paths}
        entries, used = [], set()
        for label in labels:
            found = images.get(_scene(label))
            if found is None:
                path = label.replace("/gtFine/", "/leftImg8bit/").replace("/gtCoarse/", "/leftImg8bit/")
                path = path.rpartition("/")[0] + f"/{_scene(label)}_leftImg8bit.png"
                entries.append(Entry(path.removeprefix("/"), None, split_of(label), label))
            else:
                used.add(found)
                shown_path = found if tree.folder == root else relative(tree.folder / found, root)
                entries.append(Entry(shown_path, tree.open_path(found), split_of(label), label))
        problems: list[Problem] = orphan_images(tree, used, root)
        info = DatasetInfo(format=self.name, root=root, problems=tuple(problems), columns=COLUMNS, notes=(
            "boxes are the envelopes of polygons, px from 0", "labels that end in `group` are crowds",
            "labels that Cityscapes does not evaluate are ignored"))
        return FilesSource(info, entries, read, sorted(COLUMNS & request.columns))
