"""What differs between two recorded states: features, classes, areas; set work in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import psycopg
import shapely
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from config.model import Field, Layer
from config.vocabulary import GeometryKind
from processes.algorithms.ellipsoid_area import ellipsoid_area_m2
from providers.difference_statements import (
    ACTS,
    GAINED,
    LOST,
    SHAPES,
    TRANSITIONS,
    Comparison,
    RecordedState,
)
from providers.errors import Refused

MAX_LISTED = 1_000  # features that are named one by one
MAX_CLASSES = 1_000
MAX_TRANSITIONS = 200
BATCH_SHAPES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassChange:
    """One class on both sides; areas are ellipsoidal, in square metres, None without polygons."""

    code: str | None
    before: int
    after: int
    before_m2: float | None
    after_m2: float | None

    @property
    def changed(self) -> bool:
        return (self.before, self.before_m2) != (self.after, self.after_m2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """How many changed features went from one class to another, with which areas."""

    before: str | None
    after: str | None
    features: int
    before_m2: float | None
    after_m2: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferingFeature:
    """One feature that differs, and in what."""

    om_id: str
    act: str  # added, removed, changed
    fields: tuple[str, ...]  # codes whose values differ; `geometry` where the shape does
    before_m2: float | None
    after_m2: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """All that differs from one state to another."""

    before: RecordedState
    after: RecordedState
    added: int
    removed: int
    changed: int
    fields: Mapping[str, int]  # changed features by field that differs
    by: Field | None  # the field that tells classes apart
    classes: Sequence[ClassChange]
    transitions: Sequence[Transition]  # the largest first, at most MAX_TRANSITIONS
    lost_m2: float | None  # area that the first state has and the second has not
    gained_m2: float | None
    listed: Sequence[DifferingFeature]  # by identity, at most MAX_LISTED


def class_field(layer: Layer) -> Field | None:
    """The field by which a layer's areas are told apart: its style's, else the first coded one."""
    drawn = layer.style.field if layer.style else None
    coded = [field for field in layer.fields if field.code_list is not None]
    return next((f for f in coded if f.code == drawn), next(iter(coded), None))


def differences(
    connection: Connection[TupleRow],
    before: RecordedState,
    after: RecordedState,
    *,
    by: Field | None,
) -> Differences:
    """Compare two states of one layer, feature by feature, with the writer's role.

    Works in temporary tables of the caller's transaction, who rolls it back.

    Parameters
    ----------
    connection : Connection
        Each statement may last: the time limit is the caller's.
    before, after : RecordedState
        Revisions that are recorded; of one edition or of two.
    by : Field or None
        Tells classes apart; None: no classes are told apart.

    Returns
    -------
    Differences
        Features are matched by their identity; they differ where a field, the region or the shape
        does, within one edition also where the plan or the legal basis does. Class areas are sums
        of the stored official areas, in square metres. Lost and gained areas are of the shapes,
        whatever identity they have, by the official formula: a parcel that was only renumbered is
        neither, and features that overlap one another count each.

    Raises
    ------
    Refused
        Where *by* has too many values to be classes, or the tables lack fields of the catalogue.
    """
    comparison = Comparison(before, after, by)
    connection.execute("DROP TABLE IF EXISTS pg_temp.differing, pg_temp.shapes_a, pg_temp.shapes_b")
    try:
        connection.execute(comparison.differing, comparison.binds)
    except psycopg.errors.UndefinedColumn as error:
        raise Refused(
            f"The tables of {before.layer.id} lack fields that the catalogue declares;"
            " onemap migrate adds them."
        ) from error
    connection.execute("ANALYZE pg_temp.differing")
    acts: dict[str, int] = dict(connection.execute(ACTS).fetchall())
    counts = connection.execute(comparison.by_field).fetchone() or ()
    lost_m2, gained_m2 = _areas(connection, before.layer)
    return Differences(
        before=before,
        after=after,
        added=acts.get("added", 0),
        removed=acts.get("removed", 0),
        changed=acts.get("changed", 0),
        fields={name: n for name, n in zip(comparison.compared, counts, strict=True) if n},
        by=by,
        classes=_classes(connection, comparison, before.layer, by) if by else (),
        transitions=_transitions(connection) if by else (),
        lost_m2=lost_m2,
        gained_m2=gained_m2,
        listed=_listed(connection, comparison),
    )


def _classes(
    connection: Connection[TupleRow], comparison: Comparison, layer: Layer, by: Field
) -> list[ClassChange]:
    nothing = 0.0 if layer.geometry is GeometryKind.POLYGON else None  # of a class without features
    rows = connection.execute(comparison.classes, {**comparison.binds, "most": MAX_CLASSES + 1})
    classes = [
        ClassChange(
            code=code,
            before=before,
            after=after,
            before_m2=before_m2 if before else nothing,
            after_m2=after_m2 if after else nothing,
        )
        for code, before, after, before_m2, after_m2 in rows
    ]
    if len(classes) > MAX_CLASSES:
        raise Refused(f"{by.code} has more than {MAX_CLASSES:,} values: it tells no classes apart.")
    return classes


def _transitions(connection: Connection[TupleRow]) -> list[Transition]:
    return [
        Transition(before=before, after=after, features=n, before_m2=before_m2, after_m2=after_m2)
        for before, after, n, before_m2, after_m2 in connection.execute(
            TRANSITIONS, {"most": MAX_TRANSITIONS}
        )
    ]


def _areas(connection: Connection[TupleRow], layer: Layer) -> tuple[float | None, float | None]:
    """Square metres lost and gained; None where features have no area."""
    if layer.geometry is not GeometryKind.POLYGON:
        return None, None
    connection.execute(SHAPES)
    return _area_m2(connection, LOST), _area_m2(connection, GAINED)


def _area_m2(connection: Connection[TupleRow], shapes: sql.Composed) -> float:
    """The official area of the shapes that a statement answers, a batch at a time."""
    area_m2 = 0.0
    with connection.cursor("shapes") as cursor:
        cursor.execute(shapes)
        while rows := cursor.fetchmany(BATCH_SHAPES):
            wkb = np.array([bytes(row[0]) for row in rows], dtype=object)
            area_m2 += float(ellipsoid_area_m2(shapely.from_wkb(wkb)).sum())
    return area_m2


def _listed(connection: Connection[TupleRow], comparison: Comparison) -> list[DifferingFeature]:
    rows = connection.execute(comparison.listed, {"most": MAX_LISTED})
    return [
        DifferingFeature(
            om_id=om_id,
            act=act,
            fields=tuple(
                name for name, differs in zip(comparison.compared, flags, strict=True) if differs
            )
            if act == "changed"
            else (),
            before_m2=before_m2,
            after_m2=after_m2,
        )
        for om_id, act, before_m2, after_m2, *flags in rows
    ]
