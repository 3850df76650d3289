"""Which division a staged row lies in: by the code that it carries, or by the largest overlap."""

from collections.abc import Sequence
from datetime import date

import shapely
from psycopg import Connection
from psycopg.rows import TupleRow

from config.vocabulary import RegionCode

PIECE_VERTICES = 256

# A code that is registered stands; a town's or village's is lifted to the division that is.
BY_CODE = """
UPDATE pg_temp.staged s SET om_region = r.code FROM (
    SELECT DISTINCT ON (c.given) c.given, r.code
    FROM (SELECT DISTINCT om_region AS given FROM pg_temp.staged WHERE om_region IS NOT NULL) c
    JOIN onemap.region r ON r.code IN (c.given, left(c.given, 9), left(c.given, 6))
    ORDER BY c.given, length(r.code) DESC) r
WHERE s.om_region = r.given AND r.code <> r.given
"""
# The divisions that stand at county level in the place of the rows, as of the day: a code of that
# day by the polygon nearest in time; any other only where none that is nearer in time has its land,
# so that a register that begins later, or a county that was recoded, leaves no hole and no overlap.
COUNTIES = """
CREATE TEMPORARY TABLE county_piece ON COMMIT DROP AS
WITH place AS (SELECT ST_SetSRID(ST_Extent(geom)::geometry, 4490) AS box FROM pg_temp.staged),
near AS MATERIALIZED (
    SELECT *, ST_PointOnSurface(geom) AS inner_point FROM (
        SELECT DISTINCT ON (r.code) r.code, r.geom,
            NOT EXISTS (SELECT FROM onemap.region v WHERE v.code = r.code
                AND v.valid_from <= %(day)s AND coalesce(v.valid_to, 'infinity') >= %(day)s) AS other,
            greatest(r.valid_from - %(day)s, %(day)s - r.valid_to, 0) AS away
        FROM onemap.region r JOIN place ON r.geom && place.box
        WHERE r.level = 'county' OR 'county' = ANY(r.stands_for)
        ORDER BY r.code, away, r.valid_from DESC) one)
SELECT row_number() OVER () AS piece, code, geom FROM (
    SELECT code, ST_Subdivide(geom, %(vertices)s) AS geom FROM near n
    WHERE NOT other OR NOT EXISTS (SELECT FROM near b
        WHERE (b.other, b.away, b.code) < (n.other, n.away, n.code)
            AND ST_Intersects(b.geom, n.inner_point))) cut
"""
# Which pieces a row touches; where they are all of one county, that is it.
MET = """
CREATE TEMPORARY TABLE county_met ON COMMIT DROP AS
SELECT s.om_row, p.code, p.piece
FROM pg_temp.staged s JOIN pg_temp.county_piece p ON ST_Intersects(p.geom, s.geom)
"""
# Ties go to the smaller code; points and lines are measured by what they have: length, then number.
BY_OVERLAP = """
WITH alone AS (
    SELECT om_row, min(code) AS code FROM pg_temp.county_met
    GROUP BY om_row HAVING min(code) = max(code)),
shared AS (
    SELECT DISTINCT ON (om_row) om_row, code FROM (
        SELECT m.om_row, m.code, sum(ST_Area(i)) AS area, sum(ST_Length(i)) AS length,
            sum(ST_NPoints(i)) AS points
        FROM pg_temp.county_met m JOIN pg_temp.staged s USING (om_row)
        JOIN pg_temp.county_piece p USING (piece), ST_Intersection(s.geom, p.geom) AS i
        WHERE m.om_row IN (SELECT om_row FROM pg_temp.county_met
            GROUP BY om_row HAVING min(code) < max(code))
        GROUP BY m.om_row, m.code) measured
    ORDER BY om_row, area DESC, length DESC, points DESC, code)
UPDATE pg_temp.staged s SET om_region = found.code
FROM (SELECT * FROM alone UNION ALL SELECT * FROM shared) found WHERE s.om_row = found.om_row
"""


def assign_by_code(connection: Connection[TupleRow]) -> None:
    """Lift each staged row's code to the most detailed division that is registered."""
    connection.execute(BY_CODE)


def assign_by_overlap(connection: Connection[TupleRow], day: date) -> None:
    """Give each staged row the county, as of *day*, with which it shares the largest part."""
    connection.execute("DROP TABLE IF EXISTS pg_temp.county_piece, pg_temp.county_met")
    connection.execute(COUNTIES, {"vertices": PIECE_VERTICES, "day": day})
    connection.execute("CREATE INDEX ON pg_temp.county_piece USING gist (geom)")
    connection.execute("ANALYZE pg_temp.county_piece")
    connection.execute("ANALYZE pg_temp.staged")
    connection.execute(MET)
    connection.execute("ANALYZE pg_temp.county_met")
    connection.execute(BY_OVERLAP)


def regions_within(connection: Connection[TupleRow], code: RegionCode) -> tuple[str, ...]:
    """The codes of a division and of all that lie in it; empty where it is not registered."""
    rows = connection.execute(
        "SELECT DISTINCT code FROM onemap.region WHERE path @> ARRAY[%s]::text[] ORDER BY code",
        (code.value,),
    ).fetchall()
    return tuple(row[0] for row in rows)


def polygons_of(
    connection: Connection[TupleRow], codes: Sequence[str]
) -> dict[str, shapely.Geometry]:
    """The newest polygon of each of the divisions that have one, EPSG:4490."""
    rows = connection.execute(
        "SELECT DISTINCT ON (code) code, ST_AsBinary(geom) FROM onemap.region"
        " WHERE code = ANY(%s) AND geom IS NOT NULL ORDER BY code, valid_from DESC",
        (list(codes),),
    ).fetchall()
    return {code: shapely.from_wkb(bytes(wkb)) for code, wkb in rows}
