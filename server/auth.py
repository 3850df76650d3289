"""Who asks: bearer keys, page sessions, and the principal of each request."""

import hmac
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from processes.spec import BodyError, InvalidBody
from providers.access import Principal
from providers.keys import (
    KEY_PATTERN,
    TOKEN_PATTERN,
    KeyRecord,
    Session,
    close_session,
    find_key,
    find_session,
    open_session,
)
from server import negotiate
from server.accepted import header
from server.problems import Unauthenticated
from server.state import OneMap, onemap, principal

COOKIE = "om_session"
CSRF_HEADER = "x-csrf-token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
REMEMBERED_S = 10.0  # a revoked key is refused after at most this long
MAX_REMEMBERED = 10_000


@dataclass(slots=True)
class Remembered:
    """Records of credentials asked for a moment ago, so that tiles do not each ask the database."""

    known: dict[str, tuple[float, KeyRecord | Session]] = field(default_factory=dict)

    def get(self, credential: str) -> KeyRecord | Session | None:
        found = self.known.get(credential)
        return found[1] if found and found[0] > time.monotonic() else None

    def put(self, credential: str, value: KeyRecord | Session) -> None:
        while len(self.known) >= MAX_REMEMBERED:
            self.known.pop(next(iter(self.known)))
        self.known[credential] = (time.monotonic() + REMEMBERED_S, value)

    def forget(self, credential: str) -> None:
        self.known.pop(credential, None)


class Identification:
    """ASGI middleware: sets `state.principal`; a credential that is not in force is 401."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.remembered = Remembered()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            state = scope.setdefault("state", {})
            state["remembered"] = self.remembered
            state["principal"] = onemap(request).snapshot.anonymous  # for the page of a 401, too
            state["principal"] = await self._identify(request)
        await self.app(scope, receive, send)

    async def _identify(self, request: Request) -> Principal:
        one = onemap(request)
        authorization = header(request.scope, b"authorization")
        if authorization is not None:
            scheme, _, credential = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthenticated("Authorization: expected Bearer om_<id>_<secret>")
            return await self._by_key(one, credential.strip())
        token = request.cookies.get(COOKIE) if "cookie" in request.headers else None
        if not token or not TOKEN_PATTERN.fullmatch(token):  # no question to the database
            return one.snapshot.anonymous
        session = self.remembered.get(token)
        if not isinstance(session, Session):
            async with one.pools.writing() as connection:
                session = await find_session(connection, token)
            if session is None:  # an old cookie is no offence: the page asks to sign in again
                return one.snapshot.anonymous
            self.remembered.put(token, session)
        if request.method not in SAFE:
            given = request.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(given.encode(), session.csrf.encode()):
                raise Unauthenticated("X-CSRF-Token: expected the csrf value of GET /session")
        request.state.csrf = session.csrf
        return one.snapshot.principal(session.record) or one.snapshot.anonymous

    async def _by_key(self, one: OneMap, credential: str) -> Principal:
        record = self.remembered.get(credential)
        if not isinstance(record, KeyRecord):
            record = await _asked(one, credential)
            self.remembered.put(credential, record)
        found = one.snapshot.principal(record)
        if found is None:
            raise Unauthenticated(f"the key's role {record.role!r} is not in the catalogue")
        return found


async def show_session(request: Request) -> Response:
    """GET /session: who the pages' user is."""
    negotiate.only(request)
    return _session_document(request, principal(request), getattr(request.state, "csrf", None))


async def begin_session(request: Request) -> Response:
    """POST /session: swap a key for an HttpOnly cookie and a CSRF token."""
    negotiate.only(request)
    one = onemap(request)
    body = await negotiate.json_body(request)
    key = body.get("key") if isinstance(body, dict) else None
    if not isinstance(key, str) or (isinstance(body, dict) and body.keys() != {"key"}):
        raise InvalidBody([BodyError("/key", 'expected a body like {"key": "om_<id>_<secret>"}')])
    record = await _asked(one, key)
    async with one.pools.writing() as connection:
        token, session = await open_session(connection, record)
    who = one.snapshot.principal(record)
    if who is None:
        raise Unauthenticated(f"the key's role {record.role!r} is not in the catalogue")
    response = _session_document(request, who, session.csrf, status=201)
    response.set_cookie(
        COOKIE,
        token,
        path="/",
        httponly=True,
        samesite="lax",
        secure=one.settings.public_url.startswith("https://"),
    )
    return response


async def end_session(request: Request) -> Response:
    """DELETE /session: sign out."""
    negotiate.only(request)
    token = request.cookies.get(COOKIE)
    if token:
        request.state.remembered.forget(token)
        async with onemap(request).pools.writing() as connection:
            await close_session(connection, token)
    response = Response(status_code=204, headers={"Cache-Control": "no-store"})
    response.delete_cookie(COOKIE, path="/")
    return response


async def _asked(one: OneMap, key: str) -> KeyRecord:
    """Whom a key stands for; text that cannot be a key costs no question to the database."""
    record = None
    if KEY_PATTERN.fullmatch(key):
        async with one.pools.writing() as connection:
            record = await find_key(connection, key)
    if record is None:
        raise Unauthenticated("the API key is unknown, expired or revoked")
    return record


def _session_document(
    request: Request, who: Principal, csrf: str | None, *, status: int = 200
) -> Response:
    document: dict[str, Any] = {"authenticated": not who.anonymous}
    if not who.anonymous:
        functions = who.scope.functions
        document |= {
            "person": who.person,
            "organisation": who.organisation,
            "role": who.role,
            "functions": sorted(functions) if isinstance(functions, frozenset) else "all",
        }
        if csrf is not None:
            document["csrf"] = csrf
    negotiate.language(request)
    negotiate.negotiated(request, {"json": negotiate.JSON})
    content = orjson.dumps(document)
    return negotiate.answer(
        request, content, negotiate.JSON, status=status, headers={"Cache-Control": "no-store"}
    )
