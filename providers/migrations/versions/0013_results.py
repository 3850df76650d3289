"""Results kept as tables and files, and how long."""

from alembic import op

revision = "0013"
down_revision = "0012"

# A value lies in the row, in a file of the store, or in a table of its own.
RESULTS = """
ALTER TABLE onemap.job ADD COLUMN as_collection text[] NOT NULL DEFAULT '{}';
ALTER TABLE onemap.job_result
    ALTER COLUMN value DROP NOT NULL,
    ADD COLUMN file text,
    ADD COLUMN bytes bigint CHECK (bytes >= 0),
    ADD COLUMN sha256 text COLLATE "C",
    ADD COLUMN layer text COLLATE "C",
    ADD CONSTRAINT job_result_one_place CHECK (num_nonnulls(value, file, layer) = 1),
    ADD CONSTRAINT job_result_file CHECK (num_nonnulls(file, bytes, sha256) IN (0, 3));
"""

# Readers find a result layer without seeing its job: owner and description stand here.
LAYERS = """
CREATE TABLE onemap.result_layer (
    id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^result_[0-9a-f]{32}_[a-z][a-z0-9_]{0,22}$'),
    job uuid NOT NULL REFERENCES onemap.job ON DELETE CASCADE,
    output text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    said jsonb NOT NULL,
    features bigint NOT NULL,
    west double precision, south double precision, east double precision, north double precision,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (job, output)
);
CREATE INDEX result_layer_owner ON onemap.result_layer (owner, created_at DESC, id);
GRANT SELECT ON onemap.result_layer TO onemap_reader;
"""

SCHEMA = """
CREATE SCHEMA result AUTHORIZATION onemap_owner;
GRANT USAGE ON SCHEMA result TO onemap_reader;
GRANT USAGE, CREATE ON SCHEMA result TO onemap_writer;
"""


def upgrade() -> None:
    """The tables themselves are made with the jobs that they are results of."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(SCHEMA)
    driver.execute("SET LOCAL ROLE onemap_owner")
    driver.execute(RESULTS)
    driver.execute(LAYERS)
    driver.execute("RESET ROLE")
