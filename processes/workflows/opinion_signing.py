"""From what a person says on a check to a signed opinion: a document of its own, sealed by its hash.

What proves who signed is the API key of a named person; that is no electronic signature in the
sense of the Electronic Signature Law (电子签名法), and the document says so.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from config.vocabulary import Outcome, Text
from processes.algorithms.canonical import sealed
from processes.spec import MAX_ERRORS, BodyError, InvalidBody
from processes.workflows.manual_choices import blanked, is_open
from processes.workflows.pasted_text import plain
from providers.keys import KeyRecord

KIND = "compliance_opinion"
VERIFIED = "verified"
PROOF = Text(
    zh="以记名 API 密钥签署：密钥属于上列人员，签署内容由复核码校验；不属于《电子签名法》意义上的电子签名。",
    en="Signed with an API key that names this person; its content is proved by its hash. This is"
    " not an electronic signature in the sense of the Electronic Signature Law.",
)
MAX_TEXT, MAX_NUMBER = 4_000, 100
REQUIRED = ("conclusion", "text", "document_date")
MEMBERS = (*REQUIRED, "document_number", "parcels", "manual", "documents", "supersedes")
LAYOUT = {ord("\n"): None, ord("\t"): None}
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
OUTCOMES = ", ".join(Outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the person says to a rule that no machine can judge."""

    rule: str
    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person says on a check, ready to be signed."""

    parcels: tuple[int, ...] | None  # None: all
    conclusion: Outcome
    text: str
    document_number: str | None
    document_date: date
    manual: tuple[Answer, ...]
    documents: tuple[str, ...]  # those whose originals the person has seen
    supersedes: UUID | None

    def numbers(self, facts: Mapping[str, Any]) -> Iterable[int]:
        """The parcels that are spoken of, by number."""
        return range(1, facts["parcels"] + 1) if self.parcels is None else self.parcels


def parse_said(body: Any, facts: Mapping[str, Any]) -> Said:
    """The body of a signing request against what is known of its check.

    Raises
    ------
    InvalidBody
        With every error: an unknown parcel, rule or document, a manual item without an answer.
    """
    if not isinstance(body, dict):
        raise InvalidBody([BodyError("", "expected an object")])
    errors = [BodyError(f"/{name}", "is required") for name in REQUIRED if name not in body]
    errors += [
        BodyError("", f"{str(name)[:100]!r} is not one of {', '.join(MEMBERS)}")
        for name in body
        if name not in MEMBERS
    ]
    errors += [error for name in MEMBERS if name in body for error in _faults(name, body, facts)]
    if "manual" not in body:
        errors += _unanswered([], facts)
    if errors:
        raise InvalidBody(errors[:MAX_ERRORS])
    choices = _choices(facts)
    return Said(
        parcels=None if body.get("parcels") is None else tuple(sorted(body["parcels"])),
        conclusion=Outcome(body["conclusion"]),
        text=plain(body["text"]),
        document_number=plain(body.get("document_number") or "") or None,
        document_date=date.fromisoformat(body["document_date"]),
        manual=tuple(
            Answer(
                rule=one["rule"],
                outcome=Outcome(one["outcome"]),
                text=plain(one.get("text", "")) or choices[one["rule"]][one["outcome"]],
            )
            for one in sorted(body.get("manual", []), key=lambda one: str(one["rule"]))
        ),
        documents=tuple(sorted(body.get("documents", {}))),
        supersedes=UUID(body["supersedes"]) if body.get("supersedes") else None,
    )


def following(said: Said, earlier: Mapping[str, Any] | None) -> None:
    """Whoever signs knows the opinion that stands so far, and names it.

    Raises
    ------
    InvalidBody
        Where it is not named, or another one is: somebody has signed meanwhile.
    """
    standing = None if earlier is None else UUID(earlier["id"])
    if said.supersedes != standing:
        expected = "no opinion on these parcels stands: expected null"
        if earlier is not None:
            expected = f"expected {standing}, of {earlier['signed_by']}, which stands so far"
        raise InvalidBody([BodyError("/supersedes", expected)])


def signed(
    said: Said, check: str, signer: KeyRecord, *, name: UUID, now: datetime
) -> dict[str, Any]:
    """The opinion's document with its hash."""
    moment = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return sealed(
        {
            "kind": KIND,
            "id": str(name),
            "check": check,
            "parcels": None if said.parcels is None else list(said.parcels),
            "conclusion": said.conclusion.value,
            "text": said.text,
            "document_number": said.document_number,
            "document_date": said.document_date.isoformat(),
            "manual": [
                {"rule": one.rule, "outcome": one.outcome.value, "text": one.text}
                for one in said.manual
            ],
            "documents": dict.fromkeys(said.documents, VERIFIED),
            "signed_by": signer.person,
            "organisation": signer.organisation,
            "key": signer.id,
            "signed_at": moment,
            "supersedes": None if said.supersedes is None else str(said.supersedes),
            "proof": {"zh": PROOF.zh, "en": PROOF.en},
        }
    )


def _faults(name: str, body: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[BodyError]:
    """What is wrong with one member of the body."""
    value, place = body[name], f"/{name}"
    match name:
        case "conclusion":
            if value not in list(Outcome):
                yield BodyError(place, f"expected one of {OUTCOMES}")
        case "text":
            if not _is_text(value, MAX_TEXT, breaks=True):
                yield BodyError(place, f"expected 1 to {MAX_TEXT} characters of text")
        case "document_number":
            if value not in (None, "") and not _is_text(value, MAX_NUMBER):
                yield BodyError(place, f"expected at most {MAX_NUMBER} characters of text")
        case "document_date":
            if not _is_day(value):
                yield BodyError(place, "expected a date like 2026-03-05")
        case "supersedes":
            if value is not None and not _is_uuid(value):
                yield BodyError(place, "expected the id of an opinion, or null")
        case "parcels":
            most = facts["parcels"]
            if value is not None and not _are_numbers(value, most):
                expected = f"expected different numbers from 1 to {most}, or null for all parcels"
                yield BodyError(place, expected)
        case "documents":
            yield from _document_faults(value, facts)
        case "manual":
            yield from _manual_faults(value, facts)


def _document_faults(value: Any, facts: Mapping[str, Any]) -> Iterator[BodyError]:
    if not isinstance(value, dict):
        yield BodyError("/documents", 'expected an object like {"id": "verified"}')
        return
    known = ", ".join(facts["documents"]) or "none"
    for name, state in value.items():
        if name not in facts["documents"]:
            expected = f"{name[:100]!r} is not a document of this check; there are {known}"
            yield BodyError("/documents", expected)
        elif state != VERIFIED:
            yield BodyError(f"/documents/{name}", f"expected {VERIFIED!r}")


def _manual_faults(value: Any, facts: Mapping[str, Any]) -> Iterator[BodyError]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        yield BodyError("/manual", 'expected answers like {"rule": …, "outcome": …, "text": …}')
        return
    choices, answered = _choices(facts), set[str]()
    if len(value) > len(choices):
        yield BodyError("/manual", f"expected one answer to each of {len(choices)} manual items")
        return
    for position, one in enumerate(value):
        yield from _answer_faults(f"/manual/{position}", one, choices, answered)
    yield from _unanswered(value, facts)


def _answer_faults(
    place: str, one: Mapping[str, Any], choices: Mapping[str, Mapping[str, str]], answered: set[str]
) -> Iterator[BodyError]:
    """What is wrong with one answer; *answered* are the rules of those before it."""
    rule, chosen, text = one.get("rule"), one.get("outcome"), one.get("text", "")
    if odd := sorted(one.keys() - {"rule", "outcome", "text"}):
        yield BodyError(place, f"{odd[0][:100]!r} is not one of rule, outcome, text")
    if text != "" and not _is_text(text, MAX_TEXT, breaks=True):
        yield BodyError(f"{place}/text", f"expected at most {MAX_TEXT} characters of text")
    if not isinstance(rule, str) or rule not in choices:
        expected = ", ".join(choices) or "none"
        yield BodyError(f"{place}/rule", f"expected a manual item of this check: {expected}")
        return
    if rule in answered:
        yield BodyError(f"{place}/rule", f"{rule} has been answered above")
    answered.add(rule)
    if chosen not in list(choices[rule]):
        yield BodyError(f"{place}/outcome", f"expected one of {', '.join(choices[rule])}")
    elif text == "" and is_open(choices[rule][chosen]):
        expected = f"{blanked(choices[rule][chosen])!r} is to be filled in: expected a text"
        yield BodyError(f"{place}/text", expected)


def _unanswered(answers: Iterable[Mapping[str, Any]], facts: Mapping[str, Any]) -> list[BodyError]:
    given = {one["rule"] for one in answers if isinstance(one.get("rule"), str)}
    return [
        BodyError("/manual", f"{item['rule']} ({item['title']['zh']}) has no answer")
        for item in facts["manual"]
        if item["rule"] not in given
    ]


def _choices(facts: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The outcomes that each manual item may be given, with the words that go with them."""
    return {
        item["rule"]: {one["outcome"]: one["text"] for one in item["choices"]}
        for item in facts["manual"]
    }


def _is_text(value: Any, most: int, *, breaks: bool = False) -> bool:
    if not isinstance(value, str) or not 1 <= len(text := plain(value)) <= most:
        return False
    line = text.translate(LAYOUT) if breaks else text
    return line.replace("\u3000", "").isprintable()


def _is_day(value: Any) -> bool:
    if not isinstance(value, str) or not DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def _are_numbers(value: Any, most: int) -> bool:
    if not isinstance(value, list) or not value:
        return False
    whole = [n for n in value if isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= most]
    return len(whole) == len(value) == len(set(whole))
