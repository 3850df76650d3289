"""What layers and tables say of many parcels: one statement for the features, one for the gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow
from shapely import Polygon

from config.vocabulary import GeometryKind
from processes.algorithms.compliance.evidence import (
    Geometries,
    LayerEvidence,
    Need,
    TableEvidence,
)
from providers.access import Scope
from providers.bindings import Bound
from providers.dialect import Compiled
from providers.editions import LATEST
from providers.external import describe
from providers.external_table import is_described
from providers.packed_arrays import ByteaArray, take_packed_arrays
from providers.parcel_gaps import unsaid_of
from providers.parcel_overlay_statements import HIT, Asked
from providers.parcel_statements import Reading

MOST_ROWS = 1_000  # of a table, for the regions of one check
DEGREE_M = 110_574.0  # of latitude, where it is shortest
LONGITUDE_M = 111_319.0  # of a degree at the equator, a little less than it is
SLACK, SLACK_DEG = 1.002, 1e-8  # planes stretch; a millimetre where features shall only touch
NOTHING_TOLD = (None, None, None, None, None, False, None, None)  # a row of gaps


class TooManyFeatures(Exception):
    """Parcels meet more features of a layer than one computation may read."""

    def __init__(self, layer: str, most: int) -> None:
        super().__init__(f"meets more than {most} features of {layer}")
        self.layer, self.most = layer, most


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a layer answered about some parcels, as it came; another process may make evidence of it."""

    fields: frozenset[str]
    asked: Asked
    hits: Sequence[TupleRow]
    gaps: Sequence[TupleRow]  # the first tells of the edition

    @property
    def released(self) -> date | None:
        """When the edition was released."""
        released: date | None = self.gaps[0][-2]
        return released

    def evidence(self, parcels: Geometries) -> LayerEvidence:
        """The answer about these *parcels*, decoded."""
        *_, told, released, latest = self.gaps[0]
        found = _hits(self.hits, parcels, self.asked)
        unsaid = unsaid_of(self.gaps[1:], parcels, told=bool(told), near=self.asked.near)
        return LayerEvidence(
            ids=tuple(row[2] for row in found.features),
            plans=tuple(row[3] for row in found.features),
            documents=tuple(row[4] for row in found.features),
            fields=_fields(self.fields, self.asked, [row[len(HIT) :] for row in found.features]),
            parcel=found.parcel,
            feature=found.feature,
            overlaps=found.overlaps,
            near=found.near,
            gaps=unsaid.gaps,
            beyond=unsaid.beyond,
            released=released,
            latest_release=latest,
        )


def ask_layer(
    connection: Connection[TupleRow],
    bound: Bound,
    parcels: Geometries,
    scope: Scope,
    need: Need,
    *,
    as_of: datetime | None = None,
    check_date: date | None = None,
    most: int,
) -> Answer:
    """What the bound edition says of *parcels* (longitude, latitude, EPSG:4490), as *scope* sees it.

    With *as_of* the bound state is the one of then; an external table has no past: nothing is known
    of it. Releases after *check_date* do not count.

    Raises
    ------
    TooManyFeatures
        Where there are more than *most* pairs of a parcel and a feature that it meets.
    """
    bound = _described(connection, bound)
    layer, near = bound.layer, need.margin_m is not None
    cut = need.overlaps and layer.geometry is GeometryKind.POLYGON
    reading = _reading(bound, scope, need, past=as_of is not None, cut=cut, near=near)
    values: dict[str, Any] = {
        **scope.parameters,
        "layer": layer.id,
        "edition": reading.edition,
        "at": None if bound.state is None else bound.state.revision,
        "moment": as_of,
        "day": check_date or LATEST,
        "bound": most + 1,
        "parcels": ByteaArray(shapely.to_wkb(parcels).tolist()),
    }
    if need.margin_m is not None:
        values["wide"], values["high"] = _reach_deg(parcels, need.margin_m)
    hits: Sequence[TupleRow] = []
    gaps: Sequence[TupleRow] = [NOTHING_TOLD]
    placed = layer.geometry is not GeometryKind.NONE  # of an external table nobody knows before
    if placed and (layer.external is None or as_of is None):
        if cut or near:
            hits = _fetch(connection, reading.hits(), values)
        gaps = _fetch(connection, reading.gaps(), values)
    if len(hits) > most:
        raise TooManyFeatures(layer.id, most)
    return Answer(fields=need.fields, asked=reading.asked, hits=hits, gaps=gaps)


def read_table(
    connection: Connection[TupleRow],
    bound: Bound,
    regions: Sequence[str | None],
    scope: Scope,
    need: Need,
    as_of: datetime | None,
) -> TableEvidence:
    """The rows of the bound table for each region, as *scope* sees them.

    A town or village without rows of its own has those of its county.

    Raises
    ------
    TooManyFeatures
        Where the regions have more than MOST_ROWS rows.
    """
    bound = _described(connection, bound)
    layer = bound.layer
    reading = _reading(bound, scope, need, past=as_of is not None, cut=False, near=False)
    asked = sorted({code for region in regions for code in _within(region)})
    rows: Sequence[TupleRow] = []
    if asked and (layer.external is None or as_of is None):
        values = {
            **scope.parameters,
            "layer": layer.id,
            "edition": reading.edition,
            "at": None if bound.state is None else bound.state.revision,
            "regions": asked,
            "bound": MOST_ROWS + 1,
        }
        rows = _fetch(connection, reading.rows(), values)
    if len(rows) > MOST_ROWS:
        raise TooManyFeatures(layer.id, MOST_ROWS)
    fields = _fields(need.fields, reading.asked, [row[1:] for row in rows])
    held: dict[str, list[Mapping[str, Any]]] = {}
    for number, row in enumerate(rows):
        told = {code: values[number] for code, values in fields.items()}
        held.setdefault(row[0], []).append(told)
    return TableEvidence(
        rows=tuple(
            next((tuple(held[code]) for code in _within(region) if code in held), ())
            for region in regions
        )
    )


def _described(connection: Connection[TupleRow], bound: Bound) -> Bound:
    """The binding with its external table as it is found in the database."""
    if is_described(bound.layer):
        return bound
    return replace(bound, layer=describe(connection, bound.layer))


def _reading(
    bound: Bound, scope: Scope, need: Need, *, past: bool, cut: bool, near: bool
) -> Reading:
    layer = bound.layer
    known = tuple(sorted(f.code for f in layer.fields if f.code in need.fields))
    edition = None if bound.state is None else bound.state.edition.key
    asked = Asked(codes=known, cut=cut, near=near)
    return Reading.of(layer, edition, scope, asked, past=past)


def _fetch(
    connection: Connection[TupleRow], statement: Compiled, values: Mapping[str, Any]
) -> Sequence[TupleRow]:
    binds = statement.binds(values)
    take_packed_arrays(connection)
    return connection.execute(statement.text.encode(), binds, binary=True).fetchall()


def _reach_deg(parcels: Geometries, margin_m: float) -> tuple[list[float], list[float]]:
    """Degrees of longitude and latitude that a margin is at the most, around each parcel."""
    bounds = shapely.bounds(parcels)
    margin = margin_m * SLACK
    high = margin / DEGREE_M + SLACK_DEG
    furthest = np.minimum(np.abs(bounds[:, [1, 3]]).max(axis=1) + high, 89.0)
    wide = margin / (LONGITUDE_M * np.cos(np.radians(furthest))) + SLACK_DEG
    return wide.tolist(), [high] * len(parcels)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hits:
    """Pairs of parcels and features, and the first row of each feature."""

    features: Sequence[TupleRow]
    parcel: NDArray[np.intp]
    feature: NDArray[np.intp]
    overlaps: Geometries
    near: Geometries | None


def _hits(rows: Sequence[TupleRow], parcels: Geometries, asked: Asked) -> _Hits:
    """The pairs that share an area or are near, by parcel and by the layer's keys."""
    parcel = np.array([row[0] for row in rows], dtype=np.intp)
    overlaps = np.full(len(rows), Polygon(), dtype=object)
    if asked.cut:
        cut = shapely.from_wkb(np.array([row[5] for row in rows], dtype=object))
        overlaps = np.where(shapely.is_missing(cut), parcels[parcel], cut)
    kept = ~shapely.is_empty(overlaps)
    near = None
    if asked.near:
        near = shapely.from_wkb(np.array([row[6] for row in rows], dtype=object))
        kept |= ~shapely.is_empty(near)
    keys = sorted({row[1] for row, keep in zip(rows, kept, strict=True) if keep})
    position = {key: number for number, key in enumerate(keys)}
    first = {row[1]: row for row in reversed(rows)}
    chosen = np.flatnonzero(kept)
    feature = np.array([position[rows[number][1]] for number in chosen.tolist()], dtype=np.intp)
    order = np.lexsort((feature, parcel[chosen]))
    chosen, feature = chosen[order], feature[order]
    return _Hits(
        features=[first[key] for key in keys],
        parcel=parcel[chosen],
        feature=feature,
        overlaps=overlaps[chosen],
        near=None if near is None else near[chosen],
    )


def _fields(
    needed: frozenset[str], asked: Asked, rows: Sequence[TupleRow]
) -> dict[str, tuple[Any, ...]]:
    """The needed fields' values of features or rows; one that the layer has not is empty."""
    fields = {code: (None,) * len(rows) for code in needed}
    for number, code in enumerate(asked.codes):
        fields[code] = tuple(_value(row[number]) for row in rows)
    return fields


def _value(stored: Any) -> Any:
    """A stored value as rules compare it: numbers are decimals, a blank text is empty."""
    if isinstance(stored, str):
        return stored if stored.strip() else None
    if isinstance(stored, int | float) and not isinstance(stored, bool):
        return Decimal(str(stored))
    return stored


def _within(region: str | None) -> list[str]:
    """A code and, of a town or village, those of the town and county that it belongs to."""
    if region is None or not region.isdigit():
        return [] if region is None else [region]
    return [region[:digits] for digits in (12, 9, 6) if digits <= len(region)]
