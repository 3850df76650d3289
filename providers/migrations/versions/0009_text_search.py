"""Text search, and what each region of an edition holds."""

from alembic import op

revision = "0009"
down_revision = "0008"

# Compared are the first 16,000 characters: a tsvector holds no more pairs than these can have.
FUNCTIONS = """
SET LOCAL ROLE onemap_owner;
CREATE FUNCTION onemap.search_text(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT replace(onemap.casei(onemap.accenti(normalize(left(given, 16000), NFKD))), 'ς', 'σ')
$$;
CREATE FUNCTION onemap.search_pairs(given text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
DECLARE
    letters text[] := string_to_array(onemap.search_text(given), NULL);
BEGIN
    RETURN (
        SELECT array_to_tsvector(array_agg(one || coalesce(next, '')))
        FROM unnest(letters, letters[2:]) AS pair (one, next)
    );
END $$;
RESET ROLE;
"""

# Rows without a region are kept under the empty code, which nobody is granted.
EXTENTS = """
SET LOCAL ROLE onemap_owner;
CREATE TABLE onemap.region_extent (
    layer text COLLATE "C" NOT NULL,
    edition text COLLATE "C" NOT NULL,
    region text COLLATE "C" NOT NULL,
    features bigint NOT NULL,
    west double precision, south double precision, east double precision, north double precision,
    PRIMARY KEY (layer, edition, region),
    FOREIGN KEY (layer, edition) REFERENCES onemap.edition ON DELETE CASCADE
);
CREATE INDEX region_extent_region ON onemap.region_extent (region);
GRANT SELECT ON onemap.region_extent TO onemap_reader;
DO $$
DECLARE
    held record;
    box text;
BEGIN
    FOR held IN SELECT layer, edition FROM onemap.edition WHERE revision > 0 LOOP
        SELECT CASE WHEN count(*) > 0 THEN 'ST_Extent(geom)' ELSE 'NULL::box2d' END INTO box
        FROM pg_attribute
        WHERE attrelid = format('planning.%I', held.layer)::regclass AND attname = 'geom';
        EXECUTE format(
            'INSERT INTO onemap.region_extent'
            ' SELECT %L, %L, r, n, ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b) FROM ('
            'SELECT coalesce(om_region, '''') AS r, count(*) AS n, %s AS b FROM planning.%I GROUP BY 1'
            ') t', held.layer, held.edition, box, held.layer || '__' || held.edition);
    END LOOP;
END $$;
RESET ROLE;
"""


def upgrade() -> None:
    """What stands in an index must never change: both functions depend on their argument alone."""
    op.execute(FUNCTIONS)
    op.execute(EXTENTS)
