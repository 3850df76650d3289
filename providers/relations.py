"""What a layer's rows are read from: an edition as it is or was, or a table that is not ours.

Every relation shows the columns fid, om_id, om_hash, om_area_m2, om_region, om_plan, om_basis, one
per field, and geom in its own reference system. A condition moves the asked-for shape into that
system and never the column, or the index would be lost; what is answered is moved out of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    Subquery,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy import table as named_table
from sqlalchemy.dialects.postgresql import BIGINT, DOUBLE_PRECISION, INTEGER, TEXT
from sqlalchemy.types import TypeEngine

from config.model import Field, Layer
from config.vocabulary import EditionKey, GeometryKind
from providers.access import SRID, Scope
from providers.crs import SAME_NUMBERS, WHOLE, WORLD, Bounds, from_epsg
from providers.external_rows import external_rows, validity_of, version_of
from providers.external_table import ExternalTable, described
from providers.result_layers import job_of
from providers.result_tables import attribute, result_table
from providers.tables import HISTORY, edition_table

SYSTEM_PROPERTIES = ("om_area_m2", "om_region", "om_plan", "om_basis")
EDITION = named_table(
    "edition", column("layer"), column("edition"), column("revision"), schema="onemap"
)
# A straight edge in degrees is a curve in a plane. Pieces of this length follow it to 5 mm in a
# 3-degree zone; a window of more than 20 degrees has longer ones, to 2 cm where a zone is used.
PIECE_DEG = 0.005
MOST_PIECES = 4_096  # of a window's longest side
type Conditions = Callable[[FromClause], Sequence[ColumnElement[bool]]]
type Order = Callable[[FromClause], Sequence[ColumnElement[Any]]]
type Expression = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Branch:
    """One table, and which of its rows belong to the relation."""

    rows: FromClause
    conditions: tuple[ColumnElement[bool], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """The rows of a layer, from one table or from two that have no row in common."""

    branches: tuple[Branch, ...]
    attributes: Mapping[str, str]  # field code -> column
    version: Expression  # which state the statement saw, as the statement itself saw it
    validity: tuple[str | None, str | None] = (None, None)  # columns of dates
    table: ExternalTable | None = None  # None: ours
    srid: int = SRID
    area: Bounds = WHOLE  # where the reference system is used, degrees
    whole: bool = False  # who may read it reads all of it: it was made under its owner's scope

    @property
    def whole_keys(self) -> bool:
        """Whether keys are whole numbers, as ids in tiles must be."""
        return self.table is None or self.table.key_kind.whole

    @property
    def key(self) -> TypeEngine[Any]:
        """The type of fid."""
        return BIGINT() if self.table is None else self.table.key_kind.type

    def attribute(self, rows: FromClause, field: Field) -> Expression:
        return rows.c[self.attributes[field.code]]

    def value(self, rows: FromClause, name: str) -> Expression:
        """A property by its name in answers: a field's code, or a system property."""
        return rows.c[self.attributes.get(name, name)]

    def visible(self, scope: Scope, rows: FromClause) -> ColumnElement[bool]:
        """The rows that the scope lets through."""
        if self.whole:
            return true()
        return scope.predicate(rows, self.moved)

    def is_named(self, rows: FromClause) -> ColumnElement[bool]:
        """The row of the bound `om_id`, by the index of its own column."""
        if self.table is None:
            return rows.c.om_id == bindparam("om_id", type_=TEXT)
        return rows.c.fid == bindparam("om_id", type_=self.key)

    def first(
        self,
        names: Sequence[str],
        conditions: Conditions,
        order: Order,
        most: Expression,
        *,
        skipped: Expression | None = None,
    ) -> Subquery:
        """The first *most* rows that satisfy the conditions, each branch by its own indexes."""
        one = len(self.branches) == 1
        needed = most if one or skipped is None else most + skipped

        def of(branch: Branch) -> Select[Any]:
            rows = branch.rows
            return (
                select(*(rows.c[name] for name in names))
                .where(*branch.conditions, *conditions(rows))
                .order_by(*order(rows))
                .limit(needed)
            )

        parts = [of(branch) for branch in self.branches]
        if one:
            return parts[0].offset(skipped).subquery("rows")
        both = union_all(*parts).subquery("both")
        ordered = select(both).order_by(*order(both))
        return ordered.limit(most).offset(skipped).subquery("rows")

    def moved_window(self, west: Any, south: Any, east: Any, north: Any) -> Expression:
        """A rectangle of degrees in the relation's own system, cut to where that is used.

        A rectangle without an extent is a line or a point, as PostGIS compares them rightly.
        """
        label = literal(degrees_code(self.srid), INTEGER)
        box = func.ST_Envelope(func.ST_MakeEnvelope(west, south, east, north, label))
        if self.srid in SAME_NUMBERS:
            return box
        cut = func.ST_Intersection(box, self._used())
        wide, high = func.ST_XMax(cut) - func.ST_XMin(cut), func.ST_YMax(cut) - func.ST_YMin(cut)
        longest = func.greatest(wide, high)
        piece = func.greatest(longest / literal(float(MOST_PIECES)), literal(PIECE_DEG))
        return func.ST_Transform(func.ST_Segmentize(cut, piece), literal(self.srid, INTEGER))

    def degrees(self, shape: Expression) -> Expression:
        """A stored shape as longitude and latitude, labelled 4490 or 4326: the numbers agree."""
        if self.srid in SAME_NUMBERS:
            return shape
        return func.ST_Transform(shape, literal(degrees_code(self.srid), INTEGER))

    def plain(self, shape: Expression) -> Expression:
        """A stored shape as managed ones are: of a Multi type, plane, without curves."""
        if self.table is None:
            return shape
        if self.table.curved:
            shape = func.ST_CurveToLine(shape)
        return func.ST_Multi(func.ST_Force2D(shape))

    def moved(self, shape: Expression) -> Expression:
        """A shape in EPSG:4490 in the relation's own system, cut to where that is used."""
        if self.srid == SRID:
            return shape
        same = func.ST_SetSRID(shape, literal(degrees_code(self.srid), INTEGER))
        if self.srid in SAME_NUMBERS:
            return same
        cut = func.ST_Intersection(same, self._used())
        pieces = func.ST_Segmentize(cut, literal(PIECE_DEG))
        return func.ST_Transform(pieces, literal(self.srid, INTEGER))

    def _used(self) -> Expression:
        sides = (literal(side, DOUBLE_PRECISION) for side in self.area)
        return func.ST_MakeEnvelope(*sides, literal(degrees_code(self.srid), INTEGER))


def degrees_code(srid: int) -> int:
    """What degrees are labelled on the way from and to an SRID: 4490 on its own datum, else 4326."""
    if srid in SAME_NUMBERS:
        return srid
    return SRID if from_epsg(srid).survey_zone else WORLD


def relation_of(layer: Layer, edition: EditionKey | None, *, past: bool) -> Relation:
    """What statements over a layer read; *past* at the bound revision `at`, else as it stands now."""
    if layer.external is not None:
        return _external(layer, described(layer))
    if edition is None:
        raise ValueError(f"{layer.id}: a managed layer is read in an edition")
    if job_of(layer.id) is not None:
        return _result(layer)
    return recorded(layer, edition) if past else current(layer, edition)


def current(layer: Layer, edition: EditionKey) -> Relation:
    """An edition as it stands."""
    return Relation(
        branches=(Branch(edition_table(layer, edition)),),
        attributes={f.code: f.column for f in layer.fields},
        version=revision_in_snapshot(),
        validity=_validity(layer),
    )


def recorded(layer: Layer, edition: EditionKey) -> Relation:
    """An edition as it was recorded at the bound revision `at`."""
    at = bindparam("at", type_=INTEGER)
    now = edition_table(layer, edition)
    shared = (column(c.name, c.type) for c in now.columns if c.name != "om_rev")
    between = (column("rev_from", INTEGER), column("rev_to", INTEGER))
    history = named_table(str(layer.id), *shared, *between, schema=HISTORY)
    then = (
        history.c.om_edition == bindparam("edition", type_=TEXT),
        history.c.rev_from <= at,
        history.c.rev_to >= at,
    )
    return Relation(
        branches=(Branch(now, (now.c.om_rev <= at,)), Branch(history, then)),
        attributes={f.code: f.column for f in layer.fields},
        version=cast(at, INTEGER),
        validity=_validity(layer),
    )


def revision_in_snapshot() -> ScalarSelect[Any]:
    """The edition's revision as the statement itself sees it; binds `layer` and `edition`."""
    return (
        select(EDITION.c.revision)
        .where(
            EDITION.c.layer == bindparam("layer", type_=TEXT),
            EDITION.c.edition == bindparam("edition", type_=TEXT),
        )
        .scalar_subquery()
    )


def columns_of(layer: Layer, relation: Relation) -> list[str]:
    """The columns from which a feature is written."""
    placed = ["geom"] if layer.geometry is not GeometryKind.NONE else []
    attributes = [relation.attributes[f.code] for f in layer.fields]
    return list(
        dict.fromkeys(["fid", "om_id", "om_hash", *SYSTEM_PROPERTIES, *attributes, *placed])
    )


def _validity(layer: Layer) -> tuple[str | None, str | None]:
    first, last = (layer.field(code) if code else None for code in layer.validity)
    return (first.column if first else None, last.column if last else None)


def _result(layer: Layer) -> Relation:
    """What a job made: one table that never changes."""
    return Relation(
        branches=(Branch(result_table(layer)),),
        attributes={f.code: attribute(number) for number, f in enumerate(layer.fields)},
        version=literal(1, INTEGER),
        whole=True,
    )


def _external(layer: Layer, table: ExternalTable) -> Relation:
    names = {f.code: f"a{number}" for number, f in enumerate(layer.fields)}
    return Relation(
        branches=(Branch(*external_rows(layer, table, names)),),
        attributes=names,
        version=version_of(table),
        validity=validity_of(layer),
        table=table,
        srid=table.srid or SRID,
        area=table.area,
    )
