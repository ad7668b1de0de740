"""The same twenty decisions give the same corrected set, to the byte, from the workbook, the page and the served app."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra `serve` is not installed")
pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

from browser.conftest import Watched
from browser.served import start_server
from browser.wishes import Reviewer, in_workbook, plan_of
from offices import through_libreoffice
from review.books import contents

from dsinspect.inspection.inspect import inspect
from dsinspect.inspection.request import Request
from dsinspect.loader import load_plugins
from dsinspect.review.store import read_store

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
KINDS = {"keep", "fix", "drop", "set-category", "set-box", "drop-image", "add-box", "add-class", "rename-class", "merge-class"}


@pytest.mark.parametrize("name", ["coco", "voc", "yolo", "table"])
def test_twenty_decisions_give_the_same_bytes_from_every_surface(name: str, visit: Watched, chromium: Any, cli: Any,
                                                                 tmp_path: Path) -> None:
    dataset = SAMPLES / name
    run = inspect(Request(str(dataset), dataset, keep_images=True, keep_annotations=True), load_plugins())
    plan = plan_of(run)
    assert len(plan.kinds) == 20
    assert set(plan.kinds) == KINDS | ({"mark-as-crowd"} if name in ("coco", "voc") else set())
    total = sum(len(o.findings) for o in run.outcomes)
    assert cli("report", dataset, "-o", tmp_path / "report.xlsx", "-o", tmp_path / "report.html", "--quiet").code == 0

    surfaces = {"openpyxl": in_workbook(plan, tmp_path / "report.xlsx", tmp_path / "reviewed.xlsx")}
    if shutil.which("soffice") or shutil.which("libreoffice"):
        surfaces["LibreOffice"] = through_libreoffice(surfaces["openpyxl"], "xlsx", tmp_path / "office")

    page = visit((tmp_path / "report.html").as_uri())
    Reviewer(page, is_list=True).take(plan, total)
    page.get_by_label("Reviewer").fill("Ada")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save decisions").click()
    surfaces["page"] = tmp_path / "decisions.json"
    download.value.save_as(surfaces["page"])

    watched = Watched(chromium)
    served = start_server(dataset, tmp_path / "review.sqlite", "--reviewer", "Ada")
    watched.allowed = (served.url,)
    app = watched(served.url)
    Reviewer(app, is_list=False).take(plan, total)
    app.locator('html[data-waiting="0"]').wait_for()  # the server has written down all of them
    watched.close()
    served.stop()
    assert watched.faults == []
    surfaces["served"] = tmp_path / "review.sqlite"
    assert len(read_store(surfaces["served"]).decisions) == 20

    results = {}
    for surface, path in surfaces.items():
        done = cli("review", "apply", path, dataset, "-o", tmp_path / f"by-{surface}")
        assert done.code == 0, (surface, done.err)
        results[surface] = contents(tmp_path / f"by-{surface}")
        audit = json.loads((tmp_path / f"by-{surface}-audit.json").read_text())["decisions"]
        assert {a["decision"] for a in audit} >= KINDS, surface
    first = results["openpyxl"]
    assert first != contents(dataset)
    for surface, files in results.items():
        assert set(files) == set(first), surface
        assert [f for f in files if files[f] != first[f]] == [], surface
