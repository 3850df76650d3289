"""What an HTTP caller may rely on, asked of the live server."""

import re
import socket
from collections.abc import Callable
from http.client import HTTPConnection
from urllib.parse import quote

import httpx
import psycopg
import pytest
from jsonschema import Draft202012Validator

ITEMS = "/collections/land_use/items"
# titles that are the same in every language
NAMES = ["HTML", "GeoJSON", "JSON-FG", "CSV", "FlatGeobuf", "GeoPackage", "Shapefile", "MVT"]
NAMES += ["OpenAPI 3.0", "OpenAPI 3.1"]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def ids(response: httpx.Response) -> list[str]:
    response.raise_for_status()
    return [feature["id"] for feature in response.json()["features"]]


def test_next_links_lead_through_a_whole_layer(client: httpx.Client) -> None:
    found: list[str] = []
    address: str | None = f"{ITEMS}?limit=700"
    while address is not None:
        page = client.get(address).json()
        found += [f["id"] for f in page["features"]]
        address = next((x["href"] for x in page["links"] if x["rel"] == "next"), None)

    assert len(found) == len(set(found)) == 2_000


def test_the_whole_answer_in_one_page_says_how_many_match(client: httpx.Client) -> None:
    page = client.get("/collections/county/items", params={"limit": 100}).json()

    assert page["numberMatched"] == page["numberReturned"] == 11


@pytest.mark.parametrize(
    ("path", "status", "code", "says"),
    [
        (f"{ITEMS}?limit=0", 400, "InvalidParameterValue", "limit"),
        (f"{ITEMS}?limit=5&limit=6", 400, "InvalidParameterValue", "once"),
        (f"{ITEMS}?bbox=1,2,3", 400, "InvalidParameterValue", "bbox"),
        (f"{ITEMS}?datetime=yesterday", 400, "InvalidParameterValue", "datetime"),
        (f"{ITEMS}?ydyhfldm=0101", 400, "InvalidParameterValue", "ydyhfldm"),
        (f"{ITEMS}?cursor=abc", 400, "InvalidParameterValue", "cursor"),
        (f"{ITEMS}?f=xml", 400, "InvalidParameterValue", "f: 'xml'"),
        (f"{ITEMS}?lang=fr", 400, "InvalidParameterValue", "lang"),
        (f"{ITEMS}?BSM=a%00b", 400, "InvalidParameterValue", "BSM"),
        (f"{ITEMS}/no-such", 404, "NotFound", "no-such"),
        (f"{ITEMS}/a%00b", 404, "NotFound", "feature"),
        ("/collections/nowhere", 404, "NotFound", "nowhere"),
        ("/collections/land_use.1949", 404, "NotFound", "1949"),
        ("/collections/land_use;drop/items", 404, "NotFound", "collection"),
        (
            "/collections/land_use/tiles/WebMercatorQuad/a/0/0",
            400,
            "InvalidParameterValue",
            "tileMatrix",
        ),
        ("/collections/land_use/tiles/WebMercatorQuad/3/8/0", 404, "NotFound", "8/0"),
        ("/collections/land_use/tiles/Nowhere/3/0/0", 404, "NotFound", "Nowhere"),
        ("/collections/census_2020/tiles", 404, "NotFound", "census_2020"),
        ("/nowhere", 404, "NotFound", "Not Found"),
    ],
)
def test_a_bad_request_is_a_problem_that_names_the_place(
    client: httpx.Client, path: str, status: int, code: str, says: str
) -> None:
    response = client.get(path, headers={"Accept": "*/*"})

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert says in body["detail"]
    assert body["instance"].startswith("/")


def test_a_wrong_method_says_which_are_right(client: httpx.Client) -> None:
    response = client.put("/collections")

    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert response.json()["code"] == "MethodNotAllowed"


@pytest.mark.parametrize("path", ["/", "/collections/land_use", "/collections/land_use.2023"])
def test_the_titles_of_links_are_in_the_language_of_the_answer(
    client: httpx.Client, path: str
) -> None:
    def titles(lang: str) -> dict[tuple[str, str, str], str]:
        links = client.get(path, params={"lang": lang}).json()["links"]
        return {(one["rel"], one["type"], one["href"]): one["title"] for one in links}

    zh, en = titles("zh"), titles("en")
    unlike = {key for key, title in zh.items() if re.search("[\u4e00-\u9fff]", title)}

    assert zh.keys() == en.keys()
    assert not [title for title in en.values() if re.search("[\u4e00-\u9fff]", title)]
    assert {zh[key] for key in zh.keys() - unlike} <= {*NAMES}
    assert not [title for title in (*zh.values(), *en.values()) if " / " in title]


def test_problems_speak_the_callers_language_and_have_a_page(client: httpx.Client) -> None:
    zh = client.get("/collections/nowhere").json()
    en = client.get("/collections/nowhere", headers={"Accept-Language": "en-GB"}).json()
    page = client.get("/collections/nowhere", headers={"Accept": "text/html"})

    assert (zh["title"], en["title"]) == ("未找到", "Not found")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert client.get(zh["type"]).json()["code"] == "NotFound"


@pytest.mark.parametrize(
    "path",
    [
        f"{ITEMS}?limit=3",
        "/collections/land_use/tiles/WebMercatorQuad/12/1491/3473",
        "/styles/land_use",
        "/openapi",
    ],
)
def test_what_has_not_changed_is_not_sent_again(client: httpx.Client, path: str) -> None:
    headers = {"Accept": "*/*"}
    first = client.get(path, headers=headers)
    again = client.get(path, headers={**headers, "If-None-Match": first.headers["etag"]})
    plain = client.get(path, headers={**headers, "Accept-Encoding": "identity"})

    assert first.status_code == 200
    assert (again.status_code, again.content) == (304, b"")
    assert plain.headers["etag"] != first.headers["etag"] or "content-encoding" not in first.headers
    assert plain.content == first.content


def test_an_item_has_the_hash_of_its_row_as_etag(client: httpx.Client) -> None:
    (name,) = ids(client.get(ITEMS, params={"limit": 1}))
    first = client.get(f"{ITEMS}/{name}")

    again = client.get(f"{ITEMS}/{name}", headers={"If-None-Match": first.headers["etag"]})

    assert first.json()["id"] == name
    assert again.status_code == 304


def test_head_answers_like_get_without_a_body(client: httpx.Client) -> None:
    got, headed = client.get(f"{ITEMS}?limit=2"), client.head(f"{ITEMS}?limit=2")

    assert headed.status_code == 200
    assert headed.content == b""
    assert headed.headers["etag"] == got.headers["etag"]


def test_an_empty_tile_is_204(client: httpx.Client) -> None:
    response = client.get(
        "/collections/land_use/tiles/WebMercatorQuad/12/0/0", headers={"Accept": "*/*"}
    )

    assert (response.status_code, response.content) == (204, b"")


def test_datetime_chooses_the_edition_and_a_pinned_id_is_that_edition(client: httpx.Client) -> None:
    def edition(path: str, **params: str) -> str | None:
        return client.get(path, params={"limit": "1", **params}).json()["x-onemap"]["edition"]

    assert edition(ITEMS) == "2024"
    assert edition(ITEMS, datetime="2024-06-30") == "2023"
    assert edition("/collections/land_use.2023/items") == "2023"
    assert edition(ITEMS, datetime="1999-01-01") is None


def test_two_editions_with_equal_ids_answer_each_from_exactly_one(client: httpx.Client) -> None:
    """Standing check, as a client sees it: bare, by edition, item and tile."""
    old = client.get("/collections/land_use.2023/items", params={"limit": 2000}).json()["features"]
    new = client.get(ITEMS, params={"limit": 2000}).json()["features"]
    before = {f["id"]: f["properties"] for f in old}
    after = {f["id"]: f["properties"] for f in new}
    changed = [name for name in before.keys() & after.keys() if before[name] != after[name]]

    assert len(before) == len(after) == 2_000
    assert changed
    name = changed[0]
    assert client.get(f"{ITEMS}/{name}").json()["properties"] == after[name]
    pinned = client.get(f"/collections/land_use.2023/items/{name}").json()["properties"]
    assert pinned == before[name]
    tile = "/tiles/WebMercatorQuad/12/1491/3473"
    tiles = [
        client.get(f"/collections/{c}{tile}", headers={"Accept": "*/*"})
        for c in ("land_use", "land_use.2024", "land_use.2023")
    ]
    assert tiles[0].content == tiles[1].content != tiles[2].content


@pytest.mark.parametrize("piece", ["(", "NOT ", "1=1 OR "])
def test_hostile_filters_leave_the_same_process_alive(
    live_server: str, client: httpx.Client, piece: str
) -> None:
    """Standing check: whatever the text, the answer is a 4xx and the process goes on."""
    host, _, port = live_server.removeprefix("http://").partition(":")
    for count in (
        2_000,
        100_000,
    ):  # httpx itself refuses the longer address: a plain client sends it
        text = piece * count
        connection = HTTPConnection(host, int(port), timeout=30)
        connection.request("GET", f"{ITEMS}?filter={quote(text)}")
        assert connection.getresponse().status in (400, 414, 431)
        connection.close()
        body = {"inputs": {"text": "x", "filter": text}}
        response = client.post("/processes/echo/execution", json=body)
        assert response.status_code in (400, 413)

    assert client.get("/health/live").json() == {"status": "live"}


def test_every_answer_carries_its_id_and_the_security_headers(client: httpx.Client) -> None:
    for path in ("/", ITEMS, "/nowhere", "/app/map"):
        response = client.get(path, headers={"X-Request-Id": "my-request-1"})
        assert response.headers["x-request-id"] == "my-request-1"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in response.headers["content-security-policy"]


def test_pages_of_other_hosts_may_read_layers(client: httpx.Client) -> None:
    response = client.get(ITEMS, headers={"Origin": "https://elsewhere.example"})

    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers


def test_a_key_shows_only_its_region(client: httpx.Client, new_key: Callable[..., str]) -> None:
    everything = client.get(ITEMS, params={"limit": 2000}).json()["features"]
    regions = {f["properties"]["om_region"] for f in everything}
    region = sorted(code for code in regions if code)[0]
    key = new_key("surveyor", region[:6])

    seen = client.get(ITEMS, params={"limit": 2000}, headers=bearer(key)).json()["features"]

    assert len(regions) > 1
    assert 0 < len(seen) < len(everything)
    assert {f["properties"]["om_region"][:6] for f in seen} == {region[:6]}
    hidden = next(
        f["id"] for f in everything if (f["properties"]["om_region"] or "")[:6] != region[:6]
    )
    assert client.get(f"{ITEMS}/{hidden}", headers=bearer(key)).status_code == 404
    box = client.get("/collections/land_use", headers=bearer(key)).json()["extent"]["spatial"][
        "bbox"
    ]
    assert box != client.get("/collections/land_use").json()["extent"]["spatial"]["bbox"]


@pytest.mark.parametrize(
    "credential", ["Bearer om_aaaaaaaaaaaa_" + "x" * 43, "Bearer nonsense", "Basic eDp5"]
)
def test_a_credential_that_is_not_in_force_is_401(client: httpx.Client, credential: str) -> None:
    response = client.get("/collections", headers={"Authorization": credential})

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["code"] == "Unauthenticated"


def test_a_session_swaps_a_key_for_a_cookie_and_writes_need_its_csrf_token(
    live_server: str, new_key: Callable[..., str]
) -> None:
    key = new_key("planner", person="张工")
    with httpx.Client(base_url=live_server) as browser:
        begun = browser.post("/session", json={"key": key})
        cookie = begun.headers["set-cookie"].lower()
        assert begun.status_code == 201
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert key not in begun.text
        assert browser.get("/session").json()["person"] == "张工"
        assert browser.delete("/session").status_code == 401
        csrf = begun.json()["csrf"]
        assert browser.delete("/session", headers={"X-CSRF-Token": csrf}).status_code == 204
        assert browser.get("/session").json() == {"authenticated": False}


def test_a_page_of_html_is_the_same_resource(client: httpx.Client) -> None:
    for path in (
        "/",
        "/collections",
        "/collections/land_use",
        f"{ITEMS}?limit=3",
        "/conformance",
        "/processes",
        "/processes/echo",
        "/jobs",
        "/docs",
        "/guide",
        "/guide/first-steps",
        "/tileMatrixSets",
        "/collections/land_use/tiles",
    ):
        response = client.get(path, headers={"Accept": "text/html"})
        assert response.status_code == 200, path
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "//cdn" not in response.text


def test_readiness_and_metrics_tell_an_operator_how_it_goes(client: httpx.Client) -> None:
    assert client.get("/health/ready").json() == {"status": "ready"}
    text = client.get("/metrics", headers={"Accept": "*/*"}).text
    assert 'onemap_http_requests_total{method="GET",route="/health/ready",status="200"}' in text
    forwarded = {"X-Forwarded-For": "203.0.113.7"}
    assert client.get("/metrics", headers=forwarded).status_code == 404


def test_an_edition_that_is_not_in_force_is_an_internal_matter(
    client: httpx.Client,
    new_key: Callable[..., str],
    live_settings: dict[str, str],
    wait_until: Callable[..., None],
) -> None:
    url = live_settings["ONEMAP_DATABASE_URL"]
    pinned = "/collections/planning_zone.2021_2035/items?limit=1"
    assert client.get(pinned).status_code == 200
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE onemap.edition SET status = 'draft' WHERE layer = 'planning_zone'"
        )
        connection.execute("NOTIFY onemap_revision")
    try:
        wait_until(lambda: client.get(pinned).status_code == 404, 20)
        listed = client.get("/collections", params={"layer": "planning_zone"}).json()
        assert listed["collections"] == []
        assert client.get("/collections/planning_zone").json()["x-onemap"]["editions"] == []
        planner = bearer(new_key("planner"))
        assert client.get(pinned, headers=planner).status_code == 200
    finally:
        with psycopg.connect(url) as connection:
            connection.execute(
                "UPDATE onemap.edition SET status = 'in_force' WHERE layer = 'planning_zone'"
            )
            connection.execute("NOTIFY onemap_revision")
    wait_until(lambda: client.get(pinned).status_code == 200, 20)


def test_tilesets_give_the_extent_that_the_caller_may_see(
    client: httpx.Client, new_key: Callable[..., str]
) -> None:
    path = "/collections/county/tiles/WebMercatorQuad"
    everything = client.get(path, params={"f": "tilejson"}).json()["bounds"]

    key = bearer(new_key("surveyor", "220102"))
    seen = client.get(path, params={"f": "tilejson"}, headers=key).json()["bounds"]
    box = client.get(path, headers=key).json()["boundingBox"]

    assert seen != everything
    assert [*box["lowerLeft"], *box["upperRight"]] == seen
    collection = client.get("/collections/county", headers=key).json()
    assert collection["extent"]["spatial"]["bbox"] == [seen]


def test_a_page_is_its_readers_alone(client: httpx.Client, new_key: Callable[..., str]) -> None:
    (name,) = ids(client.get(ITEMS, params={"limit": 1}))
    for path in (f"{ITEMS}/{name}?f=html", f"{ITEMS}?limit=1&f=html"):
        one = client.get(path, headers=bearer(new_key("planner", person="甲")))
        other = bearer(new_key("planner", person="乙")) | {"If-None-Match": one.headers["etag"]}
        again = client.get(path, headers=other)
        assert again.status_code == 200
        assert "乙" in again.text


def test_a_role_without_functions_may_still_do_what_everybody_may(
    client: httpx.Client, new_key: Callable[..., str]
) -> None:
    key = bearer(new_key("auditor"))
    done = client.post("/processes/echo/execution", json={"inputs": {"text": "x"}}, headers=key)

    assert done.status_code == 200


def test_a_slow_body_does_not_hold_a_request_for_long_nor_health_at_all(live_server: str) -> None:
    host, _, port = live_server.removeprefix("http://").partition(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(260)]
    try:
        for one in slow:
            one.sendall(b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        with httpx.Client(base_url=live_server, timeout=10) as client:
            assert client.get("/health/live").status_code == 200
        slow[0].settimeout(20)
        assert b" 400 " in slow[0].recv(200).split(b"\r\n")[0]
    finally:
        for one in slow:
            one.close()


def test_a_path_with_a_slash_too_many_leads_nowhere_else(client: httpx.Client) -> None:
    response = client.get("/collections/", headers={"Host": "evil.example"})

    assert response.status_code == 404
    assert "evil" not in str(response.headers)


def test_items_are_valid_by_their_layers_schema(client: httpx.Client) -> None:
    for layer in ("land_use", "permanent_farmland", "detailed_plan_parcel", "census_2020"):
        properties = client.get(f"/collections/{layer}/schema").json()["properties"]
        properties.pop("geometry", None)
        validator = Draft202012Validator({"type": "object", "properties": properties})
        for feature in client.get(f"/collections/{layer}/items", params={"limit": 50}).json()[
            "features"
        ]:
            assert list(validator.iter_errors(feature["properties"])) == []
