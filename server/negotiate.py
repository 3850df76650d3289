"""Formats, languages and encodings; strict reading of query parameters; the one way to answer."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote_to_bytes, urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from providers.errors import BadParameter
from server import compression, problems
from server.accepted import best_coding, best_language, best_media, header
from server.compression import Coding, Streamed
from server.web import pages

JSON, GEOJSON, HTML = "application/json", "application/geo+json", "text/html"
SCHEMA, OPENAPI = "application/schema+json", "application/vnd.oai.openapi+json;version=3.0"
OPENAPI_3_1 = "application/vnd.oai.openapi+json;version=3.1"
LANGUAGES = ("zh", "en")
ALWAYS = ("f", "lang")
VARY = "Accept, Accept-Language, Accept-Encoding, Authorization, Cookie"
BODY_WITHIN_S = 5.0  # a body of a mebibyte at 2 Mbit/s
CODINGS = ("zstd", "gzip")  # the first where a client names both alike
ENTITY_TAG = re.compile(r'"[^"]*"')  # what stands before it tells weak from strong


def only(request: Request, *names: str) -> dict[str, str]:
    """The query parameters, each once and each known; f and lang are always known.

    Raises
    ------
    BadParameter
        For a parameter that is repeated or that the route does not have.
    """
    known = {*names, *ALWAYS}
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise BadParameter(name, value, f"one of the parameters {', '.join(sorted(known))}")
        if name in values:
            raise BadParameter(name, value, "the parameter once")
        if "\x00" in value:
            raise BadParameter(name, value.replace("\x00", "␀"), "text without null characters")
        if "\ufffd" in value and not _in_utf8(request.scope["query_string"]):
            raise BadParameter(name, value, "percent-encoded UTF-8")
        values[name] = value
    language(request)  # a language that is not there is refused by every route
    return values


def _in_utf8(query: bytes) -> bool:
    """Whether it is UTF-8; text of another encoding, GBK as a rule, would find nothing."""
    said = unquote_to_bytes(query)
    return said.decode(errors="ignore").encode() == said


def language(request: Request) -> str:
    """By lang, else by the qualities of Accept-Language, else Chinese."""
    asked = request.query_params.get("lang")
    if asked is None:
        return best_language(header(request.scope, b"accept-language") or "", LANGUAGES)
    if asked not in LANGUAGES:
        raise BadParameter("lang", asked, f"one of {', '.join(LANGUAGES)}")
    return asked


def negotiated(request: Request, formats: Mapping[str, str]) -> str:
    """The chosen key of *formats* (f value -> media type, the first is the default)."""
    asked = request.query_params.get("f")
    if asked is not None:
        if asked not in formats:
            raise BadParameter("f", asked, f"one of {', '.join(formats)}")
        return asked
    offered = tuple(formats.values())
    media = best_media(header(request.scope, b"accept"), offered)
    if media is None:
        raise problems.NotAcceptable(f"Accept: expected one of {', '.join(offered)}")
    return next(name for name, offer in formats.items() if offer == media)


def etag(*parts: object) -> str:
    """A strong validator over everything that the bytes depend on."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
        digest.update(b"\x1f")
    return f'"{digest.hexdigest()[:32]}"'


def encoding(request: Request) -> Coding:
    """The content coding of this answer, by the qualities of Accept-Encoding: part of each ETag."""
    accepted = header(request.scope, b"accept-encoding") or ""
    return cast(Coding, best_coding(accepted, CODINGS, "gzip"))


def last_modified(moment: datetime) -> str:
    """The moment as the header Last-Modified writes it, in whole seconds."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def unchanged(
    request: Request, tag: str | None, modified: datetime | None = None
) -> Response | None:
    """304 where the client already has it (RFC 9110, 13.2.2): by its tag, else by its time."""
    given = header(request.scope, b"if-none-match")
    if given is not None:
        same = given.strip() == "*" or (tag is not None and tag in ENTITY_TAG.findall(given))
    else:
        since = _moment(header(request.scope, b"if-modified-since"))
        same = (
            since is not None and modified is not None and modified.replace(microsecond=0) <= since
        )
    if not same:
        return None
    return Response(status_code=304, headers=_validators(request, tag, modified))


def _moment(text: str | None) -> datetime | None:
    """The time that a header gives; anything but an HTTP date counts as not given."""
    try:
        moment = parsedate_to_datetime(text) if text else None
    except (ValueError, OverflowError):
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _validators(request: Request, tag: str | None, modified: datetime | None) -> dict[str, str]:
    fields = cache_headers(request)
    if tag is not None:
        fields["ETag"] = tag
    if modified is not None:
        fields["Last-Modified"] = last_modified(modified)
    return fields


def cache_headers(request: Request) -> dict[str, str]:
    """Always asked again, answered by 304: an edit shows at once."""
    private = not request.state.principal.anonymous
    return {"Cache-Control": "private, no-cache" if private else "no-cache", "Vary": VARY}


def answer(
    request: Request,
    content: bytes,
    media_type: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    tag: str | None = None,
    modified: datetime | None = None,
) -> Response:
    """Bytes with their headers, compressed where the client takes it and they are not already."""
    fields = fields_of(request, media_type, headers, tag, modified)
    coding = encoding(request)
    worth = len(content) >= compression.MIN_BYTES and compression.worth_packing(media_type, coding)
    if worth and "Content-Encoding" not in fields:
        content = compression.packed(content, coding)
        fields["Content-Encoding"] = coding
    return Response(content, status_code=status, headers=fields)


def stream(
    request: Request,
    chunks: AsyncIterator[bytes],
    media_type: str,
    *,
    headers: Mapping[str, str] | None = None,
    tag: str | None = None,
    modified: datetime | None = None,
    status: int = 200,
) -> Response:
    """A body sent as it is made, compressed on its way; to HEAD its headers, and nothing is made."""
    fields = fields_of(request, media_type, headers, tag, modified)
    coding = encoding(request)
    if compression.worth_packing(media_type, coding):
        chunks = compression.packing(chunks, compression.PACKERS[coding]())
        fields["Content-Encoding"] = coding
    return Streamed(chunks, status_code=status, headers=fields)


def bodiless(
    request: Request,
    media_type: str,
    *,
    headers: Mapping[str, str] | None = None,
    tag: str | None = None,
    modified: datetime | None = None,
) -> Response:
    """The answer to HEAD where the body was not made: how long it would be is not said."""
    response = Response(headers=fields_of(request, media_type, headers, tag, modified))
    del response.headers["Content-Length"]
    return response


def fields_of(
    request: Request,
    media_type: str,
    headers: Mapping[str, str] | None,
    tag: str | None,
    modified: datetime | None,
) -> dict[str, str]:
    """The headers of an answer with a body."""
    validators = _validators(request, tag, modified)
    return {"Content-Type": media_type, **validators, **(headers or {})}


def respond(
    request: Request,
    document: Mapping[str, Any],
    *,
    template: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = JSON,
) -> Response:
    """The document as JSON, or as its plain face where HTML is asked for; 304 where it is known."""
    lang = language(request)
    fields = {"Content-Language": lang, **(headers or {})}
    if negotiated(request, {"json": media_type, "html": HTML}) == "html":
        content = render(request, document, template=template, lang=lang).encode()
        media_type = f"{HTML}; charset=utf-8"
    else:
        content = orjson.dumps(document)
    tag = None
    if status == HTTPStatus.OK and request.method in ("GET", "HEAD"):
        tag = etag(content, encoding(request))
        if response := unchanged(request, tag):
            return response
    return answer(request, content, media_type, status=status, headers=fields, tag=tag)


def render(request: Request, document: Mapping[str, Any], *, template: str, lang: str) -> str:
    """The plain HTML face of a document."""
    principal = request.state.principal
    return pages.render(
        template,
        document,
        lang=lang,
        path=with_parameters(request),
        alternates=[
            pages.Alternate("application/json", "JSON", with_parameters(request, f="json"))
        ],
        user=None if principal.anonymous else principal.person,
    )


def with_parameters(request: Request, **changes: str) -> str:
    """This request's path and query with some parameters set."""
    values = {**dict(request.query_params.multi_items()), **changes}
    return request.url.path + (f"?{urlencode(values)}" if values else "")


def dumps(document: object) -> bytes:
    """JSON as this server writes it."""
    return orjson.dumps(document)


async def json_body(request: Request, *, max_bytes: int = 1_048_576) -> object:
    """The request's JSON body, bounded in size.

    Raises
    ------
    UnsupportedMediaType, BodyTooLarge, BadParameter
        For another kind of body, a larger one, or text that is not JSON.
    """
    content = await body_of_json(request, max_bytes=max_bytes)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        shown = content[:100].decode(errors="replace")
        raise BadParameter("body", shown, f"JSON ({error})") from None


async def body_of_json(request: Request, *, max_bytes: int) -> bytes:
    """The request's body that is said to be JSON, bounded in size; nobody has read it yet."""
    kind = request.headers.get("content-type", JSON).split(";")[0].strip().lower()
    if kind != JSON:
        raise problems.UnsupportedMediaType(f"Content-Type: {kind[:100]!r}; expected {JSON}")
    return await read_body(request, max_bytes=max_bytes)


async def read_body(request: Request, *, max_bytes: int) -> bytes:
    """The request's whole body, bounded in size and time."""
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                content += chunk
                if len(content) > max_bytes:
                    raise problems.BodyTooLarge(f"the body is larger than {max_bytes} bytes")
    except TimeoutError:
        raise BadParameter("body", "", f"all of it within {BODY_WITHIN_S:.0f} s") from None
    return bytes(content)
