"""What coordinates could be, by their numbers alone: the hints of a refusal."""

from collections.abc import Iterator
from dataclasses import dataclass

from providers.crs_operations import inside, own_degrees
from providers.crs_systems import (
    CHINA,
    FALSE_EASTING_M,
    FIRST_MERIDIAN,
    FIRST_NUMBERED,
    FIRST_PLAIN,
    LAST_MERIDIAN,
    MILLION,
    SIX_DEGREES,
    THREE_DEGREES,
    WHOLE,
    Bounds,
    system_of_code,
)

NORTHINGS_M = (200_000.0, 6_200_000.0)  # 2° to 56° N from the equator
# Half of a 6-degree zone near the equator is 334 km wide, and survey files pass its edge.
REACH_M = 350_000.0
ZONE_NUMBERS = {
    width: range(first, first + (LAST_MERIDIAN - FIRST_MERIDIAN) // width + 1)
    for width, (_, first) in FIRST_NUMBERED.items()
}
WEB_MERCATOR, STORED = 3857, 4490
# China with its islands from 54°N down, by bands of five degrees: south, west, east (degrees)
LAND = (
    (50.0, 119.0, 128.0),
    (45.0, 79.5, 135.5),
    (40.0, 73.5, 132.0),
    (35.0, 73.0, 125.0),
    (30.0, 78.0, 123.5),
    (25.0, 82.0, 125.0),
    (20.0, 97.0, 122.5),
    (15.0, 108.0, 120.5),
    (10.0, 108.0, 120.0),
    (5.0, 108.0, 118.0),
    (0.0, 108.0, 118.0),
)
BAND_DEG = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A reference system in which coordinates would lie in China."""

    code: int
    zone: int | None  # the zone number in front of the eastings
    meridian_deg: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """All that fit; *swapped*: only once x and y are exchanged."""

    found: tuple[Fit, ...]
    swapped: bool

    @property
    def words(self) -> str:
        """What to tell the caller."""
        if not self.found:
            return (
                "no zone of CGCS2000 and no degrees in China fit; a local system"
                " (地方独立坐标系) must be transformed to CGCS2000 by who keeps it"
            )
        plain = [fit for fit in self.found if fit.zone is None and fit.meridian_deg is not None]
        said = [self._one(fit) for fit in self.found if fit not in plain]
        if plain:
            codes = ", ".join(f"EPSG:{fit.code} ({fit.meridian_deg}°E)" for fit in plain)
            unknown = (
                "the central meridian cannot be known from the numbers, one of "
                if len(plain) > 1
                else ""
            )
            said.append(f"a CGCS2000 3-degree zone without zone number: {unknown}{codes}")
        order = " once x and y are exchanged (files give the easting or longitude as x)"
        return "; or ".join(said) + (order if self.swapped else "")

    @staticmethod
    def _one(fit: Fit) -> str:
        if fit.zone is not None:
            return f"zone {fit.zone}, EPSG:{fit.code} ({fit.meridian_deg}°E)"
        if fit.code == STORED:
            return "degrees in China: --srs EPSG:4490 would fit"
        return f"the plane of web maps, EPSG:{fit.code}"


def fits(bounds: Bounds, region: Bounds | None = None) -> Fits:
    """What coordinates with these *bounds* (x, y) could be.

    *region* is where the data have to lie, in degrees, if that is known.
    """
    given = tuple(_fits(bounds, region))
    if given:
        return Fits(found=given, swapped=False)
    turned = tuple(_fits(exchanged(bounds), region))
    return Fits(found=turned, swapped=bool(turned))


def exchanged(bounds: Bounds) -> Bounds:
    """The bounds of the same data with x and y exchanged."""
    west, south, east, north = bounds
    return south, west, north, east


def zone_numbers(bounds: Bounds) -> tuple[int, int] | None:
    """The zone numbers in front of the westernmost and the easternmost easting, if there are."""
    first, last = int(bounds[0] // MILLION), int(bounds[2] // MILLION)
    known = any(first in numbers and last in numbers for numbers in ZONE_NUMBERS.values())
    return (first, last) if known and inside_northings(bounds) else None


def inside_northings(bounds: Bounds) -> bool:
    return NORTHINGS_M[0] <= bounds[1] <= bounds[3] <= NORTHINGS_M[1]


def meets(one: Bounds, other: Bounds) -> bool:
    """Whether two rectangles have a place in common."""
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _fits(bounds: Bounds, region: Bounds | None) -> Iterator[Fit]:
    def possible(place: Bounds) -> bool:
        return _in_china(place) and (region is None or meets(place, region))

    if inside(bounds, WHOLE):
        if possible(bounds):
            yield Fit(code=STORED, zone=None, meridian_deg=None)
        return
    for fit, place in _zones(bounds):
        if possible(place):
            yield fit
    mercator = own_degrees(system_of_code(WEB_MERCATOR)).place(bounds)
    if mercator is not None and possible(mercator):
        yield Fit(code=WEB_MERCATOR, zone=None, meridian_deg=None)


def _zones(bounds: Bounds) -> Iterator[tuple[Fit, Bounds]]:
    """The zones that eastings and northings allow, and where the data would lie in each."""
    west, south, east, north = bounds
    numbers = zone_numbers(bounds)
    number = numbers[0] if numbers is not None and numbers[0] == numbers[1] else 0
    plain = (west - number * MILLION, south, east - number * MILLION, north)
    reach = max(abs(plain[0] - FALSE_EASTING_M), abs(plain[2] - FALSE_EASTING_M))
    any_zone = system_of_code(FIRST_PLAIN[THREE_DEGREES])  # all zones are one shape
    beside = own_degrees(any_zone).place(plain) if reach <= REACH_M else None
    if beside is None or not inside_northings(bounds):
        return
    width = SIX_DEGREES if number in ZONE_NUMBERS[SIX_DEGREES] else THREE_DEGREES
    for place, zone in enumerate(ZONE_NUMBERS[width]):
        if number in (0, zone):
            meridian, turn = FIRST_MERIDIAN + place * width, place * width
            code = (FIRST_NUMBERED[width][0] if number else FIRST_PLAIN[width]) + place
            yield (
                Fit(code=code, zone=number or None, meridian_deg=meridian),
                (beside[0] + turn, beside[1], beside[2] + turn, beside[3]),
            )


def _in_china(place: Bounds) -> bool:
    return inside(place, CHINA) and any(
        meets(place, (west, south, east, south + BAND_DEG)) for south, west, east in LAND
    )
