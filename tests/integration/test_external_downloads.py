"""External tables as files: their own types, keys and reference systems within each format's limits."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import psycopg
import pyogrio
import pytest
import shapely
from starlette.testclient import TestClient

TABLE = """
CREATE SCHEMA gis;
GRANT USAGE ON SCHEMA gis TO onemap_reader;
CREATE TABLE gis.well (
    code text PRIMARY KEY, "井深(m)" numeric(9, 4), counted bigint, laid date, removed date,
    open boolean, remark text, flow double precision, geom geometry(PointZ, 4547));
INSERT INTO gis.well VALUES
    ('一号', 12.3456, 9007199254740993, '2020-02-29', NULL, true, '', 'NaN',
        ST_SetSRID(ST_MakePoint(500000.123, 3300000.456, 7), 4547)),
    ('二号', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
GRANT SELECT ON ALL TABLES IN SCHEMA gis TO onemap_reader;
"""
WELLS = """
kind: layer
title: {zh: 井, en: Wells}
theme: present
classification: public
id: well
storage: {external: gis.well}
"""
ITEMS = "/collections/well/items"


@pytest.fixture
def wells(
    tmp_path: Path,
    database_url: str,
    serving_entry: Callable[..., AbstractContextManager[TestClient]],
) -> Iterator[TestClient]:
    """The application in this process with one external layer."""
    with psycopg.connect(database_url) as connection:
        connection.execute(TABLE.encode())
    with serving_entry(database_url, tmp_path, WELLS, ITEMS) as client:
        yield client


def _saved(answer: httpx.Response, path: Path) -> Path:
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    return path


@pytest.mark.parametrize("form", ["gpkg", "fgb"])
def test_an_external_table_is_a_file_in_its_own_reference_system(
    wells: TestClient, tmp_path: Path, form: str
) -> None:
    asked = {"f": form, "crs": "http://www.opengis.net/def/crs/EPSG/0/4547"}
    path = _saved(wells.get(ITEMS, params=asked), tmp_path / f"a.{form}")
    _, table = pyogrio.raw.read_arrow(path, read_geometry=False)
    # GDAL 3.12 gives Arrow no null for a feature of FlatGeobuf without geometry
    _, _, shapes, _ = pyogrio.raw.read(path, columns=[])
    one, two = table.to_pylist()

    assert pyogrio.read_info(path)["crs"] == "EPSG:4547"
    assert (one["om_id"], two["om_id"]) == ("一号", "二号")
    assert (one["井深(m)"], one["counted"], one["open"]) == (12.3456, 9007199254740993, True)
    assert one["laid"].isoformat()[:10] == "2020-02-29"
    assert [two[name] for name in ("井深(m)", "counted", "laid", "open", "remark")] == [None] * 5
    assert shapely.get_coordinates(shapely.from_wkb(shapes)).tolist() == [[500000.123, 3300000.456]]
    assert shapes[1] is None


def test_what_a_number_of_a_shapefile_cannot_say_is_refused_and_the_rest_is_written(
    wells: TestClient, tmp_path: Path
) -> None:
    refused = wells.get(ITEMS, params={"f": "shp"})
    names = "井深(m),counted,laid,open,remark"
    given = {"f": "shp", "encoding": "GBK", "properties": names}
    path = _saved(wells.get(ITEMS, params=given), tmp_path / "a.zip")
    meta, table = pyogrio.raw.read_arrow(f"/vsizip/{path}")
    row = table.to_pylist()[0]

    assert refused.status_code == 400
    assert "flow of 一号: nan is no number" in refused.json()["detail"]
    assert [*meta["fields"]] == ["om_id", "井深(m)", "counted", "laid", "open", "remark"]
    assert (row["om_id"], row["井深(m)"], row["counted"]) == ("一号", 12.3456, 9007199254740993)


def test_a_date_without_end_stands_in_csv_and_in_no_file_that_has_dates(
    wells: TestClient, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE gis.well SET removed = 'infinity' WHERE code = '二号'")

    assert '"infinity"' in wells.get(ITEMS, params={"f": "csv"}).text
    refused = wells.get(ITEMS, params={"f": "gpkg"})
    assert refused.status_code == 400
    assert "removed of 二号 is infinity" in refused.json()["detail"]
