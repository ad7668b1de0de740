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
    """What the class of a region is."""

    class_attribute: Annotated[str, option("region attribute that holds the class; empty to choose it by its name, else by how "
                                           "many regions have it")] = ""
    one_class: Annotated[str, option("class of all regions, where none of the set has one")] = ""
