"""Moments and endless dates of tables that are not ours: typed, compared, ordered and paged as such."""

import base64
import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import jsonschema
import psycopg
import pyogrio
import pytest
from starlette.testclient import TestClient

from providers.cluster import Cluster

TABLE = """
CREATE SCHEMA gis;
GRANT USAGE ON SCHEMA gis TO onemap_reader;
CREATE TABLE gis.gauge (
    id integer PRIMARY KEY, measured timestamptz, until date, wall timestamp,
    geom geometry(Point, 4490) NOT NULL);
INSERT INTO gis.gauge VALUES
    (1, '2024-03-01T08:00:00+08', 'infinity', '2024-03-01T08:00', ST_Point(114.1, 30, 4490)),
    (2, '2024-02-29T23:59:59.5+08', '2024-12-31', NULL, ST_Point(114.2, 30, 4490)),
    (3, NULL, NULL, NULL, ST_Point(114.3, 30, 4490)),
    (4, '2024-03-01T00:00:00Z', 'infinity', NULL, ST_Point(114.4, 30, 4490)),
    (5, '2023-01-01T00:00:00Z', '-infinity', NULL, ST_Point(114.5, 30, 4490));
CREATE TABLE gis.relic (
    id integer PRIMARY KEY, found timestamptz, built date, geom geometry(Point, 4490) NOT NULL);
INSERT INTO gis.relic SELECT number, found::timestamptz, built::date, ST_Point(114, 30, 4490)
FROM (VALUES
    (1, '4714-11-24 00:00:00Z BC', '4714-11-24 BC'),
    (2, '0045-02-28 BC', '0045-02-28 BC'),
    (3, '0045-02-29 12:00:00.000001Z BC', '0045-02-29 BC'),  -- a leap year, as 4 and 400 are
    (4, '0044-01-01 BC', '0044-01-01 BC'),
    (5, '0001-12-31 23:59:59Z BC', '0001-12-31 BC'),
    (6, '0001-01-01', '0001-01-01'),
    (7, '9999-12-31 23:59:59.999999Z', '9999-12-31'),
    (8, '13024-02-29', '13024-02-29'),
    (9, '294276-12-31 23:59:59.999999Z', '5874897-12-31'),
    (10, 'infinity', 'infinity')) AS t (number, found, built);
CREATE TABLE gis.ruin AS SELECT id, '0500-01-01 BC'::date + id AS built
FROM generate_series(1, 1100) AS id;
ALTER TABLE gis.ruin ADD PRIMARY KEY (id);
GRANT SELECT ON ALL TABLES IN SCHEMA gis TO onemap_reader;
"""
RELICS = [str(number) for number in range(1, 11)]
GAUGES = """
kind: layer
title: {zh: 测站, en: Gauges}
theme: present
classification: public
id: gauge
storage: {external: gis.gauge}
---
kind: layer
title: {zh: 遗址, en: Relics}
theme: present
classification: public
id: relic
storage: {external: gis.relic}
---
kind: layer
title: {zh: 废墟, en: Ruins}
theme: present
classification: public
id: ruin
storage: {external: gis.ruin}
"""
ITEMS = "/collections/gauge/items"


@pytest.fixture(scope="module")
def gauges(
    tmp_path_factory: pytest.TempPathFactory,
    cluster: Cluster,
    new_database: Callable[..., str],
    serving_entry: Callable[..., AbstractContextManager[TestClient]],
) -> Iterator[TestClient]:
    """The application in this process with one external layer."""
    home, address = tmp_path_factory.mktemp("gauges"), cluster.address(new_database())
    with psycopg.connect(address) as connection:
        connection.execute(TABLE.encode())
    with serving_entry(address, home, GAUGES, ITEMS) as client:
        yield client


def ids(client: TestClient, **asked: str) -> list[str]:
    answer = client.get(ITEMS, params=asked)
    assert answer.status_code == 200, answer.text
    return [feature["id"] for feature in answer.json()["features"]]


def walked(client: TestClient, items: str, order: str) -> list[str]:
    """The ids of the pages of one feature that follow each other."""
    found: list[str] = []
    address: str | None = f"{items}?limit=1&sortby={order}"
    while address is not None:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        found += [feature["id"] for feature in answer.json()["features"]]
        links = answer.json()["links"]
        address = next((link["href"] for link in links if link["rel"] == "next"), None)
    return found


def saved(answer: httpx.Response, path: Path) -> Path:
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    return path


def test_a_moment_is_a_date_time_by_its_schema_and_in_every_answer(gauges: TestClient) -> None:
    for kind in ("schema", "queryables", "sortables"):
        said = gauges.get(f"/collections/gauge/{kind}").json()["properties"]
        assert said["measured"]["format"] == "date-time"
        assert "format" not in said["wall"], "without a zone it is no moment"
    checker = jsonschema.FormatChecker()
    for feature in gauges.get(ITEMS).json()["features"]:
        measured = feature["properties"]["measured"]
        assert measured is None or checker.conforms(measured, "date-time")
    first = gauges.get(f"{ITEMS}/1").json()["properties"]
    assert (first["measured"], first["wall"]) == (
        "2024-03-01T00:00:00+00:00",
        "2024-03-01T08:00:00",
    )


def test_a_moment_is_equal_to_itself_however_it_is_written(gauges: TestClient) -> None:
    assert ids(gauges, measured="2024-03-01T00:00:00Z") == ["1", "4"]
    assert ids(gauges, measured="2024-03-01T08:00:00+08:00") == ["1", "4"]
    refused = gauges.get(ITEMS, params={"measured": "2024-03-01T08:00:00"})
    assert refused.status_code == 400
    assert "date-time with its offset" in refused.json()["detail"]


def test_a_filter_compares_moments(gauges: TestClient) -> None:
    assert ids(gauges, filter="measured > TIMESTAMP('2024-02-29T15:59:59Z')") == ["1", "2", "4"]
    assert ids(gauges, filter="T_BEFORE(measured, DATE('2024-01-01'))") == ["5"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("measured", ["5", "2", "1", "4", "3"]),
        ("-measured", ["1", "4", "2", "5", "3"]),
        ("until", ["5", "2", "1", "4", "3"]),
        ("-until,-measured", ["1", "4", "2", "5", "3"]),
    ],
)
def test_pages_follow_each_other_in_the_order_of_time_and_end_with_what_has_none(
    gauges: TestClient, order: str, expected: list[str]
) -> None:
    assert walked(gauges, ITEMS, order) == expected


@pytest.mark.parametrize("name", ["found", "built"])
def test_pages_follow_each_other_through_all_the_time_that_the_database_knows(
    gauges: TestClient, name: str
) -> None:
    assert walked(gauges, "/collections/relic/items", name) == RELICS
    assert walked(gauges, "/collections/relic/items", f"-{name}") == RELICS[::-1]


def test_a_long_page_in_the_order_of_time_has_every_feature_once(gauges: TestClient) -> None:
    found = gauges.get("/collections/ruin/items?limit=10000&sortby=-built").json()["features"]

    assert [int(feature["id"]) for feature in found] == list(range(1_100, 0, -1))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("found", "2024-02-30T00:00:00+00:00"),
        ("found", "0044-02-29T00:00:00+00:00 BC"),
        ("found", "2024-01-01T24:00:00+00:00"),
        ("found", "2024-01-01T00:00:60+00:00"),
        ("found", "2024-01-01T00:00:00+99:00"),
        ("found", "2024-01-01T00:00:00"),
        ("found", "294277-01-01T00:00:00+00:00"),
        ("found", "4714-11-23T23:59:59+00:00 BC"),
        ("found", "0000-01-01T00:00:00+00:00"),
        ("found", "now"),
        ("built", "2024-13-01"),
        ("built", "2023-02-29"),
        ("built", "0000-01-01"),
        ("built", "5874898-01-01"),
        ("built", "4714-11-23 BC"),
        ("built", "２０２４-01-01"),
        ("built", "today"),
    ],
)
def test_a_cursor_with_a_time_that_the_database_cannot_have_is_refused(
    gauges: TestClient, name: str, value: str
) -> None:
    def asked(text: str) -> httpx.Response:
        said = base64.urlsafe_b64encode(f'-:0:["{text}",1]'.encode()).decode().rstrip("=")
        given = {"sortby": name, "cursor": said}
        answer: httpx.Response = gauges.get("/collections/relic/items", params=given)
        return answer

    assert asked("infinity").status_code == 200, "a cursor is made so"
    assert asked(value).status_code == 400, asked(value).text
    assert asked(value).json()["errors"][0]["parameter"] == "cursor"


@pytest.mark.parametrize("form", ["gpkg", "fgb"])
def test_a_file_has_moments_where_its_format_has_them(
    gauges: TestClient, tmp_path: Path, form: str
) -> None:
    asked = {"f": form, "properties": "measured", "sortby": "id"}
    path = saved(gauges.get(ITEMS, params=asked), tmp_path / f"a.{form}")
    _, table = pyogrio.raw.read_arrow(path, read_geometry=False)

    told = [row["measured"] for row in table.to_pylist()]
    assert str(table.schema.field("measured").type).startswith("timestamp")
    assert told[2] is None
    assert told[1].isoformat().startswith("2024-02-29T15:59:59.5")


def test_where_a_format_has_none_a_moment_is_its_text(gauges: TestClient, tmp_path: Path) -> None:
    asked = {"properties": "measured", "sortby": "id"}
    text = gauges.get(ITEMS, params={**asked, "f": "csv"}).content.decode("utf-8-sig")
    path = saved(gauges.get(ITEMS, params={**asked, "f": "shp"}), tmp_path / "a.zip")
    part = next(name for name in zipfile.ZipFile(path).namelist() if name.endswith(".dbf"))
    meta, _, _, fields = pyogrio.raw.read(f"/vsizip/{path}/{part}", read_geometry=False)

    assert [row["measured"] for row in csv.DictReader(io.StringIO(text))][:2] == [
        "2024-03-01T00:00:00+00:00",
        "2024-02-29T15:59:59.5+00:00",
    ]
    assert dict(zip(meta["fields"], fields, strict=True))["measured"][0] == (
        "2024-03-01T00:00:00+00:00"
    )
