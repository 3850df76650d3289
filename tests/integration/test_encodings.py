"""Codings, HEAD, validators and what other hosts' pages may read, asked of the live server."""

import gzip
import http.client
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import zstandard

import openapi

ITEMS = "/collections/land_use/items"
LONG = f"{ITEMS}?limit=3000"
DOCUMENTS = ["/", "/conformance", "/collections", "/collections/land_use", "/processes"]
ELSEWHERE = {"Origin": "https://elsewhere.example"}


def raw(live_server: str, method: str, path: str, **headers: str) -> tuple[int, Any, bytes]:
    """Status, headers and the bytes that follow them, as they come."""
    connection = http.client.HTTPConnection(live_server.removeprefix("http://"), timeout=30)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Accept": "application/json", **named})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", [LONG, f"{ITEMS}?limit=100", "/openapi", "/docs?f=html"])
def test_each_coding_says_the_same_under_a_tag_of_its_own(live_server: str, path: str) -> None:
    _, _, plain = raw(live_server, "GET", path, Accept_Encoding="identity", Accept="*/*")
    tags = set()
    for coding in ("gzip", "zstd"):
        status, headers, body = raw(live_server, "GET", path, Accept_Encoding=coding, Accept="*/*")
        assert (status, headers["Content-Encoding"]) == (200, coding)
        assert len(body) < len(plain) / 2
        unpacked = (
            gzip.decompress(body)
            if coding == "gzip"
            else zstandard.ZstdDecompressor().decompressobj().decompress(body)
        )
        assert unpacked == plain
        tags.add(headers["ETag"])
        assert "Accept-Encoding" in headers["Vary"]
    assert len(tags) == 2


def test_a_long_page_is_sent_as_it_is_made_and_a_short_one_says_its_length(
    live_server: str,
) -> None:
    _, long, _ = raw(live_server, "GET", LONG)
    _, short, body = raw(live_server, "GET", f"{ITEMS}?limit=5")

    assert (long["Content-Length"], long["Transfer-Encoding"]) == (None, "chunked")
    assert int(short["Content-Length"]) == len(body)


@pytest.mark.parametrize("path", [*DOCUMENTS, f"{ITEMS}?limit=5", LONG, "/openapi", "/docs"])
def test_head_says_what_get_says_and_sends_no_body(live_server: str, path: str) -> None:
    _, got, _ = raw(live_server, "GET", path, Accept="*/*")
    status, said, body = raw(live_server, "HEAD", path, Accept="*/*")

    assert (status, body) == (200, b"")
    for name in ("Content-Type", "Cache-Control", "Vary", "ETag", "Content-Crs", "Last-Modified"):
        assert said[name] == got[name], name
    assert said["Content-Length"] in (got["Content-Length"], None)


@pytest.mark.parametrize(
    ("path", "status"),
    [(f"{ITEMS}?limit=0", 400), ("/nowhere", 404), (f"{ITEMS}/no-such", 404)],
)
def test_head_fails_as_get_fails(live_server: str, path: str, status: int) -> None:
    assert raw(live_server, "HEAD", path)[0] == raw(live_server, "GET", path)[0] == status


@pytest.mark.parametrize("path", [*DOCUMENTS, f"{ITEMS}?limit=5", LONG, "/openapi", "/docs"])
def test_what_the_client_has_is_not_sent_again(client: httpx.Client, path: str) -> None:
    first = client.get(path, headers={"Accept": "*/*"}).raise_for_status()
    tag = first.headers["etag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(path, headers={"Accept": "*/*", "If-None-Match": given})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "cache-control", "vary"):
            assert again.headers[name] == first.headers[name]
    other = client.get(path, headers={"Accept": "*/*", "If-None-Match": '"other"'})
    assert other.status_code == 200


def test_by_the_time_of_change_only_without_a_tag(client: httpx.Client) -> None:
    path = f"{ITEMS}?limit=5"
    changed = client.get(path).headers["last-modified"]
    since = {"If-Modified-Since": changed}

    assert client.get(path, headers=since).status_code == 304
    assert client.get(path, headers={**since, "If-None-Match": '"other"'}).status_code == 200
    old = {"If-Modified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"}
    assert client.get(path, headers=old).status_code == 200


def test_each_form_language_and_reader_has_a_tag_of_its_own(
    client: httpx.Client, new_key: Callable[..., str]
) -> None:
    path = f"{ITEMS}?limit=5"
    asked = [
        {},
        {"Accept": "text/html"},
        {"Accept-Language": "en"},
        {"Authorization": f"Bearer {new_key('surveyor', '220102')}"},
    ]
    answers = [client.get(path, headers=headers) for headers in asked]

    assert len({answer.headers["etag"] for answer in answers}) == len(asked)
    assert answers[0].headers["cache-control"] == "no-cache"
    assert answers[-1].headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_browsers_may_send_from_other_hosts_what_programs_send(
    client: httpx.Client, method: str
) -> None:
    asked = "authorization, content-type, if-match, if-modified-since, if-none-match, prefer"
    answer = client.options(
        "/processes/echo/execution",
        headers={
            **ELSEWHERE,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": asked,
        },
    )
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert method in answer.headers["access-control-allow-methods"].split(", ")
    assert {*asked.split(", ")} <= {*allowed}
    assert int(answer.headers["access-control-max-age"]) > 0
    assert "access-control-allow-credentials" not in answer.headers
    assert "x-request-id" in answer.headers


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (ITEMS, {}, 200),
        (ITEMS, {"If-None-Match": "*"}, 304),
        (f"{ITEMS}?limit=0", {}, 400),
        (ITEMS, {"Authorization": "Bearer om_nobody_nothing"}, 401),
        ("/collections/nowhere", {}, 404),
        ("/nowhere", {}, 404),
        (ITEMS, {"Accept": "image/png"}, 406),
    ],
)
def test_pages_of_other_hosts_may_read_every_answer(
    client: httpx.Client, path: str, headers: dict[str, str], status: int
) -> None:
    answer = client.get(path, headers={**ELSEWHERE, **headers})
    shown = answer.headers["access-control-expose-headers"].split(", ")

    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"Content-Crs", "ETag", "Last-Modified", "Link", "Location", "X-Request-Id"} <= {*shown}
    assert {"Content-Disposition", "Preference-Applied", "Retry-After"} <= {*shown}


def test_a_method_that_is_not_there_is_refused_where_the_browser_can_read_it(
    client: httpx.Client,
) -> None:
    answer = client.put("/collections", headers=ELSEWHERE)

    assert answer.status_code == 405
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("asked", "headers", "version"),
    [
        ({}, {"Accept": "*/*"}, "3.0"),
        ({}, {"Accept": "application/json"}, "3.0"),
        ({"f": "json31"}, {"Accept": "*/*"}, "3.1"),
        ({}, {"Accept": "application/vnd.oai.openapi+json;version=3.1"}, "3.1"),
        ({"f": "json"}, {"Accept": "application/vnd.oai.openapi+json;version=3.1"}, "3.0"),
    ],
)
def test_the_contract_comes_in_the_version_asked_for(
    client: httpx.Client, asked: dict[str, str], headers: dict[str, str], version: str
) -> None:
    answer = client.get("/openapi", params=asked, headers=headers)
    media_type = f"application/vnd.oai.openapi+json;version={version}"

    assert answer.headers["content-type"] == media_type
    assert answer.json()["openapi"].startswith(version)
    expected = openapi.served(str(client.base_url).rstrip("/"), openapi.Version(version))
    assert answer.json() == expected


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("zh-Hans", "zh"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9", "en"),
        ("ja", "zh"),
        ("de", "zh"),
        ("*", "zh"),
        ("en;q=0.1, zh;q=0.2", "zh"),
        ("en;q=zzz", "zh"),
        ("a" * 10_000, "zh"),
    ],
)
def test_the_language_follows_the_qualities(client: httpx.Client, accepted: str, lang: str) -> None:
    answer = client.get("/collections/land_use", headers={"Accept-Language": accepted})

    assert answer.headers["content-language"] == lang
