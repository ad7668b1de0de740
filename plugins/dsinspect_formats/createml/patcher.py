"""Edit CreateML sets without loss: splices into their JSON."""

from __future__ import annotations

from collections.abc import Iterator

from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._json_files import all_like
from dsinspect_formats._json_patching import image_places, patch_json
from dsinspect_formats.createml._looks import looks_like
from dsinspect_formats.createml.reader import _File, open_set


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`."""
    if len(edits):
        source = open_set(request)
        files = [_File(p, source.info.root) for p in all_like(request.root, looks_like)]
        yield from patch_json(own.name, request, edits, files, image_places(source, edits), own.no_place)
