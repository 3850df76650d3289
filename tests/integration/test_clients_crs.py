"""Real clients in other reference systems than the default: GDAL through pyogrio, and OWSLib."""

from collections.abc import Callable

import httpx
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from numpy.typing import NDArray
from owslib.ogcapi.features import Features
from shapely.geometry.base import BaseGeometry

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
LAYER = "county"  # eleven features: read in a moment


@pytest.fixture(scope="module")
def places(client: httpx.Client) -> dict[str, BaseGeometry]:
    """The features as they come by default."""
    page = (
        client.get(f"/collections/{LAYER}/items", params={"limit": 100}).raise_for_status().json()
    )
    return {f["id"]: shapely.geometry.shape(f["geometry"]) for f in page["features"]}


def moved(code: int) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Longitude and latitude in a plane, by PROJ, x to the east."""
    there = pyproj.Transformer.from_crs(4326 if code == 3857 else 4490, code, always_xy=True)
    return lambda xy: np.column_stack(there.transform(xy[:, 0], xy[:, 1]))


def centres(shapes: list[BaseGeometry]) -> NDArray[np.float64]:
    """Corners of the shapes' boxes, in a settled order."""
    boxes = shapely.bounds(np.array(shapes, dtype=object))
    return np.asarray(boxes[np.lexsort(boxes.T)])


def test_gdal_reads_the_storage_system_and_swaps_no_axes(
    live_server: str, places: dict[str, BaseGeometry]
) -> None:
    meta, _, read, _ = pyogrio.raw.read(f"OAPIF:{live_server}", layer=LAYER)

    assert pyproj.CRS.from_user_input(meta["crs"]) == pyproj.CRS.from_epsg(4490)
    found, expected = centres(list(shapely.from_wkb(read))), centres(list(places.values()))
    assert np.abs(found - expected).max() < 2e-9, "longitude is x for a GIS"


@pytest.mark.parametrize("code", [4326, 3857, 4551, 4530])
def test_gdal_reads_in_the_reference_system_that_it_is_told(
    live_server: str, places: dict[str, BaseGeometry], code: int
) -> None:
    meta, _, read, _ = pyogrio.raw.read(
        f"OAPIF:{live_server}", layer=LAYER, PREFERRED_CRS=f"EPSG:{code}"
    )

    named = "OGC:CRS84" if code == 4326 else f"EPSG:{code}"  # GDAL takes the one for the other
    assert pyproj.CRS.from_user_input(meta["crs"]) == pyproj.CRS.from_user_input(named)
    placed = list(places.values())
    if code != 4326:
        placed = [shapely.transform(shape, moved(code)) for shape in placed]
    assert np.abs(centres(list(shapely.from_wkb(read))) - centres(placed)).max() < 0.001


@pytest.mark.parametrize("code", [4490, 3857, 4551, 4530])
def test_gdal_pushes_a_window_down_in_the_reference_system_of_the_layer(
    live_server: str, code: int
) -> None:
    window = shapely.box(125.30, 43.87, 125.34, 43.89)
    box = window if code == 4490 else shapely.transform(window, moved(code))
    source, options = f"OAPIF:{live_server}", {"PREFERRED_CRS": f"EPSG:{code}"}

    _, _, read, _ = pyogrio.raw.read(source, layer="land_use", bbox=box.bounds, **options)
    _, _, every, _ = pyogrio.raw.read(source, layer="land_use", **options)

    shapes = shapely.from_wkb(every)
    expected = int(shapely.intersects(shapes, shapely.box(*box.bounds)).sum())
    assert 0 < len(read) == expected < len(every)


@pytest.mark.parametrize("code", [4490, 4551])
def test_owslib_asks_in_another_reference_system(
    live_server: str, places: dict[str, BaseGeometry], code: int
) -> None:
    service = Features(live_server)
    uri = f"{EPSG}{code}"

    assert uri in service.collection(LAYER)["crs"]
    page = service.collection_items(LAYER, limit=20, crs=uri)

    assert len(page["features"]) == len(places)
    for feature in page["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        swapped = shapely.transform(shape, lambda xy: xy[:, ::-1])
        expected = places[feature["id"]]
        if code != 4490:
            expected = shapely.transform(expected, moved(code))
        assert np.abs(np.subtract(swapped.bounds, expected.bounds)).max() < 0.001
