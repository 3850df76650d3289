"""`onemap document`: texts, drawings and approvals, and what they belong to."""

import argparse
from dataclasses import asdict
from pathlib import Path

from config.model import Layer
from config.settings import Settings
from config.vocabulary import EDITION_KEY, LAYER_ID, Classification, EditionKey, LayerId, Text
from providers.access import ALL
from providers.database import DatabaseRole, connect
from providers.document_content import DocumentRefused
from providers.document_store import (
    DocumentStore,
    add_document,
    attach_document,
    withdraw_document,
)
from providers.documents import (
    DocumentQuery,
    OfEdition,
    OfFeature,
    OfPlan,
    Sight,
    Subject,
    list_documents,
)
from providers.migrations import migrate
from providers.plan_records import check_plan_id
from server.instance import Instance, database, instance
from server.plan_commands import MAX_LISTED, OPERATOR, as_json, reading, words

ROLE = "附件"  # unless said otherwise: 文本, 图件, 批复, 说明, …


def add(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap document add`: prints the document's id."""
    subject = subject_of(given)
    store = DocumentStore.within(settings.store)
    with instance(settings) as db:
        layer = _layer(db, subject)
        with connect(db.url, DatabaseRole.WRITER) as connection:
            document = add_document(
                connection,
                store,
                given.file,
                title=Text(zh=given.title, en=given.title_en or given.title),
                classification=Classification(given.classification),
                subject=subject,
                layer=layer,
                role=given.role,
                person=given.person,
            )
    print(document)
    return 0


def attach(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap document attach`: one more plan, edition or feature that a document belongs to."""
    subject = subject_of(given)
    with instance(settings) as db:
        layer = _layer(db, subject)
        with connect(db.url, DatabaseRole.WRITER) as connection:
            attach_document(
                connection, given.id, subject, layer=layer, role=given.role, person=given.person
            )
    print(given.id)
    return 0


def show_list(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap document list`: all documents, or those of a plan, an edition or a feature."""
    query = _query(subject_of(given) if given.plan or given.edition or given.feature else None)
    sight = Sight(scope=OPERATOR, editions=ALL)
    with database(settings) as db:
        migrate(db.url)
        found, _ = reading(db.url, lambda connection: list_documents(connection, query, sight))
    if given.json:
        documents = [
            {
                **asdict(document),
                "subjects": [{**asdict(each.subject), "role": each.role} for each in where],
            }
            for document, where in found
        ]
        print(as_json(documents))
        return 0
    print("id\ttype\tbytes\tclassification\ttitle\tbelongs to" if found else "there is no document")
    for document, where in found:
        belongs = ", ".join(f"{named(each.subject)} ({each.role})" for each in where)
        facts = (document.type.name, document.bytes, document.classification, document.title.zh)
        print(document.id, *facts, belongs, sep="\t")
    return 0


def remove(settings: Settings, given: argparse.Namespace) -> int:
    """`onemap document remove`: withdrawn; its content goes when no other document has it."""
    store = DocumentStore.within(settings.store)
    with database(settings) as db:
        migrate(db.url)
        with connect(db.url, DatabaseRole.WRITER) as connection:
            gone = withdraw_document(
                connection, store, given.id, person=given.person, reason=given.reason
            )
    kept = "" if gone else "; its content stays, another document has it"
    print(f"the document {given.id} is withdrawn{kept}")
    return 0


def subject_of(given: argparse.Namespace) -> Subject:
    """What the command line names as the document's subject."""
    if given.plan is not None:
        return OfPlan(check_plan_id(given.plan))
    name, slash, om_id = (given.feature or given.edition).partition("/")
    layer, _, edition = name.partition(".")
    if not LAYER_ID.fullmatch(layer) or not EDITION_KEY.fullmatch(edition):
        raise DocumentRefused(f"{name[:100]!r} is no LAYER.EDITION, such as land_use.2024.")
    if given.edition is not None:
        if slash:
            raise DocumentRefused("--edition names LAYER.EDITION; for a feature use --feature.")
        return OfEdition(LayerId(layer), EditionKey(edition))
    if not om_id:
        raise DocumentRefused("--feature names LAYER.EDITION/ID, such as land_use.2024/1001.")
    return OfFeature(LayerId(layer), EditionKey(edition), om_id)


def named(subject: Subject) -> str:
    """A subject as the command line names it."""
    match subject:
        case OfPlan():
            return f"plan {subject.plan}"
        case OfEdition():
            return f"{subject.layer}.{subject.edition}"
        case OfFeature():
            return f"{subject.layer}.{subject.edition}/{subject.om_id}"


def _query(subject: Subject | None) -> DocumentQuery:
    match subject:
        case None:
            return DocumentQuery(limit=MAX_LISTED)
        case OfPlan():
            return DocumentQuery(plan=subject.plan, limit=MAX_LISTED)
        case OfEdition() | OfFeature():
            pair = ((subject.layer, subject.edition),)
            om_id = subject.om_id if isinstance(subject, OfFeature) else None
            return DocumentQuery(editions=pair, om_id=om_id, limit=MAX_LISTED)


def _layer(one: Instance, subject: Subject) -> Layer | None:
    """The catalogue's layer of the subject."""
    if isinstance(subject, OfPlan):
        return None
    return one.catalogue.layers.get(subject.layer)


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`onemap document add|attach|list|remove`."""
    document = verbs.add_parser("document", help="texts, drawings, approvals").add_subparsers(
        dest="document_verb", required=True, metavar="VERB"
    )
    new = document.add_parser("add", help="take a file and attach it; prints its id")
    new.add_argument("file", type=Path, help="PDF, DOCX, XLSX, OFD, PNG, JPEG, TIFF or WebP")
    new.add_argument("--title", required=True, type=words, help="in Chinese")
    new.add_argument("--title-en", type=words, help="(default: the Chinese title)")
    new.add_argument(
        "--classification",
        choices=[str(each) for each in Classification],
        default=Classification.INTERNAL.value,
    )
    _belongs(new)
    new.set_defaults(run=add)
    more = document.add_parser("attach", help="let a document belong to one more thing")
    more.add_argument("id")
    _belongs(more)
    more.set_defaults(run=attach)
    listed = document.add_parser("list", help="all documents, or those of one thing")
    _subjects(listed, required=False)
    listed.add_argument("--json", action="store_true")
    listed.set_defaults(run=show_list)
    gone = document.add_parser("remove", help="withdraw a document")
    gone.add_argument("id")
    gone.add_argument("--person", required=True, type=words)
    gone.add_argument("--reason", required=True, type=words)
    gone.set_defaults(run=remove)


def _belongs(parser: argparse.ArgumentParser) -> None:
    _subjects(parser, required=True)
    parser.add_argument("--role", type=words, default=ROLE, help="文本, 图件, 批复, 说明, …")
    parser.add_argument("--person", required=True, type=words)


def _subjects(parser: argparse.ArgumentParser, *, required: bool) -> None:
    subject = parser.add_mutually_exclusive_group(required=required)
    subject.add_argument("--plan", metavar="ID")
    subject.add_argument("--edition", metavar="LAYER.EDITION")
    subject.add_argument("--feature", metavar="LAYER.EDITION/ID")
