"""Options of a plugin: one typed, frozen struct per plugin, filled from the configuration and `--set`.

class Options(BaseOptions, frozen=True):
min_side: Annotated[float, option("shorter side, px", source="Ultralytics augmentation", ge=0)] = 2.0
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from dsinspect.errors import UserError, nearest
from dsinspect.findings.wording import number

O_co = TypeVar("O_co", bound="BaseOptions")
LARGEST = 2.0**53
"""Of a number in an option: beyond it a whole number is no longer one as a float, and no limit of anything."""


class BaseOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every plugin's options; on its own, the options of a plugin that has none."""


def option(meaning: str, *, source: str = "", ge: float | None = None, gt: float | None = None,
           le: float | None = None, lt: float | None = None) -> msgspec.Meta:
    """Describe one option: its meaning with its unit, where its default comes from, and its bounds."""
    bounds: dict[str, Any] = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    meta: msgspec.Meta = msgspec.Meta(description=meaning, extra={"source": source}, **bounds)
    return meta


class OptionDoc(msgspec.Struct, frozen=True):
    """One option as `dsinspect explain` and the docs show it."""

    name: str
    default: Any
    meaning: str
    source: str


def describe(options_type: type[BaseOptions]) -> list[OptionDoc]:
    """List the options of a plugin in the order they are declared."""
    hints = get_type_hints(options_type, include_extras=True)
    docs = []
    for name, default in msgspec.structs.asdict(options_type()).items():
        metas = [m for m in get_args(hints[name])[1:] if isinstance(m, msgspec.Meta)] \
            if get_origin(hints[name]) is Annotated else []
        meaning = metas[0].description if metas else None
        source = (metas[0].extra or {}).get("source", "") if metas else ""
        docs.append(OptionDoc(name, default, meaning or "", source))
    return docs


def make(options_type: type[O_co], values: Mapping[str, Any], where: str) -> O_co:
    """Build options from configuration values or `--set` texts.

    Args:
        options_type: the struct to fill.
        values: option name to value; a text is converted to the option's type.
        where: what the user wrote them for (`BOX005`), for the error.

    Raises:
        UserError: an unknown option (with the nearest name), a value of the wrong type or range, or a number that is not finite.
    """
    known = list(options_type.__struct_fields__)
    for name in values:
        if name not in known:
            has = f"its options are {', '.join(known)}" if known else "it has no options"
            raise UserError(f"{where} has no option {name!r}{nearest(name, known)}; {has}")
    try:
        made = msgspec.convert({n: _listed(options_type, n, v) for n, v in values.items()}, options_type, strict=False)
    except msgspec.ValidationError as e:
        what, _, path = str(e).partition(" - at `$")
        name = path.strip("`").lstrip(".")
        given = f", not {str(values[name])[:80]!r}" if name in values else ""
        raise UserError(f"{where}{'.' if name else ''}{name}: {plainly(what, _choices(options_type, name))}{given}") from None
    for name in values:
        made_of = getattr(made, name)
        if isinstance(made_of, int | float) and not abs(made_of) <= LARGEST:
            raise UserError(f"{where}.{name}: write a finite number of at most {number(LARGEST)}, not {str(values[name])[:80]!r}")
    return made


def _listed(options_type: type[BaseOptions], name: str, value: Any) -> Any:
    """Return a text as the list that an option takes: JSON, or names with commas between; any other value as it is."""
    if not isinstance(value, str) or get_origin(get_type_hints(options_type)[name]) not in (list, tuple):
        return value
    if value.startswith("["):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
    return value.split(",") if value else []


def plainly(error: str, choices: Sequence[Any] = ()) -> str:
    """Return what msgspec says of a wrong value as what to write instead.

    >>> plainly("Expected `float` >= 0.0"), plainly("Expected `int | str`, got `array`")
    ('write a number of at least 0', 'write a whole number or a text')
    >>> plainly("Invalid enum value 'q'", ("", "x", "y"))
    'write one of x, y, or nothing'
    """
    expected = re.match(r"Expected `([^`]+)`(?: (>=|<=|>|<) (\S+))?", error)
    if expected:
        types, operator, bound = expected.groups()
        words = " or ".join(_TYPES.get(t, t) for t in types.split(" | "))
        return f"write {words}" + (f" {_BOUNDS[operator]} {number(float(bound))}" if operator else "")
    if error.startswith("Invalid enum value") and choices:
        told = ", ".join(str(c) for c in choices if c != "")
        return f"write one of {told}" + (", or nothing" if "" in choices else "")
    return f"{error[:1].lower()}{error[1:]}"


_TYPES = {"float": "a number", "int": "a whole number", "bool": "true or false", "str": "a text",
          "array": 'a list such as ["A", "B"]', "object": "a table of settings", "null": "nothing"}
_BOUNDS = {">=": "of at least", "<=": "of at most", ">": "above", "<": "below"}


def _choices(options_type: type[BaseOptions], name: str) -> tuple[Any, ...]:
    """Return what an option may be, where that is one of a few."""
    hint = get_type_hints(options_type).get(name)
    return get_args(hint) if get_origin(hint) is Literal else ()
