"""Plan an inspection: the checks that can run and the probes they need."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from dsinspect.errors import UserError
from dsinspect.inspection.request import Request
from dsinspect.loader import Plugins
from dsinspect.protocols.checks import Check
from dsinspect.protocols.fates import TRAINER
from dsinspect.protocols.options import make
from dsinspect.protocols.probes import Probe, column_owners
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import (
    ANNOTATION_COLUMNS,
    FRAME_COLUMNS,
    IMAGE_COLUMNS,
    OPTIONAL_ANNOTATION_COLUMNS,
)

if TYPE_CHECKING:
    from dsinspect.config import Config
    from dsinspect.protocols.trainers import Trainer


class Lack(NamedTuple):
    """Why a check cannot run, and whether it applies to the set at all: what does not apply was not left unjudged."""

    reason: str
    applies: bool = True


@dataclass(frozen=True)
class Plan:
    """The selected checks by code, the probes they need, why some of them cannot run, and the trainer that others ask."""

    checks: Mapping[str, Check[Any, Any]]
    probes: tuple[Probe, ...]
    skipped: Mapping[str, Lack]
    trainer: Trainer | None = None
    hidden: tuple[str, ...] = ()
    """Checks that were not selected and are asked only what they dispute."""
    describing: tuple[str, ...] = ()
    """Checks that were not selected and are asked only what they measure of the set."""

    @property
    def runnable(self) -> dict[str, Check[Any, Any]]:
        """The checks that can run."""
        return {code: check for code, check in self.checks.items() if code not in self.skipped}


    def part(self, *, asks_trainer: bool) -> Plan:
        """Return the plan of the checks that ask the trainer, or of the others, which need none."""
        skipped = {code: lack for code, lack in self.skipped.items() if code in self.checks}
        checks = {code: check for code, check in self.checks.items() if (TRAINER in check.needs) is asks_trainer}
        return replace(self, checks=checks, skipped=skipped, trainer=self.trainer if asks_trainer else None)


def build_checks(request: Request, plugins: Plugins) -> dict[str, Check[Any, Any]]:
    """Make the selected checks with their options; a wrong code or option is a UserError."""
    available = plugins.checks
    built = {}
    chosen = request.config.chosen(available)
    if not chosen:
        raise UserError(none_left(request.config, available))
    for code in sorted({*chosen, *hidden_checks(request, plugins), *describing_checks(request, plugins)}):
        check_type = available[code]
        of_trainer = request.trainer.limits_in_force().get(code, {}) if request.trainer is not None else {}
        values = {k: v for k, v in {**of_trainer, **request.shared_options}.items()
                  if k in check_type.options_type.__struct_fields__}
        values.update(request.config.checks.get(code, {}))
        built[code] = check_type(make(check_type.options_type, values, code))
    for code in sorted({*available} - {*built}):  # settings of checks that do not run are read as well
        own = {k: v for k, v in request.shared_options.items() if k in available[code].options_type.__struct_fields__}
        if own or code in request.config.checks:
            make(available[code].options_type, {**own, **request.config.checks.get(code, {})}, code)
    return built


def none_left(config: Config, available: Collection[str]) -> str:
    """Say why there is no check to run: whatever the set holds, it would be called clean."""
    if not available:
        return ("no check is left to run: none of the plugins that are loaded has one; take the plugin checks out of --no-plugin, "
                "or out of disable-plugins in the configuration")
    what = ", ".join(config.select) or "all checks"
    return f"no check is left to run: ignore ({', '.join(config.ignore)}) leaves out what select ({what}) names"


def hidden_checks(request: Request, plugins: Plugins) -> tuple[str, ...]:
    """Return the checks that are not selected and yet have to be asked what they dispute, before anything is fixed."""
    if not request.settle_disputes:
        return ()
    chosen = request.config.chosen(plugins.checks)
    return tuple(code for code, check in plugins.checks.items() if check.can_dispute and code not in chosen)


def describing_checks(request: Request, plugins: Plugins) -> tuple[str, ...]:
    """Return the checks that are not selected and yet describe the set, for reports."""
    if not request.describe:
        return ()
    chosen = {*request.config.chosen(plugins.checks), *hidden_checks(request, plugins)}
    return tuple(code for code, check in plugins.checks.items() if check.describes_set and code not in chosen)


def make_plan(checks: Mapping[str, Check[Any, Any]], info: DatasetInfo, plugins: Plugins, trainer: Trainer | None = None,
              hidden: tuple[str, ...] = (), describing: tuple[str, ...] = ()) -> Plan:
    """Decide which checks can run and which probes they need, and the trainer some of them ask."""
    owners = column_owners(plugins.probes)
    skipped = {}
    wanted: set[str] = set(FRAME_COLUMNS) if info.box_units == "fraction" and info.has_files else set()
    for code, check in checks.items():
        lacking = next((r for c in check.needs if (r := _lack(c, info, owners, trainer))), None)
        if lacking:
            skipped[code] = lacking
            continue
        if code not in describing:  # what nobody selected makes nobody wait for files
            wanted.update(c for c in (*check.needs, *check.wants) if c in owners and info.has_files)
    asked = trainer if any(TRAINER in c.needs for code, c in checks.items() if code not in skipped) else None
    if asked is not None and info.has_files:
        wanted.update(c for c in (*FRAME_COLUMNS, *asked.measures) if c in owners)
    probes = {owners[c].name: owners[c]() for c in sorted(wanted)}
    return Plan(checks, tuple(probes.values()), skipped, asked, hidden, describing)


_WORDS = {"segmentation": "outlines or masks", "keypoints": "keypoints", "track": "tracks", "attributes": "attributes",
          "area": "areas of its own", **{f"corner_{axis}{k}": "rotated boxes" for axis in "xy" for k in range(1, 5)}}
"""Column that a format may have to what people call it."""


def _lack(column: str, info: DatasetInfo, owners: Mapping[str, type[Probe]], trainer: Trainer | None) -> Lack | None:
    """Say why a column cannot be had, or return None."""
    if column == TRAINER:
        return None if trainer is not None else Lack("no trainer is named (--trainer NAME, or trainer in the configuration)", False)
    if column == "file" or column in owners or column == "read_error":
        return None if info.has_files else Lack("no image of the set is on disk (--images names their folder)")
    if column in OPTIONAL_ANNOTATION_COLUMNS:
        return None if column in info.columns else Lack(f"the {info.format} format has no {_WORDS.get(column, column)}", False)
    if ":" in column:
        owner = column.partition(":")[0]
        if column in info.columns:
            return None
        name = column.partition(":")[2].removeprefix("has_").replace("_", " ")
        return Lack(f"only the {owner} format has the field {name}" if owner != info.format else
                    f"this dataset has no field {name}", False)
    return None if column in IMAGE_COLUMNS or column in ANNOTATION_COLUMNS else Lack(f"no probe measures {column}")
