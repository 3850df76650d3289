"""Surveyors' files: what is right comes back to the digit, what is wrong is said by its place."""

import io
import runpy
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import ezdxf
import numpy as np
import pytest
import shapely
from ezdxf.document import Drawing
from ezdxf.layouts.layout import Modelspace
from hypothesis import given
from hypothesis import strategies as st

from processes.algorithms.boundary_point_export import write_boundary_points
from processes.algorithms.boundary_point_text import read_boundary_points
from processes.algorithms.survey_parcels import Fault, SurveyParcel
from providers.file_dxf_shapes import ARC_TOLERANCE_M
from providers.files import FileRefused, SourceFile, layers_of, open_file
from providers.survey_frames import zones_allowed

FILES = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "surveyor_files.py")))
CHANGCHUN = (124.3, 43.1, 127.1, 45.3)


class Read(SimpleNamespace):
    source: SourceFile
    shapes: list[shapely.Geometry | None]
    rows: list[dict[str, object]]


def read(path: Path, content: bytes, **asked: str) -> Read:
    path.write_bytes(content)
    with open_file(path, **asked) as source:
        batches = list(source.batches())
    rows = [
        {name: values[i].as_py() for name, values in batch.columns.items()}
        for batch in batches
        for i in range(batch.count)
    ]
    shapes = [one for batch in batches if batch.geometry is not None for one in batch.geometry]
    return Read(source=source, shapes=shapes, rows=rows)


def polygons(parcels: list[SurveyParcel]) -> list[shapely.Polygon]:
    return [
        shapely.Polygon(one.rings[0].points, [ring.points for ring in one.rings[1:]])
        for one in parcels
    ]


def same(left: list[shapely.Geometry | None], right: list[shapely.Polygon]) -> bool:
    return len(left) == len(right) and all(
        one is not None and shapely.normalize(one) == shapely.normalize(other)
        for one, other in zip(left, right, strict=True)
    )


def faults(found: Read) -> set[Fault]:
    return {one.fault for one in found.source.findings}


@given(seed=st.integers(0, 2**32), count=st.integers(1, 8), prefix=st.booleans())
def test_a_text_that_is_written_is_read_back_to_the_digit(
    seed: int, count: int, prefix: bool
) -> None:
    parcels = FILES.made(seed, count, prefix=prefix)
    written = write_boundary_points(FILES.HEADER, parcels)
    found = read_boundary_points(written.splitlines())

    assert found.findings == ()
    assert found.header == FILES.HEADER
    assert write_boundary_points(found.header, found.parcels) == written
    for one, other in zip(found.parcels, parcels, strict=True):
        assert (one.name, one.number, one.declared_ha) == (
            other.name,
            other.number,
            other.declared_ha,
        )
        for ring, given_ring in zip(one.rings, other.rings, strict=True):
            assert ring.names == given_ring.names
            assert np.array_equal(ring.points, given_ring.points)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["地块.txt", "up-0"])
def test_a_text_is_known_by_its_content_in_every_encoding(
    tmp_path: Path, encoding: str, name: str
) -> None:
    parcels = FILES.made(7)
    found = read(tmp_path / name, FILES.text(parcels, encoding=encoding))

    assert found.source.crs is not None
    assert found.source.crs.to_epsg() == 4530
    assert found.source.findings == ()
    assert same(found.shapes, polygons(parcels))
    assert [row["name"] for row in found.rows] == [one.name for one in parcels]


def test_a_zone_in_the_header_names_the_plane_of_eastings_without_it(tmp_path: Path) -> None:
    found = read(tmp_path / "a.txt", FILES.text(FILES.made(7, prefix=False)))

    assert found.source.crs is not None
    assert found.source.crs.to_epsg() == 4551


@pytest.mark.parametrize("fault", FILES.PLANTED)
def test_a_planted_fault_is_reported_at_its_parcel_and_the_others_are_read(
    tmp_path: Path, fault: Fault
) -> None:
    parcels = FILES.made(11)
    found = read(tmp_path / "a.txt", FILES.text(FILES.with_fault(parcels, fault)))
    told = [one for one in found.source.findings if one.fault == fault]

    assert {one.parcel for one in told} == {1}
    assert {one.number for one in told} == {"2"}
    assert all(one.line for one in told)
    assert told[0].message.en in str(found.rows[1]["findings"])
    assert (found.shapes[1] is None) == any(
        one.error for one in found.source.findings if one.parcel == 1
    )
    others = [place for place in range(len(parcels)) if place != 1]
    assert same([found.shapes[i] for i in others], [polygons(parcels)[i] for i in others])
    assert all(found.rows[i]["findings"] is None for i in others)
    assert {one.parcel for one in found.source.findings} == {1}


def test_swapped_axes_are_read_exchanged_and_said(tmp_path: Path) -> None:
    parcels = FILES.made(3)
    found = read(tmp_path / "a.txt", FILES.text(FILES.with_fault(parcels, Fault.SWAPPED_AXES)))

    assert faults(found) == {Fault.SWAPPED_AXES}
    assert same(found.shapes, polygons(parcels))


def test_lines_that_are_no_points_are_named_by_their_number(tmp_path: Path) -> None:
    lines = FILES.text(FILES.made(3, 2), encoding="utf-8").decode().splitlines()
    place = lines.index("[地块坐标]") + 3
    lines[place] = "J2,1,abc,42443667.350"
    found = read(tmp_path / "a.txt", "\n".join(lines).encode())
    told = [one for one in found.source.findings if one.fault == Fault.UNREADABLE_LINE]

    assert [(one.parcel, one.line) for one in told] == [(0, place + 1)]
    assert found.shapes[0] is None
    assert found.shapes[1] is not None


def test_full_width_digits_are_read_and_said(tmp_path: Path) -> None:
    parcels = FILES.made(3, 1)
    wide = str.maketrans("0123456789.,", "０１２３４５６７８９．，")
    head, tail = FILES.text(parcels, encoding="utf-8").decode().split("[地块坐标]")
    found = read(tmp_path / "a.txt", f"{head}[地块坐标]{tail.translate(wide)}".encode("gb18030"))

    assert faults(found) == {Fault.FULL_WIDTH}
    assert same(found.shapes, polygons(parcels))


@pytest.mark.parametrize("form", ["csv", "xlsx", "pasted"])
def test_lists_of_points_are_parcels_closed_by_themselves(tmp_path: Path, form: str) -> None:
    parcels = FILES.made(5, 2)  # without holes
    content = {
        "csv": lambda: FILES.csv(parcels),
        "xlsx": lambda: FILES.xlsx(parcels, tmp_path),
        "pasted": lambda: FILES.pasted(parcels),
    }[form]()
    found = read(tmp_path / "up-1", content)

    assert faults(found) == set()
    assert same(found.shapes, polygons(parcels))
    assert found.source.crs is None


def test_a_table_without_points_stays_a_table(tmp_path: Path) -> None:
    found = read(tmp_path / "a.csv", "编号,X,Y\n1,2,3\n".encode())

    assert found.source.geometry is None
    assert found.rows == [{"编号": "1", "X": "2", "Y": "3"}]


@pytest.mark.parametrize("in_block", [False, True])
def test_a_drawing_s_closed_lines_are_parcels_named_by_the_texts_inside(
    tmp_path: Path, in_block: bool
) -> None:
    parcels = FILES.made(9)
    found = read(tmp_path / "up-2", FILES.dxf(parcels, in_block=in_block))

    assert faults(found) == set()
    assert same(found.shapes, polygons(parcels))
    assert [row["name"] for row in found.rows] == [one.name for one in parcels]
    assert {row["layer"] for row in found.rows} == {"JZD"}


def test_a_drawing_of_several_layers_lists_them_and_reads_the_one_that_is_named(
    tmp_path: Path,
) -> None:
    path, content = tmp_path / "a.dxf", FILES.dxf(FILES.made(9, 2), frame=True)
    with pytest.raises(FileRefused, match=r"2 layers: JZD \(2\), 图框 \(1\)"):
        read(path, content)

    assert {one.name: one.features for one in layers_of(path)} == {"JZD": 2, "图框": 1}
    assert len(read(path, content, layer="JZD").shapes) == 2


@pytest.mark.parametrize(
    ("gap_m", "fault"), [(0.004, Fault.CLOSED_BY_TOLERANCE), (0.5, Fault.UNCLOSED_RING)]
)
def test_an_open_line_is_closed_within_the_tolerance_only(
    tmp_path: Path, gap_m: float, fault: Fault
) -> None:
    found = read(tmp_path / "a.dxf", FILES.dxf(FILES.made(9, 1), gap_m=gap_m))

    assert fault in faults(found)
    assert (found.shapes[0] is None) == (fault == Fault.UNCLOSED_RING)


def test_arcs_become_chords_within_their_tolerance(tmp_path: Path) -> None:
    parcels = FILES.made(9, 1)
    curved = read(tmp_path / "a.dxf", FILES.dxf(parcels, bulge=-0.3)).shapes[0]
    chords = np.hypot(*np.diff(parcels[0].rings[0].points, axis=0).T)
    turn, radius = 4 * np.arctan(0.3), chords * (1 + 0.3**2) / (4 * 0.3)
    segments = float((radius**2 / 2 * (turn - np.sin(turn))).sum())

    assert curved is not None
    strays = shapely.length(curved) * ARC_TOLERANCE_M
    assert abs(shapely.area(curved) - polygons(parcels)[0].area - segments) <= strays


def test_a_text_alone_in_an_archive_is_read_and_one_beside_data_is_not(tmp_path: Path) -> None:
    def packed(**files: bytes) -> bytes:
        path = tmp_path / "pack.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name.replace("_", "."), content)
        return path.read_bytes()

    text, drawing = FILES.text(FILES.made(2)), FILES.dxf(FILES.made(2, 3))

    assert len(read(tmp_path / "a.zip", packed(a_txt=text)).shapes) == 6
    assert len(read(tmp_path / "b.zip", packed(a_txt=b"read me", b_dxf=drawing)).shapes) == 3


def test_zones_that_the_unit_allows_are_given_with_their_place() -> None:
    shape = shapely.union_all(polygons(FILES.made(1, prefix=False)))
    everywhere = zones_allowed(shape.bounds)
    (only,) = zones_allowed(shape.bounds, CHANGCHUN)

    assert len(everywhere) > 5
    assert (only.code, only.zone, only.meridian_deg, only.swapped) == (4551, None, 126, False)
    assert CHANGCHUN[0] < only.bounds[0] < only.bounds[2] < CHANGCHUN[2]
    assert zones_allowed((0.0, 0.0, 900.0, 900.0)) == ()


def test_ten_thousand_parcels_are_all_looked_at(tmp_path: Path) -> None:
    parcels = FILES.with_fault(FILES.made(1, 10_000), Fault.SELF_CROSSING, at=5_000)
    found = read(tmp_path / "a.txt", FILES.text(parcels))

    assert sum(one is None for one in found.shapes) == 1
    assert [one.parcel for one in found.source.findings] == [5_000]


def test_a_parcel_of_too_many_points_is_left_out_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processes.algorithms.boundary_point_text.MAX_PARCEL_POINTS", 8)
    found = read(tmp_path / "a.txt", FILES.text(FILES.made(1, 3)))

    assert [shape is None for shape in found.shapes] == [False, False, True]
    assert Fault.TOO_MANY_POINTS in faults(found)


def test_a_local_frame_is_told_as_such(tmp_path: Path) -> None:
    parcels = [FILES.PLANTED[Fault.NO_ZONE_FITS](one) for one in FILES.made(1, 2)]
    found = read(tmp_path / "a.txt", FILES.text(parcels, header=FILES.NO_ZONE))

    assert found.source.crs is None
    assert {one.fault for one in found.source.findings} >= {Fault.NO_ZONE_FITS}
    assert "local frame" in str(found.rows[0]["findings"])


@pytest.mark.parametrize("drawn_as", ["lines", "hatch"])
def test_single_lines_end_to_end_and_the_edges_of_hatches_are_parcels_too(
    tmp_path: Path, drawn_as: str
) -> None:
    parcels = FILES.made(9)
    found = read(tmp_path / "a.dxf", FILES.dxf(parcels, drawn_as=drawn_as))

    assert faults(found) == set()
    assert same(found.shapes, polygons(parcels))
    assert [row["name"] for row in found.rows] == [one.name for one in parcels]


def drawing(draw: Callable[[Drawing, Modelspace], None]) -> bytes:
    made = ezdxf.new("R2010", units=6)  # type: ignore[attr-defined]
    draw(made, made.modelspace())
    written = io.StringIO()
    made.write(written)
    return written.getvalue().encode()


def test_neighbours_that_share_an_edge_are_the_faces_between_lines(tmp_path: Path) -> None:
    x, y = 42_443_667.0, 4_851_838.0
    edges: list[tuple[float, float, float, float]] = [
        (0, 0, 100, 0),
        (100, 0, 100, 90),
        (100, 90, 0, 90),
        (0, 90, 0, 0),
    ]
    edges += [(100, 0, 200, 0), (200, 0, 200, 90), (200, 90, 100, 90.004)]  # ends meet nearly

    def draw(_: Drawing, space: Modelspace) -> None:
        for x0, y0, x1, y1 in edges:
            space.add_line((x + x0, y + y0), (x + x1, y + y1))
        space.add_line((x + 900, y), (x + 950, y))
        space.add_line((x + 300, y), (x + 300, y + 90))
        space.add_arc((x + 300, y + 45), 45, -90, 90)

    found = read(tmp_path / "a.dxf", drawing(draw))
    areas = sorted(round(shapely.area(one)) for one in found.shapes if one is not None)

    assert areas == [round(np.pi * 45**2 / 2), 9_000, 9_000]
    assert "single lines and arcs that join to no ring: 1 on 0" in found.source.notes


def test_a_layer_of_polylines_is_not_doubled_by_its_hatches(tmp_path: Path) -> None:
    corners = [
        (42_443_667.0, 4_851_838.0),
        (42_443_767.0, 4_851_838.0),
        (42_443_767.0, 4_851_900.0),
    ]

    def draw(_: Drawing, space: Modelspace) -> None:
        space.add_lwpolyline(corners, close=True, dxfattribs={"layer": "JZD"})
        for layer in ("JZD", "填充"):
            space.add_hatch(dxfattribs={"layer": layer}).paths.add_polyline_path(corners)

    found = read(tmp_path / "a.dxf", drawing(draw))

    assert (found.source.layer, len(found.shapes), faults(found)) == ("JZD", 1, set())


def test_a_block_that_is_inserted_without_end_is_refused_though_it_is_empty(
    tmp_path: Path,
) -> None:
    def draw(made: Drawing, space: Modelspace) -> None:
        made.blocks.new("EMPTY")
        space.add_blockref("EMPTY", (0, 0)).grid((30_000, 30_000))

    with pytest.raises(FileRefused, match="more than 500,000"):
        read(tmp_path / "a.dxf", drawing(draw))


def test_tolerances_in_metres_hold_in_degrees(tmp_path: Path) -> None:
    parcels = FILES.degrees(FILES.made(9, 3))
    right = read(tmp_path / "a.dxf", FILES.dxf(parcels))
    open_by_11_m = read(tmp_path / "b.dxf", FILES.dxf(parcels, gap_m=1e-4))

    assert faults(right) == set()
    assert faults(open_by_11_m) == {Fault.UNCLOSED_RING}


def test_a_declared_area_in_degrees_is_that_on_the_ellipsoid(tmp_path: Path) -> None:
    header = {"坐标系": "2000国家大地坐标系", "计量单位": "度", "精度": "0.000000001"}
    parcels = FILES.degrees(FILES.made(9, 3))
    found = read(tmp_path / "a.txt", write_boundary_points(header, parcels, 9).encode())
    wrong = FILES.with_fault(parcels, Fault.AREA_DIFFERS)
    told = read(tmp_path / "b.txt", write_boundary_points(header, wrong, 9).encode())
    (differs,) = told.source.findings

    assert faults(found) == set()
    assert found.source.crs is not None
    assert found.source.crs.to_epsg() == 4490
    assert (differs.fault, differs.parcel) == (Fault.AREA_DIFFERS, 1)
    assert differs.params["ellipsoid_ha"] == pytest.approx(parcels[1].declared_ha, rel=1e-3)


def test_kml_gives_the_polygons_of_its_placemarks_with_their_data(tmp_path: Path) -> None:
    parcels = FILES.degrees(FILES.made(9, 3))
    content = FILES.kml(parcels)
    found = read(tmp_path / "up-3", content)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("doc.kml", content)

    assert same(found.shapes, polygons(parcels))
    assert [row["name"] for row in found.rows] == [one.name for one in parcels]
    assert {row["拟用地类"] for row in found.rows} == {"1001"}
    assert len(read(tmp_path / "a.kmz", packed.getvalue()).shapes) == 3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("<kml", "<!DOCTYPE k [<!ENTITY a 'b'>]><kml"), "document type"),
        (lambda text: text[:-20], "no well-formed KML"),
        (lambda text: text.replace("UTF-8", "Shift_JIS"), "save it as UTF-8"),
        (lambda text: text.replace("<Document>", "<Folder>" * 100), "nested deeper"),
    ],
)
def test_kml_that_is_not_what_it_should_be_is_refused(
    tmp_path: Path, change: Callable[[str], str], why: str
) -> None:
    text = FILES.kml(FILES.degrees(FILES.made(9, 1))).decode()

    with pytest.raises(FileRefused, match=why):
        read(tmp_path / "a.kml", change(text).encode())


@pytest.mark.parametrize(
    "content", [b"  0\nSECTION\n  2\nnonsense\n", b"AutoCAD Binary DXF\r\n\x1a\x00\x01\x02"]
)
def test_a_broken_drawing_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileRefused, match=r"^a\.dxf "):
        read(tmp_path / "a.dxf", content)
