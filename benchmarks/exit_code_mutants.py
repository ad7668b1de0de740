"""Change what decides the exit code of a command, one change at a time, and see whether a test notices.

    python benchmarks/exit_code_mutants.py           # in a copy of the tree; prints a table of Markdown
    python benchmarks/exit_code_mutants.py review    # those whose name has one of these words

Commands are decorated, so mutmut leaves them out; benchmarks/mutating.py has the rest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODES = "tests/cli/test_exit_codes.py"
REVIEWS = "tests/review/test_several_parts.py tests/review/test_surfaces.py"
OF_COMMANDS = "tests/cli/test_exit_codes_of_commands.py"
MUTANTS = (
    ("check: findings or nothing to judge", "commands/check.py",
     "(fails(run) or run.fails_empty)",
     "fails(run)", "tests/hostile/test_gates.py"),
    ("check: --exit-zero turned round", "commands/check.py", "not exit_zero and", "exit_zero and", CODES),
    ("a crashed check alone", "commands/common.py", "if self.plugins.faults or any(", "if any(", "tests/cli/test_plugin_faults.py"),
    ("a faulty plugin alone", "commands/common.py", " or any(run.crashed for run in runs):", ":", CODES),
    ("fix: new findings", "commands/fix.py",
     "if warns_of_new(comparison):",
     "if False:", OF_COMMANDS),
    ("review apply: faults", "commands/review.py", "if found.faults or has_errors:", "if has_errors:", REVIEWS),
    ("review apply: new errors", "commands/review.py",
     "if found.faults or has_errors:",
     "if found.faults:", OF_COMMANDS),
    ("review apply --diff: faults", "commands/review.py",
     "        if found.faults:\n            raise",
     "        if False:\n            raise", REVIEWS),
    ("transform: images that failed", "commands/transform.py",
     "if summary.failures:\n        raise",
     "if not summary.failures:\n        raise", OF_COMMANDS),
    ("a plugin that crashed, as a user's error", "cli.py",
     "return ExitCode.CRASHED if isinstance(e, PluginCrashedError)",
     "return ExitCode.USER_ERROR if isinstance(e, PluginCrashedError)", OF_COMMANDS),
    ("trouble with files, as a crash", "cli.py",
     "        say(f\"dsinspect: error: {e.filename or 'output'}: {e.strerror}\")\n        return ExitCode.USER_ERROR",
     "        return crash(e)", CODES),
    ("^C", "cli.py", "return 128 + e.number", "return 1", OF_COMMANDS),
    ("a pipe that was closed", "cli.py",
     "os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())\n        return ExitCode.OK",
     "return ExitCode.USER_ERROR", "tests/cli/test_closed_streams.py"),
    ("an error of our own, as a user's", "cli.py",
     "    return ExitCode.CRASHED\n",
     "    return ExitCode.USER_ERROR\n", OF_COMMANDS),
    ("an output that cannot be flushed", "cli.py",
     "code = max(code, ExitCode.USER_ERROR)",
     "pass", "tests/cli/test_closed_streams.py"),
)
"""What is changed, the file, the text before and after, and the tests that run."""


def main() -> int:
    """Run every mutant, and say which of them a test noticed."""
    print("| exit code of | change in | noticed |\n|---|---|---|")
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__", "mutants"))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tree), str(tree / "plugins")))}
        for what, file, old, new, tests in MUTANTS:
            if sys.argv[1:] and not any(word in what for word in sys.argv[1:]):
                continue
            path = tree / "dsinspect" / file
            text = path.read_text("utf-8")
            assert old in text, f"{what}: the text to change is not in {file}"
            path.write_text(text.replace(old, new, 1), encoding="utf-8")
            done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests.split()], cwd=tree,
                                  env=environment, check=False, capture_output=True)
            path.write_text(text, encoding="utf-8")
            survived += done.returncode != 1
            print(f"| {what} | {file} | {'yes' if done.returncode == 1 else 'no'} |", flush=True)
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main())
