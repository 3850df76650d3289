"""Documents (其他数据) as their readers see them: what they belong to decides who sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from sqlalchemy import (
    ColumnElement,
    FromClause,
    and_,
    any_,
    column,
    false,
    func,
    literal,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER, TEXT

from config.model import Layer
from config.vocabulary import Classification, EditionKey, LayerId, Text
from providers.access import ALL, All, Scope
from providers.document_content import DocumentType
from providers.plans import PLAN, rows, visible
from providers.tables import edition_table

FACTS = (
    "id", "sha256", "bytes", "media_type", "name", "title_zh", "title_en", "classification",
    "added_by", "added_at",
)  # fmt: skip
SUBJECT = ("plan", "layer", "edition", "om_id")
DOCUMENT = table("document", *(column(name) for name in (*FACTS, "withdrawn_at")), schema="onemap")
ATTACHMENT = table(
    "attachment",
    *(column(name) for name in ("document", "kind", *SUBJECT, "role", "attached_at")),
    schema="onemap",
)


@dataclass(frozen=True, slots=True)
class OfPlan:
    """What a document belongs to: a plan of the register."""

    plan: str


@dataclass(frozen=True, slots=True)
class OfEdition:
    """What a document belongs to: an edition of a layer."""

    layer: LayerId
    edition: EditionKey


@dataclass(frozen=True, slots=True)
class OfFeature:
    """What a document belongs to: one feature, by its business id."""

    layer: LayerId
    edition: EditionKey
    om_id: str


type Subject = OfPlan | OfEdition | OfFeature


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document; its bytes lie in the store under their hash."""

    id: str
    sha256: str
    bytes: int
    type: DocumentType
    name: str  # of the file, as it was handed over
    title: Text
    classification: Classification
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A document as something of its subject, in a role such as 文本 or 批复."""

    document: Document
    subject: Subject
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a caller sees that documents may belong to; ALL editions: an operator's sight."""

    scope: Scope
    editions: Mapping[tuple[LayerId, EditionKey], Layer] | All


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentQuery:
    """Which documents, and which page of them."""

    plan: str | None = None
    editions: tuple[tuple[LayerId, EditionKey], ...] | None = None  # these, and their features
    om_id: str | None = None  # with one edition: this feature of it
    limit: int = 100
    offset: int = 0


async def attached(
    connection: AsyncConnection[TupleRow], subject: Subject, scope: Scope
) -> list[Attached]:
    """The documents of a subject that the caller has been found to see, in the order of attaching."""
    statement = (
        select(*_document_columns(), *(ATTACHMENT.c[n] for n in SUBJECT), ATTACHMENT.c.role)
        .select_from(ATTACHMENT.join(DOCUMENT, DOCUMENT.c.id == ATTACHMENT.c.document))
        .where(_open(scope), _belongs(subject))
        .order_by(ATTACHMENT.c.attached_at, DOCUMENT.c.id)
    )
    return [_attached(r) for r in await rows(connection, statement, scope)]


async def list_documents(
    connection: AsyncConnection[TupleRow], query: DocumentQuery, sight: Sight
) -> tuple[list[tuple[Document, list[Attached]]], int]:
    """A page of documents, newest first, with what the caller sees them to belong to; the total."""
    seen = await _seen(connection, sight, true())
    belongs = (
        select(literal(1))
        .where(ATTACHMENT.c.document == DOCUMENT.c.id, seen, *_filters(query))
        .correlate(DOCUMENT)
        .exists()
    )
    conditions = (_open(sight.scope), belongs)
    page = (
        select(*_document_columns())
        .where(*conditions)
        .order_by(DOCUMENT.c.added_at.desc(), DOCUMENT.c.id)
        .limit(literal(query.limit, INTEGER))
        .offset(literal(query.offset, INTEGER))
    )
    counted = select(func.count()).select_from(DOCUMENT).where(*conditions)
    total = await rows(connection, counted, sight.scope)
    documents = [_document(r) for r in await rows(connection, page, sight.scope)]
    where = await _subjects(connection, [d.id for d in documents], seen, sight.scope)
    return [(d, [a for a in where if a.document.id == d.id]) for d in documents], int(total[0][0])


async def find_document(
    connection: AsyncConnection[TupleRow], document: str, sight: Sight
) -> Document | None:
    """One document; None where it was withdrawn, or the caller sees nothing that it belongs to."""
    own = ATTACHMENT.c.document == literal(document, TEXT)
    seen = await _seen(connection, sight, own)
    belongs = select(literal(1)).select_from(ATTACHMENT).where(own, seen).exists()
    statement = select(*_document_columns()).where(
        DOCUMENT.c.id == literal(document, TEXT), _open(sight.scope), belongs
    )
    found = await rows(connection, statement, sight.scope)
    return _document(found[0]) if found else None


def _open(scope: Scope) -> ColumnElement[bool]:
    allowed = [c.value for c in Classification if c.rank <= scope.ceiling.rank]
    return and_(
        DOCUMENT.c.withdrawn_at.is_(None),
        DOCUMENT.c.classification == any_(literal(allowed, ARRAY(TEXT))),
    )


async def _seen(
    connection: AsyncConnection[TupleRow], sight: Sight, among: ColumnElement[bool]
) -> ColumnElement[bool]:
    """The attachments to a plan, edition or feature that the caller sees.

    Features lie in one table per edition: those that *among* the attachments name are asked.
    """
    if sight.editions is ALL:
        return true()
    pairs = select(ATTACHMENT.c.layer, ATTACHMENT.c.edition).distinct()
    pairs = pairs.where(ATTACHMENT.c.kind == literal("feature", TEXT), among)
    named = [(LayerId(r[0]), EditionKey(r[1])) for r in await rows(connection, pairs, sight.scope)]
    plans = select(literal(1)).where(PLAN.c.id == ATTACHMENT.c.plan, visible(PLAN, sight.scope))
    editions = _of_editions(list(sight.editions))
    features = (
        _of_feature(ATTACHMENT, sight.editions[pair], pair, sight.scope)
        for pair in named
        if pair in sight.editions
    )
    return or_(
        and_(ATTACHMENT.c.kind == literal("plan", TEXT), plans.correlate(ATTACHMENT).exists()),
        and_(ATTACHMENT.c.kind == literal("edition", TEXT), editions),
        *features,
    )


def _of_feature(
    attachment: FromClause, layer: Layer, pair: tuple[LayerId, EditionKey], scope: Scope
) -> ColumnElement[bool]:
    """The attachments to features of one edition whose rows the scope lets through."""
    if layer.external is not None:
        return false()
    current = edition_table(layer, pair[1])
    row = (
        select(literal(1))
        .select_from(current)
        .where(current.c.om_id == attachment.c.om_id, scope.predicate(current))
    )
    return and_(
        attachment.c.kind == literal("feature", TEXT),
        _of_editions([pair]),
        row.correlate(attachment).exists(),
    )


def _of_editions(pairs: Sequence[tuple[LayerId, EditionKey]]) -> ColumnElement[bool]:
    names = [f"{layer}.{edition}" for layer, edition in pairs]
    named = func.concat(ATTACHMENT.c.layer, literal(".", TEXT), ATTACHMENT.c.edition)
    return named == any_(literal(names, ARRAY(TEXT)))


def _filters(query: DocumentQuery) -> list[ColumnElement[bool]]:
    limits: list[ColumnElement[bool]] = []
    if query.plan is not None:
        limits.append(ATTACHMENT.c.plan == literal(query.plan, TEXT))
    if query.editions is not None:
        limits.append(_of_editions(query.editions))
    if query.om_id is not None:
        limits.append(ATTACHMENT.c.om_id == literal(query.om_id, TEXT))
    return limits


def _belongs(subject: Subject) -> ColumnElement[bool]:
    match subject:
        case OfPlan():
            named = {"kind": "plan", "plan": subject.plan}
        case OfEdition():
            named = {"kind": "edition", "layer": subject.layer, "edition": subject.edition}
        case OfFeature():
            named = {"layer": subject.layer, "edition": subject.edition, "om_id": subject.om_id}
            named["kind"] = "feature"
    return and_(*(ATTACHMENT.c[name] == literal(value, TEXT) for name, value in named.items()))


async def _subjects(
    connection: AsyncConnection[TupleRow], ids: list[str], seen: ColumnElement[bool], scope: Scope
) -> list[Attached]:
    statement = (
        select(*_document_columns(), *(ATTACHMENT.c[n] for n in SUBJECT), ATTACHMENT.c.role)
        .select_from(ATTACHMENT.join(DOCUMENT, DOCUMENT.c.id == ATTACHMENT.c.document))
        .where(ATTACHMENT.c.document == any_(literal(ids, ARRAY(TEXT))), seen)
        .order_by(ATTACHMENT.c.attached_at)
    )
    return [_attached(r) for r in await rows(connection, statement, scope)]


def _document_columns() -> list[ColumnElement[Any]]:
    return [DOCUMENT.c[name] for name in FACTS]


def _document(r: TupleRow) -> Document:
    return Document(
        id=r[0],
        sha256=r[1],
        bytes=r[2],
        type=DocumentType(r[3]),
        name=r[4],
        title=Text(zh=r[5], en=r[6]),
        classification=Classification(r[7]),
        added_by=r[8],
        added_at=r[9],
    )


def _attached(r: TupleRow) -> Attached:
    plan, layer, edition, om_id, role = r[len(FACTS) :]
    subject: Subject
    if plan is not None:
        subject = OfPlan(plan)
    elif om_id is None:
        subject = OfEdition(layer, edition)
    else:
        subject = OfFeature(layer, edition, om_id)
    return Attached(document=_document(r), subject=subject, role=role)
