"""The same decisions taken on the page and in the served app give the same corrected set, to the byte, in every format."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra `serve` is not installed")
pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

from browser.conftest import Watched
from browser.served import Served, start_server

from dsinspect.review.store import read_store

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
WISHES = {"BOX001": "d", "BOX003": "f", "BOX004": "d", "BOX005": "c bicycle", "BOX006": "f", "BOX007": "c car", "IMG005": "k",
          "IMG006": "i", "IMG007": "k", "REC003": "f", "REC004": "f", "SRC001": "f", "CLS003": "k"}
"""What is decided on the findings of some checks: a key, and the name that it asks for."""


def take(page: Any, current: str, choices: str, total: int) -> None:
    """Go through all findings from the keyboard, and decide."""
    for _ in range(total):
        code = page.locator(current).inner_text()
        key, _, name = WISHES.get(code, "n").partition(" ")
        titles = page.locator(choices).evaluate_all("(buttons) => buttons.map((b) => b.title)")
        can = [t.rpartition("(")[2].rstrip(")") for t in titles]
        page.keyboard.press(key if key in can else "n")
        if name and key in can:
            page.get_by_role("dialog").get_by_role("combobox").fill(name)
            page.keyboard.press("Enter")


def contents(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ["coco", "voc", "yolo", "table"])
def test_page_and_server_come_to_the_same_bytes(name: str, visit: Watched, chromium: Any, cli: Any, tmp_path: Path) -> None:
    dataset = SAMPLES / name
    made = cli("report", dataset, "-o", tmp_path / "report.html", "--quiet")
    assert made.code == 0
    page = visit((tmp_path / "report.html").as_uri())
    total = int(page.locator("#tab-findings .n").inner_text())
    page.keyboard.press("n")
    take(page, ".finding:focus .head b", ".finding:focus .act", total)
    with page.expect_download() as download:
        page.keyboard.press("S")
    download.value.save_as(tmp_path / "decisions.json")
    assert cli("review", "apply", tmp_path / "decisions.json", dataset, "-o", tmp_path / "by-page").code == 0

    watched = Watched(chromium)
    served: Served = start_server(dataset, tmp_path / "review.sqlite", "--reviewer", "Ada")
    watched.allowed = (served.url,)
    app = watched(served.url)
    take(app, ".about b", ".panel .act", total)
    app.locator(".progress", has_text=page.locator("span.progress").inner_text().partition(" of")[0] + " of").first.wait_for()
    with served.client() as client:
        while len(client.get("api/log").json()) < len(read_store(tmp_path / "review.sqlite").decisions):
            pass
    watched.close()
    served.stop()
    assert watched.faults == []
    assert cli("review", "apply", tmp_path / "review.sqlite", dataset, "-o", tmp_path / "by-server").code == 0
    assert contents(tmp_path / "by-page") == contents(tmp_path / "by-server") != contents(dataset)
