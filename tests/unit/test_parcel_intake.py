"""Parcels that people bring: every form is read, every fault told with its parcel, none stops others."""

import json
import re
import runpy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Transformer
from shapely.geometry import mapping

from config.units import Unit
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from processes.algorithms.survey_fault_titles import FAULT_TITLES
from processes.algorithms.survey_parcels import Fault, SurveyParcel
from processes.spec import InvalidBody
from processes.workflows.feature_input import stored_rows
from processes.workflows.parcel_columns import described
from processes.workflows.parcel_intake import Intake, form_faults, read_parcels
from providers.files import SourceFile, open_file

FILES = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "surveyor_files.py")))
ZONE_URI = "http://www.opengis.net/def/crs/EPSG/0/4551"
SQUARE = [[125.3, 43.8], [125.301, 43.8], [125.301, 43.801], [125.3, 43.801], [125.3, 43.8]]
DRAWN = {Fault.SELF_CROSSING, Fault.SPIKE, Fault.SHARP_ANGLE}
MISPLACED = {Fault.WRONG_ZONE, Fault.SWAPPED_AXES, Fault.NO_ZONE_FITS}
RINGS = {Fault.DUPLICATE_RING, Fault.WRONG_NESTING}
SHOWS = {
    "txt": set(FILES.PLANTED),
    "csv": DRAWN | MISPLACED | RINGS,
    "xlsx": DRAWN | MISPLACED | RINGS,
    "dxf": DRAWN | MISPLACED,
    "shp": DRAWN | MISPLACED,
    "gpkg": DRAWN | MISPLACED | {Fault.WRONG_NESTING},
    "kml": DRAWN
    | RINGS
    | {Fault.UNCLOSED_RING, Fault.DUPLICATE_POINT, Fault.TOO_FEW_POINTS, Fault.SWAPPED_AXES},
    "geojson": DRAWN
    | MISPLACED
    | RINGS
    | {Fault.UNCLOSED_RING, Fault.DUPLICATE_POINT, Fault.TOO_FEW_POINTS, Fault.NO_POINTS},
}
HAN, FIGURE = re.compile("[\u4e00-\u9fff]"), re.compile(r"\d+(?:[.,]\d+)*")
PLANES = {"csv", "xlsx", "dxf"}  # forms that do not state their zone
type Read = Callable[..., Intake]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads parcels, files from a folder instead of the uploads."""

    @contextmanager
    def opened(
        _connection: object, _context: object, asked: dict[str, Any], _place: str
    ) -> Iterator[tuple[SourceFile, str]]:
        with open_file(tmp_path / asked["href"], layer=asked.get("layer")) as source:
            yield source, asked["href"]

    monkeypatch.setattr("processes.workflows.parcel_intake.opened_upload", opened)
    context: Any = SimpleNamespace(today=date(2026, 3, 5), planar_crs=None)

    def read(parcels: Any, **inputs: Any) -> Intake:
        if isinstance(parcels, tuple):
            name, content = parcels
            (tmp_path / name).write_bytes(content)
            parcels = {"href": name}
        connection: Any = None
        return read_parcels(context, connection, {"parcels": parcels, **inputs})

    return read


def brought(form: str, parcels: list[SurveyParcel], folder: Path) -> Any:
    """The parcels in a form, as an input."""
    match form:
        case "txt":
            return f"a.{form}", FILES.text(parcels)
        case "csv":
            return f"a.{form}", FILES.csv(parcels)
        case "xlsx":
            return f"a.{form}", FILES.xlsx(parcels, folder)
        case "dxf":
            return f"a.{form}", FILES.dxf(parcels)
        case "kml":
            return f"a.{form}", FILES.kml(FILES.degrees(parcels))
        case "geojson":
            document: dict[str, Any] = FILES.geojson(parcels)
            return document
        case _:
            (folder / form).mkdir(exist_ok=True)
            suffix = "zip" if form == "shp" else form
            return f"a.{suffix}", FILES.vectors(parcels, folder / form, form)


def turned(document: Any) -> Any:
    """GeoJSON of the zone has the northing first, as the registry has it."""
    for feature in document["features"]:
        if feature["geometry"]:
            rings = feature["geometry"]["coordinates"]
            feature["geometry"]["coordinates"] = [[p[::-1] for p in ring] for ring in rings]
    return document


def given(form: str, parcels: list[SurveyParcel], folder: Path) -> tuple[Any, dict[str, str]]:
    said = {"crs": "EPSG:4530"} if form in {*PLANES, "geojson"} else {}
    found = brought(form, parcels, folder)
    return (turned(found), said) if form == "geojson" else (found, said)


@pytest.mark.parametrize("form", SHOWS)
def test_every_form_gives_the_same_parcels(read: Read, tmp_path: Path, form: str) -> None:
    parcels = FILES.made(31, 4)
    content, said = given(form, parcels, tmp_path)
    text, _ = given("txt", parcels, tmp_path)
    found, expected = read(content, **said), read(text)

    assert [one.number for one in found.parcels] == [1, 2, 3, 4]
    assert all(one.faults == () for one in found.parcels)
    for one, other in zip(found.parcels, expected.parcels, strict=True):
        both = np.array([one.geometry, other.geometry], dtype=object)
        areas = ellipsoid_area_m2(both)
        assert areas[0] == pytest.approx(areas[1], abs=0.01)
        assert shapely.area(shapely.symmetric_difference(*both)) < 1e-12
    if form not in ("csv", "xlsx"):
        assert [one.name for one in found.parcels] == [one.name for one in parcels]
    if form not in (*PLANES, "geojson", "kml"):
        assert [round(one.declared_m2 or 0) for one in found.parcels] == [
            round(one.declared_ha * 10_000) for one in parcels
        ]


@pytest.mark.parametrize(
    ("form", "fault"), [(form, fault) for form, shown in SHOWS.items() for fault in sorted(shown)]
)
def test_a_planted_fault_is_told_with_its_parcel_and_the_others_are_read(
    read: Read, tmp_path: Path, form: str, fault: Fault
) -> None:
    parcels = FILES.made(31, 4)
    content, said = given(form, FILES.with_fault(parcels, fault), tmp_path)
    if form == "kml" and fault is Fault.SWAPPED_AXES:
        moved = FILES.degrees(parcels)
        content = "a.kml", FILES.kml(FILES.with_fault(moved, fault))
    found = read(content, **said)
    told = {one.number: {each["code"] for each in one.faults} for one in found.parcels}
    faulty = found.parcels[1]

    assert fault in told[2]
    assert (faulty.geometry is None) == any(one["severity"] == "error" for one in faulty.faults)
    assert [told[number] for number in (1, 3, 4)] == [set()] * 3
    assert all(one.geometry is not None for one in found.parcels if one.number != 2)
    assert all(one["title"]["zh"] for one in faulty.faults)
    for said in (one["message"] for one in faulty.faults):
        assert HAN.search(said["zh"])
        assert said["en"] not in ("", said["zh"])
        assert set(FIGURE.findall(said["zh"])) == set(FIGURE.findall(said["en"]))


def test_a_fault_in_a_document_is_at_its_pointer_and_one_in_a_text_at_its_line(read: Read) -> None:
    parcels = FILES.degrees(FILES.made(5, 3))
    document = FILES.geojson(parcels)
    document["features"][1]["geometry"]["coordinates"][0][2][0] = "１２５"
    (fault,) = read(document).parcels[1].faults
    text = FILES.text(FILES.with_fault(FILES.made(5, 3), Fault.SELF_CROSSING), encoding="utf-8")
    (crossing,) = read({"text": text.decode()}).parcels[1].faults

    assert fault["code"] == Fault.UNREADABLE_GEOMETRY
    assert fault["place"] == "/features/1/geometry/coordinates/0/2/0"
    assert crossing["place"].startswith("line ")
    assert "ring 1" in crossing["place"]


def refused(read: Read, parcels: Any, **inputs: Any) -> tuple[str, str]:
    with pytest.raises(InvalidBody) as caught:
        read(parcels, **inputs)
    error = caught.value.errors[0]
    return error.pointer, error.message


def test_where_no_zone_is_stated_the_zones_that_fit_are_named(read: Read) -> None:
    content = "a.txt", FILES.text(FILES.made(5, prefix=False), header=FILES.NO_ZONE)
    place, message = refused(read, content)

    assert place == "/inputs/crs"
    assert "EPSG:4551 (126°E)" in message
    assert read(content, crs="EPSG:4551").plane.code == 4551


@pytest.mark.parametrize("stated", ["crs", "coordRefSys"])
def test_a_document_that_gives_the_easting_first_is_told_to_exchange_its_numbers(
    read: Read, stated: str
) -> None:
    to_plane = Transformer.from_crs("EPSG:4490", "EPSG:4551", always_xy=True)
    ring = [list(to_plane.transform(lon, lat)) for lon, lat in SQUARE]
    document = {"type": "Polygon", "coordinates": [ring]}
    system = {"coordRefSys": "[EPSG:4551]"} if stated == "coordRefSys" else {}
    inputs = {"crs": "EPSG:4551"} if stated == "crs" else {}
    place, message = refused(read, {**document, **system}, **inputs)
    turned = [[point[::-1] for point in ring]]

    assert place == ("/inputs/crs" if stated == "crs" else "/inputs/parcels/coordRefSys")
    assert "exchange the two numbers of every position" in message
    assert "EPSG:4551" in message
    assert read({**document, **system, "coordinates": turned}, **inputs).plane.code == 4551


def test_a_local_frame_is_named_as_such(read: Read) -> None:
    local = [FILES.PLANTED[Fault.NO_ZONE_FITS](one) for one in FILES.made(5, 2)]
    place, message = refused(read, ("a.txt", FILES.text(local, header={})))

    assert place == "/inputs/crs"
    assert "地方独立坐标系" in message


def test_a_system_that_contradicts_every_parcel_is_refused_with_what_would_fit(read: Read) -> None:
    content = "a.txt", FILES.text(FILES.made(5, prefix=False), header=FILES.NO_ZONE)
    place, message = refused(read, content, crs="EPSG:4530")

    assert place == "/inputs/crs"
    assert "would fit: the same zone without its number, EPSG:4551" in message
    assert "--srs" not in message


def test_degrees_without_a_system_are_read_as_such_and_said(read: Read) -> None:
    found = read({"text": "43.8 125.3\n43.801 125.3\n43.801 125.301\n"})

    assert found.crs.code == 4490
    assert "degrees are read as CGCS2000" in found.notes[0]
    assert found.plane.code == 4551


def test_jsonfg_is_read_from_its_place_in_the_system_that_it_names(read: Read) -> None:
    parcels = FILES.made(5, 2, prefix=False)
    document = turned(FILES.geojson(parcels)) | {"coordRefSys": ZONE_URI}
    for feature in document["features"]:
        feature |= {"place": feature["geometry"], "geometry": None, "time": None}
    found = read(document)
    text = read(("a.txt", FILES.text(parcels)))

    assert (found.crs.uri, found.plane.code) == (ZONE_URI, 4551)
    for one, other in zip(found.parcels, text.parcels, strict=True):
        assert shapely.equals_exact(one.geometry, other.geometry, 1e-12)


@pytest.mark.parametrize("form", ["txt", "geojson", "gpkg"])
def test_a_faulty_parcel_alone_is_told_too(read: Read, tmp_path: Path, form: str) -> None:
    alone = FILES.with_fault(FILES.made(5, 1), Fault.SELF_CROSSING, at=0)
    if form == "geojson":
        found = read(FILES.geojson(FILES.degrees(alone)))
    else:
        found = read(brought(form, alone, tmp_path))
    (one,) = found.parcels

    assert one.geometry is None
    assert Fault.SELF_CROSSING in {each["code"] for each in one.faults}
    assert found.plane.code in (4530, 4551)


def test_a_parcel_of_several_parts_is_one_parcel_unless_they_overlap(read: Read) -> None:
    apart = [[x + 0.01, y] for x, y in SQUARE]
    beside = {"type": "MultiPolygon", "coordinates": [[SQUARE], [apart]]}
    over = {"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE]]}
    one = read(beside).parcels[0]
    other = read({"type": "Feature", "geometry": over, "properties": {}}).parcels[0]

    assert shapely.get_num_geometries(one.geometry) == 2
    assert (other.geometry, other.faults[0]["code"]) == (None, Fault.WRONG_NESTING)


def test_features_from_a_collection_are_parcels_with_their_properties(read: Read) -> None:
    shape = shapely.Polygon(SQUARE)
    rows = stored_rows(
        np.array([shape, shape.exterior, None], dtype=object),
        [{"DKMC": "甲", "容积率": "２.5"}, {}, {}],
        ["7", "8", "9"],
    )
    found = read(rows)

    assert [one.id for one in found.parcels] == ["7", "8", "9"]
    assert (found.parcels[0].name, found.parcels[0].attributes) == ("甲", {"far": 2.5})
    assert [one.faults[0]["code"] for one in found.parcels[1:]] == [
        Fault.NOT_AN_AREA,
        Fault.NO_POINTS,
    ]


def test_what_lies_beside_the_plane_or_is_too_large_is_told_and_the_others_are_read(
    read: Read,
) -> None:
    def moved(east: float, size: float = 0.001) -> dict[str, Any]:
        return mapping(shapely.box(125.3 + east, 43.8, 125.3 + east + size, 43.8 + size))

    shapes = [moved(0), moved(0.1), moved(9), moved(0.2, 1.5)]
    document = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "geometry": json.loads(json.dumps(one)), "properties": None}
            for one in shapes
        ],
    }
    found = read(document)

    assert found.plane.code == 4551
    assert [[each["code"] for each in one.faults] for one in found.parcels] == [
        [],
        [],
        [Fault.BESIDE_PLANE],
        [Fault.TOO_LARGE],
    ]


def test_a_batch_is_bounded_and_ten_thousand_parcels_are_read(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = FILES.geojson(FILES.degrees(FILES.made(3, 10_001)))
    place, message = refused(read, features)
    many = read({**features, "features": features["features"][:10_000]})
    monkeypatch.setattr("processes.workflows.parcel_sources.MAX_POINTS", 10)
    points = refused(read, FILES.geojson(FILES.degrees(FILES.made(3, 9))))

    assert (place, message) == ("/inputs/parcels/features", "has 10,001 features; at most 10,000")
    assert sum(one.geometry is not None for one in many.parcels) == 10_000
    assert points[1].endswith("at most 10")


def test_a_parcel_of_too_many_points_is_told_alone(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processes.algorithms.parcel_documents.MAX_PARCEL_POINTS", 8)
    found = read(FILES.geojson(FILES.degrees(FILES.made(3, 3))))  # the third has a hole

    assert [one.geometry is None for one in found.parcels] == [False, False, True]
    assert found.parcels[2].faults[0]["code"] == Fault.TOO_MANY_POINTS


def test_a_declared_area_that_is_not_the_drawn_one_is_a_warning_outside_of_texts(
    read: Read,
) -> None:
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
        "properties": {"declared_area_m2": 5},
    }
    (one,) = read(feature).parcels

    assert one.geometry is not None
    assert [(each["code"], each["severity"]) for each in one.faults] == [
        (Fault.AREA_DIFFERS, "warning")
    ]


def test_columns_have_stable_names_and_units() -> None:
    found = described(
        {
            "地块名称": " 甲 ",
            "宗地号": "7",
            "拟用地类": "0701",
            "容积率": "1,234.5",
            "建筑密度（%）": "３5%",
            "用地面积(亩)": 15,
            "备注": "无",
            "空": "",
            "建筑高度": "高",
        }
    )

    assert (found.name, found.id, found.declared_m2) == ("甲", "7", 10_000.0)
    assert found.attributes == {
        "planned_class": "0701",
        "far": 1234.5,
        "building_density_percent": 35.0,
        "land_area_m2": 10_000.0,
        "备注": "无",
    }
    assert [one.fault for one in found.findings] == [Fault.UNREADABLE_VALUE]


def test_an_area_of_a_layer_is_in_the_unit_that_the_layer_states() -> None:
    units = {"DKMJ": Unit.HECTARE, "YDMJ": Unit.SQUARE_METRE, "新增建设用地面积": Unit.PERSON}

    assert described({"DKMJ": 2.8002}, units=units).declared_m2 == 28_002.0
    assert described({"YDMJ": 2.8002}, units=units).declared_m2 == 2.8002
    assert described({"DKMJ": 2.8002}).declared_m2 == 2.8002
    assert described({"新增建设用地面积": 3}, units=units).attributes == {"新增建设用地面积": 3}


def test_a_table_of_points_says_of_a_parcel_what_its_first_filled_row_says(read: Read) -> None:
    lines = FILES.csv(FILES.made(5, 2), "utf-8").decode().splitlines()
    said = [",拟用地类,用地面积（公顷）", ",1001,", ",,0.6", *[",,"] * 2, ",0701,", *[",,"] * 3]
    content = "\n".join(line + more for line, more in zip(lines, said, strict=True))
    one, other = read(("a.csv", content.encode()), crs="EPSG:4530").parcels

    assert (one.attributes["planned_class"], one.declared_m2) == ("1001", 6_000.0)
    assert other.attributes == {"planned_class": "0701"}


def test_every_fault_has_a_title() -> None:
    assert FAULT_TITLES.keys() == set(Fault)


@pytest.mark.parametrize(
    "parcels", [{}, {"text": "a", "href": "b"}, {"collection": "a", "type": "Feature"}]
)
def test_a_form_that_is_none_is_refused_before_anything_is_read(parcels: dict[str, str]) -> None:
    assert [one.pointer for one in form_faults({"parcels": parcels})] == ["/parcels"]
