"""In which zone surveyed coordinates are: what the file says, what its numbers say, what fits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyproj

from config.vocabulary import Text
from processes.algorithms.survey_parcels import (
    Fault,
    Finding,
    SurveyParcel,
    SurveyRing,
    finding,
)
from providers.crs_fits import REACH_M, exchanged, fits, inside_northings, zone_numbers
from providers.crs_operations import inside, own_degrees
from providers.crs_systems import (
    CHINA,
    FALSE_EASTING_M,
    MILLION,
    SIX_DEGREES,
    THREE_DEGREES,
    WHOLE,
    Bounds,
    system_of_code,
)

# The names that coordinate texts give to a datum, and the EPSG codes of its zones by width: the
# first with its number in front of eastings, the first without, the number of the first.
DATUMS: Mapping[str, Mapping[int, tuple[int, int, int]]] = {
    "2000": {THREE_DEGREES: (4513, 4534, 25), SIX_DEGREES: (4491, 4502, 13)},
    "80": {THREE_DEGREES: (2349, 2370, 25), SIX_DEGREES: (2327, 2338, 13)},
    "54": {THREE_DEGREES: (2401, 2422, 25), SIX_DEGREES: (21413, 21453, 13)},
}
ZONES_OF_ONE_WIDTH = {THREE_DEGREES: 21, SIX_DEGREES: 11}
GEOGRAPHIC = {"2000": 4490, "80": 4610, "54": 4214}
EXCHANGED = Text(
    zh="先东后北，已交换读取", en="gives the easting before the northing; read exchanged"
)
NOWHERE = Text(
    zh="不落在2000国家大地坐标系的任何投影带，也不是中国境内的经纬度，可能为地方独立坐标系，或有一点录入错误",
    en="fits no zone of CGCS2000 and no degrees in China, likely a local frame"
    " (地方独立坐标系) or a point mistyped",
)
DEGREES, PLAIN = "degrees", "plain"
type Form = str | int | None  # a zone number in front, PLAIN, DEGREES; None: nothing that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a file says of its plane; None where it does not."""

    datum: str | None = None  # a key of DATUMS
    width: int | None = None
    zone: int | None = None

    def crs(self, form: Form) -> pyproj.CRS | None:
        """The reference system of coordinates of this form; None: not enough is said."""
        if self.datum is None or form is None:
            return None
        if form == DEGREES:
            return pyproj.CRS.from_epsg(GEOGRAPHIC[self.datum])
        zone = self.zone if form == PLAIN else int(form)
        if zone is None:
            return None
        for width, (numbered, plain, first) in DATUMS[self.datum].items():
            place = zone - first
            if self.width in (None, width) and 0 <= place < ZONES_OF_ONE_WIDTH[width]:
                return pyproj.CRS.from_epsg((plain if form == PLAIN else numbered) + place)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """Parcels with x to the east and y to the north in one plane, as far as it is known."""

    parcels: tuple[SurveyParcel, ...]
    crs: pyproj.CRS | None
    findings: tuple[Finding, ...]
    degrees: bool  # what most of them are in


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneChoice:
    """A plane in which coordinates may be, and where they would lie: longitude, latitude."""

    code: int
    name: str
    zone: int | None  # the number in front of the eastings
    meridian_deg: int | None
    bounds: Bounds  # degrees, EPSG:4490
    swapped: bool  # only once x and y are exchanged


def stated_in(header: Mapping[str, str]) -> Stated:
    """What the header of a coordinate text says of its plane."""
    name = header.get("坐标系", "")
    datum = next((key for key in DATUMS if key in name), None)
    if datum is None and "CGCS" in name.upper():
        datum = "2000"
    width, zone = header.get("几度分带", "").rstrip("度"), header.get("带号", "")
    return Stated(
        datum=datum,
        width=int(width) if width in ("3", "6") else None,
        zone=int(zone) if zone.isascii() and zone.isdigit() and len(zone) <= 2 else None,
    )


def framed(parcels: Sequence[SurveyParcel], stated: Stated) -> Framed:
    """Parcels brought to one order of axes and one form of eastings, each change a finding.

    A parcel that contradicts the file's zone, or the other parcels', is a finding of its own.
    """
    found: list[Finding] = []
    forms: list[Form] = []
    arranged: list[SurveyParcel] = []
    for place, parcel in enumerate(parcels):
        form, swapped = _form(parcel)
        if swapped:
            found.append(finding(Fault.SWAPPED_AXES, EXCHANGED, parcel=place, of=parcel))
            parcel = _turned(parcel)
        forms.append(form)
        arranged.append(parcel)
    usual = _usual(forms, stated)
    for place, (parcel, form) in enumerate(zip(arranged, forms, strict=True)):
        if not parcel.points:
            continue
        if form == PLAIN and isinstance(usual, int):
            said = Text(
                zh=f"横坐标缺少其他地块所带的带号{usual}，已补上",
                en=f"leaves out the zone number {usual} that others have; put in front",
            )
            found.append(finding(Fault.ZONE_NUMBER_MISSING, said, parcel=place, of=parcel))
            arranged[place] = _shifted(parcel, usual * MILLION)
        elif (wrong := _contradiction(form, usual, stated)) is not None:
            fault, said = wrong
            error = fault is Fault.WRONG_ZONE or usual is not None
            found.append(finding(fault, said, parcel=place, of=parcel, error=error))
    return Framed(
        parcels=tuple(arranged),
        crs=stated.crs(usual),
        findings=tuple(found),
        degrees=usual == DEGREES,
    )


def zones_allowed(bounds: Bounds, unit: Bounds | None = None) -> tuple[ZoneChoice, ...]:
    """The planes in which coordinates with these *bounds* (x, y) would lie in the *unit*.

    Without a unit, in China. Empty: they fit none; likely a local frame.
    """
    found = fits(bounds, unit)
    placed = exchanged(bounds) if found.swapped else bounds
    choices = []
    for fit in found.found:
        there = own_degrees(system_of_code(fit.code)).place(placed)
        if there is not None:
            choices.append(
                ZoneChoice(
                    code=fit.code,
                    name=system_of_code(fit.code).label,
                    zone=fit.zone,
                    meridian_deg=fit.meridian_deg,
                    bounds=there,
                    swapped=found.swapped,
                )
            )
    return tuple(choices)


def _form(parcel: SurveyParcel) -> tuple[Form, bool]:
    """The form of a parcel's coordinates, and whether only once the axes are exchanged."""
    if not parcel.points:
        return None, False
    points = np.concatenate([ring.points for ring in parcel.rings])
    (west, south), (east, north) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    bounds = (west, south, east, north)
    if (form := _form_of(bounds)) is not None:
        return form, False
    turned = _form_of(exchanged(bounds))
    return turned, turned is not None


def _form_of(bounds: Bounds) -> Form:
    if inside(bounds, WHOLE):
        return DEGREES if inside(bounds, CHINA) else None
    if (numbers := zone_numbers(bounds)) is not None:
        return numbers[0] if numbers[0] == numbers[1] else None
    near = FALSE_EASTING_M - REACH_M <= bounds[0] <= bounds[2] <= FALSE_EASTING_M + REACH_M
    return PLAIN if near and inside_northings(bounds) else None


def _usual(forms: Sequence[Form], stated: Stated) -> Form:
    """The form of the file: the stated zone's number where any has it, else the most common."""
    counted = Counter(form for form in forms if form is not None)
    if stated.zone is not None and counted[stated.zone]:
        return stated.zone
    if stated.zone is not None and counted[PLAIN]:
        return PLAIN
    return max(counted, key=lambda form: counted[form], default=None)


def _contradiction(form: Form, usual: Form, stated: Stated) -> tuple[Fault, Text] | None:
    if isinstance(form, int) and stated.zone is not None and form != stated.zone:
        said = Text(
            zh=f"横坐标带号为{form}，文件注明{stated.zone}",
            en=f"has the zone number {form} in front of its eastings; the file says {stated.zone}",
        )
        return Fault.WRONG_ZONE, said
    if form is None:
        return Fault.NO_ZONE_FITS, NOWHERE
    if form != usual:
        own, others = _named(form), _named(usual)
        said = Text(
            zh=f"坐标为{own.zh}，文件中多数为{others.zh}，须另存文件",
            en=f"is in {own.en}, most of the file in {others.en}; it needs its own file",
        )
        return Fault.WRONG_ZONE, said
    return None


def _named(form: Form) -> Text:
    if form == DEGREES:
        return Text(zh="经纬度", en="degrees")
    if form == PLAIN:
        return Text(zh="不带带号的平面坐标", en="a zone without its number")
    return Text(zh=f"{form}带", en=f"zone {form}")


def _turned(parcel: SurveyParcel) -> SurveyParcel:
    return replace(parcel, rings=tuple(_with(r, r.points[:, ::-1].copy()) for r in parcel.rings))


def _shifted(parcel: SurveyParcel, east_m: float) -> SurveyParcel:
    shift = np.array([east_m, 0.0])
    return replace(parcel, rings=tuple(_with(r, r.points + shift) for r in parcel.rings))


def _with(
    ring: SurveyRing, points: np.ndarray[tuple[int, int], np.dtype[np.float64]]
) -> SurveyRing:
    return replace(ring, points=points)
