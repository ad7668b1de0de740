"""Edit COCO files without loss: only the spans of records that edits name are touched."""

from __future__ import annotations

from collections.abc import Iterator

from dsinspect.io.reading import read_regular
from dsinspect.protocols.edits import LATER_ACTIONS, ROW_ACTIONS, Edits
from dsinspect.protocols.formats import OpenRequest, Patch
from dsinspect_formats._editing import CategoryPlan, Changes
from dsinspect_formats._images import ImageTree
from dsinspect_formats._splicing import shown_path
from dsinspect_formats.coco._editor import CocoEditor
from dsinspect_formats.coco._files import base_folder
from dsinspect_formats.coco._settling import check_everywhere, files_of, settle_boxes, settle_ids, settle_images, settle_records


def patch(request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`.

    Beyond what the actions say: `set-annotation-id` without a text gives the next free id of the file, `set-path`
    without one the path that leads to the image from its folder, and `set-field` without an address fills in
    `id`, `area` or `iscrowd` wherever a file's annotations lack it. `add-box` writes the members that the last annotation of
    the file has, as far as they follow from the box; `add-category` declares it in every file, with the next free id.
    """
    if not len(edits):
        return
    changes = Changes.of(edits, "coco", (), LATER_ACTIONS - ROW_ACTIONS)
    base = base_folder(request.root)
    tree = ImageTree.below(request.images or base)
    files = files_of(request, base, tree)
    declared = [c.name for f in files for c in f.read.categories]
    plan = CategoryPlan.of(changes.categories, declared, changes.new_categories)
    settle_records(files, changes, plan)
    settle_images(files, changes)
    settle_ids(files)
    settle_boxes(files, changes, plan)
    first_new = 1 + max((c.category_id for f in files for c in f.read.categories), default=0)
    new_ids = {name: first_new + k for k, name in enumerate(plan.added)}
    by_source = {f.source: f for f in files}
    for source, change in changes.files.items():
        if source not in by_source:
            raise change.wrong("no such file in the set")
        by_source[source].to_utf8 = True
    check_everywhere(changes.everywhere, by_source)
    for file in files:
        everywhere = [c for c in changes.everywhere if c.source in (None, file.source)]
        if not (file.is_touched or plan or everywhere):
            continue
        before = read_regular(file.path)
        after = CocoEditor(file, plan, new_ids, everywhere, tree, base, before).apply()
        if after != before:
            yield Patch(shown_path(request.root, file.path), before, after)
