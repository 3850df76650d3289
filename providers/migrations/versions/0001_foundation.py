"""Roles, schemas, editions, revisions, regions, keys and sessions."""

from alembic import op

revision = "0001"
down_revision = None

ROLES = """
DO $$ DECLARE name text; BEGIN
    FOREACH name IN ARRAY ARRAY['onemap_owner', 'onemap_writer', 'onemap_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
        BEGIN  -- from PostgreSQL 16 on, who creates a role may not yet become it
            EXECUTE format('GRANT %I TO CURRENT_USER', name);
        EXCEPTION WHEN insufficient_privilege THEN
            IF NOT pg_has_role(current_user, name, 'MEMBER') THEN RAISE; END IF;
        END;
    END LOOP;
END $$
"""

SCHEMAS = """
CREATE EXTENSION IF NOT EXISTS postgis SCHEMA public;
CREATE SCHEMA onemap AUTHORIZATION onemap_owner;
CREATE SCHEMA planning AUTHORIZATION onemap_owner;
CREATE SCHEMA planning_history AUTHORIZATION onemap_owner;
GRANT USAGE ON SCHEMA onemap, planning, planning_history TO onemap_reader, onemap_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE onemap_owner IN SCHEMA planning, planning_history
    GRANT SELECT ON TABLES TO onemap_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE onemap_owner IN SCHEMA onemap, planning, planning_history
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO onemap_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE onemap_owner IN SCHEMA onemap, planning, planning_history
    GRANT USAGE, SELECT ON SEQUENCES TO onemap_writer;
SET LOCAL ROLE onemap_owner;
"""

TABLES = """
CREATE TABLE onemap.edition (
    layer text COLLATE "C" NOT NULL,
    edition text COLLATE "C" NOT NULL CHECK (edition ~ '^[a-z0-9_]{1,16}$'),
    title_zh text NOT NULL,
    title_en text NOT NULL,
    valid_from date NOT NULL,
    valid_to date CHECK (valid_to >= valid_from),
    status text NOT NULL CHECK (status IN ('draft', 'submitted', 'returned', 'in_force', 'repealed')),
    issuer text NOT NULL CHECK (issuer IN ('own', 'above')),
    document text NOT NULL,
    specification_version text NOT NULL,
    revision integer NOT NULL DEFAULT 0,
    features bigint NOT NULL DEFAULT 0,
    coverage geometry(MultiPolygon, 4490),
    west double precision, south double precision, east double precision, north double precision,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (layer, edition)
);
CREATE TABLE onemap.revision (
    layer text COLLATE "C" NOT NULL,
    edition text COLLATE "C" NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    kind text NOT NULL,
    recorded_at timestamptz NOT NULL,
    author text NOT NULL,
    note text NOT NULL,
    added bigint NOT NULL, changed bigint NOT NULL, removed bigint NOT NULL,
    PRIMARY KEY (layer, edition, number),
    FOREIGN KEY (layer, edition) REFERENCES onemap.edition
);
CREATE TABLE onemap.region (
    code text COLLATE "C" PRIMARY KEY CHECK (code ~ '^[1-9][0-9]{5}([0-9]{3}){0,2}$'),
    parent text COLLATE "C",
    level text NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    path text[] COLLATE "C" NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    geom geometry(MultiPolygon, 4490)
);
CREATE INDEX region_geom ON onemap.region USING gist (geom);
CREATE TABLE onemap.api_key (
    id text COLLATE "C" PRIMARY KEY,
    digest bytea NOT NULL,
    organisation text NOT NULL,
    person text NOT NULL,
    role text NOT NULL,
    regions text[] COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE TABLE onemap.session (
    digest bytea PRIMARY KEY,
    key_id text COLLATE "C" NOT NULL REFERENCES onemap.api_key ON DELETE CASCADE,
    csrf text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE TABLE onemap.seed (
    name text COLLATE "C" PRIMARY KEY,
    content text NOT NULL,
    seeded_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON onemap.seed, onemap.edition, onemap.revision, onemap.region TO onemap_reader;
"""


def upgrade() -> None:
    """Foundation. A key's digest is the writer's to read: the reader serves data only."""
    op.execute(ROLES)
    op.execute(SCHEMAS)
    op.execute(TABLES)
    op.execute("RESET ROLE")
