"""A parcel and the plane in which its area is measured."""

from typing import Any

import pytest

from processes.spec import InvalidBody
from processes.workflows.parcel import Parcel, plane_of, read_stored


def stored(west: float, south: float, crs: str = "EPSG:4490") -> Parcel:
    """A small parcel; in EPSG:4490 the latitude comes first."""
    size = 100.0 if south > 1_000 else 0.001
    ring = [
        [south, west],
        [south, west + size],
        [south + size, west + size],
        [south + size, west],
        [south, west],
    ]
    inputs: dict[str, Any] = {"parcel": {"type": "Polygon", "coordinates": [ring]}, "crs": crs}
    return read_stored(inputs)


@pytest.mark.parametrize(
    ("west", "plane"), [(124.6, "EPSG:4551"), (123.6, "EPSG:4551"), (127.9, "EPSG:4552")]
)
def test_a_plane_may_be_used_a_little_beside_its_zone(west: float, plane: str) -> None:
    assert plane_of(stored(west, 43.0), plane).label.startswith(f"{plane} ")


@pytest.mark.parametrize("west", [123.4, 128.6, 87.6])
def test_a_plane_is_not_used_where_its_areas_mean_nothing(west: float) -> None:
    with pytest.raises(InvalidBody, match="beside the area of EPSG:4551") as refused:
        plane_of(stored(west, 43.0), "EPSG:4551")

    assert refused.value.errors[0].pointer == "/inputs/parcel"


def test_a_survey_file_far_outside_its_own_zone_is_not_measured_in_it() -> None:
    parcel = stored(660_000.0, 4_770_000.0, "EPSG:4551")  # two degrees to the east of 126°E
    assert plane_of(parcel, None).code == 4551
    beyond = stored(720_000.0, 4_770_000.0, "EPSG:4551")  # 2.7°

    with pytest.raises(InvalidBody, match="would mean nothing"):
        plane_of(beyond, None)
