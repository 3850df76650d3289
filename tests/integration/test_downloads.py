"""Selections as files: what GDAL reads in them is what the database holds."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import psycopg
import pyogrio
import pytest
import shapely

ITEMS = "/collections/land_use.2023/items"
CENSUS = "/collections/census_2020/items"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EVERYTHING = {"f": "json", "limit": "10000"}
ENDINGS = {"gpkg": ".gpkg", "fgb": ".fgb", "shp": ".zip"}
FILES = [("gpkg", {}), ("fgb", {}), ("shp", {}), ("shp", {"encoding": "GBK"})]
FRAMES = [
    (CRS84, 4326, 1e-9),
    (f"{EPSG}4490", 4490, 1e-9),
    (f"{EPSG}4530", 4530, 1e-3),
    (f"{EPSG}4551", 4551, 1e-3),
    (f"{EPSG}3857", 3857, 1e-3),
]
type Fetch = Callable[..., tuple[dict[str, Any], list[dict[str, Any]], Any]]


@pytest.fixture
def fetched(client: httpx.Client, tmp_path: Path) -> Fetch:
    """What GDAL finds in a file: what it is, its rows by name, its geometries."""

    def fetch(form: str, path: str = ITEMS, **given: str) -> Any:
        answer = client.get(path, params={"f": form, **given}).raise_for_status()
        assert int(answer.headers["Content-Length"]) == len(answer.content)
        file = tmp_path / f"file{len(list(tmp_path.iterdir()))}{ENDINGS[form]}"
        file.write_bytes(answer.content)
        source = f"/vsizip/{file}" if form == "shp" else str(file)
        drawn = path == ITEMS and "skipGeometry" not in given
        _, table = pyogrio.raw.read_arrow(source, read_geometry=drawn)
        info = pyogrio.read_info(source)
        shapes = None
        if drawn:
            shape = info["geometry_name"] or "wkb_geometry"
            shapes = shapely.from_wkb(table.column(shape).to_pylist())
            table = table.drop_columns([shape])
        return info, [_plain(row) for row in table.to_pylist()], shapes

    return fetch


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Values as JSON has them."""
    days = {k: v.isoformat()[:10] for k, v in row.items() if hasattr(v, "isoformat")}
    return {k: v for k, v in {**row, **days}.items() if k not in ("fid", "fid_")}


def _features(client: httpx.Client, path: str = ITEMS, **given: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        client.get(path, params={**EVERYTHING, **given}).raise_for_status().json()["features"]
    )
    return found


def _by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["om_id"]))


def _expected(features: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"om_id": one["id"], **one["properties"]} for one in features]


@pytest.mark.parametrize(("uri", "code", "tolerance"), FRAMES)
@pytest.mark.parametrize("form", ["gpkg", "fgb", "shp"])
def test_coordinates_are_those_of_the_database_in_the_system_that_was_asked_for(
    fetched: Fetch,
    live_settings: dict[str, str],
    form: str,
    uri: str,
    code: int,
    tolerance: float,
) -> None:
    info, rows, shapes = fetched(form, crs=uri)

    with psycopg.connect(live_settings["ONEMAP_DATABASE_URL"]) as connection:
        moved = "geom" if code in (4326, 4490) else f"ST_Transform(%s, {code})"
        labelled = "ST_SetSRID(geom, 4326)" if code == 3857 else "geom"
        held = connection.execute(
            f"SELECT om_id, ST_AsBinary({moved.replace('%s', labelled)})"
            " FROM planning.land_use__2023"
        ).fetchall()
    stored = {name: shapely.from_wkb(bytes(shape)) for name, shape in held}
    assert info["crs"] == f"EPSG:{code}"
    assert len(rows) == len(stored) == 2000
    found = [shapely.MultiPolygon(shapely.get_parts(one).tolist()) for one in shapes]
    wanted = [stored[row["om_id"]] for row in rows]
    far = shapely.hausdorff_distance(shapely.boundary(found), shapely.boundary(wanted))
    assert far.max() < tolerance
    assert (shapely.get_num_coordinates(found) == shapely.get_num_coordinates(wanted)).all()


@pytest.mark.parametrize(("form", "given"), FILES)
def test_each_value_is_that_of_the_geojson_answer(
    client: httpx.Client, fetched: Fetch, form: str, given: dict[str, str]
) -> None:
    _, rows, _ = fetched(form, **given)

    assert _by_id(rows) == _by_id(_expected(_features(client)))


@pytest.mark.parametrize("form", ["gpkg", "fgb", "shp"])
def test_a_table_without_geometry_is_a_file_without_geometry(
    client: httpx.Client, fetched: Fetch, form: str
) -> None:
    info, rows, _ = fetched(form, CENSUS)

    assert info["crs"] is None
    assert info["geometry_type"] in (None, "Unknown")  # FlatGeobuf has no word for none
    names = [*rows[0]]
    assert [
        dict(zip(names, one.values(), strict=True)) for one in _expected(_features(client, CENSUS))
    ] == rows


@pytest.mark.parametrize("form", ["gpkg", "fgb", "shp"])
def test_only_what_matches_is_written_in_the_order_and_with_the_properties_asked_for(
    client: httpx.Client, fetched: Fetch, form: str
) -> None:
    asked = {
        "YDYHFLDM": "010300",
        "bbox": "125.30,43.87,125.34,43.90",
        "sortby": "-TBMJ",
        "properties": "TBMJ,XZQMC",
        "skipGeometry": "true",
    }
    info, rows, _ = fetched(form, **asked)

    assert rows == _expected(_features(client, **asked))
    assert len(rows) > 5
    assert [*rows[0]] == ["om_id", "XZQMC", "TBMJ"]
    assert info["crs"] is None
    assert info["geometry_type"] in (None, "Unknown")  # FlatGeobuf has no word for none


@pytest.mark.parametrize("form", ["gpkg", "fgb", "shp"])
def test_an_empty_selection_is_an_empty_file_with_all_columns(fetched: Fetch, form: str) -> None:
    full, _, _ = fetched(form, limit="1")
    info, rows, _ = fetched(form, YDYHFLDM="none")

    assert rows == []
    assert [*info["fields"]] == [*full["fields"]]
    assert info["crs"] == "EPSG:4326"


@pytest.mark.parametrize("form", ["gpkg", "fgb", "shp", "csv"])
def test_the_whole_selection_is_written_unless_a_limit_is_given(
    client: httpx.Client, form: str
) -> None:
    whole = client.get(ITEMS, params={"f": form}).raise_for_status()
    part = client.get(ITEMS, params={"f": form, "limit": "5", "offset": "3"}).raise_for_status()

    assert len(part.content) < len(whole.content)


def test_a_limit_beyond_a_page_and_an_offset_count_as_they_stand(
    client: httpx.Client, fetched: Fetch
) -> None:
    _, rows, _ = fetched("gpkg", limit="1500", offset="400")

    ids = [one["id"] for one in _features(client)]
    assert [row["om_id"] for row in rows] == ids[400:1900]


def test_a_cursor_begins_a_file_where_its_page_begins(client: httpx.Client, fetched: Fetch) -> None:
    page = client.get(ITEMS, params={"limit": "7"}).json()
    address = next(one["href"] for one in page["links"] if one["rel"] == "next")
    cursor = httpx.URL(address).params["cursor"]
    _, rows, _ = fetched("gpkg", cursor=cursor)

    assert [row["om_id"] for row in rows] == [one["id"] for one in _features(client)][7:]


@pytest.mark.parametrize("form", ["gpkg", "fgb", "shp", "csv"])
def test_the_same_state_is_the_same_file(client: httpx.Client, form: str) -> None:
    asked = {"f": form, "limit": "50"}

    assert client.get(ITEMS, params=asked).content == client.get(ITEMS, params=asked).content


@pytest.mark.parametrize(
    ("form", "ending"), [("csv", "csv"), ("gpkg", "gpkg"), ("fgb", "fgb"), ("shp", "zip")]
)
def test_a_file_is_saved_under_the_title_and_the_edition_and_says_that_it_is_invented(
    client: httpx.Client, form: str, ending: str
) -> None:
    asked = {"f": form, "limit": "1", "crs": f"{EPSG}4551"}
    said = client.get(ITEMS, params=asked).headers["Content-Disposition"]

    assert said.startswith(f'attachment; filename="land_use_2023_EPSG4551.{ending}"; ')
    assert unquote(said.rpartition("''")[2]) == f"现状用地用海（模拟数据）_2023_EPSG4551.{ending}"


def test_head_answers_with_the_headers_of_the_file(client: httpx.Client) -> None:
    answer = client.head(ITEMS, params={"f": "gpkg"})

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/geopackage+sqlite3"
    assert not answer.content


def test_a_geopackage_has_the_titles_of_the_layer_and_its_columns(
    client: httpx.Client, tmp_path: Path
) -> None:
    file = tmp_path / "a.gpkg"
    file.write_bytes(client.get(ITEMS, params={"f": "gpkg", "limit": "1"}).content)
    meta, _ = pyogrio.raw.read_arrow(file)
    _, table = pyogrio.raw.read_arrow(file)
    titles = {
        one.name: (one.metadata or {}).get(b"GDAL:OGR:alternative_name") for one in table.schema
    }

    assert [*meta["fields"]][:2] == ["om_id", "BSM"]
    assert titles["TBMJ"] == "图斑面积（平方米）".encode()
    identifier = pyogrio.read_info(file)["layer_metadata"]["IDENTIFIER"]
    assert "模拟数据" in identifier


def test_the_archive_of_a_shapefile_says_what_the_format_cannot(client: httpx.Client) -> None:
    answer = client.get(ITEMS, params={"f": "shp", "encoding": "gbk", "limit": "3"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = {one.rpartition(".")[2] for one in archive.namelist()}
        text = archive.read("说明.txt").decode("utf-8-sig")
        page, table = archive.read("land_use_2023.cpg"), archive.read("land_use_2023.dbf")

    assert names == {"txt", "shp", "shx", "dbf", "prj", "cpg"}
    assert page == b"936"
    assert "宽城区".encode("gbk") in table
    for said in (
        "模拟数据",
        "GBK",
        "EPSG:4326",
        "修订号",
        "2023",
        "TBMJ\tTBMJ\t图斑面积（平方米）",
    ):
        assert said in text


@pytest.mark.parametrize("frame", [CRS84, f"{EPSG}4490", f"{EPSG}4551"])
def test_csv_has_the_values_and_the_coordinates_of_the_geojson_answer(
    client: httpx.Client, frame: str
) -> None:
    answer = client.get(ITEMS, params={"f": "csv", "crs": frame}).raise_for_status()
    features = _features(client, crs=frame)

    assert answer.content.startswith("\ufeff".encode())
    assert answer.headers["Content-Crs"] == f"<{frame}>"
    assert answer.content.count(b"\r\n") == answer.content.count(b"\n") == len(features) + 1
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert rows[0] == ["om_id", *features[0]["properties"], "geometry"]
    for row, one in zip(rows[1:], features, strict=True):
        told = [one["id"], *one["properties"].values()]
        assert row[:-1] == ["" if value is None else str(value) for value in told]
        shape = shapely.from_wkt(row[-1])
        drawn = shapely.from_geojson(json.dumps(one["geometry"]))
        assert shapely.equals_exact(shape, drawn, 1e-8 if frame != FRAMES[3][0] else 1e-3)


def test_csv_of_nothing_is_its_header_row(client: httpx.Client) -> None:
    answer = client.get(ITEMS, params={"f": "csv", "YDYHFLDM": "none", "properties": "BSM"})

    assert answer.content.decode("utf-8-sig") == '"om_id","BSM","geometry"\r\n'


@pytest.mark.parametrize("form", ["gpkg", "csv"])
def test_a_collection_without_an_edition_in_force_is_an_empty_file(
    client: httpx.Client, form: str
) -> None:
    asked = {"f": form, "datetime": "1999-01-01"}
    answer = client.get(ITEMS, params=asked)

    assert answer.status_code == 200
    if form == "csv":
        assert answer.content.count(b"\r\n") == 1


def test_a_file_holds_only_what_its_caller_may_see(
    client: httpx.Client, new_key: Callable[..., str]
) -> None:
    key = new_key("surveyor", "220103")
    asked = {"f": "csv", "properties": "XZQMC"}
    seen = client.get(ITEMS, params=asked, headers={"Authorization": f"Bearer {key}"})

    rows = list(csv.DictReader(io.StringIO(seen.content.decode("utf-8-sig"), newline="")))
    assert {row["XZQMC"] for row in rows} == {"宽城区"}
    assert 0 < len(rows) < 2000


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"f": "gpkg", "encoding": "GBK"}, "encoding"),
        ({"f": "csv", "encoding": "UTF-8"}, "encoding"),
        ({"f": "shp", "encoding": "latin1"}, "encoding"),
        ({"f": "gpkg", "resulttype": "hits"}, "resulttype"),
        ({"f": "gpkg", "limit": "0"}, "limit"),
        ({"f": "gpkg", "limit": "many"}, "limit"),
        ({"f": "xlsx"}, "f"),
    ],
)
def test_what_a_file_cannot_be_is_refused_by_the_parameter_s_name(
    client: httpx.Client, given: dict[str, str], named: str
) -> None:
    answer = client.get(ITEMS, params=given)

    assert answer.status_code == 400
    assert answer.json()["params"]["name"] == named
