"""Official, geodesic and planar areas beside one another, against worked numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from processes.ogc.area_ellipsoid import AREA_ELLIPSOID, compute, read
from processes.spec import InvalidBody
from processes.workflows.feature_input import plane_for, stored_rows
from providers.crs import EPSG_URI, from_epsg

WORKED = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "worked_areas.yaml").read_text(encoding="utf-8")
)
SECOND = [[125.3, 43.8], [125.301, 43.8], [125.301, 43.801], [125.3, 43.801], [125.3, 43.8]]
TIE = [[125.3, 43.8], [125.301, 43.801], [125.301, 43.8], [125.3, 43.801], [125.3, 43.8]]


def polygon(rings: list[Any]) -> dict[str, Any]:
    """A GeoJSON polygon of rings that may be open."""
    closed = [ring if ring[0] == ring[-1] else [*ring, ring[0]] for ring in rings]
    return {"type": "Polygon", "coordinates": closed}


def areas(**inputs: Any) -> dict[str, Any]:
    values = AREA_ELLIPSOID.parse({"inputs": inputs}).inputs
    rows = read(values)
    return compute(rows, plane_for([rows], None), values.get("piece_m"))


def collection(*geometries: Any) -> dict[str, Any]:
    features = [{"type": "Feature", "id": i, "geometry": g} for i, g in enumerate(geometries)]
    return {"type": "FeatureCollection", "features": features}


@pytest.mark.parametrize("case", WORKED["rings"], ids=lambda case: case["id"])
def test_official_and_geodesic_area_of_degrees_are_the_worked_ones(case: dict[str, Any]) -> None:
    total = areas(features=polygon(case["rings"]))["total"]

    for way in ("official", "geodesic"):
        assert total[f"{way}_m2"] == pytest.approx(case[way], abs=WORKED["tolerance_m2"], rel=0)


@pytest.mark.parametrize("case", WORKED["planes"], ids=lambda case: case["id"])
def test_areas_of_a_plane_are_the_worked_ones_with_the_edges_cut_as_asked_for(
    case: dict[str, Any],
) -> None:
    ring = [[northing, easting] for easting, northing in case["ring"]]  # EPSG:4551: northing first
    piece = {"piece_m": case["piece_m"]} if "piece_m" in case else {}

    found = areas(features=polygon([ring]), crs=f"{EPSG_URI}4551", **piece)

    official_m2 = found["total"]["official_m2"]
    assert official_m2 == pytest.approx(case["official"], abs=WORKED["tolerance_m2"], rel=0)
    assert found["piece_m"] == case.get("piece_m")
    if "planar" in case:
        assert found["total"]["planar_m2"] == pytest.approx(case["planar"], abs=1e-4, rel=0)
        assert found["total"]["geodesic_m2"] == pytest.approx(case["geodesic"], abs=1e-4, rel=0)
    assert found["plane"] == from_epsg(4551).label


def test_cut_edges_bring_all_three_areas_together_but_for_the_scale_of_the_plane() -> None:
    triangle = [[4851838, 443667], [4851838, 444167], [4852271.0127, 443917]]

    whole, cut = (
        areas(features=polygon([triangle]), crs="EPSG:4551", **piece)["total"]
        for piece in ({}, {"piece_m": 10})
    )

    assert abs(whole["official_m2"] - whole["geodesic_m2"]) > 2
    assert abs(cut["official_m2"] - cut["geodesic_m2"]) < 2e-3


def test_a_missing_and_a_crossing_polygon_have_no_area_and_the_total_says_so() -> None:
    found = areas(features=collection(polygon([SECOND]), None, polygon([TIE])))

    assert [f["reason"] for f in found["features"]][:2] == [None, "no geometry"]
    assert found["features"][2]["reason"].startswith("not valid: Self-intersection")
    assert found["features"][2]["official_m2"] is None
    assert (found["total"]["features"], found["total"]["measured"]) == (3, 1)
    assert found["total"]["official_m2"] == found["features"][0]["official_m2"]


def test_a_feature_far_beside_the_zone_has_no_planar_area_and_then_there_is_no_planar_total() -> (
    None
):
    far = [[x - 25, y] for x, y in SECOND]

    found = areas(features=collection(polygon([SECOND]), polygon([far])))

    assert {f["reason"] for f in found["features"]} == {"lies outside of the plane"}
    assert found["total"]["planar_m2"] is None
    assert found["total"]["official_m2"] is not None


def test_nothing_to_measure_is_no_area_rather_than_zero() -> None:
    total = areas(features=collection())["total"]

    assert total["features"] == 0
    assert total["official_m2"] is total["planar_m2"] is None


def test_rows_of_a_collection_are_measured_like_rows_that_were_sent() -> None:
    sent = read({"features": collection(polygon([SECOND]))})
    stored = stored_rows(sent.geometries, sent.properties, sent.ids)

    plane = plane_for([sent], None)

    assert compute(stored, plane, None)["features"] == compute(sent, plane, None)["features"]


def test_all_faults_are_told_at_once() -> None:
    open_ring = {"type": "Polygon", "coordinates": [SECOND[:-1]]}
    text = {"type": "Polygon", "coordinates": [[[125, "x"], *SECOND]]}
    with pytest.raises(InvalidBody) as refused:
        areas(
            features=collection(open_ring, text, {"type": "Point", "coordinates": [1, 2]}), crs="x"
        )

    assert [error.pointer for error in refused.value.errors] == [
        "/inputs/features/features/0/geometry/coordinates/0",
        "/inputs/features/features/1/geometry/coordinates/0/0/1",
        "/inputs/features/features/2/geometry/type",
        "/inputs/crs",
    ]


def test_a_piece_length_that_would_make_too_many_pieces_is_refused() -> None:
    wide = polygon([[[75, 20], [130, 20], [130, 50], [75, 50]]])
    with pytest.raises(InvalidBody) as refused:
        areas(features=wide, piece_m=0.5)

    assert refused.value.errors[0].pointer == "/inputs/piece_m"


def test_edges_are_cut_evenly_and_their_vertices_stay() -> None:
    rows = read({"features": polygon([SECOND]), "piece_m": 30.0})
    points = np.array(rows.geometries[0].geoms[0].exterior.coords)

    assert len(points) == 1 + 2 * 3 + 2 * 4  # 80.5 m wide, 111.1 m high
    assert {tuple(p) for p in SECOND} <= {tuple(p) for p in points.tolist()}
