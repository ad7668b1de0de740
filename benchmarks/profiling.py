"""Where the time of a command goes, by py-spy: the functions of this project, with what they call in libraries.

    python benchmarks/profiling.py check DATASET ...          as `dsinspect check DATASET ...`
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

OURS = ("dsinspect/", "dsinspect_checks/", "dsinspect_formats/", "dsinspect_probes/", "dsinspect_reports/",
        "dsinspect_executors/", "dsinspect_transforms/")
RATE = 200


def profiler() -> str | None:
    """Return the path of py-spy, or None."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


def profile(arguments: list[str]) -> list[tuple[str, float]]:
    """Run the command line and return our functions with the share of the samples each accounts for, largest first.

    A sample belongs to the innermost of our functions that is under way: what NumPy, OpenCV or a decoder does for it is
    its own. Worker processes count as well; threads that wait do not.

    Raises:
        RuntimeError: py-spy is not installed, or cannot look into processes here.
    """
    spy = profiler()
    if spy is None:
        raise RuntimeError("py-spy is not installed")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "samples"
        done = subprocess.run(
            [spy, "record", "--format", "raw", "--output", str(out), "--subprocesses", "--rate", str(RATE), "--",
             sys.executable, "-m", "dsinspect", *arguments], capture_output=True, text=True, check=False)
        if not out.exists():
            raise RuntimeError(f"py-spy: {done.stderr.strip()[-300:]}")
        counts: Counter[str] = Counter()
        for line in out.read_text().splitlines():
            stack, _, samples = line.rpartition(" ")
            ours = [f for f in stack.split(";") if any(part in f for part in OURS)]
            counts[named(ours[-1]) if ours else "Python and libraries starting and ending"] += int(samples)
    total = counts.total() or 1
    return [(name, n / total) for name, n in counts.most_common()]


def named(frame: str) -> str:
    """Return `module.py: function` of a frame `function (path/module.py:12)`."""
    function, _, place = frame.partition(" (")
    path = place.rstrip(")").rpartition(":")[0]
    return f"{path[min(path.find(p) for p in OURS if p in path):]}: {function}"


def main() -> None:
    for name, share in profile(sys.argv[1:])[:25]:
        print(f"{share:6.1%}  {name}")


if __name__ == "__main__":
    main()
