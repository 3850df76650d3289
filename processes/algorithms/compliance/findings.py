"""What a rule says of a parcel: facts, areas and a suggestion, all advisory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shapely import Geometry

from config.vocabulary import Fact, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturePart:
    """What one feature shares with the parcel, noise left out."""

    id: str
    plan: str | None
    document: str | None  # 依据文号
    fields: Mapping[str, Any]
    ellipsoid_m2: float
    planar_m2: float
    geometry: Geometry  # EPSG:4490


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """What is surely there of one entry of a rule's `concerns`."""

    binding: str
    ellipsoid_m2: float
    planar_m2: float
    noise_m2: float  # planar, left out
    share: float  # of the parcel, both ellipsoidal, 0..1
    net_m2: float | None = None  # ellipsoidal, field ridges left out; None: not asked
    distance_m: float | None = None  # None: not asked; inf: nothing within the margin
    features: tuple[FeaturePart, ...] = ()  # largest first; the near ones have no area
    geometry: Geometry  # without noise, EPSG:4490


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of the parcel and the clause that took it."""

    clause: int  # from 1; 0: none held
    outcome: Outcome
    text: str
    ellipsoid_m2: float
    planar_m2: float
    binding: str | None  # whose feature the piece lies in
    feature: str | None
    geometry: Geometry  # EPSG:4490


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFinding:
    """What one rule says of one parcel."""

    rule: str
    fact: Fact
    outcome: Outcome
    clause: int  # from 1; 0: none held
    text: str
    reasons: frozenset[str]  # what stayed unknown
    needs: tuple[str, ...] = ()  # documents that the clause asks for and that are not verified
    ellipsoid_m2: float | None = None  # {area} of the text; None: it has none
    concerns: tuple[Concerned, ...] = ()
    pieces: tuple[Piece, ...] = field(default_factory=tuple)  # of a rule for each piece
