"""Input that made other servers fail: refused with the parameter's name, or rightly answered."""

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import orjson
import pytest

ITEMS = "/collections/land_use/items"
GIF = "http://www.opengis.net/def/crs"
DEEP = 400


@pytest.fixture(autouse=True)
def alive(client: httpx.Client) -> Iterator[None]:
    """Whatever was asked, the server still answers."""
    yield
    assert client.get("/health/live").status_code == 200


def refused(answer: httpx.Response, name: str) -> None:
    """A problem with status 400 that names the parameter."""
    assert answer.status_code == 400, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["parameter"] == name


def raw(live_server: str, target: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    """The answer to a target that no client library would send."""
    connection = http.client.HTTPConnection(live_server.removeprefix("http://"), timeout=30)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "1.5"),
        ("limit", "ten"),
        ("limit", "٣"),
        ("limit", "1" * 5_000),
        ("limit", ""),
        ("offset", "-1"),
        ("offset", "abc"),
        ("offset", "99999999999999999999"),
        ("offset", "50001"),
        ("cursor", "abc"),
        ("cursor", "MjAyNDox"),
        ("cursor", "////"),
        ("bbox", ""),
        ("bbox", "1,2,3"),
        ("bbox", "1,2,3,4,5"),
        ("bbox", "1,2,3,4,5,6,7"),
        ("bbox", "nan,43,126,44"),
        ("bbox", "inf,43,126,44"),
        ("bbox", "125,43,1e999,44"),
        ("bbox", "a,b,c,d"),
        ("bbox", "125,44,126,43"),
        ("bbox", "125,-91,126,43"),
        ("bbox", "0x7d,43,126,44"),
        ("datetime", ""),
        ("datetime", "yesterday"),
        ("datetime", "2020-13-01"),
        ("datetime", "2020-02-30"),
        ("datetime", "2020-01-01/2019-01-01"),
        ("datetime", "2020-01-01/2021-01-01/2022-01-01"),
        ("datetime", "99999-01-01"),
        ("datetime", "2020-01-01T25:00:00Z"),
        ("asOf", "now"),
        ("asOf", "2020-01-01/.."),
        ("crs", f"{GIF}/EPSG/0/32650"),
        ("crs", f"{GIF}/EPSG/0/4513"),
        ("crs", f"{GIF}/EPSG/0/999999999999"),
        ("crs", ""),
        ("sortby", "nothing"),
        ("sortby", "geometry"),
        ("sortby", ""),
        ("sortby", "+"),
        ("sortby", "TBMJ;DROP TABLE x"),
        ("sortby", ",".join(["TBMJ"] * 50)),
        ("properties", "nothing"),
        ("skipGeometry", "maybe"),
        ("skipGeometry", "1"),
        ("resulttype", "most"),
        ("filter-lang", "ecql"),
        ("f", "xml"),
        ("f", ""),
        ("lang", "fr"),
        ("encoding", "gbk"),
        ("TBMJ", "many"),
        ("TBMJ", "nan"),
        ("TBMJ", "1e400"),
        ("gid", "abc"),
        ("ydyhfldm", "010100"),
        ("' OR 1=1 --", "1"),
        ("", "1"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(client: httpx.Client, name: str, value: str) -> None:
    given = {"filter": "TBMJ > 1"} if name == "filter-lang" else {}

    refused(client.get(ITEMS, params={**given, name: value}), name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "TBMJ",
        "TBMJ > 'many'",
        "TBMJ >",
        "YDYHFLDM = 5",
        "nothing = 1",
        "pg_sleep(10) = 1",
        "no_such_function(TBMJ) > 1",
        "TBMJ > 1; DROP TABLE x",
        "TBMJ > 1 AND",
        "S_INTERSECTS(geometry, POINT(nan nan))",
        "S_INTERSECTS(geometry, POLYGON((1 1)))",
        "S_INTERSECTS(geometry, POLYGON((1 1, 2 2)))",
        "S_INTERSECTS(TBMJ, POINT(1 1))",
        "T_AFTER(TBMJ, DATE('2020-01-01'))",
        "TBMJ BETWEEN 1 AND 'x'",
        "BSM LIKE 5",
        "TBMJ / 0 = = 1",
        "(" * DEEP + "TBMJ > 1" + ")" * DEEP,
        "NOT " * DEEP + "TBMJ > 1",
        "TBMJ IN (" + ",".join(["1"] * 4_000) + ")",
        "\ud7ff\uffff",
        "'" * 999,
    ],
)
def test_a_filter_that_cannot_be_used_is_refused(client: httpx.Client, text: str) -> None:
    refused(client.get(ITEMS, params={"filter": text}), "filter")


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "[]",
        "{}",
        "5",
        '{"op":"="}',
        '{"op":"=","args":[]}',
        '{"op":"sleep","args":[{"property":"TBMJ"},1]}',
        '{"op":">","args":[{"property":"TBMJ"},"x"]}',
        '{"op":"=","args":[{"property":"\\ud800"},1]}',
        '{"op":"=","args":[{"property":"BSM"},"\\ud800"]}',
        '{"op":"=","args":[{"property":"TBMJ"},NaN]}',
        '{"op":"=","args":[{"property":"TBMJ"},1e999]}',
        '{"op":"not","args":[' * DEEP + "true" + "]}" * DEEP,
        "[" * 9_000,
    ],
)
def test_a_json_filter_that_cannot_be_used_is_refused(client: httpx.Client, text: str) -> None:
    answer = client.get(ITEMS, params={"filter": text, "filter-lang": "cql2-json"})

    refused(answer, "filter")


@pytest.mark.parametrize("name", ["filter-crs", "bbox-crs"])
@pytest.mark.parametrize("value", ["zzz", "", f"{GIF}/EPSG/0/32650", "4490"])
def test_a_reference_system_that_is_not_offered_is_refused(
    client: httpx.Client, name: str, value: str
) -> None:
    beside = {"bbox-crs": ("bbox", "125,43,126,44"), "filter-crs": ("filter", "TBMJ > 1")}
    given = dict([beside[name]])

    refused(client.get(ITEMS, params={**given, name: value}), name)


@pytest.mark.parametrize("name", ["limit", "bbox", "filter", "f", "lang", "BSM", "offset"])
def test_a_parameter_that_is_repeated_is_named(client: httpx.Client, name: str) -> None:
    value = {"bbox": "125,43,126,44", "filter": "TBMJ > 1", "f": "json", "lang": "en"}.get(
        name, "1"
    )

    refused(client.get(f"{ITEMS}?{urlencode([(name, value)] * 2)}"), name)


@pytest.mark.parametrize("name", ["BSM", "q", "filter", "cursor", "sortby", "bbox", "properties"])
def test_null_characters_are_refused(client: httpx.Client, name: str) -> None:
    refused(client.get(f"{ITEMS}?{name}=a%00b"), name)


@pytest.mark.parametrize("name", ["XZQMC", "q", "filter", "sortby", "properties"])
@pytest.mark.parametrize("word", ["%D6%D0%CE%C4", "%ff", "a%E4%B8"])
def test_text_in_another_encoding_is_refused_and_not_searched_for(
    client: httpx.Client, name: str, word: str
) -> None:
    refused(client.get(f"{ITEMS}?{name}={word}"), name)


@pytest.mark.parametrize("name", ["XZQMC", "q"])
def test_the_sign_for_what_could_not_be_read_is_a_character_like_others(
    client: httpx.Client, name: str
) -> None:
    answer = client.get(f"{ITEMS}?{name}=a%EF%BF%BD")

    assert answer.status_code == 200, answer.text
    assert answer.json()["features"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/collections",
        "/collections/land_use",
        "/collections/land_use/schema",
        "/collections/land_use/queryables",
        "/collections/land_use/sortables",
        f"{ITEMS}/no-such",
        "/conformance",
        "/openapi",
        "/",
    ],
)
def test_an_unknown_parameter_is_named_everywhere(client: httpx.Client, path: str) -> None:
    refused(client.get(path, params={"no_such": "1"}), "no_such")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "-5"),
        ("offset", "-1"),
        ("bbox", "1,2,3"),
        ("bbox", "nan,1,2,3"),
        ("datetime", "yesterday"),
        ("layer", ""),
    ],
)
def test_what_narrows_collections_is_checked_too(
    client: httpx.Client, name: str, value: str
) -> None:
    answer = client.get("/collections", params={name: value})

    assert answer.status_code in (400, 404), answer.text[:300]
    if answer.status_code == 400:
        refused(answer, name)


@pytest.mark.parametrize("value", ["10000", "10001", "1000000000"])
def test_a_limit_beyond_the_greatest_gives_the_greatest(client: httpx.Client, value: str) -> None:
    page = client.get(ITEMS, params={"limit": value, "skipGeometry": "true"})

    assert page.raise_for_status().json()["numberReturned"] == 2_000


@pytest.mark.parametrize(
    ("bbox", "found"),
    [
        ("124,42,0,127,45,100", True),
        ("-180,-90,180,90", True),
        ("120,40,-170,50", True),
        ("170,40,-170,50", False),
        ("126,43,124,44", False),
        ("179.9,-90,-179.9,90", False),
    ],
)
def test_a_box_may_have_heights_and_may_cross_the_180th_meridian(
    client: httpx.Client, bbox: str, found: bool
) -> None:
    page = client.get(ITEMS, params={"bbox": bbox, "limit": 1}).raise_for_status().json()

    assert bool(page["features"]) == found


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("x;q=0", 200),
        ("application/geo+json;q=0", 406),
        ("application/geo+json;q=1.2.3", 200),
        ("application/geo+json;q=abc, text/html;q=0.1", 200),
        (";;;,,,", 200),
        ("", 200),
        ("a/b," * 2_000, 406),
        ("*/*;q=nan", 200),
        ("image/png", 406),
    ],
)
def test_an_accept_header_is_never_an_error_of_the_server(
    client: httpx.Client, accept: str, status: int
) -> None:
    assert client.get(ITEMS, headers={"Accept": accept}).status_code == status


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Accept-Language", "zh;q=x, en;q=1.2.3, *;q=0"),
        ("Accept-Language", "zh-Hans"),
        ("Accept-Language", "," * 9_000),
        ("Accept-Encoding", "gzip;q=abc, zstd;q=;q"),
        ("Accept-Encoding", "identity;q=0, *;q=0"),
        ("If-None-Match", '"' * 999),
        ("If-None-Match", "W/W/W/"),
        ("If-Modified-Since", "Sun, 99 Foo 20260 99:99:99 GMT"),
        ("If-Modified-Since", "0"),
        ("If-Match", "*"),
        ("Range", "bytes=0-1,5-"),
        ("X-Request-Id", "é" * 70),
        ("Prefer", ";;=,"),
        ("Authorization", "Basic x"),
        ("Authorization", "Bearer " + "x" * 9_000),
        ("Cookie", "om_session=%00; =;;"),
        ("Host", "elsewhere.example"),
    ],
)
def test_odd_headers_are_never_an_error_of_the_server(
    live_server: str, name: str, value: str
) -> None:
    status, _ = raw(live_server, f"{ITEMS}?limit=1", **{name.replace("-", "_"): value})

    assert status in (200, 400, 401)


@pytest.mark.parametrize(
    "target",
    [
        f"{ITEMS}?BSM=%",
        f"{ITEMS}?BSM=%zz",
        f"{ITEMS}?BSM=%ff%fe",
        f"{ITEMS}?BSM=%ed%a0%80",
        f"{ITEMS}?BSM=%f4%90%80%80",
        f"{ITEMS}?q=%ed%a0%80",
        f"{ITEMS}?filter=BSM=%27%ed%a0%80%27",
        f"{ITEMS}?%ff=1",
        f"{ITEMS}?&&&=&=",
        f"{ITEMS}?;",
        f"{ITEMS}/%ff",
        f"{ITEMS}/%ed%a0%80",
        f"{ITEMS}/..%2f..%2fetc",
        f"{ITEMS}/%00",
        "/collections/%ff/items",
        "/collections/%00",
        "/collections/..%2f/items",
        "//collections",
        "/collections/land_use/items/",
        "/%2e%2e/",
    ],
)
def test_garbage_in_an_address_is_not_an_error_of_the_server(live_server: str, target: str) -> None:
    status, body = raw(live_server, target)

    assert status in (200, 400, 404), body[:300]


@pytest.mark.parametrize("size", [33_000, 60_000, 200_000])
def test_an_address_without_end_is_refused(live_server: str, size: int) -> None:
    try:
        status, _ = raw(live_server, f"{ITEMS}?filter=" + "a" * size)
    except (http.client.HTTPException, OSError):
        return  # the connection was closed before the end of it was read
    assert status in (400, 414, 431)


def test_a_list_of_a_hundred_thousand_values_is_refused(live_server: str) -> None:
    values = quote(f"BSM IN ({','.join(['1'] * 100_000)})")
    try:
        status, _ = raw(live_server, f"{ITEMS}?filter={values}")
    except (http.client.HTTPException, OSError):
        return
    assert status in (400, 414, 431)


@pytest.mark.parametrize("path", [ITEMS, "/processes/echo/execution", "/session"])
def test_a_body_of_twenty_megabytes_is_refused(client: httpx.Client, path: str) -> None:
    body = b'{"inputs":"' + b"x" * 20_000_000
    try:
        answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    except httpx.TransportError:
        return  # the server closed the connection instead of reading on
    assert answer.status_code in (405, 413)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"inputs":' * 2_000, b"\xff\xfe", b'"\\ud800"'])
def test_a_body_that_is_no_json_is_refused(client: httpx.Client, body: bytes) -> None:
    answer = client.post(
        "/processes/echo/execution", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 400, answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE", "TRACE", "OPTIONS"])
def test_a_method_that_items_do_not_have_is_refused(client: httpx.Client, method: str) -> None:
    answer = client.request(method, ITEMS)

    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["limit=0", "bbox=1", "filter=", "no_such=1", "crs=x"])
def test_head_refuses_what_get_refuses(client: httpx.Client, query: str) -> None:
    assert client.head(f"{ITEMS}?{query}").status_code == 400


def test_values_come_back_as_they_are_stored(client: httpx.Client) -> None:
    """pygeoapi writes `&lt;` for `<` into every value."""
    problem: Any = client.get(ITEMS, params={"limit": "<b>&"}).json()

    assert problem["params"]["value"] == "<b>&"


def test_a_problem_names_the_address_as_an_address(live_server: str) -> None:
    status, body = raw(live_server, "/collections/land_use/tiles/CGCS2000Quad/12/%EF%BC%91/%00")

    assert status == 400
    instance = "/collections/land_use/tiles/CGCS2000Quad/12/%EF%BC%91/%00"
    assert orjson.loads(body)["instance"] == instance


@pytest.mark.parametrize("rest", ["", "/items", "/tiles/CGCS2000Quad/12/524/3473", "/schema"])
def test_an_edition_without_a_name_is_no_collection(live_server: str, rest: str) -> None:
    assert raw(live_server, f"/collections/land_use.{rest}")[0] == 404


def test_tiles_are_narrowed_by_what_we_add_to_a_feature_as_items_are(live_server: str) -> None:
    tile = "/collections/land_use/tiles/CGCS2000Quad/12/524/3473"
    told = [
        raw(live_server, f"{tile}?{asked}") for asked in ("", "om_region=220102", "om_region=9")
    ]

    assert [status for status, _ in told] == [200, 200, 204]
    assert len(told[1][1]) < len(told[0][1])
    assert raw(live_server, f"{tile}?om_nothing=1")[0] == 400
    assert raw(live_server, f"{tile.rpartition('/12/')[0]}?om_region=220102")[0] == 200
