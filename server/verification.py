"""Verification by hash, for everybody: whether a check or an opinion is ours, and unaltered.

It tells what stands on any sheet beside its hash; no place, no project, no applicant.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from config.vocabulary import Text
from processes.algorithms.canonical import SEAL, stated_and_computed
from processes.spec import BodyError, InvalidBody
from processes.workflows.opinion_signing import KIND as OPINION
from providers.checks import HASH, known_check, known_removal
from providers.errors import NotFound
from providers.opinions import known_opinion, opinions_of
from server import negotiate
from server.beside import Lane
from server.checks import VERIFICATION
from server.state import onemap
from server.web.pages import Face

CHECK, REMOVED = "compliance_check", "removed"
MAX_BYTES = 16 * 1024**2
VERIFYING = Lane(places=2, each=2, wait_s=2.0)
GENUINE = Text(zh="与本系统保存的一致，未经改动。", en="As this system keeps it, unaltered.")
ALTERED = Text(
    zh="内容与其复核码不符，已被改动。", en="The content does not fit its hash: altered."
)
UNKNOWN = Text(
    zh="内容与其复核码相符，但本系统没有这一记录。",
    en="The content fits its hash, but this system has no such record.",
)
GONE = Text(
    zh="内容与其复核码相符；本系统曾保存这一记录，后经管理员移除。",
    en="The content fits its hash; this system kept the record, and an administrator removed it.",
)
OF_CHECK = ("ruleset", "profile", "check_date", "as_of", "parcels", "synthetic")
OF_OPINION = ("conclusion", "signed_by", "organisation", "signed_at", "document_number")


async def verify(request: Request) -> Response:
    """GET /verify/{hash}."""
    negotiate.only(request)
    name = request.path_params["hash"]
    record = await _record(request, name) if HASH.fullmatch(name) else None
    if record is None:
        raise NotFound("record of the hash", name.replace("\x00", "␀"))
    title = VERIFICATION.in_language(negotiate.language(request))
    return negotiate.respond(request, {"title": title, **record}, template=Face.VERIFICATION)


async def verify_document(request: Request) -> Response:
    """POST /verify: a whole document against its own hash, and its hash against the records."""
    negotiate.only(request)
    content = await negotiate.body_of_json(request, max_bytes=MAX_BYTES)
    try:
        stated, computed = await VERIFYING.run(request, stated_and_computed, content)
    except ValueError as error:
        raise InvalidBody([BodyError("", str(error)[:300])]) from None
    if stated is None or not HASH.fullmatch(stated):
        expected = "expected the document of a check or an opinion, with its hash"
        raise InvalidBody([BodyError(f"/{SEAL}", expected)])
    record = await _record(request, stated)
    unaltered, removed = stated == computed, record is not None and record["kind"] == REMOVED
    genuine = GONE if removed else GENUINE if record else UNKNOWN
    said = genuine if unaltered else ALTERED
    answer = {
        "title": VERIFICATION.in_language(negotiate.language(request)),
        "stated": stated,
        "computed": computed,
        "unaltered": unaltered,
        "known": record is not None and not removed,
        "statement": {"zh": said.zh, "en": said.en},
        "record": record,
    }
    headers = {"Cache-Control": "no-store"}
    return negotiate.respond(request, answer, template=Face.DOCUMENT, headers=headers)


async def _record(request: Request, name: str) -> dict[str, Any] | None:
    """What is told of a hash; None where nothing of this hash is kept."""
    async with onemap(request).pools.reading() as connection:
        known = await known_check(connection, name)
        if known is not None:
            facts, kept = known
            signed = await opinions_of(connection, name)
            return {
                "kind": CHECK,
                "hash": name,
                **_facts(facts),
                "overall": facts["overall"],
                "outcomes": facts["outcomes"],
                "kept_at": kept.isoformat(),
                "opinions": [{"hash": one["hash"], **_signed(one)} for one in signed],
            }
        opinion = await known_opinion(connection, name)
        removed = None if opinion else await known_removal(connection, name)
    if removed is not None:
        kind, moment = removed
        return {"kind": REMOVED, "hash": name, "of": kind, "removed_at": moment.isoformat()}
    if opinion is None:
        return None
    document = opinion.document
    return {
        "kind": OPINION,
        "hash": name,
        "check": document["check"],
        **_signed(document),
        "document_date": document["document_date"],
        "of_parcels": document["parcels"],
        "superseded_by": list(opinion.followed_by),
        **_facts(opinion.facts),
        "proof": document["proof"],
    }


def _facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in OF_CHECK}


def _signed(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in OF_OPINION}
