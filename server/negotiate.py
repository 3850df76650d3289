"""Formats, languages and encodings; strict reading of query parameters; the one way to answer."""

import asyncio
import gzip
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from providers.errors import BadParameter
from server import problems
from server.web import pages

JSON, GEOJSON, HTML = "application/json", "application/geo+json", "text/html"
SCHEMA, OPENAPI = "application/schema+json", "application/vnd.oai.openapi+json;version=3.0"
LANGUAGES = ("zh", "en")
ALWAYS = ("f", "lang")
VARY = "Accept, Accept-Language, Accept-Encoding, Authorization, Cookie"
BODY_WITHIN_S = 5.0  # a body of a mebibyte at 2 Mbit/s
MIN_COMPRESSED_BYTES = 1_000
COMPRESSION_LEVEL = 4  # a third of the time of level 6, a few percent larger


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
        values[name] = value
    language(request)  # a language that is not there is refused by every route
    return values


def language(request: Request) -> str:
    """zh unless lang or Accept-Language asks for English."""
    asked = request.query_params.get("lang")
    if asked is not None:
        if asked not in LANGUAGES:
            raise BadParameter("lang", asked, f"one of {', '.join(LANGUAGES)}")
        return asked
    for part in request.headers.get("accept-language", "").split(","):
        name = part.split(";")[0].strip().lower()[:2]
        if name in LANGUAGES:
            return name
    return LANGUAGES[0]


def negotiated(request: Request, formats: Mapping[str, str]) -> str:
    """The chosen key of *formats* (f value -> media type, the first is the default)."""
    asked = request.query_params.get("f")
    if asked is not None:
        if asked not in formats:
            raise BadParameter("f", asked, f"one of {', '.join(formats)}")
        return asked
    accept = request.headers.get("accept", "*/*")
    ranked = sorted(
        (
            (_quality(accept, media.split(";")[0]), -i, name)
            for i, (name, media) in enumerate(formats.items())
        ),
        reverse=True,
    )
    quality, _, name = ranked[0]
    if quality <= 0:
        raise problems.NotAcceptable(f"Accept: expected one of {', '.join(formats.values())}")
    return name


def _quality(accept: str, media: str) -> float:
    """The quality that an Accept header gives to a media type; the most specific range decides."""
    kind = media.split("/")[0]
    best = (-1, 0.0)
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        specificity = {media: 2, f"{kind}/*": 1, "*/*": 0}.get(name.lower(), -1)
        if name.lower() == JSON and media.endswith("+json"):
            specificity = 2
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            value = min(1.0, max(0.0, float(quality)))
        except ValueError:
            value = 0.0
        if specificity >= 0:
            best = max(best, (specificity, value))
    return best[1]


def etag(*parts: object) -> str:
    """A strong validator over everything that the bytes depend on."""
    text = "\x1f".join(str(part) for part in parts)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def encoding(request: Request) -> str:
    """gzip where the client takes it, else identity: part of each ETag."""
    accepted = request.headers.get("accept-encoding", "")
    gzipped = any(
        part.split(";")[0].strip() in ("gzip", "*")
        and "q=0" not in part.replace(" ", "").split(";")[1:]
        for part in accepted.split(",")
    )
    return "gzip" if gzipped else "identity"


def unchanged(request: Request, tag: str) -> Response | None:
    """304 where the client already has it."""
    given = request.headers.get("if-none-match", "")
    tags = {part.strip().removeprefix("W/") for part in given.split(",")}
    if tag in tags or "*" in tags:
        return Response(status_code=304, headers={"ETag": tag, **cache_headers(request)})
    return None


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
) -> Response:
    """Bytes with their headers, compressed where the client takes it."""
    fields = {"Content-Type": media_type, **cache_headers(request), **(headers or {})}
    if tag is not None:
        fields["ETag"] = tag
    if len(content) >= MIN_COMPRESSED_BYTES and encoding(request) == "gzip":
        content = gzip.compress(content, COMPRESSION_LEVEL, mtime=0)
        fields["Content-Encoding"] = "gzip"
    return Response(content, status_code=status, headers=fields)


def respond(
    request: Request,
    document: Mapping[str, Any],
    *,
    template: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = JSON,
    tag: str | None = None,
) -> Response:
    """The document as JSON, or as its plain face where HTML is asked for."""
    lang = language(request)
    chosen = negotiated(request, {"json": media_type, "html": HTML})
    fields = {"Content-Language": lang, **(headers or {})}
    if chosen == "html":
        text = render(request, document, template=template, lang=lang)
        return answer(
            request, text.encode(), f"{HTML}; charset=utf-8", status=status, headers=fields, tag=tag
        )
    return answer(
        request, orjson.dumps(document), media_type, status=status, headers=fields, tag=tag
    )


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
    kind = request.headers.get("content-type", JSON).split(";")[0].strip().lower()
    if kind != JSON:
        raise problems.UnsupportedMediaType(f"Content-Type: {kind[:100]!r}; expected {JSON}")
    content = await read_body(request, max_bytes=max_bytes)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        shown = content[:100].decode(errors="replace")
        raise BadParameter("body", shown, f"JSON ({error})") from None


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
