"""`onemap load`: what a file becomes, what is refused, and that nothing is half done."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyogrio.raw
import pyproj
import pytest
import shapely

from config.model import Catalogue, Layer
from config.vocabulary import EditionKey, RegionCode
from processes.workflows.edition_facts import EditionFacts
from processes.workflows.feature_table import FeatureTable
from processes.workflows.load import Watch, load_file
from processes.workflows.load_report import LoadReport, Outcome
from processes.workflows.load_request import LoadRequest
from providers.attributes import ColumnsRefused
from providers.crs_errors import Contradiction, MissingCrs, NoOperation
from providers.database import DatabaseRole, connect
from providers.errors import Refused
from providers.files import FileRefused

LAYER, KEY = "land_use", EditionKey("2023")
COUNTIES = ("220102", "220103", "220104")
# the official area is planar in the cylindrical equal-area projection of the ellipsoid
EQUAL_AREA = "+proj=cea +lat_ts=30 +a=6378137 +rf=298.257222101 +units=m"
type Squares = Callable[..., FeatureTable]


@pytest.fixture
def layer(catalogue: Catalogue) -> Layer:
    return catalogue.layers[LAYER]


@pytest.fixture
def file_of(layer: Layer, make_squares: Squares, tmp_path: Path) -> Callable[..., Path]:
    """A GeoPackage of squares."""

    def make(ids: Sequence[str], name: str = "parcels", **options: Any) -> Path:
        path = tmp_path / f"{name}.gpkg"
        make_squares(layer, ids, **options).of(layer).write(path, layer)
        return path

    return make


@pytest.fixture
def load(layer: Layer, database_url: str) -> Callable[..., LoadReport]:
    """Load a file into the edition 2023 of land use."""

    def run(path: Path, **options: Any) -> LoadReport:
        request = LoadRequest(layer=layer, edition=KEY, path=path, author="test")
        return load_file(database_url, replace(request, **options))

    return run


@pytest.fixture
def counties(database_url: str) -> None:
    """Three counties of a tenth of a degree, side by side from 125° E."""
    with connect(database_url, DatabaseRole.WRITER) as connection:
        for i, code in enumerate(COUNTIES):
            connection.execute(
                "INSERT INTO onemap.region (code, level, name_zh, name_en, path, valid_from, geom)"
                " VALUES (%(code)s, 'county', 'x', 'x', ARRAY[%(code)s], '2020-01-01',"
                " ST_Multi(ST_MakeEnvelope(%(w)s, 43, %(w)s + 0.1, 43.1, 4490)))",
                {"code": code, "w": 125 + i * 0.1},
            )


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with connect(url, DatabaseRole.READER) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[arg-type]


def shapefile(
    folder: Path, columns: dict[str, list[Any]], *, crs: str | None, **options: Any
) -> Path:
    """A Shapefile of squares at 125.3° E, 43.8° N."""
    folder.mkdir(exist_ok=True)
    path = folder / "parcels.shp"
    count = len(next(iter(columns.values())))
    boxes = [shapely.box(x, 43.8, x + 0.01, 43.81) for x in 125.3 + 0.01 * np.arange(count)]
    shapes = np.array(boxes, dtype=object)
    if crs is not None and not pyproj.CRS(crs).is_geographic:
        to = pyproj.Transformer.from_crs("EPSG:4490", crs, always_xy=True)
        shapes = shapely.transform(shapes, to.transform, interleaved=False)
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapes),
        [
            np.array(values, dtype=object if isinstance(values[0], str) else None)
            for values in columns.values()
        ],
        fields=list(columns),
        geometry_type="Polygon",
        crs=crs,
        driver="ESRI Shapefile",
        **options,
    )
    return path


# ten bytes of UTF-8 are three characters: the titles that differ later are given as codes
CHINESE: dict[str, list[Any]] = {
    "标识码": ["1", "2"],
    "要素代码": ["2090010100"] * 2,
    "XZQDM": ["220102000000"] * 2,
    "XZQMC": ["南关区"] * 2,
    "YDYHFLDM": ["010100", "010000"],
    "YDYHFLMC": ["水田", "耕地"],
    "图斑面积": [1.5, 2.5],
}


def test_every_feature_is_accounted_for_and_areas_agree_with_an_independent_projection(
    load: Callable[..., LoadReport], file_of: Callable[..., Path], database_url: str
) -> None:
    report = load(file_of(["1", "2", "3"]))

    assert report.outcome is Outcome.LOADED
    assert (report.read, report.loaded, report.repaired, report.rejected) == (3, 3, 0, 0)
    stored = rows(database_url, "SELECT ST_AsBinary(geom), om_area_m2 FROM planning.land_use")
    to_plane = pyproj.Transformer.from_crs("EPSG:4490", EQUAL_AREA, always_xy=True)
    planar = [
        shapely.transform(shapely.from_wkb(bytes(wkb)), to_plane.transform, interleaved=False).area
        for wkb, _ in stored
    ]
    assert [area for _, area in stored] == pytest.approx(planar, rel=1e-9)
    assert report.area_m2 == pytest.approx(sum(planar), rel=1e-9)


def test_an_unchanged_file_opens_no_revision_whether_its_bytes_are_the_same_or_not(
    load: Callable[..., LoadReport], file_of: Callable[..., Path], database_url: str
) -> None:
    path = file_of(["1", "2", "3"])
    load(path)

    assert load(path).outcome is Outcome.UNCHANGED
    assert load(file_of(["3", "1", "2"], "other")).outcome is Outcome.UNCHANGED
    assert rows(database_url, "SELECT count(*) FROM onemap.revision") == [(1,)]


def test_counties_load_their_files_into_one_edition_and_replace_only_their_own(
    load: Callable[..., LoadReport],
    file_of: Callable[..., Path],
    database_url: str,
    layer: Layer,
    counties: None,
) -> None:
    def county(code: str, ids: list[str]) -> LoadReport:
        path = file_of(ids, code, columns={layer.region: [code] * len(ids)})
        return load(path, region=RegionCode(code))

    county(COUNTIES[0], ["1", "2"])
    county(COUNTIES[1], ["11", "12"])
    again = county(COUNTIES[0], ["2", "3"])

    assert again.revision is not None
    assert (again.revision.added, again.revision.removed) == (1, 1)
    held = rows(database_url, "SELECT om_id, om_region FROM planning.land_use ORDER BY om_id")
    assert held == [
        ("11", COUNTIES[1]), ("12", COUNTIES[1]), ("2", COUNTIES[0]), ("3", COUNTIES[0]),
    ]  # fmt: skip
    (area,) = rows(database_url, "SELECT round(ST_Area(coverage)::numeric, 6) FROM onemap.edition")
    assert float(area[0]) == pytest.approx(0.02)  # both counties, not the third
    assert county(COUNTIES[0], ["2", "3"]).outcome is Outcome.UNCHANGED


def test_a_region_takes_no_other_regions_features(
    load: Callable[..., LoadReport],
    file_of: Callable[..., Path],
    database_url: str,
    layer: Layer,
    counties: None,
) -> None:
    load(file_of(["1"], columns={layer.region: [COUNTIES[1]]}))

    elsewhere = file_of(["2"], "elsewhere", columns={layer.region: [COUNTIES[2]]})
    stolen = file_of(["1"], "stolen", columns={layer.region: [COUNTIES[0]]})

    for path, reason in ((elsewhere, "lies in 220104"), (stolen, "outside 220102")):
        report = load(path, region=RegionCode(COUNTIES[0]))
        assert report.outcome is Outcome.REJECTED
        assert reason in report.rejections[0][0]
    assert rows(database_url, "SELECT om_id, om_region FROM planning.land_use") == [
        ("1", COUNTIES[1])
    ]


def test_a_merge_adds_and_replaces_and_removes_nothing(
    load: Callable[..., LoadReport], file_of: Callable[..., Path], database_url: str
) -> None:
    load(file_of(["1", "2"]))

    merged = load(file_of(["2", "3"], "more", size=0.02), merge=True)

    assert merged.revision is not None
    assert (merged.revision.added, merged.revision.changed, merged.revision.removed) == (1, 1, 0)
    assert rows(database_url, "SELECT count(*) FROM planning.land_use") == [(3,)]


def test_one_bad_feature_keeps_all_out_unless_rejects_are_accepted(
    load: Callable[..., LoadReport],
    file_of: Callable[..., Path],
    database_url: str,
    tmp_path: Path,
) -> None:
    path = file_of(["1", "2", "3"], columns={"YDYHFLDM": ["010100", "９９", "no such"]})
    rejects = tmp_path / "rejects.gpkg"

    refused = load(path, rejects=rejects)

    assert refused.outcome is Outcome.REJECTED
    assert (refused.read, refused.loaded, refused.rejected) == (3, 1, 2)
    assert rows(database_url, "SELECT count(*) FROM onemap.edition") == [(0,)]
    meta, table = pyogrio.raw.read_arrow(rejects)
    assert meta["crs"] == "EPSG:4490"
    assert table["BSM"].to_pylist() == ["2", "3"]
    assert "full-width" in table["om_reasons"][0].as_py()
    assert "expected a code of YDYH" in table["om_reasons"][1].as_py()

    accepted = load(path, accept_rejects=True)

    assert accepted.outcome is Outcome.LOADED
    assert (accepted.loaded, accepted.rejected) == (1, 2)
    assert rows(database_url, "SELECT om_id FROM planning.land_use") == [("1",)]


def test_a_dry_run_says_what_would_happen_and_writes_nothing(
    load: Callable[..., LoadReport], file_of: Callable[..., Path], database_url: str
) -> None:
    report = load(file_of(["1", "2"]), dry_run=True)

    assert report.outcome is Outcome.DRY_RUN
    assert report.revision is not None
    assert report.revision.added == 2
    assert rows(database_url, "SELECT count(*) FROM onemap.edition") == [(0,)]
    assert rows(database_url, "SELECT to_regclass('planning.land_use__2023')") == [(None,)]


def test_an_issued_copy_is_locked_and_the_differences_are_reported(
    load: Callable[..., LoadReport], file_of: Callable[..., Path], database_url: str
) -> None:
    load(file_of(["1", "2"]), issued_from_above=True)

    local = load(file_of(["2", "3"], "local", size=0.02))

    assert local.outcome is Outcome.LOCKED
    assert local.revision is not None
    assert (local.revision.added, local.revision.changed, local.revision.removed) == (1, 1, 1)
    held = "SELECT om_id FROM planning.land_use ORDER BY om_id"
    assert rows(database_url, held) == [("1",), ("2",)]
    assert load(file_of(["2"], "issued"), issued_from_above=True).outcome is Outcome.LOADED


def test_the_bureaus_own_edition_does_not_become_an_issued_copy(
    load: Callable[..., LoadReport], file_of: Callable[..., Path]
) -> None:
    load(file_of(["1"]))

    with pytest.raises(Refused, match="an edition of its own"):
        load(file_of(["1"]), issued_from_above=True)


@pytest.mark.parametrize("encoding", ["GB18030", "UTF-8"])
@pytest.mark.parametrize("cpg", ["right", "none", "wrong"])
def test_a_shapefile_in_chinese_is_read_by_its_titles_in_its_own_encoding(
    load: Callable[..., LoadReport], database_url: str, tmp_path: Path, encoding: str, cpg: str
) -> None:
    path = shapefile(tmp_path / "in", CHINESE, crs="EPSG:4551", encoding=encoding)
    statement = path.with_suffix(".cpg")
    if cpg == "none":
        statement.unlink()
    elif cpg == "wrong":
        statement.write_text("UTF-8" if encoding == "GB18030" else "GBK")

    report = load(path)

    assert report.outcome is Outcome.LOADED
    assert report.used["BSM"] == "标识码"
    assert report.used["TBMJ"].startswith("图斑面")
    assert rows(database_url, "SELECT DISTINCT xzqmc FROM planning.land_use") == [("南关区",)]
    assert bool(report.notes) is (cpg != "right")
    assert report.operation is not None
    assert report.operation.exact
    bounds = rows(database_url, "SELECT west, south FROM onemap.edition")
    assert bounds == [pytest.approx((125.3, 43.8), abs=1e-9)]


def test_a_control_point_of_another_datum_lands_within_two_metres(
    load: Callable[..., LoadReport], file_of: Callable[..., Path], database_url: str, layer: Layer
) -> None:
    """EPSG:2056 near Vaduz; PROJ's direct path to EPSG:4490 would be 178 m off."""
    to = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:2056", always_xy=True)
    source, target = file_of(["1"]), file_of(["1"], "swiss").with_suffix(".geojson")
    _, table = pyogrio.raw.read_arrow(source)
    plane = shapely.transform(
        shapely.box(9.52, 47.13, 9.53, 47.14), to.transform, interleaved=False
    )
    columns = {name: table[name] for name in table.column_names if name != "geom"}
    path = target.with_suffix(".gpkg")
    path.unlink()
    pyogrio.raw.write_arrow(
        pa.table({**columns, "geom": pa.array([plane.wkb])}),
        path,
        layer="swiss",
        driver="GPKG",
        geometry_name="geom",
        geometry_type="Polygon",
        crs="EPSG:2056",
    )

    report = load(path, file_layer="swiss")

    assert report.operation is not None
    assert report.operation.accuracy_m == 1.0
    (corner,) = rows(database_url, "SELECT west, south FROM onemap.edition")
    _, _, metres = pyproj.Geod(ellps="WGS84").inv(*corner, 9.52, 47.13)
    assert metres < 2


@pytest.mark.parametrize(
    ("crs", "srs", "refusal", "hint"),
    [
        (None, None, MissingCrs, "--srs EPSG:4490 would fit"),
        ("EPSG:4551", "EPSG:4490", Contradiction, "EPSG:4534"),
        ("EPSG:4530", "EPSG:4551", Contradiction, "zone 42, EPSG:4530"),
        ("EPSG:4490", "EPSG:4551", Contradiction, "are degrees"),
        ("EPSG:2418", None, NoOperation, "Beijing 1954"),
    ],
)
def test_coordinates_that_cannot_be_what_they_say_are_refused_with_what_would_fit(
    load: Callable[..., LoadReport],
    tmp_path: Path,
    database_url: str,
    crs: str | None,
    srs: str | None,
    refusal: type[Refused],
    hint: str,
) -> None:
    path = shapefile(tmp_path / "in", CHINESE, crs=crs, encoding="UTF-8")

    with pytest.raises(refusal) as refused:
        load(path, srs=srs)

    assert hint in str(refused.value)
    assert rows(database_url, "SELECT count(*) FROM onemap.edition") == [(0,)]


def test_codes_that_are_numbers_and_missing_columns_are_refused_with_all_findings(
    load: Callable[..., LoadReport], tmp_path: Path
) -> None:
    columns = {
        **CHINESE,
        "YDYHFLDM": [101, 102],
    }
    del columns["XZQMC"]
    path = shapefile(tmp_path / "in", columns, crs="EPSG:4490", encoding="UTF-8")

    with pytest.raises(ColumnsRefused) as refused:
        load(path)

    said = str(refused.value)
    assert "XZQMC 行政区名称 is required" in said
    assert "YDYHFLDM" in said
    assert "leading zeros" in said


def test_a_column_may_be_named_and_a_value_given_on_the_command_line(
    load: Callable[..., LoadReport], tmp_path: Path, database_url: str
) -> None:
    columns = {("class" if k == "YDYHFLDM" else k): v for k, v in CHINESE.items()}
    del columns["XZQMC"]
    path = shapefile(tmp_path / "in", columns, crs="EPSG:4490", encoding="UTF-8")

    report = load(path, renamed={"class": "YDYHFLDM"}, constants={"XZQMC": "南关区"})

    assert report.outcome is Outcome.LOADED
    assert rows(database_url, "SELECT ydyhfldm FROM planning.land_use ORDER BY 1") == [
        ("010000",), ("010100",),
    ]  # fmt: skip


def test_features_displaced_as_gcj02_are_refused(
    load: Callable[..., LoadReport],
    file_of: Callable[..., Path],
    layer: Layer,
    counties: None,
    database_url: str,
) -> None:
    """Squares that tile a county exactly, moved as a web map moves them."""
    from processes.algorithms.gcj02 import to_gcj02

    ids = [str(n) for n in range(10)]
    columns = {layer.region: [COUNTIES[0]] * 10}
    assert load(file_of(ids, columns=columns)).outcome is Outcome.LOADED
    path = file_of(ids, "moved", columns=columns)
    _, table = pyogrio.raw.read_arrow(path)
    moved = shapely.transform(
        shapely.from_wkb(table["geom"].to_numpy(zero_copy_only=False)), to_gcj02
    )
    path.unlink()
    at = table.column_names.index("geom")
    pyogrio.raw.write_arrow(
        table.set_column(at, "geom", pa.array(shapely.to_wkb(moved).tolist())),
        path,
        layer="land_use",
        driver="GPKG",
        geometry_name="geom",
        geometry_type="MultiPolygon",
        crs="EPSG:4490",
    )

    with pytest.raises(Refused, match="GCJ-02"):
        load(path)


def test_a_second_load_of_a_layer_says_that_it_waits_and_waits(
    layer: Layer, file_of: Callable[..., Path], database_url: str
) -> None:
    told: list[str] = []
    holder = psycopg.connect(database_url)
    holder.execute("SELECT pg_advisory_lock(hashtext(%s))", (f"onemap/{LAYER}",))

    def tell(sentence: str) -> None:
        told.append(sentence)
        holder.close()  # the first load ends

    request = LoadRequest(layer=layer, edition=KEY, path=file_of(["1"]), author="test")
    report = load_file(database_url, request, Watch(tell=tell))

    assert report.outcome is Outcome.LOADED
    assert len(told) == 1
    assert "waits" in told[0]


def test_a_new_edition_of_a_plan_layer_must_say_when_it_begins_and_to_which_plan_it_belongs(
    catalogue: Catalogue, make_squares: Squares, tmp_path: Path, database_url: str
) -> None:
    redline = catalogue.layers["ecological_redline"]
    path = tmp_path / "redline.gpkg"
    make_squares(redline, ["1"]).of(redline).write(path, redline)
    request = LoadRequest(layer=redline, edition=EditionKey("2021"), path=path, author="test")

    with pytest.raises(Refused, match="--valid-from"):
        load_file(database_url, request)
    dated = replace(request, facts=EditionFacts(valid_from=date(2021, 1, 1)))
    with pytest.raises(Refused, match="--plan"):
        load_file(database_url, dated)
    unknown = replace(dated, facts=replace(dated.facts, plan="no_such"))
    with pytest.raises(Refused, match="no plan 'no_such'"):
        load_file(database_url, unknown)


def test_a_file_of_another_kind_than_the_layer_is_refused(
    load: Callable[..., LoadReport], tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(",".join(CHINESE) + "\n" + ",".join(["1"] * len(CHINESE)) + "\n", "utf-8")

    with pytest.raises(Refused, match="table without geometry"):
        load(path)


def test_a_file_that_is_not_there_is_refused(
    load: Callable[..., LoadReport], tmp_path: Path
) -> None:
    with pytest.raises(FileRefused, match="no such file"):
        load(tmp_path / "nothing.gpkg")
