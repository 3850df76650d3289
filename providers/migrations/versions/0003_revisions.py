"""Revisions say everything that an edition was at that time; what a publication touched."""

from alembic import op

revision = "0003"
down_revision = "0002"

# Until now the facts of an edition stood only in onemap.edition: what they were at an earlier
# revision is not known there any more, and the present ones are the best that can be said.
REVISIONS = """
SET LOCAL ROLE onemap_owner;
ALTER TABLE onemap.edition
    ADD COLUMN plan text COLLATE "C",
    ADD COLUMN basis text;
ALTER TABLE onemap.revision
    ADD COLUMN title_zh text, ADD COLUMN title_en text,
    ADD COLUMN valid_from date, ADD COLUMN valid_to date,
    ADD COLUMN status text, ADD COLUMN issuer text, ADD COLUMN document text,
    ADD COLUMN plan text COLLATE "C", ADD COLUMN basis text,
    ADD COLUMN specification_version text,
    ADD COLUMN coverage geometry(MultiPolygon, 4490),
    ADD COLUMN features bigint,
    ADD COLUMN west double precision, ADD COLUMN south double precision,
    ADD COLUMN east double precision, ADD COLUMN north double precision,
    ADD COLUMN source jsonb NOT NULL DEFAULT '{}';
UPDATE onemap.revision r SET title_zh = e.title_zh, title_en = e.title_en,
    valid_from = e.valid_from, valid_to = e.valid_to, status = e.status, issuer = e.issuer,
    document = e.document, specification_version = e.specification_version,
    coverage = e.coverage, features = e.features,
    west = e.west, south = e.south, east = e.east, north = e.north
    FROM onemap.edition e WHERE e.layer = r.layer AND e.edition = r.edition;
ALTER TABLE onemap.revision
    ALTER title_zh SET NOT NULL, ALTER title_en SET NOT NULL, ALTER valid_from SET NOT NULL,
    ALTER status SET NOT NULL, ALTER issuer SET NOT NULL, ALTER document SET NOT NULL,
    ALTER specification_version SET NOT NULL, ALTER features SET NOT NULL,
    ADD CHECK (kind IN ('load', 'region', 'merge', 'declaration', 'rollback'));
CREATE INDEX revision_recorded ON onemap.revision (layer, recorded_at);
REVOKE UPDATE, DELETE ON onemap.revision FROM onemap_writer;
"""

TOUCHED = """
CREATE TABLE onemap.touch (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    layer text COLLATE "C" NOT NULL,
    edition text COLLATE "C" NOT NULL,
    revision integer NOT NULL,
    envelope geometry(Polygon, 4490) NOT NULL,
    FOREIGN KEY (layer, edition, revision) REFERENCES onemap.revision
);
CREATE INDEX touch_revision ON onemap.touch (layer, edition, revision);
CREATE INDEX touch_envelope ON onemap.touch USING gist (envelope);
GRANT SELECT ON onemap.touch TO onemap_reader;
REVOKE UPDATE, DELETE ON onemap.touch FROM onemap_writer;
RESET ROLE;
CREATE SCHEMA planning_parts AUTHORIZATION onemap_owner;
GRANT USAGE ON SCHEMA planning_parts TO onemap_reader, onemap_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE onemap_owner IN SCHEMA planning_parts
    GRANT SELECT ON TABLES TO onemap_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE onemap_owner IN SCHEMA planning_parts
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO onemap_writer;
"""

# The history of existing layers gets the indexes that a page, an item and a window as of then use.
HISTORY = """
SET LOCAL ROLE onemap_owner;
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT relname, EXISTS (SELECT FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND attname = 'geom') AS placed
               FROM pg_class c WHERE relnamespace = 'planning_history'::regnamespace
               AND relkind = 'r' LOOP
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON planning_history.%I'
            ' (om_edition, fid, rev_to)', one.relname || '_hf', one.relname);
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON planning_history.%I'
            ' (om_edition, rev_to)', one.relname || '_ht', one.relname);
        IF one.placed THEN
            EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON planning_history.%I USING gist (geom)',
                one.relname || '_hg', one.relname);
        END IF;
    END LOOP;
END $$;
RESET ROLE;
"""


def upgrade() -> None:
    """Facts by revision, touched envelopes, subdivided parts, indexes of the history."""
    op.execute(REVISIONS)
    op.execute(TOUCHED)
    op.execute(HISTORY)
