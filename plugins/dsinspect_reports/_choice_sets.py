"""Which decisions the findings of a check can take: the sets that there are, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.decisions import OF_CHECKS, choices_of
from dsinspect.protocols.run import Outcome
from dsinspect.tables.columns import is_given
from dsinspect.tables.schema import NO_POSITION

if TYPE_CHECKING:
    from numpy.typing import NDArray


def choice_sets(outcome: Outcome, no_place: Collection[str]) -> tuple[NDArray[np.intp], list[tuple[str, ...]]]:
    """Return for each finding of a check which set of decisions it can take, and the sets.

    Args:
        outcome: of the check.
        no_place: actions of edits that the format has no place for.
    """
    columns, templates = outcome.findings.columns, outcome.findings.templates
    flags = np.zeros(len(outcome.findings), np.int64)
    for bit, known in enumerate((is_given(columns["source"]), columns["index"] != NO_POSITION, is_given(columns["image"]),
                                 is_given(columns["category"]))):
        flags |= known.astype(np.int64) << bit
    flags |= ((columns["source"] == columns["image"]) & is_given(columns["image"])).astype(np.int64) << 4
    keys, codes = np.unique(columns["template"].astype(np.int64) * 32 + flags, return_inverse=True)
    sets = []
    for key in keys.tolist():
        template, known = templates[key // 32], key % 32
        sets.append(choices_of(
            has_annotation=template.has_annotation, source="" if known & 1 else None, index=0 if known & 2 else None,
            image="" if known & 4 else None, category="" if known & 8 else None,
            fix=template.fix.action if template.fix else None, no_place=no_place, is_file=bool(known & 16)))
    return codes.astype(np.intp), sets


def of_check(sets: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return what all findings of a check can take, of what may stand for a whole check."""
    return tuple(a for a in OF_CHECKS if all(a in s for s in sets))
