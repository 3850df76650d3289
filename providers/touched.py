"""Where a publication changed anything: envelopes that tell which tiles are to be made anew."""

from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import Layer
from config.vocabulary import EditionKey, GeometryKind

CELLS = 100  # per side of the grid into which too many envelopes are gathered
MAX_ENVELOPES = CELLS**2

# The envelopes before and after of all that came, changed or went; too many are gathered by the
# grid cell of their centre, each gathered envelope holding all of its members.
RECORD = """
WITH box AS (
    SELECT ST_XMin(b) AS w, ST_YMin(b) AS s, ST_XMax(b) AS e, ST_YMax(b) AS n
    FROM pg_temp.delta, unnest(ARRAY[before, after]) AS b WHERE b IS NOT NULL
    GROUP BY 1, 2, 3, 4),
numbered AS (
    SELECT box.*, row_number() OVER () AS number, count(*) OVER () AS total FROM box),
grid AS (
    SELECT min(w) AS w, min(s) AS s, greatest(max(e) - min(w), 1e-9) / %(cells)s AS across,
        greatest(max(n) - min(s), 1e-9) / %(cells)s AS up FROM box)
INSERT INTO onemap.touch (layer, edition, revision, envelope)
SELECT %(layer)s, %(edition)s, %(revision)s,
    ST_MakeEnvelope(min(p.w), min(p.s), max(p.e), max(p.n), 4490)
FROM numbered p, grid g
GROUP BY CASE WHEN total <= %(most)s THEN number
    ELSE least(floor(((p.w + p.e) / 2 - g.w) / across), %(cells)s - 1) * %(cells)s
        + least(floor(((p.s + p.n) / 2 - g.s) / up), %(cells)s - 1) END
"""


# All of a first revision is new: nothing that was drawn before can be kept.
WHOLE = """
INSERT INTO onemap.touch (layer, edition, revision, envelope)
SELECT layer, edition, revision, ST_MakeEnvelope(west, south, east, north, 4490)
FROM onemap.edition WHERE layer = %(layer)s AND edition = %(edition)s AND west IS NOT NULL
"""


def record_touched(
    connection: Connection[TupleRow], layer: Layer, edition: EditionKey, revision: int
) -> None:
    """Write what the publication (`delta`) touched, at most MAX_ENVELOPES envelopes."""
    if layer.geometry is GeometryKind.NONE:
        return
    binds = {
        "layer": layer.id,
        "edition": edition,
        "revision": revision,
        "cells": CELLS,
        "most": MAX_ENVELOPES,
    }
    connection.execute(WHOLE if revision == 1 else RECORD, binds)
