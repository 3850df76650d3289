"""Surveyors' files made from a seed: right, and each with one planted fault."""

import io
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import ezdxf
import numpy as np
import pyarrow as pa
import pyogrio.raw
import pyproj
import shapely

from processes.algorithms.boundary_point_export import write_boundary_points
from processes.algorithms.survey_parcels import Fault, SurveyParcel, SurveyRing

EAST, NORTH, ZONE = 443_667.35, 4_851_838.496, 42  # in Changchun
STEP, SIDE = 300.0, 80.0
HEADER = {
    "格式版本号": "1.01",
    "数据产生单位": "示例单位",
    "坐标系": "2000国家大地坐标系",
    "几度分带": "3",
    "投影类型": "高斯克吕格",
    "计量单位": "米",
    "带号": str(ZONE),
    "精度": "0.001",
    "转换参数": "0,0,0,0,0,0,0",
}
NO_ZONE = {name: value for name, value in HEADER.items() if name not in ("带号", "坐标系")}


def _ring(number: int, points: Sequence[Sequence[float]], first: int = 1) -> SurveyRing:
    places = np.round(np.array([*points, points[0]], dtype=np.float64), 3)
    names = [f"J{first + place}" for place in range(len(points))]
    return SurveyRing(number=number, names=(*names, names[0]), points=places)


def _hectares(rings: Sequence[SurveyRing]) -> float:
    def area(points: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
        x, y = (points - points[0]).T
        return abs(float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())) / 2

    return round((area(rings[0].points) - sum(area(r.points) for r in rings[1:])) / 1e4, 4)


def made(seed: int, count: int = 6, *, prefix: bool = True) -> list[SurveyParcel]:
    """Parcels beside each other, every third with a hole, none touching another."""
    chance = random.Random(seed)
    across = int(count**0.5) + 1
    front = ZONE * 1_000_000.0 if prefix else 0.0
    found = []
    for number in range(count):
        x = front + EAST + STEP * (number % across)
        y = NORTH + STEP * (number // across)
        corners = [(0, 0), (0, 1), (1, 1), (1, 0)]
        shell = [
            (x + SIDE * a + chance.uniform(-9, 9), y + SIDE * b + chance.uniform(-9, 9))
            for a, b in corners
        ]
        rings = [_ring(1, shell)]
        if number % 3 == 2:
            hole = [(x + 30 + 20 * a, y + 30 + 20 * b) for a, b in corners]
            rings.append(_ring(2, hole, first=5))
        found.append(
            SurveyParcel(
                rings=tuple(rings),
                number=str(number + 1),
                name=f"地块{number + 1}",
                use="工业用地",
                class_code="1001",
                declared_ha=_hectares(rings),
                declared_points=sum(len(ring.points) for ring in rings),
            )
        )
    return found


def text(
    parcels: Sequence[SurveyParcel],
    header: Mapping[str, str] = HEADER,
    encoding: str = "gb18030",
) -> bytes:
    """The official coordinate text."""
    return write_boundary_points(header, parcels).encode(encoding)


def _points(
    one: SurveyParcel, points: Sequence[Sequence[float]], names: Sequence[str] | None = None
) -> SurveyParcel:
    ring = one.rings[0]
    names = names or [f"P{place}" for place in range(len(points))]
    shell = replace(ring, points=np.array(points), names=tuple(names))
    rings = (shell, *one.rings[1:])
    return replace(one, rings=rings, declared_ha=None, declared_points=None)


def _bow_tie(one: SurveyParcel) -> SurveyParcel:
    a, b, c, d, e = one.rings[0].points.tolist()
    return _points(one, [a, c, b, d, e])


def _spike(one: SurveyParcel) -> SurveyParcel:
    a, b, *rest = one.rings[0].points.tolist()
    return _points(one, [a, b, [b[0] - 100.0, b[1] + 100.0], b, *rest])


def _sharp(one: SurveyParcel) -> SurveyParcel:
    a, b, *rest = one.rings[0].points.tolist()
    return _points(one, [a, b, [b[0] - 100.0, b[1] + 20.0], [b[0] + 2.0, b[1] + 1.0], *rest])


def _open(one: SurveyParcel) -> SurveyParcel:
    return _points(one, one.rings[0].points.tolist()[:-1])


def _twice_in_a_row(one: SurveyParcel) -> SurveyParcel:
    a, *rest = one.rings[0].points.tolist()
    return _points(one, [a, a, *rest])


def _ring_again(one: SurveyParcel) -> SurveyParcel:
    again = replace(one.rings[0], number=2)
    return replace(one, rings=(one.rings[0], again), declared_ha=None, declared_points=None)


def _hole_outside(one: SurveyParcel) -> SurveyParcel:
    shell = one.rings[0]
    away = replace(shell, number=2, points=shell.points + np.array([150.0, 0.0]))
    return replace(one, rings=(shell, away), declared_ha=None, declared_points=None)


def _other_zone(one: SurveyParcel) -> SurveyParcel:
    return _points(one, (one.rings[0].points - np.array([1e6, 0.0])).tolist())


def _swapped(one: SurveyParcel) -> SurveyParcel:
    rings = tuple(replace(r, points=r.points[:, ::-1].copy()) for r in one.rings)
    return replace(one, rings=rings)


def _local(one: SurveyParcel) -> SurveyParcel:
    return _points(one, (one.rings[0].points - one.rings[0].points[0]).tolist())


PLANTED: Mapping[Fault, Callable[[SurveyParcel], SurveyParcel]] = {
    Fault.SELF_CROSSING: _bow_tie,
    Fault.SPIKE: _spike,
    Fault.SHARP_ANGLE: _sharp,
    Fault.UNCLOSED_RING: _open,
    Fault.DUPLICATE_POINT: _twice_in_a_row,
    Fault.DUPLICATE_RING: _ring_again,
    Fault.WRONG_NESTING: _hole_outside,
    Fault.WRONG_ZONE: _other_zone,
    Fault.SWAPPED_AXES: _swapped,
    Fault.NO_ZONE_FITS: _local,
    Fault.AREA_DIFFERS: lambda one: replace(one, declared_ha=(one.declared_ha or 0) + 0.01),
    Fault.WRONG_COUNT: lambda one: replace(one, declared_points=99),
    Fault.NOT_AN_AREA: lambda one: replace(one, shape="点"),
    Fault.NO_POINTS: lambda one: replace(one, rings=(), declared_points=None),
    Fault.TOO_FEW_POINTS: lambda one: _points(
        one,
        [one.rings[0].points[0].tolist()] * 2
        + [one.rings[0].points[1].tolist()] * 2
        + [one.rings[0].points[0].tolist()],
    ),
}


def with_fault(parcels: Sequence[SurveyParcel], fault: Fault, at: int = 1) -> list[SurveyParcel]:
    """The parcels, one of which has the fault."""
    return [PLANTED[fault](one) if place == at else one for place, one in enumerate(parcels)]


def csv(parcels: Sequence[SurveyParcel], encoding: str = "gb18030") -> bytes:
    """A row per point; rings are not closed, as lists of points are written."""
    lines = ["地块编号,圈号,点号,X,Y"]
    lines += [",".join(row) for row in _rows(parcels)]
    return ("\n".join(lines) + "\n").encode(encoding)


def _rows(parcels: Sequence[SurveyParcel]) -> list[tuple[str, str, str, str, str]]:
    return [
        (one.number, str(ring.number), name, f"{north:.3f}", f"{east:.3f}")
        for one in parcels
        for ring in one.rings
        for name, (east, north) in list(zip(ring.names, ring.points.tolist(), strict=True))[:-1]
    ]


def xlsx(parcels: Sequence[SurveyParcel], folder: Path) -> bytes:
    """The same as a workbook."""
    columns = list(zip(*_rows(parcels), strict=True))
    names = ("地块编号", "圈号", "点号", "X坐标", "Y坐标")
    values: list[pa.Array] = [pa.array(one, pa.string()) for one in columns[:3]]
    values += [pa.array([float(v) for v in one], pa.float64()) for one in columns[3:]]
    path = folder / "points.xlsx"
    table = pa.table(dict(zip(names, values, strict=True)))
    pyogrio.raw.write_arrow(table, path, driver="XLSX", layer="points", geometry_type=None)
    return path.read_bytes()


def pasted(parcels: Sequence[SurveyParcel]) -> bytes:
    """Names and coordinates, an empty line between parcels; holes are left out."""
    blocks = [
        "\n".join(
            f"{name}\t{north:.3f}\t{east:.3f}"
            for name, (east, north) in list(
                zip(one.rings[0].names, one.rings[0].points.tolist(), strict=True)
            )[:-1]
        )
        for one in parcels
    ]
    return "\n\n".join(blocks).encode()


def dxf(
    parcels: Sequence[SurveyParcel],
    *,
    gap_m: float | None = None,
    bulge: float = 0.0,
    frame: bool = False,
    in_block: bool = False,
    drawn_as: str = "polyline",
) -> bytes:
    """A drawing: parcels on JZD with their names, optionally open by a gap, curved, in a block.

    *drawn_as* "lines" draws an edge each, "hatch" hatches without lines.
    """
    drawing = ezdxf.new("R2010", units=6)  # type: ignore[attr-defined]
    space = drawing.modelspace()
    target = drawing.blocks.new("LAND") if in_block else space
    for one in parcels:
        for ring in one.rings:
            layer = {"layer": "0" if in_block else "JZD"}
            corners = ring.points.tolist()
            if drawn_as == "lines":
                for first, last in pairwise(corners):
                    target.add_line(first, last, dxfattribs=layer)
                continue
            if drawn_as == "hatch":
                target.add_hatch(dxfattribs=layer).paths.add_polyline_path(corners[:-1])
                continue
            points = [(x, y, bulge) for x, y in ring.points.tolist()[:-1]]
            if gap_m is not None:
                (x, y, _), closed = points[0], False
                points.append((x + gap_m, y, 0.0))
            else:
                closed = True
            target.add_lwpolyline(points, format="xyb", close=closed, dxfattribs=layer)
        x, y = one.rings[0].points[:-1].mean(axis=0).tolist()
        place = (x - 30.0, y)
        target.add_text(one.name, height=5, dxfattribs={"layer": "注记", "insert": place})
    if in_block:
        space.add_blockref("LAND", (0, 0), dxfattribs={"layer": "JZD"})
    if frame:
        edge = [(EAST - 500, NORTH - 500), (EAST + 3_000, NORTH - 500), (EAST, NORTH + 3_000)]
        space.add_lwpolyline(edge, close=True, dxfattribs={"layer": "图框"})
    written = io.StringIO()
    drawing.write(written)
    return written.getvalue().encode()


TABLE = {"地块名称": "name", "拟用地类": "class_code", "用地面积（公顷）": "declared_ha"}
NUMBERED, LONGITUDE = "EPSG:4530", "OGC:CRS84"  # zone 42 with its number in front


def shapes(parcels: Sequence[SurveyParcel]) -> list[shapely.Geometry]:
    """Polygons as they are written, valid or not; a hole that is none stays one."""
    return [
        shapely.Polygon(one.rings[0].points, [r.points for r in one.rings[1:]]) for one in parcels
    ]


def vectors(parcels: Sequence[SurveyParcel], folder: Path, form: str) -> bytes:
    """A zipped Shapefile in GBK ("shp") or a GeoPackage ("gpkg") with a table of attributes."""
    path = folder / f"parcels.{form}"
    values = [
        np.array([getattr(one, said) for one in parcels], dtype=object)
        if said != "declared_ha"
        else np.array([one.declared_ha or 0.0 for one in parcels])
        for said in TABLE.values()
    ]
    names = ["DKMC", "YDYHFLDM", "DKMJ"] if form == "shp" else list(TABLE)
    if form == "shp":
        values[2] = values[2] * 10_000
    pyogrio.raw.write(
        path,
        np.array(shapely.to_wkb(shapes(parcels)), dtype=object),
        values,
        np.array(names),
        driver="ESRI Shapefile" if form == "shp" else "GPKG",
        geometry_type="Polygon",
        crs=NUMBERED,
        **({"encoding": "gbk"} if form == "shp" else {}),
    )
    if form == "gpkg":
        return path.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part in sorted(folder.glob("parcels.*")):
            archive.write(part, part.name)
    return packed.getvalue()


def degrees(parcels: Sequence[SurveyParcel]) -> list[SurveyParcel]:
    """The same parcels in longitude and latitude."""
    there = pyproj.Transformer.from_crs(NUMBERED, "EPSG:4490", always_xy=True)

    def moved(ring: SurveyRing) -> SurveyRing:
        points = np.column_stack(there.transform(*ring.points.T)).reshape(-1, 2)
        return replace(ring, points=points)

    return [replace(one, rings=tuple(moved(ring) for ring in one.rings)) for one in parcels]


def kml(parcels: Sequence[SurveyParcel]) -> bytes:
    """Placemarks with a name and data; parcels are given in degrees."""

    def boundary(kind: str, ring: SurveyRing) -> str:
        text = " ".join(f"{x!r},{y!r},0" for x, y in ring.points.tolist())
        ring_text = f"<LinearRing><coordinates>{text}</coordinates></LinearRing>"
        return f"<{kind}>{ring_text}</{kind}>"

    marks = "".join(
        f"<Placemark><name>{one.name}</name><ExtendedData><Data name='拟用地类'><value>"
        f"{one.class_code}</value></Data></ExtendedData><Polygon>"
        + "".join(
            boundary("innerBoundaryIs" if place else "outerBoundaryIs", ring)
            for place, ring in enumerate(one.rings)
        )
        + "</Polygon></Placemark>"
        for one in parcels
    )
    head = '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2">'
    return f"{head}<Document>{marks}</Document></kml>".encode()


def geojson(parcels: Sequence[SurveyParcel]) -> dict[str, Any]:
    """A feature per parcel in the numbers that are given; one without rings has no geometry."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": one.number,
                "properties": {"name": one.name, "planned_class": one.class_code},
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [ring.points.tolist() for ring in one.rings],
                }
                if one.rings
                else None,
            }
            for one in parcels
        ],
    }
