"""Find the words that name splits in folders and file names, in any case."""

from __future__ import annotations

import re

from dsinspect.io.split_names import SPLIT_NAMES

_WORDS = "|".join(sorted(SPLIT_NAMES, key=len, reverse=True))
_WORD = re.compile(rf"(?:^|[_\-. ])({_WORDS})(?:[_\-. ]?\d{{0,4}})?(?=$|[_\-. ])", re.I)


def split_named(name: str) -> str | None:
    """Return the split that a folder's whole name says, or None.

    >>> split_named("Testing"), split_named("images")
    ('test', None)
    """
    return SPLIT_NAMES.get(name.lower())


def split_of_folders(path: str) -> str | None:
    """Return the split that the first of a path's folders with such a name says, or None.

    >>> split_of_folders("Training/images/a.jpg"), split_of_folders("train.jpg")
    ('train', None)
    """
    return next((s for p in path.split("/")[:-1] if (s := split_named(p))), None)


def split_in(stem: str) -> str | None:
    """Return the split that a word of a file's name says, or None.

    >>> split_in("instances_val2017"), split_in("train_labels"), split_in("trainer")
    ('val', 'train', None)
    """
    match = _WORD.search(stem)
    return SPLIT_NAMES[match[1].lower()] if match else None
