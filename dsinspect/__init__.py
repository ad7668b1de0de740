"""dsinspect: a linter and review workbook for object-detection datasets.

Importing this package loads nothing heavy: no NumPy, pandas, OpenCV or openpyxl.
"""

import sys

if sys.argv and sys.argv[0].endswith(("/dsinspect", "-m")):  # started as the program: ^C before main() is no traceback
    import _signal  # type: ignore[import-not-found]  # `signal` imports `enum`, in which a ^C would still be one

    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from dsinspect.api import Dataset, Fixed, Inspection, convert, fix, inspect, iter, open, simulate, transform

try:
    __version__ = version("dsinspect")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"

hookimpl = pluggy.HookimplMarker("dsinspect")
"""Marks a function of a plugin module as the implementation of the hook with its name."""

_API = ("Dataset", "Fixed", "Inspection", "convert", "fix", "inspect", "iter", "open", "simulate", "transform")

__all__ = ["Dataset", "Fixed", "Inspection", "__version__", "convert", "fix", "hookimpl", "inspect", "iter", "open", "simulate",
           "transform"]


def __getattr__(name: str) -> Any:
    """Import the Python API when one of its names is first used."""
    if name in _API:
        from dsinspect import api

        return getattr(api, name)
    raise AttributeError(f"module 'dsinspect' has no attribute {name!r}")
