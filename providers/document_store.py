"""The store of documents: content under its own hash, checked before it is kept, never overwritten."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from config.model import Layer
from config.vocabulary import Classification, Text
from providers.document_content import DocumentRefused, DocumentType
from providers.document_types import identify
from providers.documents import OfEdition, OfFeature, OfPlan, Subject
from providers.errors import Refused
from providers.plans import known_plans
from providers.tables import edition_name

MAX_BYTES = 256 * 1024**2
MAX_NAME_CHARACTERS = 200
CHUNK_BYTES = 1 << 20
FOLDER = "documents"


class DocumentLost(Refused):
    """The database knows a document whose content the store does not have, or has otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A file that was copied beside the store, hashed and found to be a document."""

    copy: Path
    name: str
    sha256: str
    bytes: int
    type: DocumentType


@dataclass(frozen=True, slots=True)
class DocumentStore:
    """The folder of the documents' contents: `ab/<sha256>`."""

    folder: Path

    @classmethod
    def within(cls, store: Path) -> "DocumentStore":
        """The documents' part of an instance's store."""
        return cls(store / FOLDER)

    def path(self, sha256: str, size: int) -> Path:
        """Where a content lies; DocumentLost where it does not, or is of another size."""
        path = self._place(sha256)
        try:
            found = path.stat().st_size
        except OSError as error:
            raise DocumentLost(f"the content {sha256} is not in the store") from error
        if found != size:
            raise DocumentLost(f"the content {sha256} has {found} bytes in the store, not {size}")
        return path

    @contextmanager
    def take(self, source: Path) -> Iterator[Taken]:
        """Copy a file beside the store and look at the copy; the copy goes unless it is kept."""
        name = _file_name(source)
        self.folder.mkdir(parents=True, exist_ok=True)
        copy = self.folder / f".{uuid4().hex}"
        try:
            sha256, size = _copied(source, copy)
            try:
                kind = identify(copy, name)
            except DocumentRefused as error:
                raise DocumentRefused(f"{name}: {error}.") from error
            yield Taken(copy=copy, name=name, sha256=sha256, bytes=size, type=kind)
        finally:
            copy.unlink(missing_ok=True)

    def keep(self, taken: Taken) -> None:
        """Give the copy its place; what lies there already is the same content and stays."""
        place = self._place(taken.sha256)
        if place.exists():
            self.path(taken.sha256, taken.bytes)
            return
        place.parent.mkdir(exist_ok=True)
        taken.copy.rename(place)
        for folder in (place.parent, self.folder):
            _sync(folder)

    def forget(self, sha256: str) -> None:
        """Remove a content that nobody refers to."""
        self._place(sha256).unlink(missing_ok=True)

    def _place(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256


def add_document(
    connection: Connection[TupleRow],
    store: DocumentStore,
    source: Path,
    *,
    title: Text,
    classification: Classification,
    subject: Subject,
    layer: Layer | None,
    role: str,
    person: str,
) -> str:
    """Take a file into the store and attach it; its id. *layer* is the subject's, if it has one."""
    with store.take(source) as taken:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_lock(taken.sha256),))
        document = str(uuid4())
        connection.execute(
            """
            INSERT INTO onemap.document (id, sha256, bytes, media_type, name, title_zh, title_en,
                classification, added_by)
            VALUES (%(id)s, %(sha256)s, %(bytes)s, %(media_type)s, %(name)s, %(zh)s, %(en)s,
                %(classification)s, %(person)s)
            """,
            {
                "id": document,
                "sha256": taken.sha256,
                "bytes": taken.bytes,
                "media_type": taken.type,
                "name": taken.name,
                "zh": title.zh,
                "en": title.en,
                "classification": classification,
                "person": person,
            },
        )
        attach_document(connection, document, subject, layer=layer, role=role, person=person)
        store.keep(taken)
    return document


def attach_document(
    connection: Connection[TupleRow],
    document: str,
    subject: Subject,
    *,
    layer: Layer | None,
    role: str,
    person: str,
) -> None:
    """Let a document belong to one more plan, edition or feature."""
    _held(connection, document)
    _check(connection, subject, layer)
    done = connection.execute(
        """
        INSERT INTO onemap.attachment (document, kind, plan, layer, edition, om_id, role, attached_by)
        VALUES (%(document)s, %(kind)s, %(plan)s, %(layer)s, %(edition)s, %(om_id)s, %(role)s, %(person)s)
        ON CONFLICT DO NOTHING
        """,
        {
            "document": document,
            "kind": {OfPlan: "plan", OfEdition: "edition", OfFeature: "feature"}[type(subject)],
            **{
                name: getattr(subject, name, None) for name in ("plan", "layer", "edition", "om_id")
            },
            "role": role,
            "person": person,
        },
    )
    if done.rowcount == 0:
        raise DocumentRefused(f"The document {document} is attached there already.")


def withdraw_document(
    connection: Connection[TupleRow],
    store: DocumentStore,
    document: str,
    *,
    person: str,
    reason: str,
) -> bool:
    """Serve a document no longer; commits. Whether its content went, too: nobody else refers to it."""
    sha256 = _held(connection, document)
    lock = (_lock(sha256),)
    connection.execute(
        "UPDATE onemap.document SET withdrawn_by = %s, withdrawn_at = clock_timestamp(),"
        " withdrawn_reason = %s WHERE id = %s",
        (person, reason, document),
    )
    connection.commit()
    # Only after the commit may the content go; the lock keeps out who is adding the same content.
    connection.execute("SELECT pg_advisory_xact_lock(%s)", lock)
    used = connection.execute(
        "SELECT EXISTS (SELECT FROM onemap.document WHERE sha256 = %s AND withdrawn_at IS NULL)",
        (sha256,),
    ).fetchone()
    if gone := used is None or not used[0]:
        store.forget(sha256)
    connection.commit()
    return gone


def _check(connection: Connection[TupleRow], subject: Subject, layer: Layer | None) -> None:
    """DocumentRefused unless the subject exists."""
    match subject:
        case OfPlan():
            if not known_plans(connection, [subject.plan]):
                raise DocumentRefused(f"There is no plan {subject.plan[:100]!r} in the register.")
            return
        case OfEdition() | OfFeature():
            name = f"{subject.layer}.{subject.edition}"
    row = connection.execute(
        "SELECT FROM onemap.edition WHERE layer = %s AND edition = %s AND revision > 0",
        (subject.layer, subject.edition),
    ).fetchone()
    if layer is None or layer.external is not None or row is None:
        raise DocumentRefused(f"There is no edition {name[:100]!r} that was loaded here.")
    if isinstance(subject, OfFeature):
        statement = sql.SQL("SELECT FROM {} WHERE om_id = %s").format(
            edition_name(layer, subject.edition)
        )
        if connection.execute(statement, (subject.om_id,)).fetchone() is None:
            raise DocumentRefused(f"There is no feature {subject.om_id[:100]!r} in {name}.")


def _held(connection: Connection[TupleRow], document: str) -> str:
    """The hash of a document that is not withdrawn; its row is held."""
    row = connection.execute(
        "SELECT sha256, withdrawn_at FROM onemap.document WHERE id = %s FOR UPDATE", (document,)
    ).fetchone()
    if row is None:
        raise DocumentRefused(f"There is no document {document[:100]!r}.")
    if row[1] is not None:
        raise DocumentRefused(f"The document {document} was withdrawn on {row[1]:%Y-%m-%d}.")
    return str(row[0])


def _file_name(source: Path) -> str:
    name = source.name
    if not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise DocumentRefused(
            f"The file's name {name[:50]!r} is not 1 to {MAX_NAME_CHARACTERS} printable characters."
        )
    if not source.is_file():
        raise DocumentRefused(f"There is no file {str(source)!r}.")
    return name


def _copied(source: Path, copy: Path) -> tuple[str, int]:
    """Hash and size of the copy, which is on the disk when this returns."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reading, copy.open("xb") as writing:
        while chunk := reading.read(CHUNK_BYTES):
            size += len(chunk)
            if size > MAX_BYTES:
                raise DocumentRefused(
                    f"{source.name} is larger than {MAX_BYTES // 1024**2} MiB, the most there may be."
                )
            digest.update(chunk)
            writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())
    return digest.hexdigest(), size


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(sha256: str) -> int:
    """The number of the advisory lock of a content."""
    return int.from_bytes(bytes.fromhex(sha256[:16]), signed=True)
