"""Mistakes in the words of the Python API: what a message calls by the option of a command is an argument here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from dsinspect.errors import UserError

_LEADS = (
    (re.compile(r"^-o (?=\S)"), ""),
    (re.compile(r"^--op (?=\S)"), "ops: "),
    (re.compile(r"^--output-format (?=\S)"), "report: "),
    (re.compile(r"^--(select|ignore):"), r"\1:"),
    (re.compile(r"^--class (\S+):"), r"category=\1:"),
    (re.compile(r"^--for (\S+):"), r"trainer=\1:"),
    (re.compile(r"^--strict:"), "strict=True:"))
"""What a message begins with."""
_VALUES = re.compile(r"(?<!\S)--(format|to|executor|images|config|only-classes) (?!names\b)([^\s:,;()]+)(?=[\s:,;()]|$)")
_FLAGS = re.compile(r"(?<!\S)--(force|resume|swap-mirrored|drop-empty|drop-unsupported|keep-truncated|unsafe|link)\b(?! ?=)")
_BARE = re.compile(r"(?<!\S)--(format|to|images|config|jobs|imgsz|executor|select|ignore)\b(?! ?=)")


@contextmanager
def in_python_words() -> Iterator[None]:
    """Let a UserError that is raised within speak of arguments; a context, or a decorator."""
    try:
        yield
    except UserError as e:
        e.details = tuple(map(of_arguments, e.details))
        e.args = (of_arguments(str(e)), e.details)
        raise


def of_arguments(message: str) -> str:
    """Return a message of a command with the arguments of the API in place of its options.

    >>> of_arguments("-o out: the folder is not empty; name another one, or use --force")
    'out: the folder is not empty; name another one, or use force=True'
    >>> of_arguments("--op flipp: no such transform"), of_arguments("--executor a: no such executor; name it with --executor")
    ('ops: flipp: no such transform', 'executor=a: no such executor; name it with executor=')
    """
    for lead, argument in _LEADS:
        message = lead.sub(argument, message)
    message = _VALUES.sub(lambda m: f"{m[1].replace('-', '_')}={m[2]}", message)
    message = _FLAGS.sub(lambda m: f"{m[1].replace('-', '_')}=True", message)
    return _BARE.sub(lambda m: f"{m[1]}=", message)
