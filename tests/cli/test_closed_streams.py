"""Standard streams that are closed: no traceback, no file that takes the number of one, and the exit code tells."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from cli.conftest import SAMPLES

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell closes them")


@pytest.mark.usefixtures("opencv")  # else stderr has a line about it
@pytest.mark.parametrize(("closed", "code"), [(">&-", 2), ("2>&-", 1), (">&- 2>&-", 2), ("<&- >&- 2>&-", 2), ("<&-", 1)])
def test_a_closed_stream_is_no_fault_of_ours(closed: str, code: int) -> None:
    done = subprocess.run(
        f'exec "{sys.executable}" -m dsinspect check "{SAMPLES / "coco"}" --statistics --no-cache {closed}', shell=True, text=True,
        capture_output=True, timeout=120, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == code, done.stderr
    if "2>&-" in closed:
        assert done.stderr == ""
    elif ">&-" in closed:
        assert done.stderr == "dsinspect: error: output: Bad file descriptor\n"
    if " >&-" not in f" {closed}":
        assert "BOX001" in done.stdout
