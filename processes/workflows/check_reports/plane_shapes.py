"""A parcel of a check and what was found on it, in the check's plane."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

from config.vocabulary import Outcome
from processes.workflows.check_reports.reading import Document
from providers.crs import Crs, parse_crs, to_plane

MOST_HATCHED = 8  # rules in one map
MOST_AT_ONCE = 500  # parcels put into the plane together


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a rule's suggestion comes from: its pieces, or what it is concerned with."""

    rule: str
    title: str
    outcome: Outcome
    areas: tuple[shapely.Geometry, ...]  # in the plane


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneParcel:
    """A parcel and its findings as easting, northing in metres."""

    outline: shapely.Geometry
    found: tuple[Found, ...]  # worst first
    left_out: int  # rules with findings that one map has no room for


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryPoint:
    """One corner (界址点), X to the north, Y to the east, and the side to the next corner."""

    name: str
    ring: int  # 1 is the shell of the first part; rings count on through holes and parts
    north_m: float
    east_m: float
    side_m: float


def in_plane(parcel: Document, planar_crs: Mapping[str, Any]) -> PlaneParcel | None:
    """The parcel in the check's plane; None: its coordinates could not be used."""
    if parcel["geometry"] is None:
        return None
    rules = sorted(_suspect(parcel), key=lambda rule: -Outcome(rule["suggestion"]).rank)
    shown = rules[:MOST_HATCHED]
    groups = [[parcel["geometry"]], *(list(_areas(rule)) for rule in shown)]
    flat = np.array([shape(one) for group in groups for one in group], dtype=object)
    placed = iter(to_plane(flat, _plane(planar_crs)).tolist())
    outline, *areas = [tuple(next(placed) for _ in group) for group in groups]
    return PlaneParcel(
        outline=outline[0],
        found=tuple(
            Found(
                rule=rule["rule"],
                title=rule["title"]["zh"],
                outcome=Outcome(rule["suggestion"]),
                areas=group,
            )
            for rule, group in zip(shown, areas, strict=True)
        ),
        left_out=len(rules) - len(shown),
    )


def outlines_in_plane(
    parcels: Iterable[Document], planar_crs: Mapping[str, Any]
) -> Iterator[tuple[Document, shapely.Geometry]]:
    """Each parcel that has a shape, with it in the check's plane; so many at once that it is bounded."""
    shaped = (one for one in parcels if one["geometry"] is not None)
    plane = _plane(planar_crs)
    while some := list(islice(shaped, MOST_AT_ONCE)):
        drawn = np.array([shape(one["geometry"]) for one in some], dtype=object)
        yield from zip(some, to_plane(drawn, plane).tolist(), strict=True)


def boundary_points(outline: shapely.Geometry) -> Sequence[BoundaryPoint]:
    """The corners of a parcel in the plane, ring by ring, without the closing one."""
    points: list[BoundaryPoint] = []
    for number, ring in enumerate(_rings(outline), start=1):
        corners = shapely.get_coordinates(ring)
        sides = np.hypot(*np.diff(corners, axis=0).T)
        for (east, north), side in zip(corners[:-1].tolist(), sides.tolist(), strict=True):
            points.append(
                BoundaryPoint(
                    name=f"J{len(points) + 1}",
                    ring=number,
                    north_m=north,
                    east_m=east,
                    side_m=side,
                )
            )
    return points


def _suspect(parcel: Document) -> Iterator[Document]:
    """Rules that are not fulfilled and have a place to show."""
    for rule in parcel["rules"]:
        if rule["suggestion"] != Outcome.PASS and any(_areas(rule)):
            yield rule


def _areas(rule: Document) -> Iterator[Mapping[str, Any]]:
    """Its pieces that are not fulfilled; of a rule for the whole parcel: what it concerns."""
    pieces = [one for one in rule["pieces"] if one["outcome"] != Outcome.PASS]
    for one in pieces or rule["concerns"]:
        if one["geometry"] is not None and not shape(one["geometry"]).is_empty:
            yield one["geometry"]


def _plane(planar_crs: Mapping[str, Any]) -> Crs:
    return parse_crs(planar_crs["uri"])


def _rings(outline: shapely.Geometry) -> NDArray[np.object_]:
    """The shell before its holes, part by part."""
    return shapely.get_rings(shapely.get_parts(outline))
