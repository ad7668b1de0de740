"""The configuration: `dsinspect.toml`, or `[tool.dsinspect]` in pyproject.toml; one file, no merging.

The nearest file to the dataset wins, then the nearest to the working directory; in one folder dsinspect.toml wins.
What the command line says is laid over it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from dsinspect.errors import UserError, nearest
from dsinspect.findings.severity import Severity
from dsinspect.io.files import IMAGE_SUFFIXES
from dsinspect.io.limits import checked
from dsinspect.io.reading import leaves, read_regular, reads_outside
from dsinspect.io.split_names import SPLIT_NAMES
from dsinspect.io.unread import leave_alone
from dsinspect.protocols.options import plainly

FILE_NAME = "dsinspect.toml"
OF_SETS = frozenset(("images", "labels", "annotations", "jpegimages", "labeltxt", "obj_train_data", "imagesets"))
"""Folders, in lower case, by which a folder shows that a dataset lies in it."""
FAIL_ON = ("error", "warning", "info", "skipped", "never")


class _File(msgspec.Struct, rename="kebab", forbid_unknown_fields=True):
    """The keys of a configuration file."""

    select: list[str] = []
    extend_select: list[str] = []
    ignore: list[str] = []
    severity: dict[str, str] = {}
    fail_on: str = "error"
    allow_empty: bool = False
    plugins: list[str] = []
    disable_plugins: list[str] = []
    per_split_ignores: dict[str, list[str]] = {}
    baseline: str | None = None
    trainer: str | None = None
    checks: dict[str, dict[str, Any]] = {}
    formats: dict[str, dict[str, Any]] = {}
    reports: dict[str, dict[str, Any]] = {}
    transform: dict[str, Any] = {}
    limits: dict[str, Any] = {}


@dataclass(frozen=True)
class Config:
    """The settings in force.

    Attributes:
        path: the file they were read from, or None.
        select: codes or prefixes to run; empty means all.
        extend_select: codes or prefixes to run besides `select`.
        ignore: codes or prefixes not to run.
        severity: code or prefix to severity.
        fail_on: `error`, `warning`, `info`, `skipped` (errors, and checks that could not look at everything) or `never`.
        allow_empty: whether a gate passes a set without images, boxes or image files.
        plugins: one-file plugins.
        disable_plugins: names of plugins to leave out.
        per_split_ignores: split to codes or prefixes.
        baseline: file of known findings.
        trainer: `NAME` or `NAME@RELEASE` of the trainer the set is for.
        checks: code to options.
        formats: name of a format to options of its reader and writer.
        reports: name of a report to options.
        transform: settings of `dsinspect transform`.
        limits: how much is read: name of a limit to its value.
        typed: codes and owners of settings from the command line: what is wrong with them is not the file's fault.
    """

    path: Path | None = None
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, Severity] = field(default_factory=dict)
    fail_on: str = "error"
    allow_empty: bool = False
    plugins: tuple[Path, ...] = ()
    disable_plugins: tuple[str, ...] = ()
    per_split_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    baseline: Path | None = None
    trainer: str | None = None
    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    formats: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reports: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    transform: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    typed: frozenset[str] = field(default=frozenset(), compare=False)

    def overlay(self, *, select: Sequence[str] = (), extend_select: Sequence[str] = (), ignore: Sequence[str] = (),
                settings: Sequence[str] = (), fail_on: str | None = None, baseline: Path | None = None,
                allow_empty: bool | None = None) -> Config:
        """Lay command-line options over the file's.

        Args:
            select: replaces the file's when given; each may hold several codes joined by commas.
            extend_select: added to the file's.
            ignore: added to the file's.
            settings: `CODE.option=value` or `name.option=value` texts, the name that of a format (or of a report: see
                `with_reports`); each beats the file's value.
            fail_on: replaces the file's when given.
            baseline: replaces the file's when given.
            allow_empty: replaces the file's when given.

        Raises:
            UserError: a setting that is not of that form.
        """
        checks = {code: dict(values) for code, values in self.checks.items()}
        formats = {name: dict(values) for name, values in self.formats.items()}
        select, extend_select, ignore = _codes(select), _codes(extend_select), _codes(ignore)
        typed = {*self.typed, *select, *extend_select, *ignore}
        for setting in settings:
            match = re.fullmatch(r"([A-Za-z]\w*)\.(\w+)=(.*)", setting, re.DOTALL)
            if not match:
                raise UserError(f"--set {setting}: write CODE.option=value, such as BOX005.min_side=4")
            owner, name, value = match.groups()
            owner = owner.upper() if re.fullmatch(r"[A-Za-z]{3}\d+", owner) else owner
            group = checks if re.fullmatch(r"[A-Z]{3}\d+", owner) else formats
            group.setdefault(owner, {})[name] = value
            typed.add(owner)
        if fail_on is not None and fail_on not in FAIL_ON:
            raise UserError(f"--fail-on {fail_on}: write one of {', '.join(FAIL_ON)}{nearest(fail_on, FAIL_ON)}")
        return replace(
            self, select=select or self.select, extend_select=self.extend_select + extend_select,
            ignore=self.ignore + ignore, checks=checks, formats=formats, fail_on=fail_on or self.fail_on,
            baseline=baseline or self.baseline, allow_empty=self.allow_empty if allow_empty is None else allow_empty,
            typed=frozenset(typed))

    def with_reports(self, formats: Iterable[str], reports: Iterable[str]) -> Config:
        """Return the settings with those of reports under `reports`: only the plugins know which names are reports.

        Raises:
            UserError: settings of a report that does not exist, with the nearest one.
        """
        known, names = set(formats), set(reports)
        mine = {n: v for n, v in self.formats.items() if n in names and n not in known}
        merged = {n: {**self.reports.get(n, {}), **mine.get(n, {})} for n in {*self.reports, *mine}}
        for name in merged:
            if name not in names:
                raise UserError(f"reports.{name}: no such report{nearest(name, names)}{_in(self._file_of(name))}")
        return replace(self, formats={n: v for n, v in self.formats.items() if n not in mine}, reports=merged)

    def chosen(self, codes: Iterable[str]) -> list[str]:
        """Return the codes to run, sorted.

        A longer prefix beats a shorter one, so `select = ["BOX005"]` with `ignore = ["BOX"]` runs BOX005 alone; of equal ones
        `ignore` wins, and `ALL` is the shortest.

        Raises:
            UserError: a code or prefix that no check has, with the nearest one.
        """
        codes = sorted(codes)
        for what, prefixes in (("select", self.select), ("extend-select", self.extend_select),
                               ("ignore", self.ignore), ("severity", tuple(self.severity)),
                               *((f"per-split-ignores.{s}", p) for s, p in self.per_split_ignores.items())):
            for prefix in prefixes:
                is_option = prefix in self.typed and what in ("select", "extend-select", "ignore")
                require_code(prefix, codes, f"--{what}" if is_option else what, self._file_of(prefix))
        for code in self.checks:
            if code not in codes:
                raise UserError(f"checks.{code}: no such check{nearest_code(code, codes)}{_in(self._file_of(code))}")
        chosen = []
        for code in codes:
            on = max((reach(p) for p in (*self.select, *self.extend_select) if matches(p, code)), default=-1)
            on = max(on, 0) if not self.select else on
            off = max((reach(p) for p in self.ignore if matches(p, code)), default=-1)
            if on > off:
                chosen.append(code)
        return chosen

    def _file_of(self, word: str) -> Path | None:
        return None if word in self.typed else self.path

    def severity_of(self, code: str) -> Severity | None:
        """Return the severity the longest matching prefix overrides, or None."""
        best = max((p for p in self.severity if matches(p, code)), key=reach, default=None)
        return self.severity[best] if best is not None else None


def matches(prefix: str, code: str) -> bool:
    """Say whether a prefix covers a code; `ALL` covers every one."""
    return prefix == "ALL" or code.startswith(prefix)


def reach(prefix: str) -> int:
    """Return how much of a code a prefix names, in characters: the longest decides, and `ALL` gives way to every other."""
    return 0 if prefix == "ALL" else len(prefix)


def require_code(prefix: str, codes: Iterable[str], what: str, path: Path | None = None) -> None:
    """Raise a UserError with the nearest code unless some check's code starts with `prefix`."""
    codes = list(codes)
    if not any(matches(prefix, c) for c in codes) or not prefix:
        known = [*codes, *sorted({c[:3] for c in codes})]
        raise UserError(f"{what}: no check has a code starting with {prefix!r}{nearest_code(prefix, known)}"
                        f"{_in(path)}; `dsinspect plugins` lists them")


def nearest_code(word: str, codes: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for a code that was not written right, or an empty string.

    >>> nearest_code("BOX3", ["BOX003", "BOX013"]), nearest_code("BOXX", ["BOX003", "BOX"])
    (" (did you mean 'BOX003'?)", " (did you mean 'BOX'?)")
    """
    codes = list(codes)
    match = re.fullmatch(r"([A-Za-z]{3})[-_ ]?0*(\d{1,3})", word)
    padded = f"{match[1].upper()}{match[2]:0>3}" if match else ""
    return f" (did you mean {padded!r}?)" if padded in codes else nearest(word, codes)


def read_config(path: Path) -> Config:
    """Read a configuration file.

    Raises:
        UserError: a file that cannot be read, a key that does not exist (with the nearest one), or a wrong value.
    """
    try:
        document = _document(path)
    except OSError as e:
        raise UserError(f"{path}: {e.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as e:
        raise UserError(f"{path}: not valid TOML: {e}") from None
    if path.name == "pyproject.toml":
        document = document.get("tool", {}).get("dsinspect", {})
    known = [f.encode_name for f in msgspec.structs.fields(_File)]
    for key in document:
        if key not in known:
            raise UserError(f"{path}: no setting {key!r}{nearest(key, known)}; there are {', '.join(known)}")
    try:
        file = msgspec.convert(document, _File)
    except msgspec.ValidationError as e:
        what, _, place = str(e).partition(" - at `$")
        key = place.strip("`").lstrip(".")
        if key.endswith("[...]"):  # one of a table: msgspec does not say which
            key = key.removesuffix("[...]")
            wrong = next((k for k, v in document[key].items() if not isinstance(v, list if "array" in what else dict)), "")
            key, value = f"{key}.{wrong}", document[key].get(wrong)
        else:
            value = document.get(key)
        given = "" if value is None else f", not {value!r:.80}"
        raise UserError(f"{path}: {key}{': ' if key else ''}{plainly(what)}{given}") from None
    for code, word in file.severity.items():
        if word not in set(Severity):
            raise UserError(f"{path}: severity.{code}: write one of {', '.join(Severity)}, not {word!r:.80}"
                            f"{nearest(word, map(str, Severity))}")
    severity = {code: Severity(s) for code, s in file.severity.items()}
    if file.fail_on not in FAIL_ON:
        raise UserError(f"{path}: fail-on: {file.fail_on!r} is none of {', '.join(FAIL_ON)}"
                        f"{nearest(file.fail_on, FAIL_ON)}")
    for key in file.transform:
        if key != "ops":
            raise UserError(f"{path}: [transform] has no setting {key!r}{nearest(key, ['ops'])}; there is ops")
    folder = path.parent
    return Config(
        path=path, select=tuple(file.select), extend_select=tuple(file.extend_select), ignore=tuple(file.ignore),
        severity=severity, fail_on=file.fail_on, allow_empty=file.allow_empty, plugins=tuple(folder / p for p in file.plugins),
        disable_plugins=tuple(file.disable_plugins),
        per_split_ignores={s: tuple(c) for s, c in file.per_split_ignores.items()},
        baseline=folder / file.baseline if file.baseline else None, trainer=file.trainer, checks=file.checks, formats=file.formats,
        reports=file.reports, transform=file.transform, limits=checked(file.limits, f"{path}: limits"))


def find_config(dataset: Path | None) -> Path | None:
    """Return the nearest configuration file to the dataset, else to the working directory, or None."""
    starts = [] if dataset is None else [dataset.absolute() if dataset.is_dir() else dataset.absolute().parent]
    for start in (*starts, Path.cwd()):
        for folder in (start, *start.parents):
            own, project = folder / FILE_NAME, folder / "pyproject.toml"
            if own.is_file() and not _is_led_out(own, dataset):
                return own
            if project.is_file() and not _is_led_out(project, dataset) and _has_section(project):
                return project
    return None


def load_config(dataset: Path | None, explicit: Path | None = None) -> Config:
    """Read the configuration file named with `--config`, or the nearest one; the defaults when there is none.

    A file that was found in the judged folder is data, for whoever made the dataset made it: it may set options of checks,
    but not name code to run nor files elsewhere to read, nor say how much is read. The same holds for one beside the images or
    labels of a set of which only a file or a folder was named.

    Raises:
        UserError: the file is wrong, or would do what only a named one may.
    """
    path = explicit or find_config(dataset)
    if path is None:
        return Config()
    config = read_config(path)
    asks = config.plugins or config.limits or config.baseline is not None
    if explicit is None and asks and (where := _part_of_a_set(path, dataset)) is not None:
        trust = f"if you trust it, name it with --config {path}"
        if config.plugins:
            raise UserError(f"{path}: {where}, so the plugins it names are not run; {trust}")
        if config.limits:
            raise UserError(f"{path}: {where}, so the limits it sets are not used; {trust}")
        places = [p for p in (path, dataset) if p is not None]
        if config.baseline is not None and not any(_lies_in(config.baseline, p, by_link=True) for p in places):
            raise UserError(f"{path}: {where}, so its baseline {config.baseline} outside of it is not read; {trust}")
    return config


def judged_by_its_own(config: Config, dataset: Path | None) -> str:
    """Say which settings of a configuration that may be part of the dataset change what is found or what passes; else empty.

    They are used, for a team keeps its limits beside its data; but whoever made the dataset could call it clean so.
    """
    if config.path is None or (where := _part_of_a_set(config.path, dataset)) is None:
        return ""
    keys = {"select": config.select, "ignore": config.ignore, "severity": config.severity, "checks": config.checks,
            "per-split-ignores": config.per_split_ignores, "baseline": config.baseline, "allow-empty": config.allow_empty,
            "fail-on": config.fail_on != Config.fail_on}
    used = [key for key, value in keys.items() if value]
    return f"{config.path} {where}; its {', '.join(used)} {'is' if len(used) == 1 else 'are'} used" if used else ""


def _is_led_out(path: Path, dataset: Path | None) -> bool:
    """Say whether a configuration that may be part of a dataset is a link out of its folder, which is not followed."""
    if not path.is_symlink() or reads_outside() or not leaves(path, path.parent) or _part_of_a_set(path, dataset) is None:
        return False
    leave_alone(path.name)
    return True


def _part_of_a_set(path: Path, dataset: Path | None) -> str | None:
    """Say in words why a configuration that was found may be part of a dataset; None when it is the user's own."""
    if dataset is not None and _lies_in(path, dataset):
        return "lies in the dataset"
    folder = path.absolute().parent
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        entries = []
    for entry in entries:
        if (entry.name.lower() in OF_SETS and entry.is_dir()) or entry.suffix.lower() in IMAGE_SUFFIXES:
            return f"lies beside {entry.name} and may belong to a dataset"
    below = dataset.absolute() if dataset is not None else folder
    if below.is_relative_to(folder) and below != folder and below.relative_to(folder).parts[0].lower() in {*OF_SETS, *SPLIT_NAMES}:
        return f"lies beside {below.relative_to(folder).parts[0]} and may belong to the dataset"
    return None


def _lies_in(path: Path, dataset: Path, *, by_link: bool = False) -> bool:
    """Say whether a file lies in the folder of another or below it; `by_link`: only what a link leads to counts."""
    folder = dataset if dataset.is_dir() else dataset.parent
    return (not by_link and path.absolute().parent == folder.absolute()) or path.resolve().is_relative_to(folder.resolve())


def _has_section(project: Path) -> bool:
    try:
        tools = _document(project).get("tool", {})
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        return False  # somebody else's file: not ours to judge
    return isinstance(tools, dict) and "dsinspect" in tools


def _document(path: Path) -> dict[str, Any]:
    return tomllib.loads(read_regular(path, "config_mb").decode("utf-8"))


def _split(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def _codes(texts: Sequence[str]) -> tuple[str, ...]:
    """Return codes and prefixes of the command line, in capitals as they are."""
    return tuple(part.upper() for part in _split(texts))


def _in(path: Path | None) -> str:
    return f" (in {path})" if path else ""
