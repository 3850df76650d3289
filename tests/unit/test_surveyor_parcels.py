"""Surveyors' files: what is right comes back to the digit, what is wrong is said by its place."""

import runpy
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
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
    assert told[0].message in str(found.rows[1]["findings"])
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


@pytest.mark.parametrize(
    "content", [b"  0\nSECTION\n  2\nnonsense\n", b"AutoCAD Binary DXF\r\n\x1a\x00\x01\x02"]
)
def test_a_broken_drawing_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileRefused, match=r"^a\.dxf "):
        read(tmp_path / "a.dxf", content)
