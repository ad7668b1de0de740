"""Change the code that must not be wrong by one operator, number or word at a time, and see whether a test notices.

    python -m venv /tmp/mutation && /tmp/mutation/bin/pip install mutmut==3.8.1 -e '.[dev]'
    /tmp/mutation/bin/python benchmarks/mutating.py /tmp/mutants            # half an hour of mutants of all modules, then the table
    /tmp/mutation/bin/python benchmarks/mutating.py /tmp/mutants geometry   # those of modules whose path has this word
    MINUTES=600 ... mutating.py /tmp/mutants                                # all of them, or ten hours
    AGAIN=1 ... mutating.py /tmp/mutants                                    # those that survived, after tests were written
    TESTS=tests/core ... mutating.py /tmp/mutants findings                  # with fewer tests, where there is little time

mutmut makes the mutants; they are run here. mutmut starts pytest, with all its collecting, once for each mutant, and gives it
the tests in no order, so that a mutant which a test of 10 ms kills took seconds. Here pytest collects once and runs all tests
once, to see which call which function (what a fixture calls counts for all tests of its file); then each mutant is a fork that
runs the tests of its function, those of the quickest files first, until one fails or `BUDGET` seconds of tests have passed. A
test that fails without any mutant is left out, and named.

Mutants come in an order that depends on their names alone, over all modules, so that those which half an hour has time for are a
sample. What came out is kept beside the tree, and the next run goes on with the mutants that were not tried yet, of modules that
did not change. docs/verification.md keeps the table and says which survivors change nothing that can be seen.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MODULES = (
    "dsinspect/geometry/affine.py", "dsinspect/geometry/annotations.py", "dsinspect/geometry/exif.py",
    "dsinspect/geometry/exif_frames.py", "dsinspect/geometry/label_swap.py", "dsinspect/geometry/rle.py",
    "dsinspect/findings/columns.py", "dsinspect/findings/finding.py", "dsinspect/findings/findings.py",
    "dsinspect/findings/fingerprints.py", "dsinspect/findings/members.py", "dsinspect/findings/rendering.py",
    "dsinspect/findings/severity.py", "dsinspect/findings/wording.py",
    "dsinspect/protocols/edits.py", "dsinspect/fixing/apply.py", "dsinspect/fixing/autofix.py", "dsinspect/fixing/diff.py",
    "dsinspect/fixing/from_findings.py",
    "dsinspect/protocols/options.py", "dsinspect/config.py", "dsinspect/errors.py", "dsinspect/protocols/run.py",
    "dsinspect/commands/check.py")
TESTS = tuple(os.environ["TESTS"].split()) if "TESTS" in os.environ else (
    "tests/core", "tests/transforms", "tests/checks", "tests/test_cases.py", "tests/review/test_fix.py",
    "tests/cli/test_exit_codes.py", "tests/cli/test_exit_codes_of_commands.py", "tests/cli/test_linter.py",
    "tests/hostile/test_exif_frames.py", "tests/hostile/test_safe_fixes.py", "tests/hostile/test_gates.py")
LEFT_OUT = ("not real_sets and not whose_file and not cannot_be_imported and not without_opencv and not none_is_new "
            "and not names_of_test")
"""Tests that take long, or look at the source, and kill nothing that the others do not."""
BUDGET = float(os.environ.get("BUDGET", "15"))
"""Seconds that the tests of one mutant take at most, by the time they take without it; those of the quickest files come first."""
AGAIN = bool(os.environ.get("AGAIN"))
MINUTES = float(os.environ.get("MINUTES", "30"))
RESULTS = "results.json"
"""By module: a hash of its source, and what became of each mutant; an empty text where it was not tried."""
KILLED, SURVIVED, UNREACHED = "killed", "survived", "unreached"


def main(work: Path, words: list[str]) -> int:
    """Copy the tree, let mutmut make the mutants, run them, and print a table by module."""
    chosen = [m for m in MODULES if (ROOT / m).exists() and (not words or any(w in m for w in words))]
    tree = work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__", "mutants"))
    lines = ["[mutmut]", "source_paths=\n    dsinspect", *_lines("only_mutate", chosen),
             *_lines("also_copy", ["plugins", "sample_data", "docs", "benchmarks", "README.md", "CHANGELOG.md"]),
             *_lines("pytest_add_cli_args_test_selection", [*TESTS, "-k", LEFT_OUT]), "track_dependencies=false",
             "use_git_change_detection=false"]
    (tree / "setup.cfg").write_text("\n".join(lines) + "\n", encoding="utf-8")
    here = tree / "mutants"
    here.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (here, here / "plugins", Path(__file__).parent))),
                   "CHOSEN": os.pathsep.join(chosen), "RESULTS": str(work / RESULTS)}
    making = ("from mutmut.__main__ import *; set_mutant_under_test('mutant_generation'); copy_src_dir(); copy_also_copy_files(); "
              "setup_source_paths(); store_lines_covered_by_tests(); create_mutants(1)")
    subprocess.run([sys.executable, "-c", making], cwd=tree, check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "mutating", "-p", "no:cacheprovider", "--rootdir=.", *TESTS,
                           "-k", LEFT_OUT], cwd=here, check=False, env=environment)
    print(table(json.loads((work / RESULTS).read_text("utf-8")), chosen))
    return done.returncode


def _lines(key: str, values: list[str]) -> list[str]:
    return [f"{key}=", *(f"    {v}" for v in values)]


def pytest_runtestloop(session: Any) -> bool:
    """Run the mutants in place of the tests; pytest has collected them, and loaded us as a plugin."""
    began = time.monotonic()
    tests = _Tests(session)
    _say(f"{time.monotonic() - began:7.0f} s  {len(tests.seconds):,} tests call {len(tests.of_function):,} functions")
    kept = Path(os.environ["RESULTS"])
    chosen = os.environ["CHOSEN"].split(os.pathsep)
    results = _known(kept, chosen)
    names = sorted((zlib.crc32(name.encode()), name, module) for module in chosen for name in results[module]["mutants"])
    started = time.monotonic()
    for _, name, module in names:
        of = results[module]["mutants"]
        if of[name] != (SURVIVED if AGAIN else ""):
            continue
        if time.monotonic() - started > 60 * MINUTES:
            break
        items = tests.ordered(name.rpartition("__mutmut_")[0])
        of[name] = _run(session, name, items, 60 + 5 * round(sum(map(tests.seconds.__getitem__, items)))) if items else UNREACHED
        if of[name] != KILLED:
            _say(f"{time.monotonic() - began:7.0f} s  {of[name]}: {name}")
        kept.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return True


def _known(kept: Path, modules: Iterable[str]) -> dict[str, Any]:
    """Return the mutants of modules, with what an earlier run found out of those of the same source."""
    before = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    results = {}
    for module in modules:
        names = json.loads(Path(f"{module}.meta").read_text("utf-8"))["exit_code_by_key"]
        source = hashlib.sha256((Path("..") / module).read_bytes()).hexdigest()
        known = before.get(module, {})
        results[module] = {"source": source, "mutants": {**dict.fromkeys(names, ""), **(
            known["mutants"] if known.get("source") == source else {})}}
    return {**before, **results}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class _Tests:
    """Which tests call which function, and how long they take.

    Attributes:
        of_function: tests by function, as mutmut names it.
        seconds: by test, with its fixtures.
    """

    def __init__(self, session: Any) -> None:
        """Run every test once without a mutant."""
        from mutmut.mutation.trampoline import set_mutant_under_test
        from mutmut.state import state

        set_mutant_under_test("stats")
        self.seconds: dict[Any, float] = {}
        self.of_function: dict[str, set[Any]] = {}
        of_fixtures: dict[tuple[Any, str], None] = {}
        hits = state()._stats
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            began, failed = time.monotonic(), session.testsfailed
            in_setup: list[set[str]] = []
            item.config.pluginmanager.register(recorder := _Recorder(in_setup, hits))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            item.config.pluginmanager.unregister(recorder)
            if session.testsfailed > failed:
                _say(f"fails without a mutant, left out: {item.nodeid}")
            else:
                self.seconds[item] = time.monotonic() - began
                for function in hits:
                    self.of_function.setdefault(function, set()).add(item)
                of_fixtures |= dict.fromkeys((item.path, function) for called in in_setup for function in called)
            hits.clear()
        session.testsfailed = 0
        for path, function in of_fixtures:
            self.of_function.setdefault(function, set()).update(i for i in self.seconds if i.path == path)

    def ordered(self, function: str) -> list[Any]:
        """Return the tests that call a function, those of the quickest files first."""
        of_file: Counter[Any] = Counter()
        for item in (tests := self.of_function.get(function, set())):
            of_file[item.path] += self.seconds[item]  # type: ignore[assignment]
        quickest = sorted(tests, key=lambda i: (of_file[i.path], str(i.path), self.seconds[i], i.nodeid))
        until = list(accumulate(map(self.seconds.__getitem__, quickest)))
        return [i for i, seconds in zip(quickest, until, strict=True) if seconds <= BUDGET] or quickest[:1]


class _Recorder:
    """Notes what had been called when the setup of a test was done."""

    def __init__(self, in_setup: list[set[str]], hits: set[str]) -> None:
        self.in_setup, self.hits = in_setup, hits

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Called by pytest after each phase."""
        if report.when == "setup":
            self.in_setup.append(set(self.hits))


def _run(session: Any, name: str, items: list[Any], limit: int) -> str:
    """Run tests with one mutant in a fork, until the first fails; an endless loop is ended by an alarm after `limit` seconds."""
    pid = os.fork()
    if not pid:
        from mutmut.mutation.trampoline import set_mutant_under_test

        signal.alarm(limit)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        set_mutant_under_test(name)
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                os._exit(1)
        os._exit(0)
    return KILLED if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) else SURVIVED


def table(results: dict[str, Any], chosen: list[str]) -> str:
    """Return a table of Markdown: mutants, killed and survived by module."""
    rows = ["| module | mutants | tried | killed | survived | not reached by a test |", "|---|---|---|---|---|---|"]
    total: Counter[str] = Counter()
    for module in chosen:
        kinds = Counter(results.get(module, {}).get("mutants", {}).values())
        total += kinds
        if kinds:
            rows.append(_row(module, kinds))
    return "\n".join((*rows, _row("all", total)))


def _row(name: str, kinds: Counter[str]) -> str:
    counts = (sum(kinds.values()), sum(kinds.values()) - kinds[""], kinds[KILLED], kinds[SURVIVED], kinds[UNREACHED])
    return f"| {name} | " + " | ".join(f"{n:,}" for n in counts) + " |"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
