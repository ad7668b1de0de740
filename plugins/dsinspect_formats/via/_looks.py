"""How VIA's files are recognised, and the options of reading them."""

from __future__ import annotations

import re
from typing import Annotated

from dsinspect.protocols.options import BaseOptions, option

HEADER = re.compile(rb"\A(?:\xef\xbb\xbf)?#?\"?filename\"?,\"?file_size\"?,\"?file_attributes\"?,", re.I)
_JSON = re.compile(rb'"_via_img_metadata"\s*:|"shape_attributes"\s*:|"regions"\s*:\s*[\[{].{0,2000}"file_attributes"\s*:', re.S)


def looks_like(ends: bytes) -> bool:
    """Say whether a file is VIA's, by its beginning and end."""
    if HEADER.match(ends):
        return True
    return ends.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and bool(_JSON.search(ends)) and b'"filename"' in ends


SUFFIXES = (".json", ".csv")


class Options(BaseOptions, frozen=True):
    """What the class of a region is, and which polylines are outlines."""

    class_attribute: Annotated[str, option("region attribute that holds the class; empty to choose it by its name, else by how "
                                           "many regions have it")] = ""
    one_class: Annotated[str, option("class of all regions, where none of the set has one")] = ""
    closed_px: Annotated[float, option("polylines whose ends are at most this far apart (px) are read as polygons; VIA takes "
                                       "a click so close to the first point for that point", ge=0)] = 5.0
