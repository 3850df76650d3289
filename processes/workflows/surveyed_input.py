"""Files that surveyors hand over, opened for a computation: an upload of the caller's, or a text."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from processes.context import Context
from processes.spec import BodyError, InvalidBody
from providers.errors import Refused
from providers.files import SourceFile, open_file
from providers.upload_store import UPLOAD_ID, UploadLost
from providers.uploads import find_upload_now, upload_id

PASTED = "text"
MAX_TEXT = 1_000_000  # characters


@contextmanager
def opened_upload(
    connection: Connection[TupleRow], context: Context, asked: Mapping[str, Any], place: str
) -> Iterator[tuple[SourceFile, str]]:
    """The upload that `href` quotes, and what its sender calls it; *place* is where it is asked for.

    Raises
    ------
    InvalidBody
        For what is no upload of the caller's, and for a file that cannot be read.
    """
    href, depot, place = str(asked["href"]), context.depot, f"{place}/href"
    name = None if depot is None else upload_id(href, depot.public_url)
    found = None
    if depot is not None and name is not None:
        found = find_upload_now(connection, name, depot.owner)
    if depot is None or found is None:
        message = "expected an upload of your own that has not expired: /files/{fileId}"
        raise InvalidBody([BodyError(place, message)])
    try:
        path = depot.uploads.path(found.id, found.bytes)
    except UploadLost as error:
        message = "expected an upload whose content is still there"
        raise InvalidBody([BodyError(place, message)]) from error
    context.read_file(found.name, found.sha256, href)
    called = found.name
    with _refusals(place, called), open_file(path, layer=asked.get("layer")) as source:
        yield source, called


@contextmanager
def opened_text(text: str, place: str) -> Iterator[SourceFile]:
    """A text as the file that it would be; *place* is where it stands."""
    with tempfile.TemporaryDirectory(prefix="onemap-") as folder:
        path = Path(folder) / PASTED
        path.write_text(text, "utf-8")
        with _refusals(place, PASTED), open_file(path) as source:
            yield source


@contextmanager
def _refusals(place: str, name: str) -> Iterator[None]:
    """What a reader refuses, as a fault of the body; a file is called as its sender calls it."""
    try:
        yield
    except Refused as error:
        told = UPLOAD_ID.sub(lambda _: name, str(error))
        raise InvalidBody([BodyError(place, told)]) from error
