"""A layer as wide as China, over HTTP in every reference system that it is offered in, both ways."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import numpy as np
import psycopg
import pyproj
import pytest
from starlette.testclient import TestClient

from providers.cluster import Cluster

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
ZONES = range(4513, 4555)
CODES = [4490, 4326, 3857, *ZONES]
ITEMS = "/collections/point/items"
POINTS = [(73.8, 39.5), *((lon, 30.25) for lon in range(75, 136, 3)), (134.7, 48.3)]
TABLE = """
CREATE SCHEMA gis;
GRANT USAGE ON SCHEMA gis TO onemap_reader;
CREATE TABLE gis.point (id integer PRIMARY KEY, geom geometry(Point, 4490) NOT NULL);
"""
ENTRY = """
kind: layer
title: {zh: 控制点, en: Control points}
theme: present
classification: public
id: point
storage: {external: gis.point}
"""


@pytest.fixture(scope="module")
def points(
    tmp_path_factory: pytest.TempPathFactory,
    cluster: Cluster,
    new_database: Callable[..., str],
    serving_entry: Callable[..., AbstractContextManager[TestClient]],
) -> Iterator[TestClient]:
    """The application in this process with points from one end of China to the other."""
    home, address = tmp_path_factory.mktemp("zones"), cluster.address(new_database())
    with psycopg.connect(address) as connection:
        connection.execute(TABLE.encode())
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO gis.point VALUES (%s, ST_Point(%s, %s, 4490))",
                [(i, *point) for i, point in enumerate(POINTS)],
            )
        connection.execute(b"GRANT SELECT ON ALL TABLES IN SCHEMA gis TO onemap_reader")
    with serving_entry(address, home, ENTRY, ITEMS) as client:
        yield client


def expected(code: int) -> list[tuple[float, float]]:
    """The points by PROJ, in the axis order of the registry."""
    base = 4326 if code in (3857, 4326) else 4490
    way = pyproj.Transformer.from_crs(base, code, always_xy=False)
    return [way.transform(lat, lon) for lon, lat in POINTS]


def test_a_layer_from_end_to_end_of_china_is_offered_in_every_zone(points: TestClient) -> None:
    collection = points.get("/collections/point").json()

    assert {f"{EPSG}{code}" for code in CODES} <= set(collection["crs"])
    assert collection["storageCrs"] == f"{EPSG}4490"


@pytest.mark.parametrize("code", CODES)
def test_each_system_is_written_read_in_a_window_and_read_in_a_filter(
    points: TestClient, code: int
) -> None:
    uri, off = f"{EPSG}{code}", 1e-6 if code in (4490, 4326) else 0.01
    answer = points.get(ITEMS, params={"crs": uri, "limit": 100})
    written = [f["geometry"]["coordinates"][0] for f in answer.json()["features"]]
    there = expected(code)
    # A window must be in the plane of its zone as far as survey data lie: one that is near.
    area = pyproj.CRS.from_epsg(code).area_of_use
    assert area is not None
    middle = 104.0 if area.east < area.west or code == 3857 else (area.west + area.east) / 2
    near = min(range(len(POINTS)), key=lambda i: abs(POINTS[i][0] - middle))
    first, second = there[near]
    box = ",".join(repr(n) for n in (first - off, second - off, first + off, second + off))
    window = points.get(ITEMS, params={"bbox": box, "bbox-crs": uri})
    point = f"S_INTERSECTS(geometry, BBOX({box}))"
    filtered = points.get(ITEMS, params={"filter": point, "filter-crs": uri})

    assert answer.headers["content-crs"] == f"<{uri}>"
    assert np.abs(np.array(written) - np.array(there)).max() <= 0.000_051
    for found in (window, filtered):
        assert found.status_code == 200, found.text
        assert [f["id"] for f in found.json()["features"]] == [str(near)]
