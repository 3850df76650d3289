"""The outermost layer: request id, log line, metrics, and a problem for whatever escapes."""

import re
import time
from functools import lru_cache
from secrets import token_hex
from urllib.parse import quote

import orjson
import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from providers.errors import BadParameter
from server import negotiate, problems
from server.accepted import header
from server.health import DURATIONS, REQUESTS
from server.middleware.sharing import SHARED
from server.state import onemap
from server.web.assets import CONTENT_SECURITY_POLICY

log = structlog.get_logger()

PLAIN = "/:@!$&'()*+,;=~"  # in a path (RFC 3986, 3.3)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "cross-origin",  # layers and tiles are there for other pages
    "Permissions-Policy": "camera=(), microphone=(), payment=()",
}
ALWAYS_SENT = [
    (name.lower().encode(), value.encode())
    for name, value in {**SECURITY_HEADERS, **SHARED}.items()
]


class Envelope:
    """ASGI middleware; nothing inside it can leave a request without an answer or a log line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = header(scope, b"x-request-id") or ""
        request_id = given if REQUEST_ID.fullmatch(given) else token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = message["headers"]
                said = {name for name, _ in own}
                added = [pair for pair in ALWAYS_SENT if pair[0] not in said]
                named = (b"x-request-id", request_id.encode())
                message = {**message, "headers": [*own, *added, named]}
            elif scope["method"] == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            if status:  # the answer has begun: abort the connection, a cut body must not look whole
                log.exception("request_aborted", request_id=request_id)
                raise
            kind = problems.kind_of(error)
            if isinstance(error, problems.Overloaded):
                log.warning("request_refused", request_id=request_id, why=str(error))
            elif kind.status >= 500:
                log.error("request_failed", request_id=request_id, exc_info=error)
            await problem_response(Request(scope), error)(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "unmatched")
            counted, timed = _figures(route, scope["method"] if status != 405 else "other", status)
            counted.inc()
            timed.observe(seconds)
            log.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(seconds * 1000, 1),
                principal=getattr(scope["state"].get("principal"), "id", None),
            )


@lru_cache(4_096)
def _figures(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """What counts and what times these: to look them up by their labels takes longer than to count."""
    return REQUESTS.labels(route, method, status), DURATIONS.labels(route)


def problem_response(request: Request, error: Exception) -> Response:
    """The answer to a request that failed, in the caller's language and form."""
    try:
        lang = negotiate.language(request)
    except BadParameter:
        lang = negotiate.LANGUAGES[0]
    document = problems.problem(
        error,
        instance=quote(request.url.path, safe=PLAIN),
        request_id=request.state.request_id,
        lang=lang,
        base_url=onemap(request).settings.public_url,
    )
    fields = {
        "Content-Language": lang,
        "Cache-Control": "no-store",
        "Vary": negotiate.VARY,
        **problems.headers(error),
    }
    if _wants_page(request) and hasattr(request.state, "principal"):
        text = negotiate.render(request, document, template="problem.html", lang=lang)
        return Response(text, document["status"], fields, f"{negotiate.HTML}; charset=utf-8")
    return Response(orjson.dumps(document), document["status"], fields, problems.MEDIA_TYPE)


def _wants_page(request: Request) -> bool:
    asked = request.query_params.get("f")
    if asked is not None:
        return asked == "html"
    return "text/html" in (header(request.scope, b"accept") or "")
