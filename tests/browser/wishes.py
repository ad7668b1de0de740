"""Twenty decisions of every kind, and how they are taken in the workbook, on the page and in the served app."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review.books import Book

from dsinspect.findings.findings import Finding
from dsinspect.protocols.decisions import choices_of
from dsinspect.protocols.run import Run

Box = tuple[int, int, int, int]
PRESSED = """(all) => all.forEach((keys) => {
  const parts = keys.split("+"), key = parts.pop();
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {
    key, shiftKey: parts.includes("Shift"), ctrlKey: parts.includes("Control"), bubbles: true, cancelable: true }));
})"""
"""Presses many keys at once: one after the other through Playwright is most of the time of a test."""
LARGEST = 300
"""No image of the sample sets is wider or higher, px."""


@dataclass(frozen=True)
class Wish:
    """A decision; `box` is that of set-box and add-box, `name` a class."""

    action: str
    name: str = ""
    box: Box | None = None


ON_FINDINGS = {
    "BOX001": Wish("drop"), "BOX003": Wish("fix"), "BOX004": Wish("set-box", box=(12, 23, 57, 66)),
    "BOX005": Wish("set-category", "person"), "BOX006": Wish("fix"), "BOX007": Wish("mark-as-crowd"), "BOX015": Wish("keep"),
    "IMG005": Wish("keep"), "IMG006": Wish("drop-image"), "IMG007": Wish("drop-image"), "IMG019": Wish("keep"),
    "SIZ001": Wish("keep"), "SRC001": Wish("fix")}
"""Decisions on the first finding of some checks."""
ON_IMAGES = {"BOX003": Wish("add-box", "lorry", (3, 5, 44, 37)), "BOX015": Wish("add-box", "car", (20, 1, 31, 42))}
"""Boxes to add to the image of the first finding of some checks."""
ON_CLASSES = {"lorry": Wish("add-class"), "bicycle": Wish("rename-class", "bike"), "Person": Wish("merge-class", "person")}
ON_CHECKS = {"IMG008": Wish("fix"), "DST001": Wish("keep")}


@dataclass(frozen=True)
class Plan:
    """What is wished for in one set.

    Attributes:
        findings: fingerprint to the decision on it.
        images: fingerprint of a finding to the box to add to its image.
        first: code to the first finding of a check.
    """

    findings: dict[str, Wish]
    images: dict[str, Wish]
    first: dict[str, Finding]

    @property
    def kinds(self) -> list[str]:
        """The actions, one per decision."""
        return [w.action for w in (*self.findings.values(), *self.images.values(), *ON_CLASSES.values(), *ON_CHECKS.values())]

    def at(self, code: str, message: str) -> tuple[Wish | None, Wish | None]:
        """Return the decision on a finding, and the box to add to its image."""
        f = self.first.get(code)
        if f is None or f.message != message:
            return None, None
        return self.findings.get(f.fingerprint), self.images.get(f.fingerprint)


def plan_of(run: Run) -> Plan:
    """Return the twenty decisions on a sample set; where a format has no crowds, one more class is changed."""
    first: dict[str, Finding] = {}
    for outcome in run.outcomes:
        for f in outcome.iterate():
            first.setdefault(f.code, f)
    findings = {}
    for code, wish in ON_FINDINGS.items():
        f = first[code]
        choices = choices_of(has_annotation=f.annotation_id is not None, source=f.source, index=f.index, image=f.image,
                             category=f.category, fix=None if f.fix is None else f.fix.action, no_place=run.no_place)
        findings[f.fingerprint] = wish if wish.action in choices else Wish("set-category", "car")
    return Plan(findings, {first[code].fingerprint: wish for code, wish in ON_IMAGES.items()}, first)


def text_of(box: Box | None) -> str | None:
    return None if box is None else ", ".join(map(str, box))


def in_workbook(plan: Plan, report: Path, reviewed: Path) -> Path:
    """Take the decisions with openpyxl."""
    book = Book(report)
    rows = {book.get(r, "Fingerprint"): r for r in range(2, book.sheet.max_row + 1)}
    for fingerprint, wish in plan.findings.items():
        assert wish.action in book.choices(rows[fingerprint])
        book.decide(rows[fingerprint], wish.action, New_value=text_of(wish.box) or wish.name or None, Reviewer="Ada")
    for fingerprint, wish in plan.images.items():
        book.add("add-box", book.get(rows[fingerprint], "Image"), wish.name, text_of(wish.box))
    for name, wish in ON_CLASSES.items():
        book.add(wish.action, None, name, wish.name or None)
    for code, wish in ON_CHECKS.items():
        book.check(code, wish.action)
    return book.save(reviewed)


def keys_of(box: Box) -> list[str]:
    """Return the keys that bring any box to a place: into the corner, as small as can be, then to its size and place."""
    tens = LARGEST // 10 + 1
    keys = [k for k in ("Control+ArrowLeft", "Control+ArrowUp", "Shift+Control+ArrowLeft", "Shift+Control+ArrowUp")
            for _ in range(tens)]
    x_min, y_min, x_max, y_max = box
    for shift, way, length in (("Shift+", "ArrowRight", x_max - x_min - 1), ("Shift+", "ArrowDown", y_max - y_min - 1),
                               ("", "ArrowRight", x_min), ("", "ArrowDown", y_min)):
        keys += [f"{shift}Control+{way}"] * (length // 10) + [f"{shift}{way}"] * (length % 10)
    return keys


class Reviewer:
    """Takes decisions from the keyboard; page and served app differ in how they show where one is.

    Args:
        page: of the browser.
        image: selector of the image with its boxes.
        is_list: findings stand in a list, and their image has to be opened.
    """

    def __init__(self, page: Any, *, is_list: bool) -> None:
        self.page = page
        self.is_list = is_list

    def press(self, keys: str) -> None:
        for key in keys.split():
            self.page.keyboard.press(key)

    def answer(self, text: str) -> None:
        """Answer the dialog that is open, and wait until it is gone."""
        dialog = self.page.wait_for_selector("dialog.small[open]")  # this one: another may follow it
        dialog.query_selector("input").fill(text)
        self.page.keyboard.press("Enter")
        dialog.wait_for_element_state("hidden")

    def draw(self, box: Box) -> None:
        self.page.locator(".stage.editing").wait_for()
        self.page.evaluate(PRESSED, keys_of(box))
        self.page.keyboard.press("Enter")

    def current(self, place: int) -> tuple[str, str]:
        """Return code and message of the finding in a place, once it is there."""
        if self.is_list:
            row = self.page.locator(f'.finding[data-at="{place}"]:focus')
            return row.locator(".head b").inner_text(), row.locator(".message").inner_text()
        about = self.page.locator(".about", has=self.page.get_by_text(re.compile(f"^Finding {place + 1} of ")))
        return about.locator("b").inner_text(), about.locator(".message").inner_text()

    def classes(self) -> None:
        for name, wish in ON_CLASSES.items():
            self.press("Shift+L")
            self.answer({"add-class": "Add a class", "rename-class": "Rename", "merge-class": "Merge"}[wish.action])
            self.answer(name)
            if wish.name:
                self.answer(wish.name)

    def add(self, wish: Wish) -> None:
        if self.is_list:
            self.press("Enter")
            self.page.locator(".lightbox .inner").wait_for()
        self.press("Shift+B")
        assert wish.box is not None
        self.draw(wish.box)
        self.answer(wish.name)
        if self.is_list:
            self.press("Escape")
            self.page.locator(".lightbox").wait_for(state="hidden")

    def decide(self, wish: Wish) -> None:
        self.press({"keep": "k", "fix": "f", "drop": "d", "drop-image": "i", "mark-as-crowd": "w", "set-category": "c",
                    "set-box": "b"}[wish.action])
        if wish.name:
            self.answer(wish.name)
        elif wish.box and self.is_list:
            self.answer(text_of(wish.box) or "")
        elif wish.box:
            self.draw(wish.box)

    def take(self, plan: Plan, total: int) -> None:
        """Take all decisions, going through all findings once."""
        self.classes()
        if self.is_list:
            self.press("n")
        whole = dict(ON_CHECKS)
        for place in range(total):
            code, message = self.current(place)
            wish, box = plan.at(code, message)
            if code in whole:
                self.press("Shift+C")
                self.answer(whole.pop(code).action)
            if box is not None:
                self.add(box)
            if wish is not None:
                self.decide(wish)
            else:
                self.press("n")
