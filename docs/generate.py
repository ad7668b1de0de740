"""Generate the pages of docs/ whose truth is in the code: one per check and trainer, the index with defaults, the commands.

    python docs/generate.py            # write them
    python docs/generate.py --check    # exit 1 when one of them is not as the code says
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FAMILIES = {
    "SRC": "Files, layout, encoding", "REC": "Records and identity", "BOX": "Geometry of boxes", "CLS": "Classes",
    "IMG": "Image files", "SIZ": "Sizes, as the network will see them", "DST": "Distribution", "SPL": "Splits",
    "CNV": "Conventions", "KPT": "Keypoints", "OBB": "Rotated boxes", "VID": "Tracks of videos", "TRN": "As the trainer sees it",
}
MADE = "<!-- Made by docs/generate.py from the code: change the docstring or the option, not this page. -->\n"


def check_page(facts: dict[str, Any]) -> str:
    """Return the page of one check."""
    lines = [MADE, f"# {facts['code']} {facts['name']}", "", f"*{facts['severity']}*: {facts['summary']}", "",
             facts["text"], ""]
    if facts["options"]:
        lines += ["| option | default | meaning | source |", "|---|---|---|---|"]
        lines += [f"| `{o['name']}` | `{o['default']}` | {cell(o['meaning'])} | {cell(o['source'])} |"
                  for o in facts["options"]]
        name = facts["options"][0]["name"]
        lines += ["", f"Change it with `--set {facts['code']}.{name}=VALUE`, or in `dsinspect.toml` under "
                      f"`[checks.{facts['code']}]`.", ""]
    if facts["needs"]:
        lines += [f"Needs: {', '.join(f'`{n}`' for n in facts['needs'])}; the check is skipped where they cannot "
                  "be had.", ""]
    return "\n".join(lines)


def index_page(checks: list[dict[str, Any]]) -> str:
    """Return the index of all checks."""
    lines = [MADE, "# Checks", "", f"{len(checks)} checks. Severity and limits can be changed; see [the guide]"
             "(guide.md).", ""]
    for family, title in FAMILIES.items():
        members = [c for c in checks if c["code"].startswith(family)]
        if not members:
            continue
        lines += [f"## {family}: {title}", "", "| code | name | severity | what it reports | limits |",
                  "|---|---|---|---|---|"]
        for c in members:
            limits = ", ".join(f"`{o['name']}` = {o['default']}" for o in c["options"]) or "none"
            lines.append(f"| [{c['code']}](checks/{c['code']}.md) | {c['name']} | {c['severity']} | "
                         f"{cell(c['summary'])} | {limits} |")
        lines.append("")
    return "\n".join(lines)


def command_page() -> str:
    """Return the page of the commands: their `--help`, 100 columns wide, without colour."""
    import typer

    from dsinspect.cli import build
    from dsinspect.loader import load_plugins

    group = typer.main.get_command(build(load_plugins()))
    names = [n for name, command in getattr(group, "commands", {}).items()
             for n in (name, *(f"{name} {sub}" for sub in getattr(command, "commands", {})))]
    lines = [MADE, "# Commands", ""]
    for name in ("", *names):
        lines += [f"## dsinspect {name}".rstrip(), "", "```text", help_text(name), "```", ""]
    return "\n".join(lines)


def help_text(command: str) -> str:
    """Return the `--help` of a command, `review apply` for one in a group."""
    arguments = [sys.executable, "-m", "dsinspect", *command.split(), "--help"]
    environment = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment, encoding="utf-8")
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").split("\n"))


def examples_page() -> str:
    """Return the page with the smallest plugin of each kind: what `dsinspect new` writes."""
    from dsinspect.commands.new import HOOKS, package_of

    lines = [MADE, "# The smallest plugin of each kind", "",
             "These are the files that `dsinspect new KIND NAME` writes, and the tests that come with them hold each against "
             "the laws of its protocol. Start from one, change it, and keep the tests.", ""]
    for kind in HOOKS:
        name = f"my-{kind}"
        files = package_of(kind, name)
        module = name.replace("-", "_")
        lines += [f"## {'An' if kind[0] in 'aeiou' else 'A'} {kind}", "",
                  f"`dsinspect new {kind} {name}` writes, among others:", ""]
        for path in (f"dsinspect_{module}/__init__.py", f"dsinspect_{module}/{kind}.py", f"tests/test_{kind}.py"):
            lines += [f"`{path}`", "", "```python", files[path].rstrip("\n"), "```", ""]
    return "\n".join(lines)


def api_page() -> str:
    """Return the page of the Python API: signatures and docstrings."""
    import inspect

    from dsinspect import api, bridges
    from dsinspect.transformation.samples import Sample

    module = inspect.cleandoc(api.__doc__ or "")
    start, _, example = module.partition("\n\n    ")
    lines = [MADE, "# Python API", "", start.partition("\n\n")[2], "", "```python", inspect.cleandoc("    " + example), "```", ""]
    for thing in (api.open, api.Dataset, api.inspect, api.Inspection, api.Findings, api.fix, api.Fixed, api.convert, api.simulate,
                  api.transform, api.iter, Sample):
        name = f"dsinspect.{thing.__name__}" if thing is not Sample else "Sample"
        lines += [f"## {name}", "", *documented(thing)]
        if inspect.isclass(thing):
            for member, value in vars(thing).items():
                if member.startswith("_") and member not in ("__iter__", "__len__"):
                    continue
                function = value.fget if isinstance(value, property) else getattr(value, "func", value)
                if callable(function) and function.__doc__:
                    lines += [f"### {member}", "", *documented(function)]
    lines += ["## Bridges", "", *documented(bridges)]
    for function in (bridges.to_supervision, bridges.from_supervision, bridges.to_fiftyone, bridges.to_torch):
        lines += [f"### dsinspect.bridges.{function.__name__}", "", *documented(function)]
    return "\n".join(lines)


def documented(thing: Any) -> list[str]:
    """Return signature and docstring as Markdown: sections become lists."""
    import inspect

    lines: list[str] = []
    if inspect.isfunction(thing) and list(inspect.signature(thing).parameters) != ["self"]:
        call = str(inspect.signature(thing)).replace("'", "").replace("self, ", "")
        arguments, _, result = call.rpartition(" -> ")
        parts = arguments.strip("()").split(", ") if len(call) < 90 else re.split(r", (?=\w+:|\*)", arguments.strip("()"))
        called = f"{thing.__name__}({', '.join(parts)}) -> {result}"
        if len(called) > 100:
            called = f"{thing.__name__}(\n    " + ",\n    ".join(parts) + f",\n) -> {result}"
        lines += ["```python", called, "```", ""]
    if inspect.ismodule(thing):  # a sentence, and an example
        start, _, example = (thing.__doc__ or "").strip().partition("\n\n")
        return [start, "", "```python", inspect.cleandoc("\n" + example), "```", ""]
    section = False
    for line in (inspect.getdoc(thing) or "").split("\n"):
        if re.fullmatch(r"(Args|Returns|Raises|Yields|Attributes):", line):
            section = True
            lines += [f"**{line[:-1]}**", ""]
        elif section and (match := re.match(r"    (\w+): (.*)", line)):
            lines.append(f"- `{match[1]}`: {match[2]}")
        elif section and line.startswith("    "):
            lines.append(f"  {line.strip()}" if lines[-1] else line.strip())
        else:
            section = section and not line
            lines.append(line)
    return [*lines, ""]


def formats_page() -> str:
    """Return the page of the formats: what can be done with each, and the choices its reader and writer leave to the user."""
    from dsinspect.loader import load_plugins
    from dsinspect.protocols.formats import Facts
    from dsinspect.protocols.options import describe
    from dsinspect.testing.rich_set import losses_of

    formats = {n: f for n, f in load_plugins().formats.items() if getattr(f, "readable", True)}
    lines = [MADE, "# Formats", "",
             f"{len(formats)} formats, recognised by content; `--format NAME` names one where two are as likely. Written: "
             "`dsinspect convert --to NAME`. Edited: `dsinspect fix` and `dsinspect review apply` change what an edit names "
             "and leave every other byte as it was.", "",
             "What a target has no place for is counted, named and printed by `convert` (`--strict` refuses it). Most formats "
             "have no ids of images and annotations of their own, no supercategories, no classes without a box, and an order "
             "of classes that is theirs; that is counted too, and not said again below. What `convert` finds beyond the tables "
             "(COCO's `info`, `licenses` and unknown keys, VOC's `<depth>`, DOTA's header lines) is counted as well.", "",
             "An archive (.zip, .tar, .tar.gz, ...) of any format is a dataset. Of a .zip and a .tar text is written into a "
             "temporary folder, and images are read in place: of 2,000 JPEG images (141 MB) 8 MB are written, for each label "
             "takes a block of the disk, where 153 MB were. A `.tar.gz`, `.tar.bz2` or `.tar.xz` is unpacked, for its members "
             "have no place of their own; so are TFRecord and parquet files, images that a .zip packs other than by deflating, "
             "and everything on Windows and on file systems without sparse files. Bringing in and reading those 2,000 images "
             "takes 0.5 s of processor time where a .zip stores them, 0.7 s from a .tar, and 1.3 s where a .zip deflates them, "
             "most of it inflating; 0.1 s from the folder, whose check takes 13 s. Limits hold for files (`archive_files`), "
             "bytes that are unpacked (`archive_mb`, and what is free), the ratio of packing (`archive_ratio`) and each image "
             "(`image_mb`), and for names and headers: a name has 4,096 characters at most, a header of a .tar 65,536 bytes, and "
             "the directory of a .zip 512 bytes for each file of `archive_files`. An image that unfolds out of all proportion "
             "(`archive_ratio`, from 64 MB on), or whose checksum or header is wrong, is a finding (IMG002) of that image. A "
             "member that is no file (a pipe, a device) is SRC001, an error; two members with one name are refused; an archive "
             "that changes while it is read ends the command. The folder goes when the program ends, or, where it was killed, with "
             "the next run that reads an archive. Messages and reports name the archive, and `TMPDIR` names another place. "
             "A list file of images is a YOLO set; "
             "`train=A val=B` makes one set of several places.", "",
             "| format | read | written | edited | what it is |", "|---|---|---|---|---|"]
    for name, kind in formats.items():
        can = " | ".join("yes" if v else "" for v in (True, kind.writable, kind.patchable))
        lines.append(f"| [{name}](#{name}) | {can} | {cell((kind.__doc__ or '').partition(chr(10))[0])} |")
    for name, kind in formats.items():
        lines += ["", f"## {name}", "", inspect_doc(kind), ""]
        facts = getattr(kind, "facts", Facts())
        told = (("Recognised by", facts.recognised), ("Read", facts.read), ("Conventions assumed", facts.assumed),
                ("Kept by an edit", facts.kept), ("Written", facts.written))
        lines += [f"- **{title}**: {text}." for title, text in told if text]
        if kind.writable:  # measured, not retyped: what its writer says of a set that holds everything the tables can
            lost = [w for w in losses_of(kind) if w not in COUNTED_ALWAYS]
            lines.append(f"- **Lost when written**, counted and named: {'; '.join(lost) or 'nothing'}.")
        lines.append("")
        for title, options in (("Options of reading", kind.options_type), ("Options of writing", kind.writer_options_type)):
            if options.__struct_fields__:
                lines += [f"{title}:", "", "| option | default | meaning |", "|---|---|---|"]
                lines += [f"| `--set {name}.{o.name}=` | `{o.default}` | {cell(o.meaning)} |" for o in describe(options)]
                lines.append("")
        if kind.patchable and getattr(kind, "no_place", None):
            lines += [f"Has no place for these edits: {', '.join(f'`{a}`' for a in sorted(kind.no_place))}.", ""]
    return "\n".join(lines)


def limits_page() -> str:
    """Return the page of the limits on what is read."""
    import dataclasses

    from dsinspect.io.limits import Limits

    lines = [MADE, "# Limits on what is read", "",
             "A dataset may be made to fill the memory: a hundred bytes can stand for a mask of gigabytes. Every size is compared "
             "with its limit before memory is taken for it, and a message names the limit that was hit. An honest dataset that is "
             "larger is read with `--read-limit`:", "", "```console", "$ dsinspect report my_dataset --read-limit text_mb=8192 "
             "--read-limit pixels=1000000000", "```", "",
             "or in a configuration (one that lies in the dataset may not set limits):", "",
             "```toml", "[limits]", "text_mb = 8192", "```", "",
             "For the Python API: the environment variable `DSINSPECT_LIMITS=text_mb=8192,pixels=1000000000`.", "",
             "| limit | default | meaning |", "|---|---|---|"]
    lines += [f"| `{f.name}` | {f.default:,} | {cell(f.metadata['meaning'])} |" for f in dataclasses.fields(Limits)]
    return "\n".join([*lines, ""])


COUNTED_ALWAYS = ("annotation ids that are not the running number of their record",
                  "image ids that are not the running number of their record",
                  "category ids, and the order of categories", "categories without an annotation",
                  "supercategories")
"""Losses of nearly every format, told above the list."""


def inspect_doc(thing: Any) -> str:
    """Return a docstring without its indentation."""
    import inspect

    return inspect.getdoc(thing) or ""


def cell(text: str) -> str:
    """Return text safe in a Markdown table."""
    return text.replace("|", "\\|")


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    from dsinspect.inspection.explain import facts_of
    from dsinspect.inspection.explain_trainer import trainer_page, trainers_page
    from dsinspect.loader import load_plugins

    plugins = load_plugins()
    checks = [facts_of(c) for c in plugins.checks.values()]
    made = {HERE / "checks" / f"{c['code']}.md": check_page(c) for c in checks}
    made |= {HERE / "trainers" / f"{name}.md": MADE + trainer_page(t) for name, t in plugins.trainers.items()}
    made[HERE / "trainers.md"] = MADE + trainers_page(plugins.trainers)
    return {**made, HERE / "checks.md": index_page(checks), HERE / "commands.md": command_page(),
            HERE / "plugin-examples.md": examples_page(), HERE / "api.md": api_page(), HERE / "formats.md": formats_page(),
            HERE / "limits.md": limits_page()}


def main() -> int:
    """Write the pages, or compare them."""
    made = pages()
    stale = [p for folder in ("checks", "trainers") for p in (HERE / folder).glob("*.md") if p not in made]
    if "--check" in sys.argv:
        wrong = [p for p, text in made.items() if not p.exists() or p.read_text(encoding="utf-8") != text] + stale
        for path in wrong:
            print(f"{path.relative_to(HERE.parent)} is not as the code says: run python docs/generate.py")
        return 1 if wrong else 0
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in stale:
        path.unlink()
    print(f"{len(made)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
