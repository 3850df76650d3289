"""A selection as a file: all of it, of one state, in the caller's reference system.

CSV leaves while it is read. The other files are written aside first, into a folder that is gone
before the first byte leaves: the file lives as long as it is open. Until then refusals are problems
like any other. A long preparation begins its answer before it has anything to send, so that neither
the caller nor a proxy takes it for dead; what fails after that breaks the connection off.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from config.vocabulary import GeometryKind
from providers.access import ALL
from providers.crs import CRS84
from providers.edition_history import parse_as_of
from providers.errors import BadParameter
from providers.feature_rows import Rows, no_rows, read_rows, read_texts
from providers.features import MAX_LIMIT_DIGITS, parse_whole
from server import negotiate
from server.attachments import attachment, title_of
from server.cursors import NO_EDITION
from server.formats import ENDINGS, MEDIA_TYPES, csv_text
from server.prepared import Abandoned, Prepared
from server.problems import Overloaded
from server.reading import Reading, chunks

MAX_FEATURES = 1_000_000
CHUNK_ROWS, CHUNK_SORTED = 2_000, 5_000  # of one statement: a sort is done again for each
AT_ONCE = 2  # files that one process writes at the same time
WAIT_S, WITHIN_S = 10.0, 600.0
FREE_BYTES = 1 << 30  # what a file must leave free on its disk
ENCODINGS = ("UTF-8", "GBK")
type Tag = Callable[[str, object], str]


async def download(
    request: Request,
    reading: Reading,
    chosen: str,
    given: Mapping[str, str],
    *,
    headers: Mapping[str, str],
    tag: Tag | None = None,
) -> Response:
    """The rows of *reading* as a file of the form *chosen*, one of `formats.FILES`.

    Parameters
    ----------
    given : mapping
        The request's parameters; `limit`, `resulttype` and `encoding` are read here.
    tag : callable, optional
        From an edition's key and its state to the validator of the answer.

    Raises
    ------
    BadParameter
        For what the format cannot hold, and for more features than a file may have.
    Overloaded
        Where too many files are being written.
    """
    encoding = encoding_of(chosen, given)
    if given.get("resulttype", "results") != "results":
        raise BadParameter("resulttype", given["resulttype"], f"results with f={chosen}")
    names = _names(reading, ENDINGS[chosen])
    fields = {**headers, "Content-Disposition": attachment(*names)}
    if request.method == "HEAD":
        return negotiate.bodiless(request, MEDIA_TYPES[chosen], headers=fields)
    most = await most_of(reading, given)
    if chosen == "csv":
        parts = _parts(reading, most, text=True)
        first = await anext(parts)
        return negotiate.stream(
            request,
            _lines(first, parts),
            MEDIA_TYPES[chosen],
            headers=fields,
            tag=_tagged(tag, reading, first),
        )
    fields = {"Content-Type": MEDIA_TYPES[chosen], **negotiate.cache_headers(request), **fields}

    async def made(response: Prepared) -> BinaryIO:
        return await _file(response, reading, chosen, given, encoding, most, tag)

    return Prepared(made, headers=fields)


def encoding_of(chosen: str, given: Mapping[str, str]) -> str:
    """The encoding of a Shapefile's table; BadParameter for another, or beside another format."""
    asked = given.get("encoding")
    if asked is None:
        return ENCODINGS[0]
    if chosen != "shp":
        raise BadParameter("encoding", asked, "the parameter with f=shp only")
    if asked.upper() not in ENCODINGS:
        raise BadParameter("encoding", asked, f"one of {', '.join(ENCODINGS)}")
    return asked.upper()


async def most_of(reading: Reading, given: Mapping[str, str]) -> int:
    """How many features the file has at most; BadParameter where all that match are too many."""
    if "limit" in given:
        return min(MAX_FEATURES, parse_whole("limit", given["limit"], 1, 10**MAX_LIMIT_DIGITS))
    query, resolved, caller = reading.query, reading.resolved, reading.caller
    if not resolved.answers:
        return 0
    everything = caller.regions is ALL and caller.areas is ALL and not query.conditions
    if everything and resolved.state is not None:
        matched = resolved.state.features
    else:
        counted = await reading.snapshot.store.count(
            reading.layer, resolved.edition, query.conditions, caller, at=resolved.at
        )
        matched = counted.number
    if matched - query.offset > MAX_FEATURES:
        raise BadParameter(
            "limit",
            "",
            f"a limit, or a smaller selection by bbox or filter: {matched} features match, a file"
            f" holds {MAX_FEATURES}",
        )
    return MAX_FEATURES


async def _parts(reading: Reading, most: int, *, text: bool) -> AsyncIterator[Rows]:
    """The rows in parts, at least one."""
    if not reading.resolved.answers:
        if reading.cursor is not None:
            raise reading.cursor.refused()
        yield no_rows(reading.layer, reading.query)
        return
    read = read_texts if text else read_rows
    chunk = CHUNK_SORTED if reading.query.order else CHUNK_ROWS
    async for rows in chunks(reading, read, most, chunk=chunk):
        yield rows


async def _lines(first: Rows, following: AsyncIterator[Rows]) -> AsyncIterator[bytes]:
    head = csv_text.head(first.names, drawn=first.geometry is not None)
    yield head + await run_in_threadpool(csv_text.body, first)
    async for rows in following:
        yield await run_in_threadpool(csv_text.body, rows)


async def _file(
    response: Prepared,
    reading: Reading,
    chosen: str,
    given: Mapping[str, str],
    encoding: str,
    most: int,
    tag: Tag | None,
) -> BinaryIO:
    """The file, written and open, and no longer in any folder."""
    from server.formats import registry  # GDAL takes a moment to load
    from server.formats.selection import Selection, columns_of

    shown, layer = reading.query.shown, reading.layer
    selection = Selection(
        layer=layer,
        state=reading.resolved.state,
        columns=columns_of(layer, shown),
        crs=shown.crs,
        geometry=layer.geometry if shown.draws(layer) else GeometryKind.NONE,
        ordered=bool(reading.query.order),
        as_of=parse_as_of(given["asOf"]).isoformat() if "asOf" in given else None,
        encoding=encoding,
    )
    now = asyncio.get_running_loop().time
    async with slot(), aside(tempfile.TemporaryDirectory(prefix="onemap-file-")) as folder:
        began, path = now(), Path(folder) / f"features{ENDINGS[chosen]}"
        async with aside(registry.SINKS[chosen](selection, path)) as take:
            async for rows in _parts(reading, most, text=False):
                if "ETag" not in response.headers and (found := _tagged(tag, reading, rows)):
                    response.headers["ETag"] = found
                await run_in_threadpool(take, rows)
                if response.abandoned:
                    raise Abandoned
                if now() - began > WITHIN_S:
                    raise Overloaded(f"a file was not read within {WITHIN_S} s")
                check_room(folder)
        return path.open("rb")


def _names(reading: Reading, ending: str) -> tuple[str, str]:
    """The name in ASCII, and by the Chinese title, the edition and the reference system."""
    layer, state, shown = reading.layer, reading.resolved.state, reading.query.shown
    plain, title = [str(layer.id)], [title_of(layer)]
    if state is not None:
        plain.append(state.edition.key)
        title.append(state.edition.key)
    if shown.crs != CRS84 and shown.draws(layer):
        plain.append(f"EPSG{shown.crs.code}")
        title.append(f"EPSG{shown.crs.code}")
    return "_".join(plain) + ending, "_".join(title) + ending


def _tagged(tag: Tag | None, reading: Reading, rows: Rows) -> str | None:
    state = rows.version if rows.revision is None else rows.revision
    if tag is None or state is None:
        return None
    return tag(reading.resolved.edition or NO_EDITION, state)


def check_room(folder: str) -> None:
    """Overloaded where a file would leave too little room for everything else."""
    if shutil.disk_usage(folder).free < FREE_BYTES:
        raise Overloaded("no room to write a file")


@lru_cache(1)
def _slots() -> asyncio.Semaphore:
    return asyncio.Semaphore(AT_ONCE)


@asynccontextmanager
async def slot() -> AsyncIterator[None]:
    """A place among those that write; Overloaded where none is free in time."""
    slots = _slots()
    try:
        async with asyncio.timeout(WAIT_S):
            await slots.acquire()
    except TimeoutError:
        raise Overloaded(f"{AT_ONCE} files are being written") from None
    try:
        yield
    finally:
        slots.release()


@asynccontextmanager
async def aside[T](context: AbstractContextManager[T]) -> AsyncIterator[T]:
    """A context that is entered and left in a worker thread."""
    entered = await run_in_threadpool(context.__enter__)
    try:
        yield entered
    except BaseException as error:
        with anyio.CancelScope(shield=True):
            left = context.__exit__
            await run_in_threadpool(left, type(error), error, error.__traceback__)
        raise
    else:
        await run_in_threadpool(context.__exit__, None, None, None)
