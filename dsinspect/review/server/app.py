"""The application: its routes, and who may use them.

Everything lies below a random token, which only who started the server knows. The Host header must name this machine, so that
no other site's name can point here, and a request that says where it comes from must come from this page. Nothing is read from
a path that a request names: images, crops and files of the page are addressed by number or by a fixed list of names.
"""

from __future__ import annotations

import re
import secrets
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from dsinspect.errors import UserError
from dsinspect.io.json_text import encoded
from dsinspect.protocols.decisions import Decision
from dsinspect.render import web
from dsinspect.review.decision import check_address, encode_decisions
from dsinspect.review.store import SUBJECT, StoreGoneError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from dsinspect.review.server.catalog import Catalog
    from dsinspect.review.server.pixels import Pixels
    from dsinspect.review.store import Store

MAX_BODY = 16 << 20
MAX_REVIEWER = 100
OWN = ("index.html", "icon.svg", "app.css", "app.js", "state.js", "stage.js", "wall.js", "panel.js")
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
         "svg": "image/svg+xml"}
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                               "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin", "x-frame-options": "DENY"}


class Row(msgspec.Struct):
    """A decision as the page sends it; None takes the reviewer's own back."""

    subject: str
    decision: Decision | None


class Sent(msgspec.Struct):
    """What the page sends."""

    reviewer: str
    rows: list[Row]


class Guard:
    """Lets only requests to this machine, from this page, with the token through; adds headers to every answer."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self.app = app
        self.token = token
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.origins = {f"http://{h}" for h in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        reason = self.refusal(headers, scope["path"])

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in HEADERS.items())]
            await send(message)

        answer: ASGIApp = self.app if reason is None else Response(reason + "\n", 403, media_type="text/plain")
        await answer(scope, receive, with_headers)

    def refusal(self, headers: dict[str, str], path: str) -> str | None:
        """Say why a request is refused, or return None."""
        if headers.get("host", "") not in self.hosts:
            return "refused: another host"
        if "origin" in headers and headers["origin"] not in self.origins:
            return "refused: from another page"
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return "refused: from another site"
        given = path.split("/")[1] if path.count("/") else ""
        if not secrets.compare_digest(given.encode(), self.token.encode()):
            return "refused: the address lacks the token that dsinspect review serve printed"
        return None


def number(text: str) -> int:
    """Return the number that a request gives, from 0 to 2**53 (all that a page can count).

    Raises:
        UserError: it is none.
    """
    if not re.fullmatch(r"[0-9]{1,16}", text) or int(text) > 1 << 53:
        raise UserError(f"{text[:40]!r} is no number from 0 to {1 << 53:,}")
    return int(text)


def said(text: str, status: int) -> Response:
    """Return an answer of one line of text."""
    return Response(text.encode("utf-8", "replace") + b"\n", status, media_type="text/plain")


def make_app(catalog: Catalog, pixels: Pixels, store: Store, reviewer: str, token: str, port: int) -> Guard:
    """Return the application.

    Args:
        catalog: what is reviewed.
        pixels: makes its images.
        store: takes the decisions.
        reviewer: name to begin with.
        token: that every path begins with.
        port: the server listens on.
    """
    static = {name: (files(__package__) / "static" / name).read_bytes() for name in OWN}
    static |= {name: web.read(name).encode() for name in (*web.MODULES, "base.css")}

    def answered(value: Any) -> Response:
        return Response(encoded(value), media_type="application/json", headers={"cache-control": "no-store"})

    def index(_: Request) -> Response:
        return Response(static["index.html"], headers={"content-type": TYPES["html"], "cache-control": "no-store"})

    def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in static:
            return Response("no such file\n", 404, media_type="text/plain")
        return Response(static[name], headers={"content-type": TYPES[name.rpartition(".")[2]], "cache-control": "no-store"})

    def state(_: Request) -> Response:
        return Response(catalog.state, media_type="application/json", headers={"cache-control": "no-store"})

    def who(_: Request) -> Response:
        return answered({"reviewer": reviewer, "store": store.path.name})

    def image(request: Request) -> Response:
        return answered(catalog.image(request.path_params["row"]))

    def wall(request: Request) -> Response:
        q = request.query_params
        return answered(catalog.wall(q.get("class", ""), q.get("sort", "size"), number(q.get("from", "0"))))

    def pixels_of(request: Request) -> Response:
        p = request.path_params
        if "annotation" in p:
            content = pixels.crop(p["annotation"])
        else:
            content = pixels.tile(p["row"], p["x"], p["y"]) if "x" in p else pixels.whole(p["row"])
        return Response(content, media_type="image/jpeg", headers={"cache-control": "private, max-age=600"})

    def log(request: Request) -> Response:
        return answered([e._asdict() for e in store.since(number(request.query_params.get("since", "0")))])

    async def decide(request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY:
                return Response("too large\n", 413, media_type="text/plain")
        try:
            sent = msgspec.json.decode(bytes(body), type=Sent)
        except RecursionError:
            raise UserError("the request is nested too deeply") from None
        name = sent.reviewer.strip()[:MAX_REVIEWER]
        rows = []
        for row in sent.rows:
            if not SUBJECT.fullmatch(row.subject):
                raise UserError(f"no subject: {row.subject[:60]!r}")
            if row.decision is not None:
                check_address(row.decision, row.subject[:60])
            rows.append((row.subject, None if row.decision is None else msgspec.structs.replace(
                row.decision, reviewer=name or None, place=None)))
        return answered({"last": await run_in_threadpool(store.add, name, rows)})

    def export(_: Request) -> Response:
        return Response(encode_decisions(store.decisions()), media_type="application/json",
                        headers={"content-disposition": 'attachment; filename="decisions.json"', "cache-control": "no-store"})

    def wrong(_: Request, error: Exception) -> Response:
        if isinstance(error, StoreGoneError):
            return said(f"the decisions cannot be kept: {error}", 503)
        if isinstance(error, (IndexError, KeyError)):
            return said("nothing has that number or name", 404)
        if isinstance(error, (UserError, msgspec.MsgspecError)):
            return said(str(error), 400)
        return said("the request cannot be read", 400)

    routes = [
        Route("/", index), Route("/static/{name}", file), Route("/api/state", state), Route("/api/who", who),
        Route("/api/image/{row:int}", image), Route("/api/wall", wall), Route("/api/log", log),
        Route("/api/decide", decide, methods=["POST"]), Route("/api/decisions.json", export),
        Route("/whole/{row:int}", pixels_of), Route("/tile/{row:int}/{x:int}/{y:int}", pixels_of),
        Route("/crop/{annotation:int}", pixels_of)]
    known = (IndexError, KeyError, ValueError, UserError, msgspec.MsgspecError, StoreGoneError)
    handlers: dict[Any, Any] = dict.fromkeys(known, wrong)
    return Guard(Starlette(routes=[Mount(f"/{token}", routes=routes)], exception_handlers=handlers), token, port)
