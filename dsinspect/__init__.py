"""dsinspect: a linter and review workbook for object-detection datasets.

Importing this package loads nothing heavy: no NumPy, pandas, OpenCV or openpyxl.
"""

from importlib.metadata import PackageNotFoundError, version

import pluggy

try:
    __version__ = version("dsinspect")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"

hookimpl = pluggy.HookimplMarker("dsinspect")
"""Marks a function of a plugin module as the implementation of the hook with its name."""

__all__ = ["__version__", "hookimpl"]
