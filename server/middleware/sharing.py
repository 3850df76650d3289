"""Other hosts' pages: what they may send, and what of an answer they may read (CORS).

They may read whatever anonymous callers and bearers of keys may; cookies stay home. The answer is
the same for every origin, so that it is the same in every cache.
"""

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
SENT = (
    "Accept",
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "Prefer",
    "Range",
    "X-Request-Id",
)
READ = (
    "Content-Crs",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Last-Modified",
    "Link",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)
SHARED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": ", ".join(READ),
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": ", ".join(METHODS),
    "Access-Control-Allow-Headers": ", ".join(SENT),
    "Access-Control-Max-Age": "3600",
}


class Sharing:
    """ASGI middleware: answers the questions that browsers ask before they send a request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            given = Headers(scope=scope)
            if "origin" in given and "access-control-request-method" in given:
                await Response(status_code=204, headers=PREFLIGHT)(scope, receive, send)
                return
        await self.app(scope, receive, send)
