"""The built application is served as it was built, and nothing else is."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from providers.errors import NotFound
from server.web import assets

PAGE, SCRIPT = b"<!doctype html><title>OneMap</title>", b"export const answer = 42"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / ".vite").mkdir()
    (built / ".vite" / "manifest.json").write_text("{}")
    (built / "index.html").write_bytes(PAGE)
    (built / "icon.svg").write_text("<svg/>")
    (built / "assets" / "map-1a2b.js").write_bytes(SCRIPT)
    (built / "assets" / "map-1a2b.js.br").write_bytes(b"br form")
    (built / "assets" / "map-1a2b.js.gz").write_bytes(b"gz form")
    (tmp_path / "secret.js").write_text("not ours to give")
    return built


@pytest.fixture
def client(dist: Path) -> TestClient:
    return client_of(dist)


def client_of(dist: Path) -> TestClient:
    async def missing(_request: object, error: Exception) -> PlainTextResponse:
        return PlainTextResponse(str(error), 404)

    app = Starlette(routes=assets.routes(dist), exception_handlers={NotFound: missing})
    return TestClient(app, base_url="http://onemap.test")


def fetch(client: TestClient, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    with client.stream("GET", path, headers={"Accept-Encoding": "identity", **headers}) as answer:
        return answer.status_code, answer.headers, b"".join(answer.iter_raw())


def test_hashed_files_are_kept_for_ever(client: TestClient) -> None:
    status, headers, body = fetch(client, "/app/assets/map-1a2b.js")

    assert (status, body) == (200, SCRIPT)
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("path", ["/app", "/app/", "/app/map", "/app/no/such/page"])
def test_every_route_of_the_application_is_the_page_and_is_asked_for_anew(
    client: TestClient, path: str
) -> None:
    status, headers, body = fetch(client, path)

    assert (status, body) == (200, PAGE)
    assert headers["cache-control"] == "no-cache"
    assert headers["etag"]


def test_an_unchanged_page_is_not_sent_again(client: TestClient) -> None:
    _, headers, _ = fetch(client, "/app/map")

    status, again, body = fetch(
        client, "/app/map", **{"If-None-Match": f'"other", W/{headers["etag"]}'}
    )

    assert (status, body) == (304, b"")
    assert again["etag"] == headers["etag"]


@pytest.mark.parametrize(
    ("accepted", "encoding", "content"),
    [
        ("br, gzip", "br", b"br form"),
        ("gzip, deflate", "gzip", b"gz form"),
        ("br;q=0, gzip;q=0.5", "gzip", b"gz form"),
        ("br; q=0, gzip; q=0", None, SCRIPT),
        ("identity", None, SCRIPT),
        ("", None, SCRIPT),
    ],
)
def test_the_smallest_form_that_the_client_takes_is_sent(
    client: TestClient, accepted: str, encoding: str | None, content: bytes
) -> None:
    status, headers, body = fetch(
        client, "/app/assets/map-1a2b.js", **{"Accept-Encoding": accepted}
    )

    assert (status, headers.get("content-encoding"), body) == (200, encoding, content)
    assert headers["vary"] == "Accept-Encoding"


def test_each_form_has_its_own_tag(client: TestClient) -> None:
    tags = {
        fetch(client, "/app/assets/map-1a2b.js", **{"Accept-Encoding": accepted})[1]["etag"]
        for accepted in ("br", "gzip", "identity")
    }

    assert len(tags) == 3


@pytest.mark.parametrize(
    "path",
    [
        "/app/assets/absent.js",
        "/app/assets/",
        "/app/assets/map-1a2b.js.br",
        "/app/assets/..%2f..%2fsecret.js",
        "/app/assets/%2e%2e/%2e%2e/secret.js",
        "/app/assets/%00.js",
        "/app/assets//etc/passwd",
    ],
)
def test_an_unknown_asset_is_not_found(client: TestClient, path: str) -> None:
    assert fetch(client, path)[0] == 404


@pytest.mark.parametrize(
    "path", ["/app/.vite/manifest.json", "/app/..%2fsecret.js", "/app/.digest"]
)
def test_what_is_no_part_of_the_page_is_the_page(client: TestClient, path: str) -> None:
    assert fetch(client, path)[2] == PAGE


def test_other_files_of_the_build_are_served_under_their_names(client: TestClient) -> None:
    status, headers, _ = fetch(client, "/app/icon.svg")

    assert (status, headers["content-type"]) == (200, "image/svg+xml")
    assert headers["cache-control"] == "no-cache"


def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    status, headers, body = fetch(client_of(tmp_path / "absent"), "/app/map")

    assert status == 503
    assert headers["cache-control"] == "no-store"
    assert b"make install" in body


def test_the_policy_opens_nothing_inline_and_no_other_host() -> None:
    directives = dict(
        part.strip().split(" ", 1) for part in assets.CONTENT_SECURITY_POLICY.split(";")
    )

    assert directives["default-src"] == "'none'"
    assert "unsafe" not in assets.CONTENT_SECURITY_POLICY
    assert not any("http" in sources for sources in directives.values())


def test_the_digest_follows_everything_that_is_built_and_nothing_else(tmp_path: Path) -> None:
    web = tmp_path / "server" / "web"
    (web / "src" / "api").mkdir(parents=True)
    (web / "src" / "main.ts").write_text("one")
    (web / "package-lock.json").write_text("{}")
    first = assets.build_digest(web)

    (web / "src" / "api" / "schema.d.ts").write_text("generated")
    (web / "src" / "state.test.ts").write_text("a test")
    (web / "dist").mkdir()
    assert assets.build_digest(web) == first

    digests = [first]
    for path in (web / "src" / "main.ts", web / "package-lock.json", web / "src" / "new.vue"):
        path.write_text("two")
        digests.append(assets.build_digest(web))
    contract = tmp_path / "openapi" / "onemap.openapi.json"
    contract.parent.mkdir()
    contract.write_text("{}")
    digests.append(assets.build_digest(web))
    assert len(set(digests)) == len(digests)
