"""Text search on PostGIS: by pattern, by its index, and as the parameter q of the items."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import column, null, select
from sqlalchemy import table as named_table
from sqlalchemy.dialects.postgresql import INTEGER, TEXT

from config.model import Catalogue, Field, Layer
from config.vocabulary import Classification, EditionKey, FieldType, Text
from providers.access import ALL, Scope
from providers.cluster import Cluster
from providers.database import DatabaseRole, connect, open_pools
from providers.dialect import compile_sql
from providers.features import FeatureQuery, page_statement
from providers.layers import LayerStore
from providers.relations import Branch, Relation, current
from providers.revisions import Revision, RevisionKind
from providers.search import Words, fold, parse_terms, parse_words, pattern_of
from providers.search_index import index_search
from providers.tables import CURRENT, analyse, partition_name

type Loader = Callable[..., Revision]
EVERYTHING = Scope(
    layers=ALL, regions=ALL, areas=ALL, ceiling=Classification.PUBLIC, functions=frozenset()
)
KEY = EditionKey("2024")
ITEMS = "/collections/county/items"
ROWS = named_table("said", column("fid", INTEGER), column("a", TEXT), column("b", TEXT))
RELATION = Relation(branches=(Branch(ROWS),), attributes={"A": "a", "B": "b"}, version=null())
FIELDS = tuple(Field(code=c, title=Text(zh=c, en=c), type=FieldType.TEXT) for c in "AB")
LETTERS = "永久基本农田区𠀀長Ａbcé，-'\\%_ 1"


@pytest.fixture(scope="module")
def database(
    cluster: Cluster, new_database: Callable[..., str]
) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(cluster.address(new_database()), autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE said (fid int PRIMARY KEY, a text, b text)")
        yield connection


def found(database: psycopg.Connection[Any], q: str, *, indexed: bool) -> set[int]:
    words = Words(FIELDS, parse_terms(q), indexed)
    compiled = compile_sql(select(ROWS.c.fid).where(words.of(RELATION, ROWS)))
    rows = database.execute(compiled.text, compiled.binds(words.parameters))
    return {fid for (fid,) in rows}


@given(
    st.lists(st.tuples(st.text(LETTERS), st.none() | st.text(LETTERS)), max_size=20),
    st.text("永久基本农田区𠀀", min_size=1, max_size=4),
)
def test_a_chinese_term_finds_the_rows_of_which_a_field_contains_it(
    database: psycopg.Connection[Any], said: list[tuple[str, str | None]], term: str
) -> None:
    fill(database, said)
    expected = {i for i, texts in enumerate(said) if any(term in (t or "") for t in texts)}

    assert found(database, term, indexed=False) == expected
    assert found(database, term, indexed=True) == expected


@given(
    st.lists(st.tuples(st.text(LETTERS), st.none() | st.text(LETTERS)), max_size=20),
    st.text(LETTERS, min_size=1, max_size=6).filter(lambda q: any(map(str.isalnum, q))),
)
def test_the_database_finds_what_the_pattern_finds_with_its_pairs_and_without(
    database: psycopg.Connection[Any], said: list[tuple[str, str | None]], q: str
) -> None:
    q = "，".join(part for part in q.split("，") if any(map(str.isalnum, part)))
    fill(database, said)
    pattern = pattern_of(parse_terms(q))
    texts = [[fold(a), fold(b or "")] for a, b in said]
    expected = {i for i, found in enumerate(texts) if any(map(pattern.search, found))}

    assert found(database, q, indexed=False) == expected
    assert found(database, q, indexed=True) == expected


@given(st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\x00")))
def test_the_database_folds_text_as_we_do(database: psycopg.Connection[Any], text: str) -> None:
    plain = "".join(c for c in text if ord(c) < 0x2000 or "\u3400" <= c <= "\u9fff")
    row = database.execute("SELECT onemap.search_text(%s)", (plain,)).fetchone()

    assert row == (fold(plain),)


def fill(database: psycopg.Connection[Any], said: list[tuple[str, str | None]]) -> None:
    database.execute("TRUNCATE said")
    with database.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO said VALUES (%s, %s, %s)", [(i, a, b) for i, (a, b) in enumerate(said)]
        )


@pytest.fixture
def searchable(catalogue: Catalogue) -> Layer:
    return replace(catalogue.layers["planning_zone"], search=("GHFQMC", "GKZY"))


def columns(count: int) -> dict[str, list[str]]:
    names = ["居住生活区" if i % 1000 else "永久基本农田区" for i in range(count)]
    return {"GHFQMC": names, "GKZY": [f"管控 {i}" for i in range(count)]}


def definition(url: str, layer: Layer) -> str | None:
    with connect(url, DatabaseRole.OWNER) as connection:
        place = f"{CURRENT}.{partition_name(layer, KEY)}_s"
        row = connection.execute("SELECT pg_get_indexdef(to_regclass(%s))", (place,)).fetchone()
    return row[0] if row else None


def names(text: str | None) -> set[str]:
    return set(re.findall("[a-z]+", text or ""))


def index(url: str, layer: Layer) -> None:
    name = partition_name(layer, KEY)
    with connect(url, DatabaseRole.OWNER) as connection:
        index_search(connection, layer, CURRENT, name, f"{name}_s")
        analyse(connection, layer, KEY)


def test_a_rare_term_is_found_by_the_index(
    load_squares: Loader, database_url: str, searchable: Layer
) -> None:
    load_squares(
        "planning_zone", "2024", [str(i) for i in range(5_000)], size=1e-4, columns=columns(5_000)
    )
    index(database_url, searchable)
    query = FeatureQuery(conditions=(parse_words(searchable, "永久基本"),))
    compiled = compile_sql(page_statement(searchable, current(searchable, KEY), query, EVERYTHING))
    values = compiled.binds({**query.parameters, "layer": searchable.id, "edition": KEY})

    with connect(database_url, DatabaseRole.READER) as connection:
        plan = connection.execute(f"EXPLAIN {compiled.text}".encode(), values).fetchall()

    assert f"{partition_name(searchable, KEY)}_s" in "\n".join(line for (line,) in plan)


def test_the_index_follows_what_the_layer_declares(
    load_squares: Loader, database_url: str, searchable: Layer
) -> None:
    load_squares("planning_zone", "2024", ["1"], columns=columns(1))
    index(database_url, searchable)
    first = definition(database_url, searchable)
    index(database_url, replace(searchable, search=("BZ",)))
    second = definition(database_url, searchable)
    index(database_url, replace(searchable, search=()))

    assert {"ghfqmc", "gkzy"} <= names(first)
    assert names(second) & {"ghfqmc", "gkzy", "bz"} == {"bz"}
    assert definition(database_url, searchable) is None


async def ids(store: LayerStore, layer: Layer, q: str, at: int | None = None) -> list[str]:
    query = FeatureQuery(conditions=(parse_words(layer, q),))
    page = await store.page(layer, KEY, query, EVERYTHING, at=at)
    return [feature["id"] for feature in json.loads(b"[" + page.features + b"]")]


def test_a_past_state_is_searched_as_it_was(
    load_squares: Loader, database_url: str, searchable: Layer
) -> None:
    said = {"GHFQMC": ["永久基本农田区", "居住生活区"], "GKZY": ["甲", "乙"]}
    load_squares("planning_zone", "2024", ["1", "2"], columns=said)
    later = {"GHFQMC": ["居住生活区", "居住生活区"], "GKZY": ["甲", "永久"]}
    load_squares("planning_zone", "2024", ["1", "2"], columns=later, kind=RevisionKind.LOAD)

    async def ask() -> list[list[str]]:
        async with open_pools(database_url, readers=2, writers=1) as pools:
            store = LayerStore(pools)
            now, then = [await ids(store, searchable, "永久", at) for at in (None, 1)]
            bare = replace(searchable, search=())
            return [now, then, await ids(store, bare, "永久", 1)]

    assert asyncio.run(ask()) == [["2"], ["1"], ["1"]]


def test_q_finds_a_county_by_part_of_its_name(client: httpx.Client) -> None:
    every = client.get(ITEMS, params={"limit": 100}).json()["features"]
    names = [f["properties"]["XZQMC"] for f in every]
    page = client.get(ITEMS, params={"q": "关,农安", "limit": 100}).json()

    assert [f["properties"]["XZQMC"] for f in page["features"]] == [
        name for name in names if "关" in name or "农安" in name
    ]
    assert page["features"]


@pytest.mark.parametrize("q", ["", "，", "地" * 201, ",".join("甲乙丙丁戊己庚辛壬癸子")])
def test_a_q_that_is_none_is_400_and_named(client: httpx.Client, q: str) -> None:
    answer = client.get(ITEMS, params={"q": q})

    assert answer.status_code == 400
    assert answer.json()["params"]["name"] == "q"
