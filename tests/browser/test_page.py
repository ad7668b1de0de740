"""The page in a real browser: opened offline, filtered, decided on by keyboard, on a desk and on a phone."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browser.conftest import DESK, PHONE, drawn, serious_faults, until

from dsinspect.findings.findings import Findings
from dsinspect.findings.severity import Severity
from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.protocols.chart import Chart
from dsinspect.protocols.decisions import Decision, NewBox
from dsinspect.protocols.run import Run
from dsinspect.review.decision import read_decisions
from dsinspect_reports.html.report import HtmlReport, Options

PLUGINS = load_plugins()
SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "coco"
HOSTILE = ["<script>document.title='pwned'</script>", "<img src=x onerror=\"document.title='pwned'\">", "=cmd|'/c calc'!A1",
           "../../x", "line\nbreak", "x" * 300, "{{ 7*7 }}", "</script><script>document.title='pwned'</script>", "\u2028\u202eevil",
           "\ud800",
           "javascript:document.title='pwned'", "中文标签", "تسمية"]


@pytest.fixture(scope="module")
def run() -> Run:
    return inspect(Request("sample_data/coco", SAMPLE, keep_images=True, keep_annotations=True), PLUGINS)


@pytest.fixture(scope="module")
def sample_page(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the sample set, alone in a folder, as it is after it was mailed."""
    made = tmp_path_factory.mktemp("made") / "report.html"
    HtmlReport().write(run, made)
    return Path(shutil.copy(made, tmp_path_factory.mktemp("mailed")))


def opened(visit: Callable[..., Any], path: Path, viewport: dict[str, int] = DESK, scheme: str = "light") -> Any:
    return visit(path.as_uri(), viewport, scheme=scheme)


def shown(page: Any) -> int:
    return int(re.match(r"[\d,]+", page.locator(".number").inner_text()).group().replace(",", ""))  # type: ignore[union-attr]


def said(page: Any) -> str:
    return str(page.locator("#said").inner_text())


def progress(page: Any, count: int) -> None:
    page.locator(".progress", has_text=re.compile(rf"^{count} of ")).first.wait_for()


def press(page: Any, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_findings_come_first_and_have_their_images(visit: Callable[..., Any], sample_page: Path, viewport: dict[str, int]) -> None:
    page = opened(visit, sample_page, viewport)
    assert page.locator(".finding").first.bounding_box()["y"] < viewport["height"] * 0.8
    images = page.locator(".finding .shot img")
    until(page, images.count, lambda n: n > 20)
    page.evaluate("Promise.all([...document.querySelectorAll('.shot img')].map((i) => i.decode()))")  # rejects what is none
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_both_images_of_a_group_are_side_by_side(visit: Callable[..., Any], sample_page: Path) -> None:
    page = opened(visit, sample_page)
    page.locator(".chip", has_text="SPL001").click()
    until(page, page.locator(".finding .shot").count, 2)


def test_both_boxes_of_a_pair_are_drawn(visit: Callable[..., Any], sample_page: Path) -> None:
    page = opened(visit, sample_page)
    page.locator(".chip", has_text="BOX007").click()
    until(page, page.locator(".finding .shot path.mark").count, 1)
    until(page, page.locator(".finding .shot path.other").count, 1)


def test_filters(visit: Callable[..., Any], sample_page: Path, run: Run) -> None:
    page = opened(visit, sample_page)
    total = sum(len(o.findings) for o in run.outcomes)
    until(page, lambda: shown(page), total)
    page.locator(".verdict .badge.info").click()
    until(page, lambda: shown(page), run.count(Severity.INFO))
    page.locator(".verdict .badge.info").click()
    page.locator(".chip", has_text="IMG008").click()
    until(page, lambda: shown(page), 2)
    page.locator(".chip", has_text="IMG008").click()
    until(page, lambda: shown(page), total)
    page.get_by_label("Split", exact=True).select_option("val")
    until(page, lambda: shown(page), lambda n: 0 < n < total)
    page.get_by_label("Split", exact=True).select_option("")
    press(page, "/")
    page.keyboard.type("train_08")
    until(page, lambda: shown(page), 1)


def test_sorting_is_said(visit: Callable[..., Any], sample_page: Path) -> None:
    page = opened(visit, sample_page)
    head = page.locator('[role="columnheader"][data-key="size"]')
    head.locator("button").click()
    until(page, lambda: head.get_attribute("aria-sort"), "descending")
    drawn(page)
    widths = page.locator(".finding .size").all_inner_texts()
    areas = [int(a) * int(b) for a, b in (w.split(" x ") for w in widths if w)]
    assert areas == sorted(areas, reverse=True)
    head.locator("button").click()
    until(page, lambda: head.get_attribute("aria-sort"), "ascending")
    page.locator("#tab-data").click()
    classes = page.locator("table.sortable").filter(has_text="median side").first
    classes.locator("th button", has_text="class").click()
    drawn(page)
    names = classes.locator("tbody th").all_inner_texts()
    assert names == sorted(names, key=str.lower)


def test_decisions_by_keyboard_are_kept_undone_and_saved(visit: Callable[..., Any], sample_page: Path, run: Run,
                                                          tmp_path: Path) -> None:
    page = opened(visit, sample_page)
    press(page, "n k d f k u")  # the last one is undone
    progress(page, 3)
    page.locator(".chip", has_text="BOX005").click()
    press(page, "n c")
    page.get_by_role("dialog").get_by_role("combobox").wait_for()
    page.keyboard.type("bicy")
    press(page, "Enter")
    progress(page, 4)
    page.locator(".chip", has_text="BOX009").click()
    press(page, "n b")
    page.get_by_role("dialog").get_by_role("textbox").fill("1, 2, 30.5, 40")
    press(page, "Enter")
    progress(page, 5)
    press(page, "o")
    page.get_by_role("dialog").get_by_role("textbox").fill("it is smaller")
    press(page, "Enter")
    page.locator(".finding .made", has_text="it is smaller").wait_for()
    page.reload()
    page.wait_for_selector("html[data-ready]")
    progress(page, 5)
    page.get_by_label("Reviewer").fill("Ada")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save decisions").click()
    download.value.save_as(tmp_path / "decisions.json")
    read = read_decisions(tmp_path / "decisions.json")
    assert [d.action for d in read.decisions] == ["keep", "drop", "fix", "set-category", "set-box"]
    assert [d.value for d in read.decisions[3:]] == ["bicycle", (1.0, 2.0, 30.5, 40.0)]
    assert read.decisions[4].comment == "it is smaller"
    assert {d.reviewer for d in read.decisions} == {"Ada"}
    assert read.settings == run.settings
    known = {f.fingerprint: f for o in run.outcomes for f in o.iterate()}
    for d in read.decisions:
        assert d.finding is not None
        assert d.seen is not None
        assert d.seen.bbox_xyxy == known[d.finding].bbox_xyxy
        assert d.seen.message == known[d.finding].message


def test_who_gave_no_name_is_asked_for_one_once(visit: Callable[..., Any], sample_page: Path, tmp_path: Path) -> None:
    page = opened(visit, sample_page)
    press(page, "n k S")
    page.get_by_role("dialog").get_by_role("textbox").wait_for()
    with page.expect_download():
        press(page, "Enter")
    with page.expect_download() as download:
        press(page, "S")  # once is enough, and it may stay empty
    download.value.save_as(tmp_path / "a.json")
    assert [d.reviewer for d in read_decisions(tmp_path / "a.json").decisions] == [None]
    page = opened(visit, sample_page)
    press(page, "n k S")
    page.get_by_role("dialog").get_by_role("textbox").fill("Ada")
    with page.expect_download() as download:
        press(page, "Enter")
    download.value.save_as(tmp_path / "b.json")
    assert [d.reviewer for d in read_decisions(tmp_path / "b.json").decisions] == ["Ada"]
    until(page, page.get_by_label("Reviewer").input_value, "Ada")


def test_a_finding_about_an_image_shows_its_boxes(visit: Callable[..., Any], sample_page: Path) -> None:
    page = opened(visit, sample_page)
    page.get_by_label("Check", exact=True).select_option("IMG005")
    until(page, page.locator(".finding svg.boxes path.mark").count, 0)
    until(page, page.locator(".finding svg.boxes path.plain").count, lambda n: n > 0)


def test_what_does_not_apply_is_told_from_what_was_skipped(visit: Callable[..., Any], sample_page: Path, run: Run) -> None:
    page = opened(visit, sample_page)
    line = page.locator("summary", has_text="does not apply").first
    assert line.inner_text().split()[3] == str(sum(not o.applies for o in run.outcomes))
    assert "the coco format has no rotated boxes" in page.locator("details.clean").last.text_content()


def test_all_that_are_shown_are_decided_at_once_and_taken_back_at_once(visit: Callable[..., Any], sample_page: Path,
                                                                       run: Run) -> None:
    page = opened(visit, sample_page)
    page.locator(".verdict .badge.info").click()
    page.locator(".bulk button", has_text="Keep").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    progress(page, run.count(Severity.INFO))
    press(page, "u")
    progress(page, 0)


def test_how_to_review_is_open_at_first_and_stays_folded(visit: Callable[..., Any], sample_page: Path) -> None:
    page = opened(visit, sample_page)
    how_to = page.locator("#howto li")
    until(page, how_to.count, 5)
    assert how_to.first.is_visible()
    page.locator("#howto summary").click()
    how_to.first.wait_for(state="hidden")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert not how_to.first.is_visible()


def test_fixing_all_says_how_many_are_unsafe(visit: Callable[..., Any], sample_page: Path, run: Run) -> None:
    fixes = [f.fix.safety for o in run.outcomes for f in o.iterate() if f.fix is not None]
    page = opened(visit, sample_page)
    page.locator(".bulk button", has_text="Fix").click()
    safe = fixes.count("safe")
    title = page.locator("dialog[open] h2")
    title.wait_for()
    assert re.fullmatch(rf"Fix \d+ findings \({safe} safe, \d+ unsafe\)\?", title.inner_text())


def test_saved_decisions_are_taken_up_again(visit: Callable[..., Any], sample_page: Path, tmp_path: Path) -> None:
    page = opened(visit, sample_page)
    press(page, "n k k")
    with page.expect_download() as download:
        press(page, "S")
        page.locator("dialog[open]").wait_for()
        press(page, "Enter")  # no name
    download.value.save_as(tmp_path / "decisions.json")
    other = opened(visit, sample_page)
    other.locator("input[type=file]").set_input_files(tmp_path / "decisions.json")
    other.locator(".progress", has_text="2 of").wait_for()


def test_only_possible_decisions_are_offered(visit: Callable[..., Any], sample_page: Path) -> None:
    page = opened(visit, sample_page)
    page.locator(".chip", has_text="SIZ001").click()
    until(page, page.locator(".finding .act").all_inner_texts, ["Keep", "Comment…"])
    press(page, "n d")
    until(page, lambda: said(page), lambda text: "cannot take" in text)
    progress(page, 0)


def test_the_image_is_opened_zoomed_and_left(visit: Callable[..., Any], sample_page: Path) -> None:
    page = opened(visit, sample_page)
    press(page, "n n Enter 0")
    drawn(page)

    def width() -> float:
        return float(page.locator(".lightbox .inner").bounding_box()["width"])

    whole = width()
    press(page, "z")
    until(page, width, lambda seen: seen > whole)
    press(page, "0")
    until(page, width, pytest.approx(whole))
    title = page.locator(".lightbox .title").inner_text()
    press(page, "k")  # decided in the image, which goes on to the next
    until(page, page.locator(".lightbox .title").inner_text, lambda text: text != title)
    press(page, "Escape")
    page.locator(".lightbox").wait_for(state="hidden")
    progress(page, 1)


def saved(page: Any, folder: Path) -> tuple[Decision, ...]:
    """The decisions as `decisions.json` has them."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Save decisions").click()
        page.locator("dialog[open]").wait_for()
        press(page, "Enter")  # no name
    download.value.save_as(folder / "decisions.json")
    return read_decisions(folder / "decisions.json").decisions


def test_boxes_are_changed_and_added_in_the_image(visit: Callable[..., Any], sample_page: Path, tmp_path: Path) -> None:
    page = opened(visit, sample_page)
    page.locator(".chip", has_text="BOX005").click()
    press(page, "n Enter b")
    page.locator(".stage.editing").wait_for()
    press(page, "Escape")
    until(page, page.locator(".stage.editing").count, 0)
    assert page.locator(".lightbox").is_visible()
    press(page, "b")
    page.locator(".stage.editing").wait_for()
    press(page, "ArrowRight Shift+Control+ArrowRight Enter Escape")
    page.locator(".progress", has_text="1 of").first.wait_for()
    page.locator(".chip", has_text="BOX009").click()
    press(page, "n Enter Shift+B")
    page.locator(".stage.editing").wait_for()
    press(page, "ArrowDown Shift+ArrowDown Enter")
    page.get_by_role("dialog", name="Class of the new box").wait_for()
    page.keyboard.type("bic")
    press(page, "Enter")
    page.locator(".lightbox .label", has_text="bicycle · new").wait_for()
    press(page, "]")
    page.locator(".lightbox .quiet", has_text="Box: ").wait_for()
    press(page, "k")
    until(page, lambda: said(page), lambda text: "cannot take" in text)
    press(page, "d Escape")
    page.locator(".progress", has_text="1 of 45 decided, and 2 without a finding").first.wait_for()
    page.reload()
    page.wait_for_selector("html[data-ready]")
    moved, added, dropped = saved(page, tmp_path)
    assert moved.action == "set-box"
    assert isinstance(moved.value, tuple)
    assert moved.seen is not None
    assert moved.seen.bbox_xyxy is not None
    assert [b - a for a, b in zip(moved.seen.bbox_xyxy, moved.value, strict=True)] == pytest.approx([1, 0, 11, 0], abs=1)
    assert added.action == "add-box"
    assert isinstance(added.value, NewBox)
    assert added.value.category == "bicycle"
    assert added.record is not None
    assert added.record.image
    assert dropped.action == "drop"
    assert dropped.record is not None
    assert dropped.record.source
    assert dropped.record.index is not None
    other = opened(visit, sample_page)
    other.locator("input[type=file]").set_input_files(tmp_path / "decisions.json")
    other.locator(".progress", has_text="1 of 45 decided, and 2 without a finding").first.wait_for()
    assert saved(other, tmp_path) == (moved, added, dropped)


@pytest.mark.parametrize("code", ["BOX006", "BOX007"])
def test_of_two_records_with_the_same_box_the_finding_is_about_its_own(visit: Callable[..., Any], sample_page: Path, run: Run,
                                                                       tmp_path: Path, code: str) -> None:
    finding = next(o for o in run.outcomes if o.code == code).first(1)[0]
    page = opened(visit, sample_page)
    page.locator(".chip", has_text=code).click()
    page.locator(".finding .shot").first.click()
    page.locator(".lightbox .quiet", has_text=f"{code}: {finding.message}").wait_for()
    until(page, page.locator(".lightbox path.mark").count, 1)
    until(page, page.locator(".lightbox path.other").count, 1)
    press(page, "d Escape")
    page.locator(".progress", has_text=re.compile(r"^1 of \d+ decided$")).first.wait_for()  # none is without a finding
    (made,) = saved(page, tmp_path)
    assert (made.action, made.finding, made.record) == ("drop", finding.fingerprint, None)
    assert made.seen is not None
    assert made.seen.annotation is not None
    assert (made.seen.annotation.index, made.seen.annotation.id) == (finding.index, finding.annotation_id)


def test_an_image_that_no_record_names_is_in_the_page(visit: Callable[..., Any], sample_page: Path) -> None:
    page = opened(visit, sample_page)
    page.locator(".chip", has_text="SRC002").click()
    page.locator(".finding .shot[title='train/stray.jpg']").click()
    image = page.locator(".lightbox img[alt='train/stray.jpg']")
    until(page, lambda: image.evaluate("(i) => i.complete && i.naturalWidth > 100"), True)


def test_a_box_outside_is_shown_together_with_its_image(visit: Callable[..., Any], sample_page: Path) -> None:
    page = opened(visit, sample_page)
    page.locator(".chip", has_text="BOX004").click()
    page.locator(".finding .shot").first.click()
    stage = page.locator(".lightbox .stage").bounding_box()
    for part in (page.locator(".lightbox .stage img").first, page.locator(".lightbox path.mark")):
        until(page, part.bounding_box, lambda b: b and b["x"] >= stage["x"] - 1
              and b["x"] + b["width"] <= stage["x"] + stage["width"] + 1)


def test_the_keys_open_at_their_top(visit: Callable[..., Any], sample_page: Path) -> None:
    page = opened(visit, sample_page, PHONE)
    press(page, "?")
    title = page.locator("dialog[open] h2")
    title.wait_for()
    assert title.bounding_box()["y"] >= page.locator("dialog[open]").bounding_box()["y"]


def test_a_box_is_drawn_with_the_mouse(visit: Callable[..., Any], sample_page: Path, tmp_path: Path) -> None:
    page = opened(visit, sample_page)
    page.locator(".finding .shot").first.click()
    page.get_by_role("button", name="Add box").click()
    page.locator(".stage.editing").wait_for()
    drawn(page)
    place = page.locator(".lightbox .inner").bounding_box()
    page.mouse.move(place["x"] + place["width"] * 0.05, place["y"] + place["height"] * 0.05)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] * 0.25, place["y"] + place["height"] * 0.30, steps=4)
    page.mouse.up()
    press(page, "Enter")
    page.get_by_role("dialog", name="Class of the new box").get_by_role("combobox").fill("car")
    press(page, "Enter Escape")
    made = saved(page, tmp_path)[0].value
    assert isinstance(made, NewBox)
    assert made.category == "car"
    assert made.bbox_xyxy[0] < made.bbox_xyxy[2]


def test_whole_checks_and_classes_are_decided_on(visit: Callable[..., Any], sample_page: Path, tmp_path: Path, run: Run) -> None:
    page = opened(visit, sample_page)
    page.locator(".chip", has_text="IMG008").click()
    press(page, "n k")
    whole = page.locator(".above .bulk").last
    until(page, whole.inner_text, lambda text: text.startswith("All of IMG008 without a decision of their own"))
    whole.get_by_role("button", name="Drop image").click()
    count = next(len(o.findings) for o in run.outcomes if o.code == "IMG008")
    assert count > 1
    page.locator(".progress", has_text=f"{count} of 45 decided").first.wait_for()
    until(page, lambda: page.locator(".finding .made").all_inner_texts()[1:], ["all of IMG008: drop-image"] * (count - 1))
    press(page, "Shift+C")
    page.get_by_role("dialog").get_by_role("combobox").fill("keep")
    press(page, "Enter")
    page.locator(".finding .made", has_text="all of IMG008: keep").first.wait_for()
    press(page, "Shift+L Enter")
    page.get_by_role("dialog", name="Name of the new class").get_by_role("textbox").fill("lorry")
    press(page, "Enter")
    page.locator(".progress", has_text="and 1 without a finding").first.wait_for()
    press(page, "Shift+L ArrowDown Enter")
    page.get_by_role("dialog", name="Rename a class").get_by_role("combobox").fill("tram")
    press(page, "Enter")
    page.get_by_role("dialog", name="New name of tram").get_by_role("textbox").fill("trolley")
    press(page, "Enter")
    page.locator(".progress", has_text="and 2 without a finding").first.wait_for()
    made = saved(page, tmp_path)
    assert [(d.action, d.finding is not None, d.check, d.record and d.record.category, d.value) for d in made] == [
        ("keep", True, None, None, None), ("keep", False, "IMG008", None, None), ("add-class", False, None, "lorry", None),
        ("rename-class", False, None, "tram", "trolley")]


def test_a_chart_of_one_number_is_not_drawn(run: Run) -> None:
    one = Chart("histogram", "Depth of tea", (1.0, 2.0), (3,), "cm", "cups")
    two = Chart("scatter", "Cups", (1.0, 2.0), (3.0, 4.0), "cm", "cm")
    same = Chart("scatter", "Sugar", (1.0, 1.0), (3.0, 3.0), "g", "g")
    text = HtmlReport().text(replace(run, outcomes=(replace(run.outcomes[0], charts=(one, two, same)),)))
    assert "<figcaption>Cups</figcaption>" in text
    assert "Depth of tea" not in text
    assert "Sugar" not in text


def test_text_of_charts_is_readable_on_a_phone(visit: Callable[..., Any], sample_page: Path) -> None:
    page = opened(visit, sample_page, PHONE)
    page.locator("#tab-data").click()
    sizes = page.evaluate("""[...document.querySelectorAll('figure svg')].flatMap((s) => [...s.querySelectorAll('text')].map((t) =>
        parseFloat(getComputedStyle(t).fontSize) * s.clientWidth / s.viewBox.baseVal.width))""")
    assert len(sizes) >= 20
    assert min(sizes) >= 11


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_of_accessibility(visit: Callable[..., Any], sample_page: Path, viewport: dict[str, int],
                                           scheme: str) -> None:
    page = opened(visit, sample_page, viewport, scheme)
    for tab in ("data", "checks", "findings"):
        page.locator(f"#tab-{tab}").click()
        assert serious_faults(page) == [], tab
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], tab
    page.locator("#unfold").click()
    press(page, "n k")
    page.locator(".finding .made").first.wait_for()
    assert serious_faults(page) == []
    press(page, "Enter")
    page.locator(".lightbox .inner").wait_for()
    assert serious_faults(page) == []
    press(page, "Shift+C")
    page.locator("dialog.small").wait_for()
    assert serious_faults(page) == []


def test_hostile_names_do_nothing(visit: Callable[..., Any], run: Run, tmp_path: Path) -> None:
    found = Findings.of_subjects(HOSTILE, "{text}", {"text": np.array(HOSTILE, object)}, image=HOSTILE, category=HOSTILE,
                                 split=HOSTILE)
    bad = replace(run, path=HOSTILE[0], outcomes=(replace(run.outcomes[0], findings=found, status="found", summary=HOSTILE[1],
                                                          explanation=HOSTILE[7]),))
    HtmlReport().write(bad, tmp_path / "bad.html")
    page = opened(visit, tmp_path / "bad.html")
    for tab in ("data", "checks", "findings"):
        page.locator(f"#tab-{tab}").click()
    press(page, "n k k k k")
    progress(page, 4)
    press(page, "R Escape Enter Escape")
    assert page.title() == f"dsinspect: {HOSTILE[0]}"
    assert HOSTILE[1] in page.locator(".finding .message").all_inner_texts()
    assert page.locator(".finding script, .finding img[src=x]").count() == 0


@pytest.fixture(scope="module")
def many(run: Run) -> Run:
    """20,000 findings in one of the checks."""
    a = run.annotation_columns
    assert a is not None
    rows = np.flatnonzero(np.isfinite(a["x_min"]) & (a["image_row"] >= 0))
    rows = rows[np.arange(20_000) % len(rows)]
    names = ("category", "annotation_id", "source", "index", "x_min", "y_min", "x_max", "y_max")
    found = Findings.of_places({**{n: a[n][rows] for n in names}, "image": a["path"][rows]}, "number {k}", {"k": np.arange(20_000)})
    return replace(run, outcomes=(replace(run.outcomes[0], findings=found, status="found"), *run.outcomes[1:]))


def test_twenty_thousand_findings_are_a_few_rows_of_the_document(visit: Callable[..., Any], many: Run, tmp_path: Path) -> None:
    HtmlReport().write(many, tmp_path / "many.html")
    page = opened(visit, tmp_path / "many.html")
    assert shown(page) >= 20_000
    drawn(page)
    assert page.locator(".finding").count() <= 200
    page.evaluate("document.querySelector('.chunk[data-start=\"10000\"]').scrollIntoView()")
    page.locator('.chunk[data-start="10000"] .finding').first.wait_for()
    assert page.locator(".finding").count() <= 400
    page.get_by_label("Search findings").fill("number 19999")
    until(page, page.locator(".finding .message").all_inner_texts, ["number 19999"])
    assert page.locator(".finding .shots").count() == 1


def test_a_page_stays_below_its_limit_and_says_what_it_left_out(visit: Callable[..., Any], many: Run, tmp_path: Path) -> None:
    HtmlReport(Options(max_mb=2)).write(many, tmp_path / "small.html")
    assert (tmp_path / "small.html").stat().st_size <= 2_000_000
    page = opened(visit, tmp_path / "small.html")
    note = page.locator(".note").inner_text()
    assert "of 20,0" in note
    assert "--max-mb" in note
    assert 1_000 < shown(page) < 20_000
    assert page.locator(".chip").count() > 20  # every check keeps some


def test_the_same_run_gives_the_same_page(run: Run) -> None:
    assert HtmlReport().text(run) == HtmlReport().text(run)


def test_what_the_page_holds_is_data(run: Run) -> None:
    text = HtmlReport().text(run)
    data = json.loads(re.search(r'id="page-data">(.*?)</script>', text, re.DOTALL).group(1))  # type: ignore[union-attr]
    assert len(data["findings"]) == sum(len(o.findings) for o in run.outcomes)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)  # type: ignore[union-attr]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy


def test_a_name_with_marks_that_turn_it_is_shown_without_and_saved_with_them(visit: Callable[..., Any], run: Run,
                                                                            tmp_path: Path) -> None:
    name = "images/gpj.\u202eevil\x1b.jpg"
    found = Findings.of_places({"image": np.array([name], object)}, "here")
    HtmlReport().write(replace(run, outcomes=(replace(run.outcomes[0], findings=found, status="found"),)), tmp_path / "turned.html")
    page = opened(visit, tmp_path / "turned.html")
    assert page.locator(".finding .place").inner_text() == "images/gpj.\ufffdevil\ufffd.jpg"
    press(page, "n k")
    with page.expect_download() as download:
        press(page, "S")
        page.locator("dialog[open]").wait_for()
        press(page, "Enter")  # no name
    download.value.save_as(tmp_path / "decisions.json")
    seen = read_decisions(tmp_path / "decisions.json").decisions[0].seen
    assert seen is not None
    assert seen.image == name


def test_outlines_and_keypoints_are_drawn_as_what_they_are(visit: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    cv2.imwrite(str(tmp_path / "set" / "a.png"), np.full((120, 160, 3), 90, np.uint8))
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40], "area": 1600, "iscrowd": 0,
           "segmentation": [[100, 70, 140, 70, 120, 110]]}
    person = {**box, "id": 2, "category_id": 9, "bbox": [60, 10, 30, 50], "area": 1500, "segmentation": [],
              "keypoints": [70, 20, 2, 75, 40, 1, 900, 50, 2], "num_keypoints": 3}
    (tmp_path / "set" / "a.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "a.png", "width": 160, "height": 120}], "annotations": [box, person],
        "categories": [{"id": 1, "name": "cat"}]}))
    run = inspect(Request("set", tmp_path / "set", keep_images=True, keep_annotations=True), PLUGINS)
    HtmlReport().write(run, tmp_path / "r.html")
    page = opened(visit, tmp_path / "r.html")
    page.get_by_role("button", name=re.compile("^REC011")).click()
    crop = page.locator(".finding", has_text="REC011").locator(".shot").first
    assert crop.locator("path.mark.outline").count() == 1
    crop.click()
    stage = page.locator(".stage")
    assert stage.locator("path.outline:not(.halo)").count() == 1
    assert stage.locator("path.point:not(.halo)").count() == 3
    assert stage.locator("path.point.hidden:not(.halo)").count() == 1
    assert "unknown class 9" in stage.locator(".labels").inner_text()
