"""What was believed then: every recorded state answers items, single features and tiles."""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import mapbox_vector_tile
import psycopg
import pytest
from starlette.testclient import TestClient

from config.model import Catalogue, Layer
from config.vocabulary import Classification, EditionKey
from providers.access import ALL, Scope
from providers.crs import CRS84
from providers.database import DatabaseRole, connect, open_pools
from providers.dialect import compile_sql
from providers.edition_history import parse_as_of
from providers.errors import BadParameter, NotFound
from providers.features import FeatureQuery, item_statement, page_statement
from providers.layers import LayerStore
from providers.ordering import Position
from providers.relations import recorded
from providers.revisions import Revision, RevisionKind
from providers.tables import analyse
from providers.windows import parse_bbox

type Loader = Callable[..., Revision]
ITEMS = "/collections/land_use/items"
KEY = EditionKey("2024")
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=frozenset()
)


@pytest.fixture
def land_use(catalogue: Catalogue) -> Layer:
    return catalogue.layers["land_use"]


def knows(own: TestClient, edition: str, revision: int) -> None:
    """Wait until the server has heard of a publication."""
    for _ in range(1_200):
        found = own.get("/collections?layer=land_use")
        states = found.json().get("collections", ())
        known = [s["x-onemap"]["edition"] for s in states]
        if any(s["key"] == edition and s["revision"] >= revision for s in known):
            return
        time.sleep(0.05)
    raise AssertionError("the server heard of no publication")


def now() -> str:
    """This moment; the next one is another."""
    moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    time.sleep(0.002)
    return moment


def ids(own: TestClient, path: str = ITEMS, **parameters: str) -> list[str]:
    response = own.get(path, params={"limit": "100", **parameters})
    assert response.status_code == 200, response.text
    return sorted(feature["id"] for feature in response.json()["features"])


def remark(own: TestClient, name: str, **parameters: str) -> str | None:
    """The feature's remark; None where there is none."""
    response = own.get(f"{ITEMS}/{name}", params=parameters)
    if response.status_code == 404:
        return None
    found: str = response.json()["properties"]["BZ"]
    return found


def test_every_recorded_state_answers_for_ever(
    own: TestClient, load_squares: Loader, database_url: str
) -> None:
    before = now()
    load_squares("land_use", "2024", ["1", "2"], columns={"BZ": ["a", "b"]})
    first = now()
    load_squares("land_use", "2024", ["1", "3"], columns={"BZ": ["c", "d"]})
    second = now()
    load_squares("land_use", "2024", ["2"], columns={"BZ": ["e"]}, kind=RevisionKind.MERGE)
    knows(own, "2024", 3)

    states = {before: [], first: ["1", "2"], second: ["1", "3"], now(): ["1", "2", "3"]}
    for moment, found in states.items():
        assert ids(own, asOf=moment) == found
        assert ids(own, "/collections/land_use.2024/items", asOf=moment) == found
        for name in "123":
            assert (remark(own, name, asOf=moment) is not None) == (name in found)
    assert [remark(own, "1", asOf=m) for m in (first, second)] == ["a", "c"]
    assert ids(own, asOf="2999-12-31") == ids(own) == ["1", "2", "3"]
    assert own.get("/collections/land_use.2023/items?asOf=2999-12-31").status_code == 404


def test_what_was_believed_then_to_be_in_force_on_a_day(
    own: TestClient, load_squares: Loader
) -> None:
    load_squares("land_use", "2023", ["1"], start=date(2023, 1, 1))
    one_edition = now()
    load_squares("land_use", "2023", ["1"], start=date(2023, 1, 1), end=date(2023, 12, 31))
    load_squares("land_use", "2024", ["2"], start=date(2024, 1, 1))
    knows(own, "2024", 1)

    assert ids(own, datetime="2024-06-30") == ["2"]
    assert ids(own, datetime="2024-06-30", asOf=one_edition) == ["1"]
    assert ids(own, datetime="2023-06-30", asOf=one_edition) == ["1"]
    pinned = "/collections/land_use.2023/items"
    assert ids(own, pinned, datetime="2024-06-30") == []
    assert ids(own, pinned, datetime="2024-06-30", asOf=one_edition) == ["1"]


def test_an_answer_as_of_then_says_edition_revision_and_moment(
    own: TestClient, load_squares: Loader
) -> None:
    load_squares("land_use", "2024", ["1"])
    moment = now()
    load_squares("land_use", "2024", ["1", "2"])
    knows(own, "2024", 2)

    page, item = (own.get(p, params={"asOf": moment}) for p in (ITEMS, f"{ITEMS}/1"))
    told = {"edition": "2024", "revision": 1, "synthetic": True}
    for answer in (page, item):
        facts = answer.json()["x-onemap"]
        assert {k: v for k, v in facts.items() if k != "asOf"} == told
        assert datetime.fromisoformat(facts["asOf"]) == datetime.fromisoformat(moment)
    load_squares("land_use", "2024", ["3"])
    knows(own, "2024", 3)
    for path, answer in ((ITEMS, page), (f"{ITEMS}/1", item)):
        again = own.get(path, params={"asOf": moment})
        assert again.headers["ETag"] == answer.headers["ETag"]
        assert again.json() == answer.json()
        held = {"If-None-Match": answer.headers["ETag"]}
        assert own.get(path, params={"asOf": moment}, headers=held).status_code == 304


def test_a_tile_as_of_then_is_drawn_from_the_rows_of_then(
    own: TestClient, load_squares: Loader
) -> None:
    load_squares("land_use", "2024", ["2"])
    moment = now()
    load_squares("land_use", "2024", ["3"])
    knows(own, "2024", 2)

    def drawn(**parameters: str) -> list[str]:
        path = "/collections/land_use/tiles/WebMercatorQuad/12/1504/3470"
        content = own.get(path, params={"f": "mvt", **parameters}).content
        features = mapbox_vector_tile.decode(content)["land_use"]["features"]
        return [f["properties"]["om_id"] for f in features]

    assert drawn() == ["3"]
    assert drawn(asOf=moment) == ["2"]


def test_pages_that_follow_each_other_while_others_publish_are_one_state(
    own: TestClient, load_squares: Loader
) -> None:
    names = [str(i) for i in range(12)]
    load_squares("land_use", "2024", names, columns={"BZ": ["old"] * 12})
    knows(own, "2024", 1)
    found: list[tuple[str, str]] = []
    address: str | None = f"{ITEMS}?limit=4"
    published = 1
    while address is not None:
        page = own.get(address)
        assert page.status_code == 200, page.text
        document = page.json()
        assert document["x-onemap"]["revision"] == 1
        found += [(f["id"], f["properties"]["BZ"]) for f in document["features"]]
        address = next((x["href"] for x in document["links"] if x["rel"] == "next"), None)
        published += 1
        load_squares("land_use", "2024", names[::2], columns={"BZ": [f"new {published}"] * 6})
        if published == 2:  # else the server may or may not have heard of it yet
            knows(own, "2024", 2)
        if published == 3:  # and another edition comes into force in between
            load_squares("land_use", "2025", ["1"], start=date(2025, 1, 1))
            knows(own, "2025", 1)

    assert sorted(found) == sorted((name, "old") for name in names)
    assert published > 3


def test_a_cursor_leads_to_no_state_that_was_not_public(
    own: TestClient, load_squares: Loader, database_url: str
) -> None:
    load_squares("land_use", "2024", ["1", "2"])
    draft = now()
    load_squares("land_use", "2024", ["1", "3"])
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE onemap.revision SET status = 'draft' WHERE number = 1")
    knows(own, "2024", 2)

    def asked(said: str) -> int:
        cursor = base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")
        return own.get(ITEMS, params={"cursor": cursor}).status_code

    assert ids(own, asOf=draft) == []
    assert remark(own, "2", asOf=draft) is None
    assert asked("2024:2:[0]") == 200
    for forged in (
        "2024:1:[0]",
        "2024:3:[0]",
        "2024:0:[0]",
        "1949:1:[0]",
        "-:2:[0]",
        "2024:2:0",
        "2024:2",
    ):
        assert asked(forged) == 400, forged


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2024-13-01",
        "2024-01-01T00:00:00",
        "2024-01-01/..",
        "20240101",
        "٢٠٢٤-01-01",
    ],
)
def test_a_moment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="asOf"):
        parse_as_of(text)


def test_a_date_means_its_last_moment_in_china() -> None:
    assert parse_as_of("2024-12-31") == datetime(2024, 12, 31, 15, 59, 59, 999_999, UTC)
    assert parse_as_of("2024-12-31T08:00:00+08:00") == datetime(2024, 12, 31, tzinfo=UTC)
    assert parse_as_of("2024-12-31") + timedelta(microseconds=1) == parse_as_of(
        "2024-12-31T16:00:00Z"
    )


def test_the_scope_of_a_caller_holds_for_past_rows_too(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    counties = ["220102", "220103"]
    load_squares("land_use", "2024", ["1", "2"], columns={land_use.region: counties})
    load_squares("land_use", "2024", ["1", "2"], columns={land_use.region: counties[::-1]})
    scope = Scope(
        layers=ALL,
        regions=("220102",),
        areas=ALL,
        ceiling=Classification.INTERNAL,
        functions=frozenset(),
    )

    async def ask(store: LayerStore) -> list[list[str]]:
        pages = [
            await store.page(land_use, KEY, FeatureQuery(), scope, at=revision)
            for revision in (1, 2)
        ]
        with pytest.raises(NotFound):
            await store.item(land_use, KEY, "2", scope, at=1)
        assert (await store.item(land_use, KEY, "1", scope, at=1)).feature
        return [[f["id"] for f in json.loads(b"[" + page.features + b"]")] for page in pages]

    assert reading(database_url, ask) == [["1"], ["2"]]


def reading[T](url: str, work: Callable[[LayerStore], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_pools(url, readers=2, writers=1) as pools:
            return await work(LayerStore(pools))

    return asyncio.run(run())


def test_past_pages_items_and_windows_are_found_by_indexes(
    load_squares: Loader, database_url: str, land_use: Layer
) -> None:
    names = [str(i) for i in range(20_000)]
    load_squares("land_use", "2024", names, size=0.0005)
    load_squares("land_use", "2024", names[:10_000], size=0.0005, west=125.00001)
    load_squares("land_use", "2024", names[5_000:], size=0.0005, west=125.00002)
    with connect(database_url, DatabaseRole.OWNER) as connection:
        analyse(connection, land_use, KEY)
    relation = recorded(land_use, KEY)
    small = FeatureQuery(conditions=(parse_bbox("126.0,43.0,126.002,43.01", CRS84),))
    questions: list[tuple[Any, dict[str, Any]]] = [
        (page_statement(land_use, relation, query, EVERYTHING), query.parameters)
        for query in (FeatureQuery(), FeatureQuery(after=Position((), 9_000)), small)
    ]
    questions.append((item_statement(land_use, relation, EVERYTHING), {"om_id": "7000"}))

    with connect(database_url, DatabaseRole.READER) as connection:
        for revision in (1, 2, 3):
            for statement, parameters in questions:
                compiled = compile_sql(statement)
                state = {"layer": land_use.id, "edition": KEY, "at": revision}
                values = compiled.binds({**parameters, **state})
                plan = connection.execute(f"EXPLAIN {compiled.text}".encode(), values).fetchall()
                text = "\n".join(line for (line,) in plan)
                assert "Seq Scan" not in text, f"revision {revision}, {parameters}:\n{text}"
