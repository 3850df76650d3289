"""A parcel over control lines: worked numbers, noise, and what only touches."""

import math
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely import Geometry

from processes.algorithms.control_line_check import NoiseRule, measure, overlay
from processes.algorithms.parcel_geometry import MAX_VERTICES, invalidity, read_parcel
from providers.crs import from_epsg, to_plane, to_storage

ZONE = from_epsg(4551)  # CGCS2000 / 3-degree Gauss-Kruger CM 126E
RULE = NoiseRule(eps_m2=1.0, min_width_m=0.1, combine="or", version="test", source="")


def zone(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    return to_plane(geometries, ZONE)


def polygon(*places: tuple[float, float]) -> Geometry:
    """A polygon given as easting, northing in the zone, as it is stored."""
    turned = shapely.Polygon([(north, east) for east, north in places])
    found: Geometry = to_storage(np.array([turned], dtype=object), ZONE).geometries[0]
    return found


def box(west: float, south: float, east: float, north: float) -> Geometry:
    return polygon((west, south), (east, south), (east, north), (west, north))


PARCEL: Any = box(443667.0, 4851838.0, 443767.0, 4851938.0)


def noded(west: float, south: float, east: float, north: float, *cuts: tuple[float, float]) -> Any:
    """A box that has the *cuts* on its edges as vertices.

    The worked overlays were cut in the plane, ours is cut on stored edges, which are straight in
    degrees (18 mm aside in the middle of 1 km). Where the cut points are vertices of both, the
    two are the same.
    """
    ring = shapely.box(west, south, east, north).exterior
    places = sorted({*ring.coords[:-1], *cuts}, key=lambda c: ring.project(shapely.Point(c)))
    return polygon(*places)


def test_the_worked_check_has_its_areas_and_shares() -> None:
    """worked-numbers, compliance-check: occupancy-ellipsoid."""
    whole = measure(PARCEL, zone)
    west, south, east, north = 443667.0, 4851838.0, 443767.0, 4851938.0
    top = 4851853.6
    parcel = noded(west, south, east, north, (443747.0, south), (east, top))
    farmland = noded(443747.0, south, 443867.0, top, (east, south), (east, top))
    inside = overlay(parcel, [farmland], to_plane=zone, noise=RULE).inside

    assert whole.planar_m2 == pytest.approx(10000.0, abs=1e-4)
    assert whole.ellipsoid_m2 == pytest.approx(9999.2211191362, abs=1e-4)
    assert inside.areas.planar_m2 == pytest.approx(311.999999992549, abs=1e-4)
    assert inside.areas.ellipsoid_m2 == pytest.approx(311.975733399009, abs=1e-4)
    assert inside.share == pytest.approx(0.0312000034484645, abs=1e-6)

    xs = (443717.0, 443727.0, 443747.0)
    parcel = noded(west, south, east, north, *((x, y) for x in xs for y in (south, north)))
    boundary = [
        noded(443617.0, 4851788.0, 443727.0, 4851988.0, (443727.0, south), (443727.0, north)),
        # overlaps the first by 10 m
        noded(443717.0, 4851788.0, 443747.0, 4851988.0, (443747.0, south), (443747.0, north)),
    ]
    grown = overlay(parcel, boundary, to_plane=zone, noise=RULE)

    assert grown.inside.areas.planar_m2 == pytest.approx(8000.0, abs=1e-3)
    assert grown.inside.areas.ellipsoid_m2 == pytest.approx(7999.37667408851, abs=0.02)
    assert grown.inside.share == pytest.approx(0.799999977876232, abs=2e-6)
    assert grown.outside.areas.planar_m2 == pytest.approx(2000.0, abs=1e-3)
    assert [part.feature for part in grown.parts] == [0, 1]
    assert grown.parts[0].areas.planar_m2 == pytest.approx(6000.0, abs=5e-3)
    assert grown.parts[1].areas.planar_m2 == pytest.approx(3000.0, abs=5e-3)


def test_the_worked_occupancy_of_two_changes() -> None:
    """worked-numbers, landuse-change/overlay-ellipsoid: occupancy-ellipsoid."""
    west, south, east, north = 443667.0, 4851838.0, 444667.0, 4852238.0
    x, y = 443917.0, 4851858.0
    parcel = noded(west, south, east, north, (x, south), (x, north), (east, y))
    left = noded(west, south, x, north)
    strip = noded(x, south, east, y)

    first = overlay(parcel, [left], to_plane=zone, noise=RULE).inside
    second = overlay(parcel, [strip], to_plane=zone, noise=RULE).inside

    assert measure(box(west, south, east, north), zone).ellipsoid_m2 == pytest.approx(
        399969.339047734, abs=1e-4
    )
    assert first.areas.ellipsoid_m2 == pytest.approx(99992.2320214742, abs=1e-4)
    assert second.areas.ellipsoid_m2 == pytest.approx(14998.8553768836, abs=1e-4)
    assert first.share == pytest.approx(0.249999743129162, abs=1e-5)
    assert second.share == pytest.approx(0.0375000129074733, abs=1e-5)


def test_a_common_edge_is_no_overlap() -> None:
    neighbour = box(443767.0, 4851838.0, 443867.0, 4851938.0)

    cut = overlay(PARCEL, [neighbour], to_plane=zone, noise=RULE)

    assert cut.inside.areas.planar_m2 == 0
    assert cut.inside.share == 0
    assert cut.parts == ()


def test_a_narrow_strip_is_noise_and_told_as_such() -> None:
    strip = box(443667.0, 4851838.0, 443667.09, 4851938.0)  # 9 cm wide, 9 m²

    cut = overlay(PARCEL, [strip], to_plane=zone, noise=RULE)

    assert cut.inside.areas.planar_m2 == 0
    assert cut.inside.noise_m2 == pytest.approx(9.0, abs=1e-3)
    assert cut.parts == ()
    assert cut.outside.areas.planar_m2 == pytest.approx(9991.0, abs=1e-3)


@pytest.mark.parametrize(("combine", "left"), [("or", 0.0), ("and", 0.81)])
def test_how_the_two_conditions_of_noise_combine_is_a_parameter(combine: Any, left: float) -> None:
    small = box(443667.0, 4851838.0, 443667.9, 4851838.9)  # 0.81 m², 0.45 m mean width
    rule = NoiseRule(eps_m2=1.0, min_width_m=0.1, combine=combine, version="test", source="")

    cut = overlay(PARCEL, [small], to_plane=zone, noise=rule)

    assert cut.inside.areas.planar_m2 == pytest.approx(left, abs=1e-3)


def test_small_parts_are_noise_beside_a_large_one() -> None:
    crumb = box(443766.2, 4851937.2, 443800.0, 4851960.0)  # 0.64 m² of it inside
    field = box(443667.0, 4851838.0, 443687.0, 4851858.0)

    cut = overlay(PARCEL, [crumb, field], to_plane=zone, noise=RULE)

    assert cut.inside.areas.planar_m2 == pytest.approx(400.0, abs=1e-3)
    assert cut.inside.noise_m2 == pytest.approx(0.64, abs=1e-3)
    assert [part.feature for part in cut.parts] == [1]


def test_without_features_everything_lies_outside() -> None:
    cut = overlay(PARCEL, [], to_plane=zone, noise=RULE)

    assert cut.inside.areas.ellipsoid_m2 == 0
    assert cut.outside.share == pytest.approx(1.0)


def test_a_parcel_is_a_polygon_multipolygon_or_feature() -> None:
    ring = [[0, 0, 5], [1, 0, 5], [1, 1, 5], [0, 0, 5]]
    plain = {"type": "Polygon", "coordinates": [ring]}
    several = {"type": "MultiPolygon", "coordinates": [[ring], [ring]]}
    feature = {"type": "Feature", "geometry": plain, "properties": None}

    for document, kind in ((plain, "Polygon"), (several, "MultiPolygon"), (feature, "Polygon")):
        found = read_parcel(document)
        assert isinstance(found, Geometry)
        assert (found.geom_type, found.has_z) == (kind, False)


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ({"type": "Point", "coordinates": [0, 0]}, ["/type"]),
        ({"type": "Polygon"}, ["/coordinates"]),
        ({"type": "Polygon", "coordinates": []}, ["/coordinates"]),
        ({"type": "Polygon", "coordinates": [[]]}, ["/coordinates/0"]),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]}, ["/coordinates/0"]),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1, "x"], [1], [0, 0]], "ring"]},
            ["/coordinates/0/1/1", "/coordinates/0/2", "/coordinates/1"],
        ),
        (
            {"type": "Polygon", "coordinates": [[[0, True], [1, 0], [1, 1], [0, 0]]]},
            ["/coordinates/0/0/1"],
        ),
        ({"type": "MultiPolygon", "coordinates": [[], 5]}, ["/coordinates/0", "/coordinates/1"]),
        ({"type": "Feature", "geometry": None}, ["/geometry"]),
        ({"type": "Feature", "geometry": {"type": "Line"}}, ["/geometry/type"]),
        ({"type": "Polygon", "coordinates": [], "crs": {}}, ["/crs"]),
        (
            {"type": "Polygon", "coordinates": [[[math.inf, 0], [1, 0], [1, 1], [0, 0]]]},
            ["/coordinates/0/0/0"],
        ),
    ],
)
def test_every_fault_of_a_parcel_is_told_with_its_place(
    document: dict[str, Any], places: list[str]
) -> None:
    found = read_parcel(document)

    assert isinstance(found, list)
    assert [place for place, _ in found] == places


def test_too_many_vertices_are_refused_before_they_are_read() -> None:
    ring = [["no", "number"]] * (MAX_VERTICES + 1)

    found = read_parcel({"type": "Polygon", "coordinates": [ring]})

    assert isinstance(found, list)
    assert len(found) == 1
    assert str(MAX_VERTICES) in found[0][1]


def test_a_bow_tie_is_not_valid_and_says_where() -> None:
    bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1), (0, 0)])

    assert invalidity(shapely.box(0, 0, 1, 1)) is None
    assert "0.5 0.5" in (invalidity(bow_tie) or "")


def test_a_feature_within_a_feature_is_no_parcel() -> None:
    from processes.algorithms.parcel_geometry import read_parcel

    nested: dict[str, object] = {"type": "Polygon", "coordinates": []}
    for _ in range(2_000):
        nested = {"type": "Feature", "geometry": nested}

    assert read_parcel(nested) == [("/geometry/type", "expected Polygon or MultiPolygon")]
