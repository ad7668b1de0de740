"""How Label Studio's files are recognised, and the options of reading them."""

from __future__ import annotations

import re
from typing import Annotated

from dsinspect.protocols.options import BaseOptions, option

_WORK = re.compile(rb'"(?:annotations|completions)"\s*:\s*\[')
_RESULT = re.compile(rb'"(?:result|predictions|drafts|total_annotations)"\s*:')


def looks_like(ends: bytes) -> bool:
    """Say whether a file is an export of Label Studio, by its beginning and end."""
    return bool(_WORK.search(ends) and _RESULT.search(ends) and b'"data"' in ends)


class Options(BaseOptions, frozen=True):
    """Whose work is read."""

    annotator: Annotated[str, option("read the annotations of one person only: an id or address, as `completed_by` has it")] = ""
