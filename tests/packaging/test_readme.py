"""What README tells people to run is what CI runs, word for word."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_ci_runs_the_command_of_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, second = re.findall(r"```sh\n(python3 -m venv .*)\n```", readme)
    taken = re.search(r"^tests=\$\((.*)\)$", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)
    assert taken
    done = subprocess.run(["bash", "-c", taken[1]], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == second + "\n"
