"""Overviews: generalised geometry of an edition, made once and kept in step with every revision.

What an overview consists of (`Choice`) is decided when all of it is made, and kept until the
edition has twice or half as many features. What is then made of changed rows is what making all
anew would give. Nothing queues: an edition whose overview shows an older revision, or was made by
another recipe, is due, whoever was killed meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from psycopg import Connection, sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb
from shapely.errors import GEOSException

from config.model import Catalogue, Layer
from config.vocabulary import EditionKey, GeometryKind, LayerId
from providers.database import DatabaseRole
from providers.overview_choice import Choice, choose, recipe
from providers.overview_mosaic import GRIDS, Bounds, keep_mosaic, tiles_met
from providers.overview_omitted import Counts, count_omitted
from providers.overview_rows import Work, open_rows, record
from providers.overview_shapes import blocks_met, keep_shapes
from providers.overview_tables import has_overview, index_levels, mosaic_name
from providers.regions import CHANNEL
from providers.revisions import current_revision
from providers.tables import OVERVIEW, edition_name, partition_name

# What a publication brings in step itself; more is left to the worker.
FEW_ROWS, FEW_VERTICES = 1_000, 200_000
FEW_BLOCKS, FEW_TILES = 48, 16
ROWS_AT_ONCE = 50_000

STORED = """
SELECT revision, classes_below, levels, features, recipe FROM onemap.overview
WHERE layer = %(layer)s AND edition = %(edition)s
"""
ENVELOPES = "SELECT ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom) FROM {changed}"
SIZE = "SELECT count(*), coalesce(sum(ST_NPoints(geom)), 0) FROM {current}"
CHANGES = """
SELECT (SELECT count(*) FROM {current} WHERE om_rev > %(since)s)
    + (SELECT count(*) FROM {history} WHERE om_edition = %(edition)s AND rev_to >= %(since)s)
"""
SAVE = """
INSERT INTO onemap.overview (layer, edition, revision, classes_below, levels, features, recipe,
    omitted)
VALUES (%(layer)s, %(edition)s, %(revision)s, %(classes_below)s, %(levels)s, %(features)s,
    %(recipe)s, %(omitted)s)
ON CONFLICT (layer, edition) DO UPDATE SET (revision, classes_below, levels, features, recipe,
    omitted) = ROW(excluded.revision, excluded.classes_below, excluded.levels, excluded.features,
    excluded.recipe, excluded.omitted)
"""
WHOLE = """
INSERT INTO onemap.touch (layer, edition, revision, envelope, below)
SELECT layer, edition, revision, ST_MakeEnvelope(west, south, east, north, 4490), %(below)s
FROM onemap.edition WHERE layer = %(layer)s AND edition = %(edition)s AND west IS NOT NULL
"""
FORGET = "DELETE FROM onemap.overview WHERE layer = %(layer)s AND edition = %(edition)s"
NO_CELLS = "DELETE FROM onemap.mosaic_cells WHERE layer = %(layer)s AND edition = %(edition)s"
DUE = """
SELECT e.layer, e.edition, o.recipe,
    o.revision IS NOT DISTINCT FROM e.revision AND o.omitted <> '{}'  -- not counted yet
FROM onemap.edition e LEFT JOIN onemap.overview o USING (layer, edition)
WHERE e.revision > 0 ORDER BY e.updated_at, e.layer, e.edition
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """An overview as it is stored."""

    revision: int
    choice: Choice
    recipe: str


def due(
    connection: Connection[TupleRow], catalogue: Catalogue
) -> Iterator[tuple[Layer, EditionKey]]:
    """The editions whose overview is not what it should be, those that changed first first."""
    for name, edition, made_by, shown in connection.execute(DUE).fetchall():
        layer = catalogue.layers.get(name)
        if layer is not None and has_overview(layer) and not (shown and made_by == recipe(layer)):
            yield layer, EditionKey(edition)


def keep_overview(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> bool:
    """Bring the overview in step within the publication that made a revision, if that is quick.

    Returns
    -------
    False where it is left to the worker: much changed, another holds the overview at this moment,
    or it could not be made.
    """
    if not has_overview(layer):
        connection.execute(FORGET, {"layer": layer.id, "edition": edition})
        return True
    if not _present(connection, layer, edition) or not hold(
        connection, layer.id, edition, lasting=False
    ):
        return False
    try:
        with connection.transaction():
            return _keep(connection, layer, edition, most=True, anew=False)
    except (GEOSException, ValueError):  # a publication never fails by what is drawn of it
        return False


def make_overview(
    connection: Connection[TupleRow], layer: Layer, edition: EditionKey, *, anew: bool = False
) -> None:
    """Bring the overview in step, however much it is; the caller holds it (`hold`).

    Belongs into one transaction that sees one state of the rows (repeatable read).
    """
    _keep(connection, layer, edition, most=False, anew=anew)
    connection.execute(f"NOTIFY {CHANNEL}")


def hold(
    connection: Connection[TupleRow], layer: LayerId, edition: EditionKey, *, lasting: bool
) -> bool:
    """Be the only one at this overview, to the transaction's or (*lasting*) the connection's end."""
    lock = "pg_try_advisory_lock" if lasting else "pg_try_advisory_xact_lock"
    row = connection.execute(
        sql.SQL("SELECT {}(hashtextextended(%s, 0))").format(sql.SQL(lock)),
        (f"onemap/overview/{layer}/{edition}",),
    ).fetchone()
    return bool(row and row[0])


def _present(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_class WHERE relname = %s AND relkind = 'r'"
        " AND relnamespace = %s::regnamespace)",
        (partition_name(layer, edition), OVERVIEW),
    ).fetchone()
    return bool(row and row[0])


def _keep(
    connection: Connection[TupleRow],
    layer: Layer,
    edition: EditionKey,
    *,
    most: bool,
    anew: bool,
) -> bool:
    held = _stored(connection, layer, edition)
    revision = current_revision(connection, layer.id, edition)
    features, vertices = _size(connection, layer, edition)
    if anew or held is None or held.recipe != recipe(layer) or not held.choice.fits(features):
        if most and (features > FEW_ROWS or vertices > FEW_VERTICES):
            return False
        make_all(connection, layer, edition, revision, in_step=most)
        return True
    work = Work(connection, layer, edition, held.choice, held.revision)
    if held.revision == revision:
        _save(work, revision, count_omitted(work, layer, features, in_step=most))
        return True
    if most and _changes(work) > FEW_ROWS:
        return False
    open_rows(work)
    changed = _envelopes(work)
    if most and _much(work, changed):
        return False
    keep_shapes(work, changed)
    keep_mosaic(work, changed)
    record(work, revision)
    _save(work, revision, count_omitted(work, layer, features, in_step=most))
    return True


def make_all(
    connection: Connection[TupleRow],
    layer: Layer,
    edition: EditionKey,
    revision: int,
    *,
    shown: Layer | None = None,
    in_step: bool = False,
) -> None:
    """All of the overview, whatever there was before; as the writer, in the caller's transaction.

    *shown*: the layer as its tiles are drawn, where that is another. *in_step*: in a publication.
    """
    choice = choose(connection, layer, edition)
    work = Work(connection, layer, edition, choice, None)
    binds = {"layer": layer.id, "edition": edition}
    work.execute("DELETE FROM {overview}")
    connection.execute(NO_CELLS, binds)
    if layer.geometry is GeometryKind.POLYGON:
        connection.execute(sql.SQL("DELETE FROM {}").format(mosaic_name(layer, edition)))
    connection.execute(f"SET LOCAL ROLE {DatabaseRole.OWNER}")
    index_levels(connection, layer, edition, choice.levels)
    connection.execute(f"SET LOCAL ROLE {DatabaseRole.WRITER}")
    open_rows(work)
    if choice.levels or choice.classes_below:
        everything = _envelopes(work)
        keep_shapes(work, everything)
        keep_mosaic(work, everything)
        below = max(choice.classes_below, *(level + 1 for level in choice.levels), 0)
        connection.execute(WHOLE, {**binds, "below": below})
    _save(work, revision, count_omitted(work, shown or layer, choice.features, in_step=in_step))


def _stored(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> _Held | None:
    row = connection.execute(STORED, {"layer": layer.id, "edition": edition}).fetchone()
    if row is None:
        return None
    revision, below, levels, features, made_by = row
    choice = Choice(classes_below=below, levels=tuple(levels), features=features)
    return _Held(revision=revision, choice=choice, recipe=made_by)


def _size(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> tuple[int, int]:
    """Features of the edition, and vertices where there are few features."""
    row = connection.execute(
        "SELECT features FROM onemap.edition WHERE layer = %s AND edition = %s", (layer.id, edition)
    ).fetchone()
    features = int(row[0]) if row else 0
    if features > FEW_ROWS:
        return features, 0
    counted = connection.execute(
        sql.SQL(SIZE).format(current=edition_name(layer, edition))
    ).fetchone()
    return features, int(counted[1]) if counted else 0


def _changes(work: Work) -> int:
    row = work.rows(CHANGES, since=work.since, edition=work.edition).fetchone()
    return int(row[0]) if row else 0


def _much(work: Work, changed: Bounds) -> bool:
    """Whether bringing these envelopes in step would hold up a publication."""
    polygons = work.layer.geometry is GeometryKind.POLYGON
    if polygons and len(blocks_met(work, changed)) > FEW_BLOCKS:
        return True
    zoom = work.choice.classes_below - 1
    return sum(len(tiles_met(grid, zoom, changed)) for grid in GRIDS) > FEW_TILES


def _envelopes(work: Work) -> Bounds:
    """The envelopes of what changed; of all rows where all is made."""
    found = [np.empty((0, 4))]
    with work.connection.cursor("overview_envelopes") as cursor:
        cursor.execute(sql.SQL(ENVELOPES).format(**work.names))
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            found.append(np.array(rows, dtype=np.float64))
    return np.concatenate(found)


def _save(work: Work, revision: int, omitted: Counts) -> None:
    choice = work.choice
    binds = {
        "layer": work.layer.id,
        "edition": work.edition,
        "revision": revision,
        "classes_below": choice.classes_below,
        "levels": list(choice.levels),
        "features": choice.features,
        "recipe": recipe(work.layer),
        "omitted": Jsonb(omitted),
    }
    work.connection.execute(SAVE, binds)
