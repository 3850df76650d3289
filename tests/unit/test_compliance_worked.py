"""The worked numbers of occupancy checks, by the rules that the product ships."""

from functools import cache

import numpy as np
import pytest
import shapely
import yaml
from numpy.typing import NDArray
from shapely import Geometry

from config.ruleset import Ruleset
from config.ruleset_reading import read_ruleset
from config.settings import PACKAGE_ROOT
from processes.algorithms.compliance.evidence import Declared, LayerEvidence
from processes.algorithms.compliance.findings import Concerned
from processes.algorithms.compliance.judging import judge
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from providers.crs import from_epsg, to_plane, to_storage

ZONE = from_epsg(4551)  # CGCS2000 / 3-degree Gauss-Kruger CM 126E


@cache
def shipped() -> Ruleset:
    path = PACKAGE_ROOT / "catalogue" / "rules" / "national_default.yaml"
    return read_ruleset(yaml.safe_load(path.read_text(encoding="utf-8")))


def zone(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    return to_plane(geometries, ZONE)


def noded(
    west: float, south: float, east: float, north: float, *cuts: tuple[float, float]
) -> Geometry:
    """A box in the zone, as it is stored, that has the *cuts* on its edges as vertices.

    The worked overlays were cut in the plane, ours is cut on stored edges, which are straight in
    degrees (18 mm aside in the middle of 1 km). Where the cut points are vertices of both, the
    two are the same.
    """
    ring = shapely.box(west, south, east, north).exterior
    places = sorted({*ring.coords[:-1], *cuts}, key=lambda c: ring.project(shapely.Point(c)))
    turned = shapely.Polygon([(y, x) for x, y in places])
    found: Geometry = to_storage(np.array([turned], dtype=object), ZONE).geometries[0]
    return found


def occupied(parcel: Geometry, *features: Geometry) -> Concerned:
    """What the farmland rule says that *features* take of a parcel."""
    shapes = np.array(features, dtype=object)
    layer = LayerEvidence(
        ids=tuple(map(str, range(len(shapes)))),
        fields={},
        plans=(None,) * len(shapes),
        documents=(None,) * len(shapes),
        parcel=np.zeros(len(shapes), dtype=np.intp),
        feature=np.arange(len(shapes), dtype=np.intp),
        overlaps=shapely.intersection(shapes, parcel),
    )
    parcels = np.array([parcel], dtype=object)
    evidence = {"farmland_issued": layer}
    [[finding]] = judge(shipped(), ["CR01"], parcels, [Declared()], evidence, zone, replace={})
    return finding.concerns[0]


def test_the_worked_check_has_its_areas_and_shares() -> None:
    """worked-numbers, compliance-check: occupancy-ellipsoid."""
    west, south, east, north = 443667.0, 4851838.0, 443767.0, 4851938.0
    top = 4851853.6
    parcel = noded(west, south, east, north, (443747.0, south), (east, top))
    whole = np.array([noded(west, south, east, north)], dtype=object)
    farmland = noded(443747.0, south, 443867.0, top, (east, south), (east, top))
    inside = occupied(parcel, farmland)

    assert shapely.area(zone(whole))[0] == pytest.approx(10000.0, abs=1e-4)
    assert ellipsoid_area_m2(whole)[0] == pytest.approx(9999.2211191362, abs=1e-4)
    assert inside.planar_m2 == pytest.approx(311.999999992549, abs=1e-4)
    assert inside.ellipsoid_m2 == pytest.approx(311.975733399009, abs=1e-4)
    assert inside.share == pytest.approx(0.0312000034484645, abs=1e-6)


def test_land_under_two_features_counts_once_in_the_worked_check() -> None:
    """worked-numbers, compliance-check: occupancy-ellipsoid, the boundary."""
    west, south, east, north = 443667.0, 4851838.0, 443767.0, 4851938.0
    xs = (443717.0, 443727.0, 443747.0)
    parcel = noded(west, south, east, north, *((x, y) for x in xs for y in (south, north)))
    inside = occupied(
        parcel,
        noded(443617.0, 4851788.0, 443727.0, 4851988.0, (443727.0, south), (443727.0, north)),
        # overlaps the first by 10 m
        noded(443717.0, 4851788.0, 443747.0, 4851988.0, (443747.0, south), (443747.0, north)),
    )

    assert inside.planar_m2 == pytest.approx(8000.0, abs=1e-3)
    assert inside.ellipsoid_m2 == pytest.approx(7999.37667408851, abs=0.02)
    assert inside.share == pytest.approx(0.799999977876232, abs=2e-6)
    assert [part.id for part in inside.features] == ["0", "1"]
    assert inside.features[0].planar_m2 == pytest.approx(6000.0, abs=5e-3)
    assert inside.features[1].planar_m2 == pytest.approx(3000.0, abs=5e-3)


def test_the_worked_occupancy_of_two_changes() -> None:
    """worked-numbers, landuse-change/overlay-ellipsoid: occupancy-ellipsoid."""
    west, south, east, north = 443667.0, 4851838.0, 444667.0, 4852238.0
    x, y = 443917.0, 4851858.0
    parcel = noded(west, south, east, north, (x, south), (x, north), (east, y))
    first = occupied(parcel, noded(west, south, x, north))
    second = occupied(parcel, noded(x, south, east, y))

    assert first.ellipsoid_m2 == pytest.approx(99992.2320214742, abs=1e-4)
    assert second.ellipsoid_m2 == pytest.approx(14998.8553768836, abs=1e-4)
    assert first.share == pytest.approx(0.249999743129162, abs=1e-5)
    assert second.share == pytest.approx(0.0375000129074733, abs=1e-5)
