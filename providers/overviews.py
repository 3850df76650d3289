"""Overviews: generalised geometry of an edition, made once and kept in step with every revision.

What an overview consists of (`Choice`) is decided when all of it is made, and kept until the
edition has twice or half as many features. What is then made of changed rows is what making all
anew would give. Nothing queues: an edition whose overview shows an older revision, or was made by
another recipe, is due, whoever was killed meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from psycopg import Connection, sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb
from shapely.errors import GEOSException

from config.model import Layer
from config.vocabulary import EditionKey, GeometryKind, LayerId
from providers.database import DatabaseRole
from providers.overview_choice import Choice, choose, recipe
from providers.overview_mosaic import GRIDS, Bounds, keep_mosaic, tiles_met
from providers.overview_omitted import count_omitted, count_quickly
from providers.overview_rows import Work, open_rows, record
from providers.overview_shapes import blocks_met, keep_shapes
from providers.overview_sources import NOT_COUNTED, Counts, stored_counts
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
SAVE_COUNTS = """
UPDATE onemap.overview SET omitted = %(omitted)s
WHERE layer = %(layer)s AND edition = %(edition)s AND revision = %(revision)s
    AND recipe = %(recipe)s AND classes_below = %(classes_below)s AND levels = %(levels)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An overview as it is stored."""

    revision: int
    choice: Choice
    recipe: str


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


def omitted_now(
    connection: Connection[TupleRow], layer: Layer, edition: EditionKey
) -> tuple[Held, Counts] | None:
    """What the tiles of an overview leave out; None where it is not right.

    Belongs into one transaction that sees one state of the rows (repeatable read). Nobody waits for
    it: `save_counts` belongs into another.
    """
    held = _stored(connection, layer, edition)
    revision = current_revision(connection, layer.id, edition)
    if held is None or held.revision != revision or held.recipe != recipe(layer):
        return None
    work = Work(connection, layer, edition, held.choice, held.revision)
    return held, count_omitted(work, layer)


def save_counts(
    connection: Connection[TupleRow], layer: Layer, edition: EditionKey, held: Held, counts: Counts
) -> bool:
    """Keep the counts of an overview; False where it is another by now."""
    binds = {
        "layer": layer.id,
        "edition": edition,
        "revision": held.revision,
        "recipe": held.recipe,
        "classes_below": held.choice.classes_below,
        "levels": list(held.choice.levels),
        "omitted": Jsonb(stored_counts(counts)),
    }
    kept = connection.execute(SAVE_COUNTS, binds).rowcount > 0
    if kept:
        connection.execute(f"NOTIFY {CHANNEL}")
    return kept


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
    def count(work: Work) -> Counts:
        return count_quickly(work, layer) if most else NOT_COUNTED  # nobody waits for a long count

    held = _stored(connection, layer, edition)
    revision = current_revision(connection, layer.id, edition)
    features, vertices = _size(connection, layer, edition)
    if anew or held is None or held.recipe != recipe(layer) or not held.choice.fits(features):
        if most and (features > FEW_ROWS or vertices > FEW_VERTICES):
            return False
        make_all(connection, layer, edition, revision, count)
        return True
    work = Work(connection, layer, edition, held.choice, held.revision)
    if held.revision == revision:
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
    _save(work, revision, count(work))
    return True


def make_all(
    connection: Connection[TupleRow],
    layer: Layer,
    edition: EditionKey,
    revision: int,
    count: Callable[[Work], Counts],
) -> None:
    """All of the overview, whatever there was before; as the writer, in the caller's transaction.

    *count* tells what its tiles leave out.
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
    _save(work, revision, count(work))


def _stored(connection: Connection[TupleRow], layer: Layer, edition: EditionKey) -> Held | None:
    row = connection.execute(STORED, {"layer": layer.id, "edition": edition}).fetchone()
    if row is None:
        return None
    revision, below, levels, features, made_by = row
    choice = Choice(classes_below=below, levels=tuple(levels), features=features)
    return Held(revision=revision, choice=choice, recipe=made_by)


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
        "omitted": Jsonb(stored_counts(omitted)),
    }
    work.connection.execute(SAVE, binds)
