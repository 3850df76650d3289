"""The spatial processes from body to answer: overlay, buffer, transformation, classes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyproj
import pytest
import shapely
import yaml
from jsonschema import Draft202012Validator
from shapely.geometry import shape

from processes.registry import SPECS
from processes.spec import InvalidBody
from providers.crs import EPSG_URI
from providers.crs_systems import area_of_use

SPATIAL = ("area_ellipsoid", "buffer", "classify", "overlay", "transform_crs")
WORKED = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "worked_areas.yaml").read_text(encoding="utf-8")
)
WIDE = [[125.30, 43.80], [125.32, 43.80], [125.32, 43.81], [125.30, 43.81], [125.30, 43.80]]
EAST = [[125.31, 43.80], [125.33, 43.80], [125.33, 43.81], [125.31, 43.81], [125.31, 43.80]]
TIE = [[125.30, 43.80], [125.32, 43.81], [125.32, 43.80], [125.30, 43.81], [125.30, 43.80]]


class Quiet:
    """What a computation is given, as far as these read it."""

    planar_crs = None

    def report(self, percent: int, message: str) -> None:
        """Nobody watches."""


def execute(name: str, **inputs: Any) -> Mapping[str, Any]:
    """The outputs as a client gets them."""
    spec = SPECS[name]
    values = spec.run(Quiet(), spec.parse({"inputs": inputs}).inputs)
    return {key: orjson.loads(orjson.dumps(value)) for key, value in values.items()}


def refused(name: str, **inputs: Any) -> dict[str, str]:
    with pytest.raises(InvalidBody) as error:
        SPECS[name].parse({"inputs": inputs})
    return {e.pointer: e.message for e in error.value.errors}


def polygons(*rings: Any, codes: str = "") -> dict[str, Any]:
    features = [
        {
            "type": "Feature",
            "id": f"f{i}",
            "geometry": None if ring is None else {"type": "Polygon", "coordinates": [ring]},
            "properties": {"code": codes[i]} if codes else None,
        }
        for i, ring in enumerate(rings)
    ]
    return {"type": "FeatureCollection", "features": features}


@pytest.mark.parametrize("name", SPATIAL)
def test_the_example_runs_and_its_outputs_are_as_described(name: str) -> None:
    found = execute(name, **SPECS[name].example["inputs"])

    assert found.keys() == SPECS[name].outputs.keys()
    for output, value in found.items():
        Draft202012Validator(dict(SPECS[name].outputs[output].schema)).validate(value)


@pytest.mark.parametrize("name", ["area_ellipsoid", "buffer", "overlay", "transform_crs"])
@pytest.mark.parametrize(
    "features",
    [
        {},
        {"type": "FeatureCollection"},
        {"type": "FeatureCollection", "features": [5]},
        {"type": "Feature", "geometry": 5},
        {"type": "GeometryCollection", "geometries": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": [[[10**30, 0]] * 4]},
        {"type": "MultiPolygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[500, 43], [501, 43], [501, 44], [500, 43]]]},
        {"type": "Polygon", "coordinates": [[[1, 1]] * 300_000]},
        {"type": "FeatureCollection", "features": [{"type": "Feature"}] * 20_001},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": 1}] * 999},
    ],
)
def test_hostile_features_are_refused_with_their_place(name: str, features: Any) -> None:
    inputs = {"right": features} if name == "overlay" else {}
    inputs["left" if name == "overlay" else "features"] = features
    more = {"buffer": {"distance_m": 5}, "transform_crs": {"target_crs": "EPSG:4551"}}

    faults = refused(name, **inputs, **more.get(name, {}))

    assert 0 < len(faults) <= 100
    assert all(
        place.startswith(("/inputs/features", "/inputs/left", "/inputs/right")) for place in faults
    )


def test_an_overlay_tells_areas_by_class_that_close() -> None:
    found = execute(
        "overlay",
        left=polygons(WIDE, codes="a"),
        right=polygons(EAST, codes="b"),
        left_class="code",
        right_class="code",
        operation="union",
    )

    told = found["statistics"]
    classes = {(c["relation"], c["left"], c["right"]): c["area_m2"] for c in told["classes"]}
    assert classes.keys() == {("both", "a", "b"), ("left", "a", None), ("right", None, "b")}
    assert told["left"]["closes"]
    assert told["left"]["whole_m2"] == pytest.approx(classes["both", "a", "b"] * 2, rel=1e-9)
    relations = [f["properties"]["relation"] for f in found["features"]["features"]]
    assert relations == ["both", "left", "right"]
    assert found["features"]["features"][0]["properties"]["left"]["id"] == "f0"


def test_land_under_two_features_of_the_other_side_counts_twice_and_that_is_said() -> None:
    found = execute("overlay", left=polygons(WIDE), right=polygons(WIDE, EAST))["statistics"]

    assert not found["left"]["closes"]
    assert found["right"]["closes"]
    half_m2 = found["left"]["whole_m2"] / 2
    assert found["left"]["difference_m2"] == pytest.approx(half_m2, rel=1e-6)


def test_an_invalid_feature_is_explained_and_a_missing_one_is_nothing() -> None:
    found = execute("overlay", left=polygons(TIE, None), right=polygons(WIDE))["statistics"]

    (repaired,) = found["left"]["repaired"]
    assert repaired["id"] == "f0"
    assert repaired["reason"].startswith("Self-intersection[125.31 43.8")
    assert found["left"]["features"] == 2
    assert found["left"]["closes"]


@pytest.mark.parametrize("empty", ["left", "right", "both"])
def test_an_overlay_with_nothing_is_the_other_side(empty: str) -> None:
    sides = {s: polygons() if empty in (s, "both") else polygons(WIDE) for s in ("left", "right")}

    found = execute("overlay", **sides, operation="union")

    assert len(found["features"]["features"]) == (0 if empty == "both" else 1)
    assert found["statistics"]["left"]["shared_m2"] == 0


def test_polygons_of_one_zone_are_cut_there_and_measured_on_the_ellipsoid() -> None:
    planes = {case["id"]: case for case in WORKED["planes"]}

    def ring(name: str) -> list[list[float]]:
        points = [[northing, easting] for easting, northing in planes[name]["ring"]]
        return [*points, points[0]]

    changes = polygons(ring("overlay-0103"), ring("overlay-0301"), codes="ab")
    found = execute(
        "overlay",
        left=polygons(ring("overlay-parcel")),
        right=changes,
        right_class="code",
        crs=f"{EPSG_URI}4551",
    )["statistics"]

    areas = {c["right"]: c["area_m2"] for c in found["classes"] if c["relation"] == "both"}
    tolerance_m2 = WORKED["tolerance_m2"]
    assert found["plane"].startswith("EPSG:4551")
    assert areas["a"] == pytest.approx(planes["overlay-0103"]["official"], abs=tolerance_m2)
    assert areas["b"] == pytest.approx(planes["overlay-0301"]["official"], abs=tolerance_m2)
    parcel_m2 = planes["overlay-parcel"]["official"]
    assert found["left"]["whole_m2"] == pytest.approx(parcel_m2, abs=tolerance_m2)
    assert found["left"]["closes"]


def test_a_buffer_keeps_properties_and_tells_how_exact_it_is() -> None:
    found = execute("buffer", features=polygons(WIDE, TIE, None, codes="abc"), distance_m=100)

    report, features = found["report"], found["features"]["features"]
    assert [f["properties"]["code"] for f in features] == ["a", "b", "c"]
    assert [f["id"] for f in features] == ["f0", "f1", "f2"]
    assert features[2]["geometry"] is None
    assert report["largest_error_m"] <= report["allowed_error_m"] < 0.25
    assert [r["feature"] for r in report["repaired"]] == [1]


def test_a_dissolved_buffer_is_one_feature_and_too_much_inwards_leaves_nothing() -> None:
    both = execute("buffer", features=polygons(WIDE, EAST), distance_m=5, dissolve=True)
    gone = execute("buffer", features=polygons(WIDE), distance_m=-2_000)
    none = execute("buffer", features=polygons(), distance_m=5, dissolve=True)

    assert len(both["features"]["features"]) == 1
    assert gone["report"]["empty"] == [0]
    assert gone["report"]["largest_error_m"] is None
    assert none["report"]["features"] == 0


def test_a_buffer_without_a_distance_or_over_the_antimeridian_is_refused() -> None:
    edge = {"type": "Point", "coordinates": [179.9999, 10]}

    assert list(refused("buffer", features=polygons(WIDE), distance_m=0)) == ["/inputs/distance_m"]
    assert "antimeridian" in refused("buffer", features=edge, distance_m=500)["/inputs/features"]


@pytest.mark.parametrize("code", range(4513, 4555))
def test_each_zone_is_reached_and_left_as_proj_says(code: int) -> None:
    west, south, east, north = area_of_use(pyproj.CRS.from_epsg(code), 0.0)
    lon, lat = np.linspace(west, east, 5), np.linspace(south, north, 5)
    oracle = pyproj.Transformer.from_crs(4490, code, always_xy=True)
    x, y = oracle.transform(lon, lat)
    places = [[float(a), float(b)] for a, b in zip(lon, lat, strict=True)]

    there = execute(
        "transform_crs",
        features={"type": "MultiPoint", "coordinates": places},
        target_crs=f"{EPSG_URI}{code}",
    )
    moved = there["features"]["features"][0]["geometry"]
    back = execute(
        "transform_crs",
        features=moved,
        source_crs=f"{EPSG_URI}{code}",
        target_crs="http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    )

    # the registry gives northing first
    assert np.array(moved["coordinates"]) == pytest.approx(np.column_stack((y, x)), abs=1e-4)
    assert there["report"]["target"]["axes"] == ["northing", "easting"]
    assert there["report"]["beside_area_of_use"] == 0
    again = np.array(back["features"]["features"][0]["geometry"]["coordinates"])
    assert again == pytest.approx(np.array(places), abs=2e-9)
    assert back["report"]["source"]["operation"]["exact"]


@pytest.mark.parametrize("code", [4490, 4326])
def test_degrees_of_the_registry_are_latitude_first_and_only_relabelled(code: int) -> None:
    point = {"type": "Point", "coordinates": [125.3, 43.8]}

    found = execute("transform_crs", features=point, target_crs=f"EPSG:{code}")

    assert found["features"]["features"][0]["geometry"]["coordinates"] == [43.8, 125.3]
    assert found["features"]["coordRefSys"] == f"{EPSG_URI}{code}"
    assert found["report"]["target"]["operation"]["name"].startswith("relabelled")


def test_another_datum_comes_by_a_published_operation_with_its_accuracy_or_not_at_all() -> None:
    bern = {"type": "Point", "coordinates": [2_600_000, 1_200_000]}
    old = {"type": "Point", "coordinates": [43.8, 125.3]}

    swiss = execute("transform_crs", features=bern, source_crs="EPSG:2056", target_crs="EPSG:4490")
    guessed = refused("transform_crs", features=old, source_crs="EPSG:4610", target_crs="EPSG:4490")

    lat, lon = swiss["features"]["features"][0]["geometry"]["coordinates"]
    operation = swiss["report"]["source"]["operation"]
    assert (lat, lon) == pytest.approx((46.951083, 7.438632), abs=2e-5)
    assert operation["accuracy_m"] is not None
    assert not operation["exact"]
    assert "guessed" in guessed["/inputs/source_crs"]


def test_a_target_that_is_not_offered_or_not_reached_is_refused() -> None:
    point = {"type": "Point", "coordinates": [-60, 43.8]}
    north = {"type": "Point", "coordinates": [10, 89]}

    assert (
        "not offered"
        in refused("transform_crs", features=point, target_crs="EPSG:2056")["/inputs/target_crs"]
    )
    assert (
        "not known"
        in refused("transform_crs", features=point, target_crs="x")["/inputs/target_crs"]
    )
    for features, code in ((point, 4551), (north, 3857)):
        faults = refused("transform_crs", features=features, target_crs=f"EPSG:{code}")
        assert "has no coordinates" in faults["/inputs/features"]


def test_web_mercator_is_projected_from_the_same_numbers() -> None:
    point = {"type": "Point", "coordinates": [125.3, 43.8]}

    found = execute("transform_crs", features=point, target_crs="EPSG:3857")

    oracle = pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(125.3, 43.8)
    moved = shape(found["features"]["features"][0]["geometry"])
    assert shapely.get_coordinates(moved)[0] == pytest.approx(oracle, abs=1e-4)


def test_classes_answer_bounds_counts_codes_and_the_class_of_nothing() -> None:
    found = execute("classify", values=[1, None, 3, 8], method="fisher-jenks", k=2)["classes"]

    assert [c["up_to"] for c in found["classes"]] == [3, 8]
    assert [c["above"] for c in found["classes"]] == [None, 3]
    assert found["codes"] == [1, None, 1, 2]
    assert found["missing"] == 1


def test_a_number_of_classes_written_as_a_decimal_is_that_number() -> None:
    assert execute("classify", values=[1, 2, 3], method="fisher-jenks", k=2.0)["classes"]["k"] == 2


def test_a_second_variable_gives_bivariate_codes() -> None:
    found = execute("classify", values=[1, 2, 3], second=[1, None, 3], method="quantile", k=3)

    assert found["classes"]["bivariate"][0] == 0
    assert found["classes"]["bivariate"][1] is None


def test_every_fault_of_a_classification_is_told() -> None:
    faults = refused(
        "classify", values=[1, "x", True], second=[1], method="quantile", breaks=[3, 2]
    )

    assert faults.keys() == {
        "/inputs/values/1",
        "/inputs/values/2",
        "/inputs/second",
        "/inputs/breaks",
        "/inputs/breaks/1",
    }
    assert refused("classify", values=[1], method="manual").keys() == {"/inputs/breaks"}
