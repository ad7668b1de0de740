"""What a trainer's own rules say, as facts, as terminal text and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsinspect.protocols.trainers import EFFECTS, Rule, Trainer


def facts_of_trainer(trainer: Trainer) -> dict[str, Any]:
    """Return a trainer's name, release, evidence and the rules of that release, JSON-ready."""
    return {
        "name": trainer.name, "title": trainer.title, "release": trainer.release, "newest": trainer.newest,
        "reads": list(trainer.reads), "evidence": trainer.evidence, "rules": [facts_of_rule(r) for r in trainer.in_force()],
        "limits": {code: dict(values) for code, values in trainer.limits_in_force().items()}}


def facts_of_rule(rule: Rule) -> dict[str, Any]:
    """Return a rule, JSON-ready."""
    return {"key": rule.key, "effect": rule.effect, "reason": rule.reason, "where": rule.where,
            "says": rule.says.partition("|")[0], "since": rule.since, "until": rule.until}


def render_trainer(facts: dict[str, Any], width: int | None = None) -> str:
    """Return the rules of a trainer as terminal text; styled when stdout is a terminal."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(Text.assemble((f"{facts['name']}@{facts['release']}", "bold"), "  ", facts["title"]))
        console.print(Text(f"Reads {' and '.join(facts['reads'])}. Known up to release {facts['newest']}. "
                           f"How it is known: {_known_by(facts['evidence'])}."))
        for effect, words in EFFECTS.items():
            rules = [r for r in facts["rules"] if r["effect"] == effect]
            if not rules:
                continue
            console.print()
            console.print(Text(words[0].upper() + words[1:], "bold"))
            for r in rules:
                told = f' "{r["says"]}"' if r["says"] else ""
                console.print(Padding(Text(f"- {r['reason']}{_span(r)}"), (0, 0, 0, 2), expand=False))
                console.print(Padding(Text(f"{r['where']}{told}", "dim"), (0, 0, 0, 4), expand=False))
        if facts["limits"]:
            console.print(Text(f"\nWith --trainer {facts['name']}", "bold"))
        for code, values in facts["limits"].items():
            console.print(Text(f"  - {code} uses " + ", ".join(f"{k} = {v}" for k, v in values.items())))
    return "\n".join(line.rstrip() for line in capture.get().split("\n"))


def _span(rule: dict[str, Any]) -> str:
    since, until = rule["since"], rule["until"]
    if since and until:
        return f" (from {since} on, before {until})"
    return f" (from {since} on)" if since else f" (before {until})" if until else ""


def _known_by(evidence: str) -> str:
    """Return how the rules are known, in words: what was run is the trainer's own code."""
    return f"its own code was {evidence}" if evidence.startswith("run: ") else evidence


def _releases(t: type[Trainer]) -> str:
    """Return the known releases in words."""
    return t.newest if t.releases[0] == t.newest else f"{t.releases[0]} to {t.newest}"


def trainers_page(trainers: Mapping[str, type[Trainer]]) -> str:
    """Return the index of all trainers, Markdown."""
    lines = ["# Trainers", "", "What the loader of each makes of a dataset, for `dsinspect simulate`, `convert --for`, `expect` "
             "and `--trainer` on `check` and `report`. Nothing of a trainer is run.", "",
             "| trainer | reads | releases | how it is known |", "|---|---|---|---|"]
    lines += [f"| [{t.title}](trainers/{name}.md): `{name}` | {', '.join(t.reads)} | {_releases(t)} | {t.evidence} |"
              for name, t in trainers.items()]
    return "\n".join([*lines, ""])


def trainer_page(trainer_type: type[Trainer]) -> str:
    """Return the page of one trainer, Markdown: all its rules with the releases they are of."""
    t = trainer_type
    lines = [f"# {t.title}", "", f"`--trainer {t.name}`, `--trainer {t.name}@RELEASE`. Reads {' and '.join(t.reads)}; a set "
             "in another format is judged as if it were converted to that.", "", f"How it is known: {_known_by(t.evidence)}.", "",
             f"Known: {_releases(t)}" + (
                 f"; something changes at {', '.join(t.releases[1:])}." if len(t.releases) > 1 else "."), ""]
    for effect, words in EFFECTS.items():
        rules = [r for r in t.rules if r.effect == effect]
        if not rules:
            continue
        lines += [f"## {words[0].upper() + words[1:]}", "", "| when | releases | where | in its own words |", "|---|---|---|---|"]
        for r in rules:
            span = _span({"since": r.since, "until": r.until}).strip(" ()") or "all known"
            says = f"`{r.says.partition('|')[0]}`" if r.says else ""
            lines.append(f"| {r.reason} | {span} | `{r.where}` | {says} |")
        lines.append("")
    if t.limits:
        lines += ["## Limits of checks", "", "| check | limit |", "|---|---|"]
        lines += [f"| `{c}` | {', '.join(f'`{k}` = {v}' for k, v in o.items())} |" for c, o in t.limits.items()]
        lines.append("")
    return "\n".join(lines)
