"""Fixtures shared by all tests."""

from __future__ import annotations

import gc
import os
import sys
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest
from hypothesis import settings

from dsinspect import loader

_PATH = list(sys.path)
try:
    import cv2  # noqa: F401
except ImportError as e:
    sys.path[:] = _PATH  # OpenCV leaves its own folder there, whose `typing` would be every worker's `typing`
    NO_OPENCV = f"OpenCV cannot be imported here ({e}): docs/guide.md, Servers without libGL"

    class _Absent(ModuleType):
        """Stands in for OpenCV: a test that needs it is skipped, and says why."""

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("__"):
                raise AttributeError(name)
            pytest.skip(NO_OPENCV, allow_module_level=True)

    sys.modules["cv2"] = _Absent("cv2")
    sys.modules["cv2"].__spec__ = ModuleSpec("cv2", None)  # `find_spec` asks for it
    os.environ["NO_OPENCV"] = NO_OPENCV


@cache
def _entry_points(group: str, _: tuple[tuple[str, int], ...]) -> EntryPoints:
    return entry_points(group=group)


def entry_points_once(group: str) -> EntryPoints:
    """Find the installed plugins anew only when a folder of `sys.path` has changed: thousands of commands run in this process."""
    folders = tuple((p, os.stat(p).st_mtime_ns) for p in sys.path if os.path.isdir(p))  # noqa: PTH112, PTH116 - quicker
    return _entry_points(group, folders)


loader.entry_points = entry_points_once  # type: ignore[assignment]
os.fsync = lambda descriptor: None  # no test turns the power off

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
if "HYPOTHESIS_RANDOM" not in os.environ:  # the same examples in every run; set it to look for new ones
    settings.load_profile("ci")


def pytest_collection_finish() -> None:
    """Leave the modules and tests, which stay to the end, out of what Python looks through for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def opencv() -> None:
    """For tests of programs that need OpenCV: skipped, with the reason, where it cannot be imported."""
    import cv2

    cv2.imread  # noqa: B018 - what stands in for it skips here


SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the checkout; the test is skipped when it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip("../shared/data is not there")
    return SHARED / "data"
