"""Edit the class names of a YOLO set where they stand: data.yaml, obj.names, classes.txt; all else keeps its text."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dsinspect.errors import UserError
from dsinspect.io.reading import is_regular, leaves, reads_outside
from dsinspect_formats._images import relative
from dsinspect_formats._splicing import readable, removals, without_lines
from dsinspect_formats.yolo._config import NAME_LISTS, Config, lists_beside_labels
from dsinspect_formats.yolo._settings import bases_above, resolve

TextSplice = tuple[int, int, str]


def class_files(config: Config, folder: Path) -> dict[str, str]:
    """Return the files that hold the class names and their number: source to what `edit_class_file` calls them."""
    names = config.settings.get("names")
    if config.path is not None and isinstance(names, list | dict):
        return {relative(config.path, folder): "yaml"}
    if config.path is not None and isinstance(names, str):
        place = resolve(names, [config.path.parent, *bases_above(config.path, folder)])
        if place is not None and (not is_regular(place) or (leaves(place, folder) and not reads_outside())):
            place = None
        kind = "data" if config.path.suffix.lower() == ".data" else "yaml"
        return {relative(config.path, folder): kind, **({relative(place, folder): "names"} if place else {})}
    listed = next((name for name in NAME_LISTS if is_regular(folder / name)
                   and (reads_outside() or not leaves(folder / name, folder))), None)
    if config.settings:
        return {}
    return dict.fromkeys([listed] if listed is not None else lists_beside_labels(folder), "lines")


def edit_class_file(text: str, kind: str, removed: Collection[int], renamed: Mapping[int, str], left: int,
                    added: Sequence[str] = ()) -> str:
    """Return a class file without some classes, with others renamed or added; those after a removed one move up.

    Args:
        text: of the file.
        kind: `yaml`; `data` (obj.data); `names` (obj.names, blank lines do not count) or `lines` (they do).
        removed: class numbers.
        renamed: class number to new name.
        left: number of classes afterwards.
        added: names of new classes, which come last.
    """
    if kind == "yaml":
        return _edit_yaml(text, removed, renamed, left, added)
    if kind == "data":
        return re.sub(r"(?m)^([ \t]*classes[ \t]*=[ \t]*)\d+", rf"\g<1>{left}", text) if removed or added else text
    lines = text.splitlines(keepends=True)
    places = [k for k, line in enumerate(lines) if kind == "lines" or line.strip()]
    for number, name in renamed.items():
        line = lines[places[number]]
        stripped = line.strip()
        at = line.index(stripped)
        lines[places[number]] = line[:at] + name + line[at + len(stripped):]
    new = without_lines(lines, {places[k] for k in removed})
    line_end = "\r\n" if "\r\n" in text else "\n"
    for name in added:
        new += ("" if not new or new.endswith("\n") else line_end) + name + line_end
    return new


def _edit_yaml(text: str, removed: Collection[int], renamed: Mapping[int, str], left: int, added: Sequence[str]) -> str:
    document = yaml.compose(readable(text), yaml.SafeLoader)
    if not isinstance(document, yaml.MappingNode):
        raise UserError("data.yaml: not a mapping, so its names cannot be edited")
    nodes = {key.value: value for key, value in document.value if isinstance(key, yaml.ScalarNode)}
    splices: list[TextSplice] = []
    names = nodes.get("names")
    if isinstance(names, yaml.SequenceNode):
        spans = [(n.start_mark.index, n.end_mark.index) for n in names.value]
        splices += [(*spans[k], _scalar(names.value[k], name)) for k, name in renamed.items()]
        splices += _cuts(text, names, spans, removed)
        splices += _additions(text, names, [_scalar(names.value[-1], name) for name in added] if names.value else [])
    elif isinstance(names, yaml.MappingNode):
        spans = [(k.start_mark.index, v.end_mark.index) for k, v in names.value]
        gone = set()
        for place, (key, value) in enumerate(names.value):
            try:
                number = int(key.value)
            except ValueError:
                continue
            moved = number - sum(r < number for r in removed)
            if number in removed:
                gone.add(place)
                continue
            if moved != number:
                splices.append((key.start_mark.index, key.end_mark.index, _scalar(key, str(moved))))
            if number in renamed:
                splices.append((value.start_mark.index, value.end_mark.index, _scalar(value, renamed[number])))
        splices += _cuts(text, names, spans, gone)
        first = 1 + max((int(k.value) for k, _ in names.value if k.value.isdecimal()), default=-1) - len(removed)
        splices += _additions(text, names, [f"{first + k}: {_scalar(names.value[-1][1], name)}" for k, name in enumerate(added)]
                              if names.value else [])
    count = nodes.get("nc", nodes.get("classes"))
    if (removed or added) and isinstance(count, yaml.ScalarNode) and re.fullmatch(r"\d+", count.value):
        splices.append((count.start_mark.index, count.end_mark.index, str(left)))
    out, at = "", 0
    for start, stop, new in sorted(splices):
        out += text[at:start] + new
        at = stop
    return out + text[at:]


def _cuts(text: str, node: Any, spans: list[tuple[int, int]], removed: Collection[int]) -> list[TextSplice]:
    """Return the cuts of items: with their commas in flow style, with their lines in block style."""
    if node.flow_style:
        opened = node.start_mark.index + 1
        return [(a, b, "") for a, b, _ in removals(spans, removed, opened, node.end_mark.index - 1)]
    cuts: list[TextSplice] = []
    for k in removed:
        start = text.rfind("\n", 0, spans[k][0]) + 1
        stop = text.find("\n", spans[k][1]) + 1
        cuts.append((start, stop, "") if stop else (len(text[:start].rstrip("\r\n")), len(text), ""))
    return cuts


def _additions(text: str, node: Any, items: list[str]) -> list[TextSplice]:
    """Return the splices that put items at the end of a list or mapping, which holds some."""
    if not items:
        return []
    last = node.value[-1]
    first, end = (last[0].start_mark.index, last[1].end_mark.index) if isinstance(last, tuple) else (
        last.start_mark.index, last.end_mark.index)
    if node.flow_style:
        return [(end, end, "".join(f", {item}" for item in items))]
    head = text[text.rfind("\n", 0, first) + 1:first]
    line_end = "\r\n" if "\r\n" in text else "\n"
    stop = text.find("\n", end) + 1
    lines = "".join(f"{head}{item}{line_end}" for item in items)
    return [(stop, stop, lines)] if stop else [(len(text), len(text), line_end + lines.removesuffix(line_end))]


def _scalar(old: Any, text: str) -> str:
    """Return a text as YAML, quoted as the old one was where that does."""
    quoted = "'" + text.replace("'", "''") + "'"
    if not text.isprintable() or old.style == '"':
        return json.dumps(text, ensure_ascii=not text.isprintable())
    if old.style == "'":
        return quoted
    try:
        read = yaml.safe_load(f"[{text}]")
    except yaml.YAMLError:
        return quoted
    same = isinstance(read, list) and len(read) == 1 and str(read[0]) == text
    return text if same and not isinstance(read[0], list | dict | bool) and read[0] is not None else quoted
