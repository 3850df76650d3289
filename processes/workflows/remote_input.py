"""Inputs from other hosts: fetched within bounds, then read as an upload is."""

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from config.remote_hosts import RemoteHost
from processes.context import Context, Depot
from processes.spec import InvalidBody
from processes.workflows.feature_input import Rows, read_rows
from processes.workflows.uploaded_input import HREF, file_rows
from providers.crs import CRS84_URI, CrsError
from providers.errors import BadParameter, Refused
from providers.files import FileRefused
from providers.remote import Fetched, fetch
from providers.remote_errors import RemoteError
from providers.remote_places import admitted, parse_place
from providers.store_disk import FULL, StorageFull
from providers.upload_store import RECEIVING

FETCH_S = 60.0
MAX_JSON_BYTES = 32 * 1024 * 1024  # of what is read as JSON whole
EXPECTED = "the address of an upload (/files/{fileId}), or of a file on a host that is listed here"
SUFFIXES = {"text/csv": ".csv", "application/geo+json": ".json", "application/json": ".json"}


def address_fault(href: str, hosts: Sequence[RemoteHost]) -> str | None:
    """Why nobody may ask for this address; None: it may be asked for."""
    if "://" not in href:
        return f"{href[:200]!r}; expected {EXPECTED}"
    try:
        admitted(parse_place(href), hosts)
    except RemoteError as error:
        return f"{error.said}; expected {EXPECTED}"
    return None


def remote_rows(context: Context, asked: Mapping[str, Any]) -> Rows:
    """The features of the file that lies on another host.

    Raises
    ------
    BadParameter
        For an address that may not be asked for or does not answer within the bounds, for a file
        that is none of those that are read here, and for more than a computation takes.
    """
    depot = context.depot
    assert depot is not None
    try:
        with _fetched(depot, str(asked[HREF]), str(asked.get("type", ""))) as (path, got, sha256):
            shown = PurePosixPath(got.place).name or got.place
            try:
                rows = _rows(path, asked)
            except (Refused, CrsError) as error:
                told = str(error).replace(path.name, shown)
                raise BadParameter(HREF, got.place, f"a file of features: {told}") from error
    except RemoteError as error:
        raise BadParameter(
            HREF, error.place, f"an answer that can be read: {error.said}"
        ) from error
    context.read_remote(got.place, sha256, got.bytes)
    return rows


@contextmanager
def _fetched(depot: Depot, href: str, media_type: str) -> Iterator[tuple[Path, Fetched, str]]:
    """The content as a file that goes in the end; one that is left behind is swept as uploads are."""
    depot.uploads.check_room(depot.fetch_bytes)
    folder = depot.uploads.folder / RECEIVING
    folder.mkdir(parents=True, exist_ok=True)
    asked = PurePosixPath(parse_place(href).target.partition("?")[0]).suffix.lower()
    known = asked if asked.isascii() and asked[1:].isalnum() and len(asked) <= 10 else ""
    path = folder / f"{secrets.token_hex(16)}{SUFFIXES.get(media_type.lower(), known)}"
    try:
        with path.open("xb") as into:
            got = fetch(
                href,
                allowed=depot.hosts,
                max_bytes=depot.fetch_bytes,
                within_s=FETCH_S,
                into=into,
            )
        with path.open("rb") as content:
            yield path, got, hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull from error
        raise
    finally:
        path.unlink(missing_ok=True)


def _rows(path: Path, asked: Mapping[str, Any]) -> Rows:
    """Of any kind of file that is read here; JSON of a single feature or geometry as well."""
    try:
        return file_rows(path, asked)
    except FileRefused:
        document = _document(path)
        if document is None:
            raise
    try:
        return read_rows({"features": document, "crs": asked.get("crs", CRS84_URI)}, "features")
    except InvalidBody as error:
        first = error.errors[0]
        raise Refused(f"{first.pointer}: {first.message}") from error


def _document(path: Path) -> dict[str, Any] | None:
    if path.stat().st_size > MAX_JSON_BYTES:
        return None
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
