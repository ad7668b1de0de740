"""Find, load and order plugins; every failure names the plugin and the way to go on without it."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from dsinspect.errors import PLUGIN_FAULTS, Blame, PluginCrashedError, PluginError, UserError, Watched, nearest, no_opencv
from dsinspect.protocols import INTERFACE, VERSION
from dsinspect.protocols.hookspecs import Hooks

if TYPE_CHECKING:
    from dsinspect.protocols.checks import Check
    from dsinspect.protocols.executors import Executor
    from dsinspect.protocols.formats import Format
    from dsinspect.protocols.probes import Probe
    from dsinspect.protocols.reports import Report
    from dsinspect.protocols.trainers import Trainer
    from dsinspect.protocols.transforms import Transform


GROUP = "dsinspect"
CODE = re.compile(r"[A-Z]{3}[0-9]{3}")
"""What the code of a check looks like; `--select` takes whole codes and their beginnings."""
BASES: Mapping[str, tuple[str, str]] = {
    "dsinspect_formats": ("formats", "Format"), "dsinspect_probes": ("probes", "Probe"), "dsinspect_checks": ("checks", "Check"),
    "dsinspect_transforms": ("transforms", "Transform"), "dsinspect_reports": ("reports", "Report"),
    "dsinspect_executors": ("executors", "Executor"), "dsinspect_trainers": ("trainers", "Trainer"),
}
"""Hook to the module of its protocol and the class that its classes derive from."""
ONE_OF: Mapping[str, tuple[str, ...]] = {"report": ("text", "stream", "write"), "executor": ("results", "map_reduce")}
"""Methods of a kind of plugin that rest on each other: a class overrides one of them at least."""


class _Manager(pluggy.PluginManager):
    """Takes hooks from modules; what is no function is none, and is not looked at for long."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        return super().parse_hookimpl_opts(plugin, name) if callable(vars(plugin).get(name)) else None


@dataclass(frozen=True)
class LoadedPlugin:
    """A plugin module and where it came from."""

    name: str
    origin: str
    module: ModuleType


@dataclass(frozen=True)
class Plugins:
    """The loaded plugins and what they offer, by name. Made in `main()` and passed on.

    Attributes:
        loaded: in order of name.
        local: files of the one-file plugins, to load again in workers.
        known: names of the installed plugins, those that were left out among them.
        faults: classes that broke their protocol while the others went on, and the line that says how.
    """

    loaded: tuple[LoadedPlugin, ...]
    manager: pluggy.PluginManager
    local: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    faults: dict[type, str] = field(default_factory=dict)
    _memo: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def formats(self) -> dict[str, type[Format]]:
        """Formats that can be read, by name."""
        return {n: f for n, f in self._all_formats.items() if f.readable}

    @property
    def unread(self) -> dict[str, type[Format]]:
        """Formats that are recognised and not read, by name: `unread-x` unless some plugin reads the format x."""
        return {n: f for n, f in self._all_formats.items() if not f.readable and n.removeprefix("unread-") not in self.formats}

    @property
    def _all_formats(self) -> dict[str, type[Format]]:
        return self._offers("dsinspect_formats", "name", "format")

    @property
    def probes(self) -> dict[str, type[Probe]]:
        """Probes by name."""
        return self._offers("dsinspect_probes", "name", "probe")

    @property
    def checks(self) -> dict[str, type[Check[Any, Any]]]:
        """Checks by code."""
        return self._offers("dsinspect_checks", "code", "check")

    @property
    def transforms(self) -> dict[str, type[Transform[Any]]]:
        """Transforms by name."""
        return self._offers("dsinspect_transforms", "name", "transform")

    @property
    def reports(self) -> dict[str, type[Report]]:
        """Reports by name."""
        return self._offers("dsinspect_reports", "name", "report")

    @property
    def executors(self) -> dict[str, type[Executor]]:
        """Executors by name."""
        return self._offers("dsinspect_executors", "name", "executor")

    @property
    def trainers(self) -> dict[str, type[Trainer]]:
        """Trainers by name; a misspelt format that one reads is a PluginError."""
        offered: dict[str, type[Trainer]] = self._offers("dsinspect_trainers", "name", "trainer")
        for name, trainer in offered.items():
            for read in trainer.reads:
                if read not in self.formats and (near := nearest(read, self.formats)):
                    blame = self.blame(trainer)
                    raise PluginError(f"plugin {blame.plugin!r} ({blame.origin}): trainer {name} reads {read!r}, and there is no "
                                      f"such format{near}; go on with --no-plugin {blame.plugin}")
        return offered

    def owner(self, offered: type) -> str:
        """Return the name of the plugin whose module (or package) defines a class."""
        best = [p for p in self.loaded
                if offered.__module__ == p.module.__name__ or offered.__module__.startswith(p.module.__name__ + ".")]
        return max(best, key=lambda p: len(p.module.__name__)).name if best else offered.__module__.partition(".")[0]

    def blame(self, offered: type) -> Blame:
        """Return what names a class that some plugin offers, should it break its protocol."""
        owner = self.owner(offered)
        origin = next((p.origin for p in self.loaded if p.name == owner), offered.__module__)
        kind = next((k for k, by_name in self._memo.items() if offered in by_name.values()), "").removeprefix("dsinspect_")
        return Blame(owner, origin, f"{kind.removesuffix('s')} {getattr(offered, 'name', None) or offered.__name__}".lstrip())

    @contextmanager
    def costs_itself(self, offered: type) -> Iterator[None]:
        """Go on when a plugin's class raises, and keep the fault for the end; other errors pass."""
        try:
            with Watched(self.blame(offered)):
                yield
        except PluginCrashedError as e:
            self.faults[offered] = str(e)

    def _offers(self, hook: str, key: str, kind: str) -> dict[str, Any]:
        if hook not in self._memo:
            taken: dict[tuple[str, str], tuple[Any, LoadedPlugin]] = {}
            for plugin in self.loaded:
                for offered in self._call(plugin, hook):
                    fault = _fault_of(offered, hook, key, kind)
                    if fault:
                        raise PluginError(f"plugin {plugin.name!r} ({plugin.origin}): {hook} returned {fault}; "
                                          f"go on with --no-plugin {plugin.name}")
                    for what, name in _claims(offered, key, kind):
                        there, other = taken.setdefault((what, name), (offered, plugin))
                        if there is not offered:
                            raise PluginError(f"two plugins offer {what} {name!r}: {other.name!r} ({other.origin}) and "
                                              f"{plugin.name!r} ({plugin.origin}); leave one out with --no-plugin NAME")
            self._memo[hook] = {name: taken[kind, name][0] for what, name in sorted(taken) if what == kind}
        return self._memo[hook]

    def _call(self, plugin: LoadedPlugin, hook: str) -> list[Any]:
        function = getattr(plugin.module, hook, None)
        if function is None or self.manager.parse_hookimpl_opts(plugin.module, hook) is None:
            return []
        try:
            offered = function()
            if not isinstance(offered, Iterable):
                raise PluginError(f"plugin {plugin.name!r} ({plugin.origin}): {hook} returned {offered!r:.40}, where a list of "
                                  f"classes was expected; go on with --no-plugin {plugin.name}")
            return list(offered)
        except PluginError:
            raise
        except ImportError as e:
            raise PluginError(_import_failure(plugin.name, plugin.origin, e)) from e
        except PLUGIN_FAULTS as e:
            raise PluginError(f"plugin {plugin.name!r} ({plugin.origin}): {hook} failed with "
                              f"{type(e).__name__}: {e}; go on with --no-plugin {plugin.name}") from e


BEGUN: ContextVar[Plugins | None] = ContextVar("begun", default=None)
"""The plugins that the command line loaded for the commands they add: `load_plugins` goes on from them."""


def _claims(offered: Any, key: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield what a class takes for itself, and nothing else may: its name, of a check its code too, of a probe its columns."""
    yield kind, getattr(offered, key)
    if kind == "check":
        yield "the check name", offered.name
    if kind == "probe":
        for column in offered.columns:
            yield "the column", column.name


def _fault_of(offered: Any, hook: str, key: str, kind: str) -> str | None:
    """Say what is wrong with something that a hook returned, or return None."""
    if not inspect.isclass(offered):
        return f"{offered!r}, which is no {kind} class"
    module, base = BASES[hook]
    protocol = getattr(importlib.import_module(f"dsinspect.protocols.{module}"), base)
    if not issubclass(offered, protocol):
        return f"{offered.__name__}, which is no {kind} class: it does not derive from dsinspect.protocols.{module}.{base}"
    name = getattr(offered, key, None)
    if not isinstance(name, str) or not name:
        return f"{offered.__name__}, a {kind} class without a {key}"
    if kind == "check":
        if not CODE.fullmatch(name):
            return f"{offered.__name__}, whose code {name!r} is not three capital letters and three digits"
        if not isinstance(getattr(offered, "name", None), str):
            return f"{offered.__name__} ({name}), a check class without a name"
    lacking = sorted(getattr(offered, "__abstractmethods__", ()))
    if lacking:
        return f"{offered.__name__} ({name}), which lacks {', '.join(lacking)}"
    claims = {"write": "writable", "place": "writable", "patch": "patchable"} if kind == "format" else {}
    owed = [m for m, claim in claims.items() if getattr(offered, claim) and getattr(offered, m) is getattr(protocol, m)]
    if owed:
        return f"{offered.__name__} ({name}), which is {claims[owed[0]]} and lacks {', '.join(owed)}"
    one_of = ONE_OF.get(kind, ())
    if one_of and all(getattr(offered, m) is getattr(protocol, m) for m in one_of):
        return f"{offered.__name__} ({name}), which overrides none of {', '.join(one_of[:-1])} and {one_of[-1]}"
    return None


def load_plugins(disabled: Iterable[str] = (), local: Sequence[Path] = (), *, all_known: bool = True) -> Plugins:
    """Find and load all plugins.

    Args:
        disabled: names of plugins to leave out, before they are imported.
        local: Python files that are plugins of their own.
        all_known: refuse a disabled name that no plugin has; False where those of the configuration are not known yet.

    Raises:
        PluginError: one that cannot be imported, breaks a hook's signature, or takes a name that is taken.
        UserError: a disabled name that no plugin has.
    """
    begun = BEGUN.get()
    found = [] if begun else sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value))
    known = begun.known if begun else frozenset(e.name for e in found)
    names = known | {p.stem for p in local}
    disabled = set(disabled)
    for name in sorted(disabled - names) if all_known else ():
        raise UserError(f"no plugin {name!r} to leave out (--no-plugin, or disable-plugins of the configuration)"
                        f"{nearest(name, names)}")
    loaded = {p.name: p for p in begun.loaded if p.name not in disabled} if begun else {}
    manager = begun.manager if begun else _Manager("dsinspect")
    if not begun:
        manager.add_hookspecs(Hooks)
    for entry in found:
        if entry.name not in disabled:
            _register(manager, loaded, LoadedPlugin(entry.name, _distribution(entry), _load(entry)))
    for path in local:
        if path.stem not in disabled:
            _register(manager, loaded, LoadedPlugin(path.stem, str(path), load_file(path)))
    return Plugins(tuple(loaded[n] for n in sorted(loaded)), manager, tuple(str(p) for p in local), known)


def load_file(path: Path) -> ModuleType:
    """Import a one-file plugin under a name made from its path, the same in every process."""
    name = f"dsinspect_local_{path.stem}_{hashlib.blake2b(str(path).encode(), digest_size=4).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    if not path.is_file():
        raise PluginError(f"plugin {path}: no such file; see `plugins` in the configuration")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"plugin {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except PLUGIN_FAULTS as e:
        del sys.modules[name]
        raise PluginError(f"plugin {path}: {type(e).__name__}: {e}; fix it or take it out of `plugins`") from e
    return module


def load_files(paths: Iterable[str]) -> None:
    """Import one-file plugins in a worker, before it unpickles anything of theirs."""
    for path in paths:
        load_file(Path(path))


def _load(entry: EntryPoint) -> ModuleType:
    try:
        module = entry.load()
    except ImportError as e:
        raise PluginError(_import_failure(entry.name, _distribution(entry), e)) from e
    except PLUGIN_FAULTS as e:
        raise PluginError(f"plugin {entry.name!r} ({_distribution(entry)}) cannot be loaded: {type(e).__name__}: {e}; "
                          f"go on with --no-plugin {entry.name}") from e
    if not isinstance(module, ModuleType):
        raise PluginError(f"plugin {entry.name!r} ({_distribution(entry)}): {entry.value} is no module; "
                          f"go on with --no-plugin {entry.name}")
    return module


def _register(manager: pluggy.PluginManager, loaded: dict[str, LoadedPlugin], plugin: LoadedPlugin) -> None:
    if plugin.name in loaded:
        other = loaded[plugin.name]
        if other.module is plugin.module:  # an editable install and its wheel name the same module twice
            return
        raise PluginError(f"two plugins are named {plugin.name!r}: {other.origin} and {plugin.origin}; "
                          "uninstall one of them")
    go_on = f"go on with --no-plugin {plugin.name}"
    written_for = getattr(plugin.module, INTERFACE, VERSION)
    if written_for != VERSION:
        raise PluginError(f"plugin {plugin.name!r} ({plugin.origin}): written for version {written_for!r} of the plugin interface, "
                          f"and this dsinspect has version {VERSION}; install a release of it for version {VERSION}, or {go_on}")
    hooks = [n for n in vars(Hooks) if n.startswith("dsinspect_")]
    for name in vars(plugin.module):
        if manager.parse_hookimpl_opts(plugin.module, name) is not None and name not in hooks:
            raise PluginError(f"plugin {plugin.name!r} ({plugin.origin}): no hook {name!r}{nearest(name, hooks)}; "
                              f"{go_on}")
    try:
        if manager.get_plugin(plugin.name) is not plugin.module:  # a command that begins twice knows it
            manager.register(plugin.module, plugin.name)
    except (pluggy.PluginValidationError, ValueError) as e:
        reason = " ".join(str(e).split())
        raise PluginError(f"plugin {plugin.name!r} ({plugin.origin}): {reason}; {go_on}") from e
    loaded[plugin.name] = plugin


def _import_failure(name: str, origin: str, error: ImportError) -> str:
    if error.name == "cv2" or "libGL" in str(error):
        return f"plugin {name!r} ({origin}): {no_opencv(error)}"
    return f"plugin {name!r} ({origin}) cannot be imported: {error}; go on with --no-plugin {name}"


def _distribution(entry: EntryPoint) -> str:
    return _name_and_version(entry.dist) if entry.dist else entry.value


@cache
def _name_and_version(distribution: Distribution) -> str:
    """Return what pip calls it; its metadata are parsed for each question, which takes a millisecond."""
    return f"{distribution.name} {distribution.version}"


def offered(plugins: Plugins) -> Mapping[str, Mapping[str, type]]:
    """Return everything the plugins offer, by kind and name."""
    return {"format": plugins.formats, "probe": plugins.probes, "check": plugins.checks,
            "transform": plugins.transforms, "report": plugins.reports, "executor": plugins.executors,
            "trainer": plugins.trainers}
