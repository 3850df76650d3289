"""Vector and table files are read as what they are, and come back as they were written."""

import json
import sqlite3
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio.raw
import pytest
import shapely
from numpy.typing import NDArray

from config.vocabulary import GeometryKind
from providers.file_geometry import MAX_VERTICES
from providers.files import (
    Batch,
    FileRefused,
    SourceFile,
    feature_writer,
    layers_of,
    open_file,
)

DATA = Path(__file__).parent.parent / "data" / "files"
COUNT = 50
SHAPES = np.asarray(
    shapely.multipolygons(
        shapely.box(np.arange(COUNT) * 0.01 + 125, 43, np.arange(COUNT) * 0.01 + 125.01, 43.01),
        indices=np.arange(COUNT),
    ),
    dtype=object,
)
COLUMNS = {
    "BSM": pa.array([f"00{number}" for number in range(COUNT)]),
    "地类名称": pa.array([None if number == 7 else "水浇地" for number in range(COUNT)]),
    "area": pa.array(np.arange(COUNT) / 4),
}


def rows(source: SourceFile, size: int = 20) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for batch in source.batches(size):
        assert batch.first == len(found)
        values = {name: column.to_pylist() for name, column in batch.columns.items()}
        found += [{n: v[row] for n, v in values.items()} for row in range(batch.count)]
    return found


def shapes(source: SourceFile) -> NDArray[np.object_]:
    parts = [batch.geometry for batch in source.batches(20) if batch.geometry is not None]
    return np.concatenate(parts)


def only(path: Path, **how: str) -> tuple[SourceFile, Batch]:
    with open_file(path, **how) as source:
        (batch,) = source.batches()
        return source, batch


def gdal(path: Path, driver: str, columns: Mapping[str, pa.Array], wkb: Any, **how: Any) -> None:
    table = pa.table({**columns, "geom": pa.array(list(wkb), pa.binary())})
    how = {"layer": "t", "geometry_type": "Unknown", "crs": "EPSG:4547", **how}
    pyogrio.raw.write_arrow(table, path, driver=driver, geometry_name="geom", **how)


@pytest.mark.parametrize("name", ["a.gpkg", "a.fgb", "a.geojson", "a.parquet", "a;b!c?.gpkg"])
def test_what_is_written_comes_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with feature_writer(
        path, layer="地块", crs="EPSG:4490", geometry=GeometryKind.POLYGON
    ) as writer:
        for first in range(0, COUNT, 20):
            part = {name: values.slice(first, 20) for name, values in COLUMNS.items()}
            writer.write(part, SHAPES[first : first + 20])

    with open_file(path) as source:
        order = np.argsort(shapely.bounds(shapes(source))[:, 0])  # FlatGeobuf sorts by place
        assert [rows(source)[row] for row in order] == pa.table(COLUMNS).to_pylist()
        assert rows(source) == rows(source, 7)
        assert shapely.equals_exact(shapes(source)[order], SHAPES, 1e-9).all()
        assert source.crs is not None
        assert source.crs.to_authority() == ("EPSG", "4490")
        assert source.features == COUNT
        assert source.bounds == pytest.approx((125, 43, 125.5, 43.01))
        assert source.geometry == "MultiPolygon"
        assert source.notes == ()
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_a_file_stays_as_it_was_where_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    path.write_bytes(b"before")
    with (
        pytest.raises(ValueError, match="without it"),
        feature_writer(path, layer="a", crs="EPSG:4490") as writer,
    ):
        writer.write(COLUMNS, SHAPES), writer.write(COLUMNS, None)
    assert path.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["a.gpkg"]


@pytest.mark.parametrize("kind", ["landuse", "poi"])
def test_the_two_dates_of_liechtenstein_are_read_with_their_reference_system(kind: str) -> None:
    ids = []
    for date in ("2021-05-05", "2024-03-04"):
        source, batch = only(DATA / f"liechtenstein_{kind}_{date}.parquet")
        assert source.crs is not None
        assert source.crs.to_authority() == ("EPSG", "2056")
        assert source.bounds is not None
        assert source.bounds[0] > 2_750_000 > 1_300_000 > source.bounds[3]  # x is east
        ids.append(set(batch.columns["osm_id"].to_pylist()))
    assert len(ids[0] & ids[1]) == 8


def test_a_zipped_geopackage_is_read_and_nothing_of_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source, batch = only(DATA / "zhongkai_parcels.zip")
    assert batch.columns["地块编号"][0].as_py() == "ZKB-025-05-a"
    assert source.layer == "parcel"
    assert list(tmp_path.iterdir()) == []


def test_a_geodatabase_is_read_as_folder_and_as_zip(tmp_path: Path) -> None:
    path = tmp_path / "库.gdb"
    for layer in ("DLTB", "XZQ"):
        gdal(
            path,
            "OpenFileGDB",
            COLUMNS,
            shapely.to_wkb(SHAPES),
            layer=layer,
            geometry_type="MultiPolygon",
            append=path.exists(),
        )
    zipped = tmp_path / "库.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        for part in path.iterdir():
            archive.write(part, f"成果/库.gdb/{part.name}")

    assert [one.name for one in layers_of(path)] == ["DLTB", "XZQ"]
    for one in (path, zipped):
        with pytest.raises(FileRefused, match=r"2 layers: DLTB, XZQ\. Name the one"):
            only(one)
        source, batch = only(one, layer="XZQ")
        assert (source.driver, source.features) == ("OpenFileGDB", COUNT)
        assert batch.columns["BSM"][1].as_py() == "001"


def test_one_of_several_data_sets_of_a_zip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "two.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "BSM\n1\n")
        archive.writestr("b.csv", "BSM\n2\n")
    with pytest.raises(FileRefused, match=r"2 data sets: a\.csv, b\.csv"):
        only(path)
    assert only(path, layer="b")[1].columns["BSM"].to_pylist() == ["2"]


def test_geojson_is_longitude_and_latitude_unless_it_says_otherwise(tmp_path: Path) -> None:
    feature = '{"type":"Feature","properties":{"d":"2024-01-01","c":"007"},"geometry":%s}'
    point = '{"type":"Point","coordinates":[125.5,43.5,9]}'
    for member, expected in {
        "": ("OGC", "CRS84"),
        '"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4490"}},': (
            "EPSG",
            "4490",
        ),
        '"crs":null,': None,
    }.items():
        path = tmp_path / "a.geojson"
        path.write_text(
            f'{{"type":"FeatureCollection",{member}"features":[{feature % point},'
            f"{feature % 'null'}]}}"
        )
        source, batch = only(path)
        assert (source.crs and source.crs.to_authority()) == expected
        assert batch.columns["d"].to_pylist() == ["2024-01-01"] * 2
        assert batch.columns["c"].to_pylist() == ["007"] * 2
        assert batch.geometry is not None
        assert batch.geometry[0].wkt == "POINT (125.5 43.5)"
        assert batch.geometry[1] is None
        assert dict(batch.unreadable) == {}
        assert "heights and measures (Z, M) of 1 features are left out" in source.notes


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ("EPSG", "4490")),
        ({"crs": None}, None),
        ({"crs": ...}, ("OGC", "CRS84")),
        ({"edges": "spherical"}, FileRefused),
        ({"encoding": "polygon"}, FileRefused),
        ({"crs": {"no": "PROJJSON"}}, FileRefused),
    ],
)
def test_the_metadata_of_geoparquet_say_where_it_lies(
    tmp_path: Path, change: dict[str, Any], expected: Any
) -> None:
    path = tmp_path / "a.parquet"
    with feature_writer(path, layer="a", crs="EPSG:4490") as writer:
        writer.write(COLUMNS, SHAPES)
    table = pq.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geom"]["geometry_types"] == ["MultiPolygon"]
    column = {**geo["columns"]["geom"], **change}
    geo["columns"]["geom"] = {key: value for key, value in column.items() if value is not ...}
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path)

    if expected is FileRefused:
        with pytest.raises(FileRefused):
            only(path)
    else:
        crs = only(path)[0].crs
        assert (crs and crs.to_authority()) == expected


def test_parquet_without_geo_metadata_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    nested = pa.array([[1]] * COUNT)
    pq.write_table(pa.table({**COLUMNS, "nested": nested}), path)
    source, batch = only(path)
    assert source.geometry is source.crs is source.bounds is batch.geometry is None
    assert list(source.columns) == list(COLUMNS)
    assert source.notes == ("the columns nested hold no plain values and are left out",)


def curved() -> bytes:
    arc = [(0, 0), (1, 1), (2, 0), (1, -1), (0, 0)]
    ring = struct.pack("<BII", 1, 8, 5) + b"".join(struct.pack("<dd", *point) for point in arc)
    return struct.pack("<BII", 1, 10, 1) + ring


def test_arcs_become_chords_and_the_notes_say_so(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    straight = shapely.to_wkb(shapely.box(0, 0, 1, 1))
    gdal(path, "GPKG", {"k": pa.array([1, 2, 3])}, [curved(), straight, curved()])
    source, batch = only(path)
    assert source.notes == ("arcs of 2 features were replaced by chords of 1 degree",)
    assert batch.geometry is not None
    areas = shapely.area(batch.geometry)
    assert areas[[0, 2]] == pytest.approx(np.pi, rel=1e-4)
    assert areas[1] == 1


def test_geometry_that_cannot_be_read_is_a_row_and_not_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    good = shapely.to_wkb(shapely.Point(1, 2))
    geo = {
        "version": "1.0.0",
        "primary_column": "g",
        "columns": {"g": {"encoding": "WKB", "geometry_types": []}},
    }
    values = pa.array([good, b"\x01\x03\x00", None, b"rubbish that is long", curved(), good])
    table = pa.table({"k": pa.array(range(6)), "g": values})
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path)
    source, batch = only(path)
    assert source.bounds == (1, 2, 1, 2)
    assert sorted(batch.unreadable) == [1, 3, 4]
    assert batch.geometry is not None
    assert [one is None for one in batch.geometry] == [False, True, True, True, True, False]


def test_a_geometry_of_too_many_vertices_is_a_row_that_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    angle = np.linspace(0, 2 * np.pi, MAX_VERTICES + 1)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ring[-1] = ring[0]
    large = struct.pack("<BIII", 1, 3, 1, len(ring)) + ring.tobytes()
    gdal(path, "GPKG", {"k": pa.array([1, 2])}, [large, shapely.to_wkb(shapely.box(0, 0, 2, 2))])
    source, batch = only(path)
    assert "at most 5,000,000 are read" in batch.unreadable[0]
    assert source.bounds == (0, 0, 2, 2)


def test_the_bounds_are_those_of_the_coordinates_and_not_of_a_header(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    nan = shapely.to_wkb(shapely.Point(np.nan, 5))
    far = shapely.to_wkb(shapely.Point(np.inf, 5))
    gdal(path, "GPKG", {"k": pa.array([1, 2, 3])}, [nan, far, shapely.to_wkb(shapely.Point(1, 2))])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE gpkg_contents SET min_x = -9, max_x = 9")
    connection.close()
    assert only(path)[0].bounds == (1, 2, 1, 2)


def test_an_undefined_reference_system_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    gdal(path, "GPKG", {"k": pa.array([1])}, [shapely.to_wkb(shapely.Point(1, 2))])
    for number in (-1, 0):
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE gpkg_geometry_columns SET srs_id = ?", (number,))
            connection.execute("UPDATE gpkg_contents SET srs_id = ?", (number,))
        connection.close()
        assert only(path)[0].crs is None


def test_a_value_that_is_not_of_its_columns_type_is_never_zero(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    point = shapely.to_wkb(shapely.Point(1, 2))
    columns = {"n": pa.array([1, 2, 3]), "x": pa.array([0.5, 1.5, 2.5])}
    gdal(path, "GPKG", columns, [point] * 3, layer_options={"SPATIAL_INDEX": "NO"})
    with sqlite3.connect(path) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE t SET n = '三' WHERE fid = 2")
        connection.execute("UPDATE t SET x = '0.5亩' WHERE fid = 3")
    connection.close()
    _, batch = only(path)
    assert dict(batch.unreadable) == {
        1: "n: '三' is not of the column's type",
        2: "x: '0.5亩' is not of the column's type",
    }


def test_a_text_that_no_attribute_can_be_is_a_row_that_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    columns = {"k": pa.array(["short", "x" * 100_000_000])}
    gdal(path, "GPKG", columns, [shapely.to_wkb(shapely.Point(1, 2))] * 2)
    _, batch = only(path)
    assert dict(batch.unreadable) == {1: "k: a text of 100,000,000 bytes; at most 1,048,576"}
    assert batch.columns["k"].to_pylist() == ["short", None]
