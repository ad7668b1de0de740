"""`dsinspect review serve`: attacked, killed, shared, and used from the keyboard alone in a real browser."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra `serve` is not installed")
pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

from browser.conftest import DESK, PHONE, Watched, drawn, serious_faults, until
from browser.served import Served, make_set, start_server

from dsinspect.review.store import is_store, read_store

pytestmark = pytest.mark.usefixtures("opencv")  # the images of the page are decoded by it

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
HOSTILE = ("=cmd|'/c calc'!A1", "<script>document.title='pwned'</script>", "../../x", "line\nbreak", "x" * 300, "تسمية 中文")


def state_of(folder: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_set(tmp_path_factory.mktemp("served") / "set", 60)


@pytest.fixture
def server(dataset: Path, tmp_path: Path) -> Iterator[Served]:
    before = state_of(dataset)
    served = start_server(dataset, tmp_path / "review.sqlite", "--reviewer", "Ada", "--select", "BOX")
    yield served
    if served.process.poll() is None:
        served.stop()
    assert state_of(dataset) == before


def first_findings(client: Any, count: int) -> list[str]:
    state = client.get("api/state").json()
    at = state["fields"].index("print")
    return [row[at] for row in state["findings"][:count]]


def rows_of(prints: list[str], action: str = "keep") -> list[dict[str, Any]]:
    return [{"subject": f"f:{p}", "decision": {"action": action, "finding": p}} for p in prints]


def test_only_its_own_page_may_ask(server: Served) -> None:
    with server.client() as client:
        assert client.get("").status_code == 200
        assert client.get("", headers={"Origin": f"http://{server.host}"}).status_code == 200
        for headers in ({"Host": "evil.example"}, {"Host": "evil.example:80"}, {"Host": f"{server.host}.evil.example"},
                        {"Host": ""}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": f"https://{server.host}"},
                        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
            for path in ("", "api/state", "whole/0", "api/decisions.json"):
                assert client.get(path, headers=headers).status_code == 403, headers
            assert client.post("api/decide", headers=headers, json={"reviewer": "", "rows": []}).status_code == 403


def test_without_the_token_there_is_nothing(server: Served) -> None:
    token = server.url.rstrip("/").rpartition("/")[2]
    with server.client() as client:
        for start in ("", "/", "/x", f"/{token[:-1]}", f"/{token}x", f"//{token}", f"/{token.lower()}", f"/?token={token}", "/%00"):
            for end in ("", "/api/state", "/whole/0", "/static/app.js"):
                answer = client.get(f"http://{server.host}{start}{end}")
                assert answer.status_code == 403, start
                assert "images" not in answer.text


@pytest.mark.parametrize("path", [
    "static/../../../../etc/passwd", "static/..%2f..%2fapp.py", "static/%2e%2e/app.py", "static//etc/passwd",
    "static/%2Fetc%2Fpasswd", "whole/../../etc/passwd", "whole/%2fetc%2fpasswd", "whole/-1", "whole/999999", "whole/0x0", "crop/-1",
    "crop/99999999", "tile/0/-1/0", "tile/0/9999/0", "tile/999999/0/0", "api/image/-1", "api/image/999999999999999999999",
    "api/wall?class=none&sort=size", "api/wall?class=car&sort=../x", "api/wall?class=car&from=x", "api/log?since=x", "..", "../",
    "%2e%2e/", "api/decide", "static/app.py", "static/index.html%00.js", "static/\\..\\app.py"])
def test_hostile_paths_lead_nowhere(server: Served, path: str) -> None:
    with server.client() as client:
        answer = client.get(path, follow_redirects=False)
        assert 400 <= answer.status_code < 500
        assert "root:" not in answer.text
        assert "Traceback" not in answer.text
        assert "import " not in answer.text


def test_a_link_out_of_the_set_shows_nothing_of_what_it_leads_to(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", 2)
    (folder / "image_000.png").unlink()
    (folder / "image_000.png").symlink_to("/etc/passwd")
    served = start_server(folder, tmp_path / "review.sqlite")
    with served.client() as client:
        answer = client.get("whole/0")
    served.stop()
    assert answer.status_code == 200
    assert answer.content.startswith(b"\xff\xd8")  # a grey image that says that it cannot be read
    assert b"root:" not in answer.content


def test_what_is_no_decision_is_refused(server: Served) -> None:
    with server.client() as client:
        print_ = first_findings(client, 1)[0]
        good = {"subject": f"f:{print_}", "decision": {"action": "keep", "finding": print_}}
        for body in (b"", b"{", b"[]", b'{"reviewer": 1, "rows": []}',
                     *(json.dumps({"reviewer": "", "rows": [good, {**good, **wrong}]}).encode() for wrong in (
                         {"subject": "x:1"}, {"subject": ""}, {"decision": {"action": "rm -rf", "finding": print_}},
                         {"decision": {"action": "keep"}}, {"decision": {"action": "keep", "finding": print_, "check": "A"}}))):
            assert client.post("api/decide", content=body).status_code == 400
        assert client.post("api/decide", content=b" " * (17 << 20)).status_code == 413
        assert client.get("api/log").json() == []  # all of a request or nothing


@pytest.mark.parametrize("since", ["9" * 23, "9" * 5000, "-1", "abc", "1.5", "\u0663"])
def test_a_number_that_is_none_is_refused_in_words_of_our_own(server: Served, since: str) -> None:
    with server.client() as client:
        for path, name in (("api/log", "since"), ("api/wall?class=car&sort=size", "from")):
            answer = client.get(path, params={**dict(p.split("=") for p in path.partition("?")[2].split("&") if p), name: since})
            assert answer.status_code == 400
            assert "is no number from 0 to" in answer.text


def test_what_is_nested_too_deeply_is_refused(server: Served) -> None:
    with server.client() as client:
        for body in (b"[" * 100_000, b'{"reviewer": "", "rows": [{"subject": "f:1", "decision": {"action": "keep", "value": '
                     + b'{"a":' * 100_000):
            answer = client.post("api/decide", content=body)
            assert answer.status_code == 400
            assert answer.text.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
@pytest.mark.parametrize("how", ["removed", "renamed", "garbage", "overwritten", "emptied", "folder", "another store"])
def test_a_decision_is_never_acknowledged_when_its_store_is_gone(server: Served, dataset: Path, how: str) -> None:
    with server.client() as client:
        first, second = first_findings(client, 2)
        assert client.post("api/decide", json={"reviewer": "Ada", "rows": rows_of([first])}).status_code == 200
        before = server.store.read_bytes()
        if how == "overwritten":
            server.store.write_bytes(b"garbage" * 2000)
        elif how == "emptied":
            server.store.write_bytes(b"")
        else:
            server.store.rename(server.store.with_name("moved.sqlite"))
        if how == "garbage":
            server.store.write_bytes(b"garbage" * 2000)
        elif how == "folder":
            server.store.mkdir()
        elif how == "another store":
            server.store.write_bytes(before)
        answer = client.post("api/decide", json={"reviewer": "Ada", "rows": rows_of([second])})
        assert answer.status_code == 503
        assert "the decisions cannot be kept: review.sqlite" in answer.text or "lies at review.sqlite now" in answer.text
        assert client.get("api/log").status_code == 503
        kept = client.get("api/decisions.json")
        assert kept.status_code == (503 if how in ("overwritten", "emptied") else 200)
        if kept.status_code == 200:
            assert [d["finding"] for d in kept.json()["decisions"]] == [first]
        if how == "another store":
            assert len(read_store(server.store).decisions) == 1


def test_a_copy_of_the_file_has_every_decision(server: Served, tmp_path: Path) -> None:
    with server.client() as client:
        prints = first_findings(client, 5)
        for p in prints:
            client.post("api/decide", json={"reviewer": "Ada", "rows": rows_of([p])})
        copy = tmp_path / "copy.sqlite"
        copy.write_bytes(server.store.read_bytes())
        assert [d.finding for d in read_store(copy).decisions] == prints


def test_answers_forbid_what_the_page_does_not_need(server: Served) -> None:
    with server.client() as client:
        for path in ("", "api/state", "static/app.js", "whole/0", "none"):
            headers = client.get(path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "server" not in headers


@pytest.mark.skipif(sys.platform == "win32", reason="a shell")
def test_it_ends_when_the_shell_that_started_it_is_killed(dataset: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "dsinspect", "review", "serve", str(dataset), "--store", str(tmp_path / "review.sqlite"), "-q"]
    shell = subprocess.Popen(["sh", "-c", f"{shlex.join(words)} & wait"], stdout=subprocess.PIPE, text=True,
                             preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))  # the tests may run under nohup
    assert shell.stdout is not None
    assert shell.stdout.readline().startswith("http://127.0.0.1:")
    shell.kill()
    assert shell.stdout.read() == ""  # which waits until the server has closed its end
    assert is_store(tmp_path / "review.sqlite")


def test_it_stays_where_it_was_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    from dsinspect.review.server.serving import end_with

    assert end_with(0) is None
    assert end_with(1) is None
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN)  # by nohup
    assert end_with(12345) is None


def test_a_killed_server_loses_nothing_that_it_has_answered(server: Served, dataset: Path) -> None:
    with server.client() as client:
        prints = first_findings(client, 40)
        for p in prints:
            assert client.post("api/decide", json={"reviewer": "Ada", "rows": rows_of([p])}).status_code == 200
    server.stop(signal.SIGKILL)
    assert is_store(server.store)
    assert [d.finding for d in read_store(server.store).decisions] == prints
    again = start_server(dataset, server.store, "--reviewer", "Ada", "--select", "BOX")
    with again.client() as client:
        assert len(client.get("api/log").json()) == 40
    again.stop()


def test_two_reviewers_see_each_others_decisions(server: Served, dataset: Path) -> None:
    other = start_server(dataset, server.store, "--reviewer", "Bo", "--select", "BOX")  # a second server on the same store
    with server.client() as ada, other.client() as bo:
        prints = first_findings(ada, 2)
        ada.post("api/decide", json={"reviewer": "Ada", "rows": rows_of(prints)})
        bo.post("api/decide", json={"reviewer": "Bo", "rows": rows_of(prints[:1], "drop")})
        seen = [(e["reviewer"], json.loads(e["decision"])["action"]) for e in ada.get("api/log").json()]
        assert seen == [("Ada", "keep"), ("Ada", "keep"), ("Bo", "drop")]
        assert [e["reviewer"] for e in bo.get("api/log?since=2").json()] == ["Bo"]
        ada.post("api/decide", json={"reviewer": "Ada", "rows": [{"subject": f"f:{prints[0]}", "decision": None}]})
        document = bo.get("api/decisions.json").json()
    other.stop()
    assert [(d["reviewer"], d["action"], d["finding"]) for d in document["decisions"]] == [
        ("Ada", "keep", prints[1]), ("Bo", "drop", prints[0])]


@pytest.mark.parametrize(("store", "told"), [("set/review.sqlite", "only read"), ("notes.txt", "no store"),
                                             ("none/x.sqlite", "no folder")])
def test_a_store_that_cannot_be_is_told_in_one_line(tmp_path: Path, store: str, told: str) -> None:
    folder = make_set(tmp_path / "set", 2)
    (tmp_path / "notes.txt").write_text("mine, mine, mine")
    command = [sys.executable, "-m", "dsinspect", "review", "serve", str(folder), "--store", str(tmp_path / store), "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") <= 2
    assert (tmp_path / "notes.txt").read_text() == "mine, mine, mine"


def test_decisions_of_other_settings_are_not_gone_on_with(server: Served, dataset: Path) -> None:
    with server.client() as client:
        client.post("api/decide", json={"reviewer": "Ada", "rows": rows_of(first_findings(client, 1))})
    with pytest.raises(AssertionError, match="other settings"):
        start_server(dataset, server.store, "--select", "IMG")


# In the browser.


@pytest.fixture
def visit(chromium: Any, server: Served) -> Iterator[Watched]:
    """Pages of the server, which are closed before it ends."""
    watched = Watched(chromium)
    yield watched
    watched.close()
    assert watched.faults == []


def opened(visit: Watched, server: Served, viewport: dict[str, int] = DESK, scheme: str = "light") -> Any:
    visit.allowed = (*visit.allowed, server.url)
    return visit(server.url, viewport, scheme=scheme)


def press(page: Any, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


def decided(page: Any, count: int) -> None:
    page.locator(".progress", has_text=re.compile(rf"^{count} of ")).first.wait_for()


def settled(page: Any, server: Served, count: int) -> list[Any]:
    """The decisions in the store, when there are so many."""
    with server.client() as client:
        until(page, lambda: len(client.get("api/decisions.json").json()["decisions"]), count)
    return list(read_store(server.store).decisions)


def test_fifty_findings_from_the_keyboard_alone_then_applied(visit: Watched, server: Served, dataset: Path, cli: Any,
                                                             tmp_path: Path) -> None:
    page = opened(visit, server)
    press(page, " ".join(["r", "f", "d"] * 16 + ["r", "r"]))  # 50
    decided(page, 50)
    press(page, "u")
    decided(page, 49)
    press(page, "b ArrowLeft Shift+ArrowLeft Control+ArrowUp Enter")
    decided(page, 50)
    press(page, "c")
    page.get_by_role("dialog").get_by_role("combobox").wait_for()
    page.keyboard.type("bicy")
    press(page, "Enter")
    decided(page, 51)
    press(page, "Shift+B ArrowRight Shift+ArrowDown Enter")  # a box that was missing
    page.get_by_role("dialog", name="Class of the new box").wait_for()
    page.keyboard.type("bic")
    press(page, "Enter")
    made = settled(page, server, 52)
    by_action = {d.action: d for d in made}
    assert by_action["set-category"].value == "bicycle"
    assert by_action["set-box"].value == (79.0, 40.0, 94.0, 55.0)
    assert by_action["add-box"].value.category == "bicycle"
    assert sum(d.action == "keep" for d in made) == 17
    assert {d.reviewer for d in made} == {"Ada"}
    applied = cli("review", "apply", server.store, dataset, "-o", tmp_path / "out")
    assert applied.code == 0, applied.err
    before, after = (json.loads((folder / "annotations.json").read_text())["annotations"] for folder in (dataset, tmp_path / "out"))
    assert len(after) == len(before) - sum(d.action == "drop" for d in made) + 1
    assert [79, 40, 15, 15] in [a["bbox"] for a in after]


def test_every_key_of_a_box_stays_inside_the_image(visit: Watched, server: Served) -> None:
    page = opened(visit, server)
    press(page, "b " + "Control+ArrowLeft " * 20 + "Control+ArrowUp " * 20 + "Enter")
    box = settled(page, server, 1)[0].value
    assert box[:2] == (0.0, 0.0)
    assert box[2] > 0


def test_skipping_what_is_decided(visit: Watched, server: Served) -> None:
    page = opened(visit, server)
    press(page, "r r r s")
    decided(page, 3)
    page.locator(".about", has_text="Finding 1 of 57").wait_for()


def test_decisions_of_another_reviewer_appear(visit: Watched, server: Served) -> None:
    page = opened(visit, server)
    with server.client() as client:
        client.post("api/decide", json={"reviewer": "Bo", "rows": rows_of(first_findings(client, 1), "drop")})
    page.locator(".made", has_text="Bo: drop").wait_for()
    press(page, "r p")
    page.locator(".made", has_text="disagree").wait_for()
    page.locator(".counters", has_text="Bo").wait_for()
    page.locator(".side li", has_text="reviewers disagree").wait_for()
    page.locator(".disagreements", has_text="1 disagreement only").locator("input").check()
    page.locator(".about", has_text="Finding 1 of 1").wait_for()
    until(page, page.locator(".side li").count, 1)
    made = settled(page, server, 2)
    own = next(d.place for d in made if d.reviewer == "Ada")  # by finding and image, not by a row that nobody sees
    assert own.startswith("review.sqlite, BOX")
    assert ".png (annotation " in own


def test_on_a_phone_the_image_comes_first(visit: Watched, server: Served) -> None:
    page = opened(visit, server, PHONE)
    press(page, "n n n")
    page.locator(".about", has_text="Finding 4 of").wait_for()
    drawn(page)
    assert page.evaluate("scrollY") == 0
    buttons = page.locator(".tools").bounding_box()
    assert buttons["y"] + buttons["height"] <= PHONE["height"]
    assert not page.locator(".counters table").first.is_visible()


def test_the_label_of_a_box_that_moves_keeps_its_class(visit: Watched, server: Served) -> None:
    page = opened(visit, server)
    press(page, "b ArrowLeft")
    page.locator(".stage .label", has_text=" · moved").wait_for()
    places = page.locator(".stage .label").evaluate_all(
        "(all) => all.map((b) => `${Math.round(b.getBoundingClientRect().x)} ${Math.round(b.getBoundingClientRect().y)}`)")
    assert len(set(places)) == len(places) > 1


def test_a_wall_of_a_class_many_chosen_at_once(visit: Watched, server: Served) -> None:
    page = opened(visit, server)
    press(page, "v")
    page.locator("dialog.small [role=option]").first.wait_for()
    page.keyboard.type("bicy")
    press(page, "Enter")
    page.locator(".wall li:focus").wait_for()
    until(page, page.locator(".wall li").count, 60)
    sizes = [eval(s.replace(" x ", "*")) for s in page.locator(".wall span").all_inner_texts()]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 60
    press(page, "Space Shift+ArrowRight Shift+ArrowRight d")
    page.locator(".wall b", has_text="drop").nth(2).wait_for()
    made = settled(page, server, 3)
    assert {d.action for d in made} == {"drop"}
    assert all(d.record.source and d.record.index is not None for d in made)
    press(page, "Escape")
    page.locator(".stage").wait_for()


def test_an_image_by_its_name_and_another_box_of_it(visit: Watched, server: Served) -> None:
    page = opened(visit, server)
    press(page, "Shift+J")
    page.get_by_role("dialog").get_by_role("combobox").wait_for()
    page.keyboard.type("image_017")
    press(page, "Enter")
    page.locator(".about", has_text="image_017.png").wait_for()
    press(page, "] ] d")
    made = settled(page, server, 1)[0]
    assert made.record.image == "image_017.png"
    assert made.seen.bbox_xyxy == (10.0, 10.0, 30.0, 26.0)


def hold_back(page: Any, url: str) -> list[Any]:
    """Hold back the answers to requests; returned is the list that they will stand in."""
    held: list[Any] = []
    page.route(url, lambda route: held.append(route))  # a lambda: Playwright looks at its signature
    return held


def let_go(page: Any, held: list[Any]) -> None:
    """Let the answers come that were held back, once they were asked for."""
    until(page, lambda: len(held), lambda n: n > 0)
    for route in held:
        route.continue_()


def test_keys_pressed_before_an_image_is_there_wait_for_it(visit: Watched, server: Served) -> None:
    page = opened(visit, server)
    page.locator(".stage .label").nth(2).wait_for()
    held = hold_back(page, "**/api/image/17")
    press(page, "Shift+J")
    page.get_by_role("dialog").get_by_role("combobox").wait_for()
    page.keyboard.type("image_017")
    press(page, "Enter")
    page.locator(".about", has_text="image_017.png").wait_for()
    press(page, "] ] d")
    let_go(page, held)
    made = settled(page, server, 1)[0]
    assert made.record.image == "image_017.png"
    assert made.seen.bbox_xyxy == (10.0, 10.0, 30.0, 26.0)


def waits_for(page: Any, row: int) -> list[Any]:
    """Go to the finding of an image, and hold the image back; returns what is held."""
    page.locator(".stage .label").nth(2).wait_for()
    held = hold_back(page, f"**/api/image/{row}")
    page.get_by_label("Search findings").fill(f"image_{row:03}")
    press(page, "Escape")
    page.locator(".about", has_text=f"image_{row:03}.png").wait_for()
    return held


def test_keys_that_change_a_box_wait_for_its_image(visit: Watched, server: Served) -> None:
    page = opened(visit, server)
    held = waits_for(page, 30)
    press(page, "b ArrowLeft Shift+ArrowLeft Control+ArrowUp Enter")
    let_go(page, held)
    assert settled(page, server, 1)[0].value == (79.0, 40.0, 94.0, 55.0)


def test_letters_typed_before_an_image_is_there_are_for_the_class_of_its_new_box(visit: Watched, server: Served) -> None:
    page = opened(visit, server)
    held = waits_for(page, 30)
    press(page, "Shift+B ArrowRight Enter b i c")
    let_go(page, held)
    field = page.get_by_role("dialog", name="Class of the new box").get_by_role("combobox")
    field.wait_for()
    until(page, field.input_value, "bic")
    press(page, "Enter")
    (made,) = settled(page, server, 1)
    assert made.action == "add-box"
    assert made.value.category == "bicycle"


def test_a_box_is_resized_with_the_mouse(visit: Watched, server: Served) -> None:
    page = opened(visit, server)
    page.locator(".stage path.mark").first.wait_for(state="attached")
    press(page, "b 0")
    page.locator(".stage.editing").wait_for()
    drawn(page)
    place = page.locator(".stage path.mark").last.bounding_box()
    page.mouse.move(place["x"] + 1, place["y"] + place["height"] / 2)
    page.mouse.down()
    page.mouse.move(place["x"] + 1 - place["width"], place["y"] + place["height"] / 2, steps=4)
    page.mouse.up()
    press(page, "Enter")
    box = settled(page, server, 1)[0].value
    assert box[0] < 70
    assert box[1:] == (50.0, 96.0, 65.0)


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_of_accessibility(visit: Watched, server: Served, viewport: dict[str, int], scheme: str) -> None:
    page = opened(visit, server, viewport, scheme)
    page.locator(".stage .label").first.wait_for(state="attached")
    press(page, "r")
    decided(page, 1)
    assert serious_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    press(page, "?")
    page.locator("dialog.small").wait_for()
    assert serious_faults(page) == []
    press(page, "Escape v")
    page.locator("dialog.small [role=option]").first.wait_for()
    press(page, "Enter")
    page.locator(".wall li").first.wait_for()
    assert serious_faults(page) == []


def test_only_what_the_format_can_carry_is_offered(visit: Watched, tmp_path: Path) -> None:
    served = start_server(SAMPLES / "yolo", tmp_path / "yolo.sqlite", "--select", "BOX")
    page = opened(visit, served)
    page.locator(".stage .label").first.wait_for(state="attached")
    press(page, "]")
    page.locator(".about", has_text="Box").first.wait_for()
    drawn(page)
    until(page, page.locator(".panel .act").all_inner_texts, lambda offered: "Drop" in offered)
    assert "Crowd" not in page.locator(".panel .act").all_inner_texts()
    press(page, "w")
    page.locator("#said", has_text="cannot take: mark-as-crowd").wait_for()
    press(page, "v")
    page.locator("dialog.small [role=option]").first.wait_for()
    press(page, "Enter")
    page.locator(".wall li:focus").wait_for()
    assert "w marks" not in page.locator(".wallview .bar").inner_text()
    press(page, "w")
    page.locator("#said", has_text="no place for: mark-as-crowd").wait_for()
    visit.close()
    served.stop()
    assert read_store(tmp_path / "yolo.sqlite").decisions == ()


def test_whole_checks_and_classes_are_decided_on(visit: Watched, server: Served) -> None:
    page = opened(visit, server)
    press(page, "r Shift+C")
    page.get_by_role("dialog").get_by_role("combobox").fill("drop")
    press(page, "Enter")
    page.locator(".made", has_text="You on all of BOX003: drop").wait_for()
    page.locator(".counters", has_text="60 of 60").wait_for()
    press(page, "Shift+L Enter")
    page.get_by_role("dialog", name="Name of the new class").get_by_role("textbox").fill("lorry")
    press(page, "Enter")
    made = settled(page, server, 3)
    assert [(d.action, d.check, d.record and d.record.category) for d in made] == [
        ("keep", None, None), ("drop", "BOX003", None), ("add-class", None, "lorry")]
    press(page, "u u")
    settled(page, server, 1)
    decided(page, 1)


def test_the_keys_are_shown(visit: Watched, server: Served) -> None:
    page = opened(visit, server)
    press(page, "?")
    until(page, page.get_by_role("dialog").locator("tr").count, lambda n: n > 15)
    press(page, "Escape")
    until(page, page.get_by_role("dialog").count, 0)


def test_hostile_names_do_nothing(visit: Watched, tmp_path: Path) -> None:
    served = start_server(make_set(tmp_path / "set", 6, HOSTILE), tmp_path / "review.sqlite", "--select", "BOX")
    page = opened(visit, served)
    page.locator(".stage .label").first.wait_for(state="attached")
    press(page, "r c")
    page.locator("[role=option]").nth(4).wait_for()
    press(page, "Enter")
    decided(page, 2)
    press(page, "v")
    page.locator("dialog.small [role=option]").first.wait_for()
    press(page, "Enter")
    page.locator(".wall li").first.wait_for()
    assert page.title().startswith("dsinspect review: ")
    assert page.locator("main script, header script").count() == 0
    visit.close()
    served.stop()


@pytest.fixture
def sample(chromium: Any, tmp_path: Path) -> Iterator[Any]:
    """The sample set, served and opened on a screen 900 px high."""
    served = start_server(SAMPLES / "coco", tmp_path / "sample.sqlite")
    watched = Watched(chromium)
    watched.allowed = (*watched.allowed, served.url)
    yield watched(served.url, {"width": 1400, "height": 900})
    watched.close()
    served.stop()
    assert watched.faults == []


def choose_check(page: Any, code: str) -> None:
    page.get_by_label("Check", exact=True).select_option(code)
    page.locator(".about b", has_text=code).wait_for()


def test_where_there_is_no_image_that_is_said(sample: Any) -> None:
    choose_check(sample, "BOX005")
    sample.locator(".stage img[alt$='.jpg']").first.wait_for()
    for code, text in (("SIZ001", "about no single image"), ("REC005", "annotation is of no image"), ("DST001", "no single image")):
        choose_check(sample, code)
        sample.locator(".stage .none", has_text=text).wait_for()
        assert not sample.locator(".stage .inner").is_visible()
        assert not sample.locator(".wallview").is_visible()
        assert sample.locator(".stage img[alt$='.jpg']").count() == 0
    choose_check(sample, "BOX005")
    sample.locator(".stage .inner").wait_for()
    assert not sample.locator(".stage .none").is_visible()


def test_an_image_that_no_record_names_is_shown(sample: Any) -> None:
    choose_check(sample, "SRC002")
    image = sample.locator(".stage img[alt='train/stray.jpg']")
    until(sample, lambda: image.evaluate("(i) => i.complete && i.naturalWidth > 100"), True)
    place, true = image.bounding_box(), image.evaluate("(i) => i.naturalWidth / i.naturalHeight")
    assert place["width"] / place["height"] == pytest.approx(true, rel=0.02)
    press(sample, "Shift+B")
    sample.locator("#said", has_text="No record names this image").wait_for()


def test_a_box_outside_is_shown_together_with_its_image(sample: Any) -> None:
    choose_check(sample, "BOX004")
    sample.locator(".stage path.mark").first.wait_for()
    stage = sample.locator(".stage").first.bounding_box()
    for part in (sample.locator(".stage img").first, sample.locator(".stage path.mark")):
        until(sample, part.bounding_box, lambda b: b and b["x"] >= stage["x"] and b["y"] >= stage["y"]
              and b["x"] + b["width"] <= stage["x"] + stage["width"] and b["y"] + b["height"] <= stage["y"] + stage["height"])


def test_findings_are_listed_in_words_and_the_worst_first(sample: Any) -> None:
    badge = sample.locator(".about .badge")
    assert badge.inner_text() == "error"
    assert sample.locator(".side li").first.inner_text().strip()
    for code in ("CLS009", "CLS005", "SRC001"):
        choose_check(sample, code)
        until(sample, sample.locator(".side li").first.inner_text, lambda text: len(text.split()) > 2)


def test_the_keys_open_at_their_top(sample: Any) -> None:
    press(sample, "?")
    title = sample.locator("dialog[open] h2")
    title.wait_for()
    assert title.bounding_box()["y"] >= sample.locator("dialog[open]").bounding_box()["y"]
