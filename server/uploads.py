"""Uploads over HTTP: the one way to hand a file to a process, for some days."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from config.settings import Settings
from providers.errors import NotFound
from providers.upload_store import UPLOAD_ID, UploadStore
from providers.uploads import Quota, Upload, check_quota, delete_upload, put_upload
from server import negotiate
from server.problems import Overloaded
from server.state import onemap, principal
from server.upload_bodies import Body, file_name, kind_of_body

MIB = 1024**2
MAX_AT_ONCE, MAX_OF_ONE = 16, 8  # uploads under way in one process; of one owner


@dataclass(slots=True)
class Receiver:
    """POST /files: a file of the caller's own."""

    under_way: Counter[str] = field(default_factory=Counter)

    async def __call__(self, request: Request) -> Response:
        given = negotiate.only(request, "name")
        negotiate.negotiated(request, {"json": negotiate.JSON})
        one, owner = onemap(request), principal(request).id
        name = file_name(given["name"]) if "name" in given else None
        limits = quota(one.settings)
        max_bytes = min(one.settings.upload_mb * MIB, limits.bytes)
        kind = kind_of_body(request, max_bytes)
        async with one.pools.reading() as connection:
            await check_quota(connection, owner, kind.declared, limits)
        store = UploadStore.within(one.settings.store)
        await run_in_threadpool(store.check_room, kind.declared)
        with self._place(owner), store.receiving() as received:
            name, media_type = await Body(request, max_bytes, received).read(kind, name)
            await run_in_threadpool(store.finish, received)
            async with one.pools.writing() as connection:
                upload = await put_upload(
                    connection,
                    store,
                    received,
                    owner=owner,
                    name=name,
                    media_type=media_type,
                    quota=limits,
                )
        fields = {
            "Location": f"{one.settings.public_url}{upload.href}",
            "Cache-Control": "no-store",
        }
        content = orjson.dumps(upload_document(upload))
        return negotiate.answer(request, content, negotiate.JSON, status=201, headers=fields)

    @contextmanager
    def _place(self, owner: str) -> Iterator[None]:
        """One of the places for uploads; they hold a file and a part of the memory."""
        if self.under_way.total() >= MAX_AT_ONCE or self.under_way[owner] >= MAX_OF_ONE:
            raise Overloaded(f"expected at most {MAX_OF_ONE} uploads at once; try again later")
        self.under_way[owner] += 1
        try:
            yield
        finally:
            self.under_way[owner] -= 1
            self.under_way += Counter()  # owners without an upload are not kept


create = Receiver()


async def remove(request: Request) -> Response:
    """DELETE /files/{fileId}: one's own upload; documents are not removed here."""
    negotiate.only(request)
    one, name = onemap(request), request.path_params["fileId"]
    found = None
    if UPLOAD_ID.fullmatch(name):
        async with one.pools.writing() as connection:
            found = await delete_upload(connection, name, principal(request).id)
    if found is None:
        raise NotFound("upload", name.replace("\x00", "␀"))
    await run_in_threadpool(UploadStore.within(one.settings.store).forget, found.id)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def quota(settings: Settings) -> Quota:
    """What the operator lets each owner keep."""
    return Quota(
        files=settings.upload_files,
        bytes=settings.upload_quota_mb * MIB,
        lifetime=timedelta(days=settings.upload_days),
    )


def upload_document(upload: Upload) -> dict[str, Any]:
    """An upload as JSON; `href` is what inputs of processes quote."""
    return {
        "id": upload.id,
        "href": upload.href,
        "name": upload.name,
        "mediaType": upload.media_type,
        "bytes": upload.bytes,
        "sha256": upload.sha256,
        "expires": upload.expires.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
