"""Uploads: taken whole or not at all, their owner's alone, bounded, and gone when they expire."""

import asyncio
import errno
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from structlog.testing import capture_logs

from config.model import Catalogue
from config.settings import PACKAGE_ROOT, Settings
from providers import upload_store
from providers.cluster import Cluster
from providers.database import DatabaseRole, connect, open_pools
from providers.keys import KeyRecord, new_key
from providers.upload_store import Receiving, UploadStore
from providers.uploads import find_upload_now, sweep_uploads, upload_id
from server.app import create_app

ROOT = Path(__file__).resolve().parents[2]
PARCEL = b'{"type": "FeatureCollection", "features": []}'
GEOJSON = {"Content-Type": "application/geo+json"}


@pytest.fixture(scope="module")
def settings(
    cluster: Cluster, new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Small limits: 3 MiB a file, 5 MiB and 4 files an owner."""
    home = tmp_path_factory.mktemp("uploads")
    return Settings(
        home=home,
        store=home / "store",
        database_url=cluster.address(new_database()),
        catalogue=(PACKAGE_ROOT / "demo",),
        public_url="http://map.example.cn",
        upload_mb=3,
        upload_quota_mb=5,
        upload_files=4,
    )


@pytest.fixture(autouse=True)
def empty(settings: Settings) -> Iterator[None]:
    """Every test begins without uploads."""
    yield
    shutil.rmtree(settings.store, ignore_errors=True)
    with connect(str(settings.database_url), DatabaseRole.WRITER) as connection:
        connection.execute("DELETE FROM onemap.upload")


@pytest.fixture(scope="module")
def client(
    settings: Settings,
    catalogue: Catalogue,
    free_port: Callable[[], int],
    wait_until: Callable[..., None],
) -> Iterator[httpx.Client]:
    """Who asks the application without a key."""
    port = free_port()
    app = create_app(settings, catalogue, str(settings.database_url))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
    serving = Thread(target=server.run)
    serving.start()
    try:
        with capture_logs(), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as asked:
            wait_until(lambda: server.started and asked.get("/health/ready").status_code == 200)
            yield asked
    finally:
        server.should_exit = True
        serving.join()


@pytest.fixture(scope="module")
def key(settings: Settings) -> Callable[[], dict[str, str]]:
    """The header of a caller with a key of its own."""

    def make() -> dict[str, str]:
        record = KeyRecord(
            id="", organisation="测试单位", person="测试员", role="administrator", regions=()
        )
        with connect(str(settings.database_url), DatabaseRole.WRITER) as connection:
            return {"Authorization": f"Bearer {new_key(connection, record, None)}"}

    return make


def files(settings: Settings) -> list[Path]:
    """What lies in the store under any name."""
    return [p for p in (settings.store / "uploads").rglob("*") if p.is_file()]


def rows(settings: Settings) -> int:
    with connect(str(settings.database_url), DatabaseRole.WRITER) as connection:
        found = connection.execute("SELECT count(*) FROM onemap.upload").fetchone()
    return int(found[0]) if found else -1


def nothing(settings: Settings) -> bool:
    return (files(settings), rows(settings)) == ([], 0)


def test_a_raw_body_becomes_a_file_that_its_id_gives_back(
    client: httpx.Client, settings: Settings
) -> None:
    answer = client.post("/files?name=项目.geojson", content=PARCEL, headers=GEOJSON)

    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"http://map.example.cn{made['href']}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["expires"])
    assert {k: v for k, v in made.items() if k not in ("id", "href", "expires")} == {
        "name": "项目.geojson",
        "mediaType": "application/geo+json",
        "bytes": len(PARCEL),
        "sha256": hashlib.sha256(PARCEL).hexdigest(),
    }
    given = client.get(made["href"])
    assert given.content == PARCEL
    assert given.headers["content-type"].startswith("application/geo+json")
    assert given.headers["content-disposition"].startswith("attachment; ")
    assert "sandbox" in given.headers["content-security-policy"]
    assert client.get(made["href"], headers={"Range": "bytes=0-5"}).content == PARCEL[:6]
    tag = {"If-None-Match": given.headers["etag"]}
    assert client.get(made["href"], headers=tag).status_code == 304
    assert [p.name for p in files(settings)] == [made["id"]]


def test_a_form_with_one_file_is_taken_with_its_name_and_media_type(client: httpx.Client) -> None:
    content = os.urandom(2_500_000)
    form = {"file": ("..\\..\\etc/地块 1.zip", content, "application/zip")}

    made = client.post("/files", files=form).json()

    assert (made["name"], made["mediaType"]) == ("地块 1.zip", "application/zip")
    assert made["sha256"] == hashlib.sha256(content).hexdigest()
    assert client.get(made["href"]).content == content


def test_an_empty_file_without_name_and_media_type_is_a_file_too(client: httpx.Client) -> None:
    made = client.post("/files").json()

    assert (made["name"], made["mediaType"], made["bytes"]) == (
        "file",
        "application/octet-stream",
        0,
    )
    assert client.get(made["href"]).content == b""


def test_an_upload_is_its_owners_alone_and_an_anonymous_one_who_knows_its_id(
    client: httpx.Client, key: Callable[[], dict[str, str]]
) -> None:
    mine, others = key(), key()
    own = client.post("/files", content=b"own", headers=mine).json()["href"]
    open_ = client.post("/files", content=b"open").json()["href"]

    assert client.get(own, headers=mine).content == b"own"
    assert [client.get(own, headers=h).status_code for h in (others, {})] == [404, 404]
    assert [client.delete(own, headers=h).status_code for h in (others, {})] == [404, 404]
    assert client.get(open_, headers=others).content == b"open"
    assert client.delete(own, headers=mine).status_code == 204
    assert client.get(own, headers=mine).status_code == 404
    assert client.delete(own, headers=mine).status_code == 404


def test_equal_content_of_one_owner_is_one_file_but_strangers_share_none(
    client: httpx.Client, key: Callable[[], dict[str, str]], settings: Settings
) -> None:
    mine = key()

    def posted(name: str, headers: dict[str, str]) -> str:
        answer = client.post(f"/files?name={name}", content=PARCEL, headers=headers)
        return str(answer.json()["id"])

    assert posted("a", mine) == posted("a", mine)
    assert len({posted("a", mine), posted("b", mine), posted("a", key())}) == 3
    assert posted("a", {}) != posted("a", {})
    assert len(files(settings)) == rows(settings) == 5


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data"}, 415),
        ({"Content-Type": "multipart/mixed; boundary=x"}, 415),
        ({"Content-Type": "nonsense"}, 415),
        ({"Content-Type": "a/" + "b" * 200}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 400),
        ({"Accept": "image/png"}, 406),
    ],
)
def test_a_body_of_another_kind_is_refused_with_what_was_expected(
    client: httpx.Client, settings: Settings, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/files", content=b"x" * 100, headers=headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "expected" in answer.json()["detail"] or "form-data" in answer.json()["detail"]
    assert nothing(settings)


@pytest.mark.parametrize("name", ["", "a" * 201, "a%00b", "a%0Ab", "folder/", "%20"])
def test_a_name_that_cannot_be_shown_is_refused(
    client: httpx.Client, settings: Settings, name: str
) -> None:
    answer = client.post(f"/files?name={name}", content=PARCEL)

    assert answer.status_code == 400
    assert answer.json()["params"]["name"] == "name"
    assert nothing(settings)


def form(*parts: bytes, end: bytes = b"--x--\r\n") -> bytes:
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + end


FILE = b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\ncontent'
FIELD = b'Content-Disposition: form-data; name="title"\r\n\r\ntext'


@pytest.mark.parametrize(
    "body",
    [
        form(),
        form(FIELD),
        form(FILE, FIELD),
        form(FILE, FILE),
        form(FILE, end=b""),
        form(FILE)[:-20],
        form(b"no header\r\n\r\nx"),
        form(b"A: " + b"b" * 10_000 + b"\r\n\r\nx"),
        b"\r\n" * 2_000,
        b"",
    ],
)
def test_a_form_that_is_not_one_whole_file_is_refused(
    client: httpx.Client, settings: Settings, body: bytes
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}

    answer = client.post("/files", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidBody")
    assert answer.json()["errors"]
    assert nothing(settings)


def test_more_than_may_be_is_refused_whether_it_is_announced_or_not(
    client: httpx.Client, settings: Settings
) -> None:
    most = settings.upload_mb * 1024**2

    def chunks() -> Iterator[bytes]:
        for _ in range(most // 65_536):
            yield b"x" * 65_536
        yield b"x"

    announced = client.post("/files", content=b"x" * (most + 1))
    chunked = client.post("/files", content=chunks())
    of_a_form = client.post("/files", files={"file": ("a", b"x" * (most + 1))})

    assert [a.status_code for a in (announced, chunked, of_a_form)] == [413, 413, 413]
    assert str(most) in chunked.json()["detail"]
    assert nothing(settings)
    assert client.post("/files", content=b"x" * most).status_code == 201


def test_an_owner_has_a_quota_of_files_and_of_bytes(
    client: httpx.Client, key: Callable[[], dict[str, str]], settings: Settings
) -> None:
    one, two = key(), key()
    numbers = [
        client.post(f"/files?name={n}", content=b"1", headers=one).status_code for n in range(5)
    ]
    large = b"x" * (3 * 1024**2)
    sizes = [
        client.post(f"/files?name={n}", content=large, headers=two).status_code for n in range(2)
    ]
    refused = client.post("/files?name=9", content=b"1", headers=one)

    assert numbers == [201, 201, 201, 201, 429]
    assert sizes == [201, 429]
    assert refused.json()["params"] == {"what": "files", "limit": 4}
    assert "Retry-After" in refused.headers
    assert len(files(settings)) == rows(settings) == 5


def test_uploads_at_once_do_not_pass_the_quota_together(
    client: httpx.Client, key: Callable[[], dict[str, str]], settings: Settings
) -> None:
    mine = key()

    async def all_at_once() -> list[int]:
        async with httpx.AsyncClient(base_url=client.base_url, timeout=30) as asked:
            sent = [asked.post(f"/files?name={n}", content=b"1", headers=mine) for n in range(8)]
            return [a.status_code for a in await asyncio.gather(*sent)]

    assert sorted(asyncio.run(all_at_once())) == [201] * 4 + [429] * 4
    assert len(files(settings)) == rows(settings) == 4


def test_a_cut_connection_leaves_neither_file_nor_row(
    client: httpx.Client, settings: Settings, wait_until: Callable[..., None]
) -> None:
    address = urlsplit(str(client.base_url))
    with socket.create_connection((str(address.hostname), address.port or 0)) as line:
        head = "POST /files HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n"
        line.sendall(head.encode() + b"x" * 1_500_000)
        wait_until(lambda: (settings.store / "uploads" / ".receiving").is_dir())

    wait_until(lambda: client.get("/health/ready").status_code == 200)
    assert nothing(settings)


def test_a_killed_process_leaves_no_half_file(settings: Settings) -> None:
    script = (
        "import sys, time, pathlib; from providers.upload_store import UploadStore\n"
        "with UploadStore.within(pathlib.Path(sys.argv[1])).receiving() as one:\n"
        "    one.write(b'x' * 1_000_000); print('half', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(settings.store)], stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        process.send_signal(signal.SIGKILL)

    assert files(settings) == []


def test_a_full_disk_is_told_and_leaves_neither_file_nor_row(
    client: httpx.Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def on_a_full_disk(_: UploadStore) -> Receiving:
        return Receiving(os.open("/dev/full", os.O_RDWR), None)

    with monkeypatch.context() as patched:
        patched.setattr(UploadStore, "_opened", on_a_full_disk)
        written = client.post("/files", content=PARCEL)
    with monkeypatch.context() as patched:
        patched.setattr(upload_store, "_named", full)
        named = client.post("/files", content=PARCEL)
    with monkeypatch.context() as patched:
        patched.setattr(upload_store, "RESERVED_BYTES", 1 << 62)
        reserved = client.post("/files", content=PARCEL)

    for answer in (written, named, reserved):
        assert (answer.status_code, answer.json()["code"]) == (507, "StorageFull")
        assert "expected free space" in answer.json()["detail"]
    assert nothing(settings)
    assert client.post("/files", content=PARCEL).status_code == 201


def test_where_the_file_system_has_no_nameless_files_the_same_holds(
    client: httpx.Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_store, "DESCRIPTORS", Path("/nowhere"))

    made = client.post("/files", content=PARCEL).json()
    refused = client.post("/files", content=b"x" * (3 * 1024**2 + 1))

    assert refused.status_code == 413
    assert [p.name for p in files(settings)] == [made["id"]]
    assert client.get(made["href"]).content == PARCEL


def test_what_has_expired_is_not_given_and_is_swept_with_what_nobody_knows(
    client: httpx.Client, settings: Settings
) -> None:
    expired, kept, just_expired = (
        client.post(f"/files?name={n}", content=PARCEL).json() for n in range(3)
    )
    store = UploadStore.within(settings.store)
    with connect(str(settings.database_url), DatabaseRole.WRITER) as connection:
        for made, ago in ((expired, "2 days"), (just_expired, "1 minute")):
            connection.execute(
                "UPDATE onemap.upload SET expires_at = now() - %s::interval WHERE id = %s",
                (ago, made["id"]),
            )
    new, old, half = (store.folder / "ab" / f"up-ab{n * 30}" for n in "123")
    half = store.folder / ".receiving" / "half"
    for path in (new, old, half):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    for path in (old, half, store.folder / kept["id"][3:5] / kept["id"]):
        os.utime(path, (0, 0))

    async def swept() -> int:
        async with open_pools(str(settings.database_url)) as pools:
            return await sweep_uploads(pools, store)

    assert client.get(expired["href"]).status_code == 404
    assert client.get(just_expired["href"]).status_code == 404
    assert asyncio.run(swept()) == 2
    assert {p.name for p in files(settings)} == {kept["id"], just_expired["id"], new.name}
    assert client.get(kept["href"]).content == PARCEL
    assert asyncio.run(swept()) == 0


def test_a_computation_reads_what_its_jobs_owner_uploaded(
    client: httpx.Client, key: Callable[[], dict[str, str]], settings: Settings
) -> None:
    mine = key()
    owner = mine["Authorization"].split("_")[1]
    made = client.post("/files", content=PARCEL, headers=mine).json()
    store = UploadStore.within(settings.store)

    with connect(str(settings.database_url), DatabaseRole.READER) as connection:
        found = find_upload_now(connection, made["id"], owner)
        assert found is not None
        assert store.path(found.id, found.bytes).read_bytes() == PARCEL
        assert find_upload_now(connection, made["id"], "anonymous") is None


@pytest.mark.parametrize("name", ["up-" + "A" * 32, "up-" + "0" * 31, "up-../../etc", "%00", "x"])
def test_an_id_of_another_form_is_not_found_and_never_a_path(
    client: httpx.Client, name: str
) -> None:
    assert client.get(f"/files/{name}").status_code == 404
    assert client.delete(f"/files/{name}").status_code == 404
    with pytest.raises(ValueError, match="no upload's id"):
        UploadStore(Path("/x")).forget(name)


def test_a_content_that_was_lost_is_an_error_until_it_is_uploaded_again(
    client: httpx.Client, key: Callable[[], dict[str, str]], settings: Settings
) -> None:
    mine = key()
    made = client.post("/files", content=PARCEL, headers=mine).json()
    for path in files(settings):
        path.unlink()

    assert client.get(made["href"], headers=mine).status_code == 500
    assert client.post("/files", content=PARCEL, headers=mine).json()["id"] == made["id"]
    assert client.get(made["href"], headers=mine).content == PARCEL


def test_an_input_quotes_an_upload_by_its_path_or_its_whole_address() -> None:
    name, base = f"up-{'0' * 32}", "https://map.example.cn/onemap"

    assert upload_id(f"/files/{name}", base) == name
    assert upload_id(f"{base}/files/{name}", base) == name
    for other in (
        f"https://map.example.cn/files/{name}",
        f"{base}.evil.cn/files/{name}",
        f"//evil.cn/files/{name}",
        f"/files/{name}/..",
        f"/files/{name}?x",
        name,
        "/files/3f0c1f5e-0b7c-4c8e-9a39-2f8f6c1d7a10",
    ):
        assert upload_id(other, base) is None
