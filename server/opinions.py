"""Opinions over HTTP: a named person signs on a check; what is signed is kept beside it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response

from config.vocabulary import Text
from processes.spec import FunctionNotGranted
from processes.workflows.opinion_signing import following, parse_said, signed
from providers.checks import SIGN, alone, check_content, known_check
from providers.errors import NotFound
from providers.keys import find_record
from providers.opinions import (
    add_opinion,
    find_opinion,
    opinions_for,
    opinions_of,
    superseded,
)
from server import negotiate
from server.attachments import attachment
from server.checks import DOCX, OPINIONS, RESULT, VERIFICATION, recorded, report_answer
from server.links import Link, link
from server.problems import Unauthenticated
from server.state import onemap, principal
from server.web.pages import Face

TOLD = ("id", "hash", "parcels", "conclusion", "signed_by", "organisation", "signed_at")
FORMS = {"json": negotiate.JSON, "html": negotiate.HTML}
ONE = Text(zh="审查意见", en="Opinion")
SHEET = Text(zh="审查意见书（DOCX）", en="Sheet (DOCX)")


async def opinions(request: Request) -> Response:
    """GET /checks/{hash}/opinions: oldest first; of those of others what verification tells."""
    negotiate.only(request)
    one, lang = onemap(request), negotiate.language(request)
    record = await recorded(request)
    async with one.pools.reading() as connection:
        found = await opinions_for(connection, record.hash, principal(request))
    here = f"{one.settings.public_url}/checks/{record.hash}"
    body = {
        "title": OPINIONS.in_language(lang),
        "check": record.hash,
        "opinions": [document if full else _told(document) for document, full in found],
        "links": [
            link(f"{here}/opinions", "self", negotiate.JSON, OPINIONS.in_language(lang)),
            link(
                f"{here}/opinions?f=html", "alternate", negotiate.HTML, OPINIONS.in_language(lang)
            ),
            link(here, "up", negotiate.JSON, RESULT.in_language(lang)),
        ],
    }
    return negotiate.respond(request, body, template=Face.OPINIONS)


async def sign(request: Request) -> Response:
    """POST /checks/{hash}/opinions: 201 with the signed opinion."""
    negotiate.only(request)
    one, caller = onemap(request), principal(request)
    if caller.anonymous or not caller.person.strip() or not caller.scope.may(SIGN):
        raise FunctionNotGranted(SIGN)
    record = await recorded(request)
    negotiate.negotiated(request, FORMS)
    said = parse_said(await negotiate.json_body(request), record.facts)
    async with one.pools.writing() as connection:
        signer = await find_record(connection, caller.id)
        if signer is None:  # ended a moment ago
            raise Unauthenticated("the API key is unknown, expired or revoked")
        await alone(connection, record.hash)
        if await known_check(connection, record.hash) is None:  # removed a moment ago
            raise NotFound("check", record.hash)
        earlier = await opinions_of(connection, record.hash)
        following(said, superseded(earlier, said.numbers(record.facts)))
        document = signed(said, record.hash, signer, name=uuid4(), now=datetime.now(UTC))
        await add_opinion(connection, document)
        here = f"{one.settings.public_url}/opinions/{document['id']}"
        headers = {"Location": here, "Cache-Control": "no-store"}
        # Made before the commit: what is signed is never answered by an error.
        answer = negotiate.respond(
            request, document, template=Face.OPINION, status=201, headers=headers
        )
    return answer


async def opinion(request: Request) -> Response:
    """GET /opinions/{opinionId}: the document as it was signed."""
    negotiate.only(request)
    document, lang = await _found(request), negotiate.language(request)
    base = onemap(request).settings.public_url
    body = document
    if negotiate.negotiated(request, FORMS) == "html":
        number = document["document_number"] or document["document_date"]
        title = f"{ONE.in_language(lang)} · {number}"
        body = {**document, "title": title, "links": _links(document, base, lang)}
    return negotiate.respond(request, body, template=Face.OPINION)


async def report(request: Request) -> Response:
    """GET /opinions/{opinionId}/report: the sheet that leaves the house."""
    negotiate.only(request)
    negotiate.negotiated(request, {"docx": DOCX})
    document = await _found(request)
    async with onemap(request).pools.reading() as connection:
        packed = await check_content(connection, document["check"], principal(request))
    if packed is None:
        raise NotFound("opinion", document["id"])
    name = document["hash"][:12]
    saved = {"Content-Disposition": attachment(f"opinion-{name}.docx", f"{ONE.zh}-{name}.docx")}
    chosen = None if document["parcels"] is None else frozenset(document["parcels"])
    return await report_answer(
        request, packed, "docx", saved, of=document["hash"], parcels=chosen, opinion=document
    )


async def _found(request: Request) -> dict[str, Any]:
    """The opinion of the path, if the caller may see it in full."""
    text = request.path_params["opinionId"]
    try:
        name = UUID(text)
    except ValueError:
        raise NotFound("opinion", text.replace("\x00", "␀")) from None
    async with onemap(request).pools.reading() as connection:
        found = await find_opinion(connection, name, principal(request))
    if found is None:
        raise NotFound("opinion", text)
    return found


def _told(document: Mapping[str, Any]) -> dict[str, Any]:
    """What an opinion is told by to those who may not read it."""
    return {name: document[name] for name in (*TOLD, "document_number")}


def _links(document: Mapping[str, Any], base: str, lang: str) -> list[Link]:
    here, check = f"{base}/opinions/{document['id']}", f"{base}/checks/{document['check']}"
    verification = f"{base}/verify/{document['hash']}"

    def way(href: str, rel: str, media_type: str, title: Text) -> Link:
        return link(href, rel, media_type, title.in_language(lang))

    return [
        way(here, "self", negotiate.JSON, ONE),
        way(f"{here}/report?f=docx", "related", DOCX, SHEET),
        way(check, "related", negotiate.JSON, RESULT),
        way(verification, "related", negotiate.JSON, VERIFICATION),
    ]
