"""Choose the report that writes a run down, and make it with its settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsinspect.errors import PluginError, UserError, nearest

if TYPE_CHECKING:
    from dsinspect.config import Config
    from dsinspect.loader import Plugins
    from dsinspect.protocols.reports import Report


def report_for(path: Path, plugins: Plugins) -> type[Report]:
    """Return the report that writes files with this suffix.

    Raises:
        UserError: no report has the suffix.
    """
    suffix = path.suffix.lower()
    by_suffix = {r.suffix: r for r in plugins.reports.values() if r.suffix}
    if chosen := written_as(path, plugins):
        return chosen
    if suffix == ".xls":
        raise UserError(f"-o {path}: .xls holds 65,536 rows at most and no library writes it safely; write .xlsx")
    raise UserError(f"-o {path}: no report writes {suffix or 'a file without suffix'}{nearest(suffix, by_suffix)}; "
                    f"there are {', '.join(sorted(by_suffix))}")


def written_as(path: Path, plugins: Plugins) -> type[Report] | None:
    """Return the report that writes files with the suffix of a path, or None.

    Raises:
        UserError: two plugins have one that does.
    """
    those = [r for r in plugins.reports.values() if r.suffix and r.suffix == path.suffix.lower()]
    if len(those) > 1:
        one, other = (plugins.blame(r) for r in those[:2])
        raise PluginError(f"-o {path}: two reports write {path.suffix.lower()}: {one.what} of plugin {one.plugin!r} ({one.origin}) "
                          f"and {other.what} of plugin {other.plugin!r} ({other.origin}); leave one out with --no-plugin NAME")
    return those[0] if those else None


def named_report(name: str, plugins: Plugins) -> type[Report]:
    """Return the report of that name; raise a UserError that suggests the nearest one."""
    if name not in plugins.reports:
        raise UserError(f"--output-format {name}: no such report{nearest(name, plugins.reports)}; "
                        f"there are {', '.join(plugins.reports)}")
    return plugins.reports[name]


def configured(report_type: type[Report], config: Config, **wishes: Any) -> Report:
    """Make a report with its settings.

    Args:
        report_type: the report.
        config: the settings in force; those of the report are under its name.
        wishes: options of the command line that any report may have; each counts where the report has one of that name.

    Raises:
        UserError: a setting that the report does not have, or a wrong value.
    """
    from dsinspect.protocols.options import make  # takes msgspec with it: `--help` has no time for that

    known = report_type.options_type.__struct_fields__
    values = {**config.reports.get(report_type.name, {}), **{k: v for k, v in wishes.items() if k in known and v is not None}}
    return report_type(make(report_type.options_type, values, f"report {report_type.name}"))
