"""What is known of some parcels before any rule is asked: overlaps, gaps, releases, declarations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from shapely import Geometry

from config.predicates import Value

type Geometries = NDArray[np.object_]
type ToPlane = Callable[[Geometries], Geometries]  # EPSG:4490 -> a plane in metres


@dataclass(frozen=True, slots=True)
class Absent:
    """A binding without data, and why: `not_connected`, `no_edition` or `not_visible`."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The part of a parcel, or of what lies around it, of which an edition says nothing."""

    geometry: Geometry  # EPSG:4490
    reason: Literal["outside_coverage", "outside_scope"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerEvidence:
    """The features of one binding that meet parcels or lie near them, read once for all parcels.

    A *hit* is a pair of a parcel and a feature; hits are sorted by parcel, then by feature.
    Coordinates are longitude, latitude, EPSG:4490.
    """

    ids: tuple[str, ...]  # business ids, one per feature, in the order of the layer's keys
    fields: Mapping[str, tuple[Any, ...]]  # code -> one value per feature; None: empty
    plans: tuple[str | None, ...]
    documents: tuple[str | None, ...]  # 依据文号
    parcel: NDArray[np.intp]  # per hit: position of the parcel
    feature: NDArray[np.intp]  # per hit: position of the feature
    overlaps: Geometries  # per hit: MultiPolygon or Polygon shared with the parcel; maybe empty
    near: Geometries | None = None  # per hit: the feature itself as far as it is near the parcel
    gaps: Mapping[int, Gap] = field(default_factory=dict)  # within parcels, by their position
    # With `near`: the same of each parcel's neighbourhood, to the margin and a little farther.
    beyond: Mapping[int, Gap] = field(default_factory=dict)
    released: date | None = None  # of the edition
    latest_release: date | None = None  # the newest official release in the register


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEvidence:
    """The rows of a table binding for each parcel's region."""

    rows: tuple[tuple[Mapping[str, Any], ...], ...]  # one entry per parcel


type Evidence = LayerEvidence | TableEvidence | Absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What an applicant declares for one parcel; the parcel's own attributes win over the project's."""

    attributes: Mapping[str, Value | None] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)
    documents: Mapping[str, Literal["attached", "verified"]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What some rules read of one binding."""

    fields: frozenset[str] = frozenset()  # KCXS with them where a net area is asked
    overlaps: bool = False
    margin_m: float | None = None  # features within so many metres are read with their shapes
    mandatory: bool = False
    table: bool = False
