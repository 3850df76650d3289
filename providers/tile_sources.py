"""Where a tile's features are read, and how many of them a tile may hold; pure, no connection."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    any_,
    bindparam,
    column,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy import table as named_table
from sqlalchemy.dialects.postgresql import BIGINT, DOUBLE_PRECISION, INTEGER, SMALLINT, TEXT

from config.model import Layer
from config.vocabulary import EditionKey
from providers.access import ALL, SRID, Scope
from providers.external_rows import as_ours
from providers.external_table import described
from providers.grids import TileAddress
from providers.omitted_features import most_told, omitted_layer
from providers.overview_sources import Drawn, Overview, Source
from providers.relations import Branch, Relation, relation_of
from providers.tables import edition_table, partition_name
from providers.tiles import (
    MARGIN,
    MAX_TILE_BYTES,
    SIDES,
    Form,
    TileQuery,
    attributes_at,
    encoded_statement,
    shape_of,
    tile_statement,
)

GENERALISED, MOSAIC = "planning_overview", "planning_mosaic"
SPARE = 0.95  # of what would fill a tile's bytes if all features were alike
ROWS = Source(Drawn.ROWS)
OVERVIEW = named_table(
    "overview",
    column("layer"),
    column("edition"),
    column("revision"),
    column("classes_below", SMALLINT),
    column("levels"),
    schema="onemap",
)
TOUCH = named_table(
    "touch",
    column("layer"),
    column("edition"),
    column("revision"),
    column("envelope"),
    column("below", SMALLINT),
    schema="onemap",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A vector tile; empty bytes where nothing is drawn."""

    content: bytes
    revision: int | None  # that the statement saw; None: an external table's rows have none
    drawn: int
    omitted: int  # the smallest features, which a full tile leaves out
    version: str | None = None  # what an external layer has instead; None: nothing tells
    source: Source = ROWS  # what it was drawn from in the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The row of a tile's statement."""

    content: bytes
    version: Any
    met: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """One tile to draw: of which layer, from which source, for whom."""

    layer: Layer
    edition: EditionKey | None
    query: TileQuery
    scope: Scope
    past: bool = False  # at the bound revision `at`
    source: Source = ROWS

    @property
    def begin(self) -> Form:
        return Form.LARGEST if self.source.drawn is Drawn.CLASSES else Form.ALL

    def key(self, form: Form) -> tuple[Hashable, ...]:
        """What the statement's text depends on."""
        shape = shape_of(self.layer, self.query, self.source.drawn)
        return (self.edition, self.past, self.source.drawn, form, shape, self.scope.shape)

    def statement(self, form: Form) -> Select[Any]:
        layer, query, scope = self.layer, self.query, self.scope
        drawn = self.source.drawn
        if self.edition is not None and drawn is Drawn.CLASSES:
            return mosaic_statement(layer, self.edition, query, scope)
        if self.edition is not None and drawn is Drawn.GENERALISED:
            relation = generalised(layer, self.edition)
        else:
            relation = relation_of(layer, self.edition, past=self.past)
        return tile_statement(layer, relation, query, scope, form=form, drawn=drawn)

    def values(self, most: int) -> dict[str, Any]:
        """What the statement binds, except for the relation's own."""
        one = self.query.address
        if self.source.drawn is Drawn.CLASSES:
            place = {"tiling": self.query.tiling, "tile_row": one.row, "tile_col": one.column}
        else:
            place = self.query.parameters
        return {**place, **self.scope.parameters, "zoom": self.source.zoom, "most": most}

    def fewer(self, form: Form, most: int, found: Answered) -> int | None:
        """How many of the largest to try next; None where the tile is within its bounds."""
        room = MAX_TILE_BYTES - (most_told(self.layer.id) if form is Form.LARGEST else 0)
        if (size := len(found.content)) > room:
            return int(min(most, found.met) * room / size * SPARE)
        return most if form is Form.ALL and found.met > most else None

    def tile(self, form: Form, most: int, found: Answered) -> Tile:
        """The tile of the last answer; what it leaves out is counted in a layer of its own."""
        omitted = max(found.met - most, 0) if form is Form.LARGEST else 0
        told = omitted_layer(self.layer.id, omitted) if omitted else b""
        ours = self.layer.external is None or self.source.drawn is not Drawn.ROWS
        return Tile(
            content=found.content + told,
            revision=found.version or 0 if ours else None,
            drawn=found.drawn,
            omitted=omitted,
            version=None if ours else found.version,
            source=self.source,
        )


def source_of(query: TileQuery, scope: Scope, overview: Overview | None) -> Source:
    """What a tile is drawn from.

    Conditions are those of rows, and so are the areas of a scope: a shape that was moved by two
    pixels would be seen by whom it does not concern.
    """
    if overview is None or query.conditions or scope.areas is not ALL:
        return ROWS
    return overview.source(query.address.zoom)


def generalised(layer: Layer, edition: EditionKey) -> Relation:
    """The rows of an edition, or of an external table, as they are drawn at the bound `zoom`."""
    ours = as_ours(layer)
    rows = edition_table(ours, edition)
    columns = (column(c.name, c.type) for c in rows.columns)
    level = column("level", SMALLINT)
    stored = named_table(partition_name(layer, edition), level, *columns, schema=GENERALISED)
    zoom = bindparam("zoom", type_=SMALLINT)
    return Relation(
        branches=(Branch(stored, (stored.c.level == zoom,)),),
        attributes={f.code: o.column for f, o in zip(layer.fields, ours.fields, strict=True)},
        version=_overview_revision(zoom == any_(OVERVIEW.c.levels)),
        table=None if layer.external is None else described(layer),
    )


def mosaic_statement(
    layer: Layer, edition: EditionKey, query: TileQuery, scope: Scope
) -> Select[Any]:
    """The largest class areas of one tile, as `tile_statement` gives features."""
    region = column("om_region", TEXT)
    bound = (
        ("tiling", TEXT),
        ("zoom", SMALLINT),
        ("tile_row", INTEGER),
        ("tile_col", INTEGER),
    )
    stored = named_table(
        partition_name(layer, edition),
        *(column(name, kind()) for name, kind in bound),
        column("id", BIGINT),
        column("class", TEXT),
        column("cells", Integer),
        column("geom"),
        region,
        schema=MOSAIC,
    )
    here = [stored.c[name] == bindparam(name, type_=kind) for name, kind in bound]
    if scope.areas is not ALL:
        raise ValueError(f"{layer.id}: class areas do not tell what lies within a scope's areas")
    here.append(scope.predicate(stored))
    rows = (
        select(stored)
        .where(*here)
        .order_by(stored.c.cells.desc(), stored.c.id)
        .limit(bindparam("most", type_=INTEGER))
        .subquery("rows")
    )
    classes = attributes_at(layer, Drawn.CLASSES, query.address.zoom)
    shaped = select(
        rows.c.id.label("fid"),
        *(rows.c["class"].label(f.code) for f in classes),
        rows.c.geom,  # in the tile's own coordinates
    )
    met = select(func.count()).select_from(stored).where(*here).scalar_subquery()
    below = bindparam("zoom", type_=SMALLINT) < OVERVIEW.c.classes_below
    version = _overview_revision(below)
    return encoded_statement(layer, shaped, "fid", version, met)


def touched_statement() -> Select[Any]:
    """Whether a revision after `after`, up to `until`, changed anything in a tile of `zoom`."""
    window = func.ST_MakeEnvelope(
        *(bindparam(f"window_{side}", type_=DOUBLE_PRECISION) for side in SIDES),
        literal(SRID, INTEGER),
    )
    below = TOUCH.c.below
    touches = (
        select(true())
        .where(
            TOUCH.c.layer == bindparam("layer", type_=TEXT),
            TOUCH.c.edition == bindparam("edition", type_=TEXT),
            TOUCH.c.revision > bindparam("after", type_=INTEGER),
            TOUCH.c.revision <= bindparam("until", type_=INTEGER),
            TOUCH.c.envelope.op("&&")(window),
            or_(below.is_(None), below > bindparam("zoom", type_=SMALLINT)),
        )
        .exists()
    )
    return select(touches)


def window_of(address: TileAddress) -> dict[str, float]:
    """The binds of a tile's window: the tile with its margin, in degrees."""
    window = address.grid.degrees(address.level, address.row, address.column, MARGIN)
    return {f"window_{side}": value for side, value in zip(SIDES, window, strict=True)}


def _overview_revision(holds: ColumnElement[bool]) -> ColumnElement[Any]:
    """The revision that the overview shows; null where there is none, or none of this zoom."""
    return (
        select(OVERVIEW.c.revision)
        .where(
            OVERVIEW.c.layer == bindparam("layer", type_=TEXT),
            OVERVIEW.c.edition == bindparam("edition", type_=TEXT),
            holds,
        )
        .scalar_subquery()
    )
