"""The queue (Procrastinate's own SQL in its own schema), jobs and their results."""

from importlib.resources import files

from alembic import op

revision = "0002"
down_revision = "0001"

QUEUE_SCHEMA = """
CREATE SCHEMA procrastinate AUTHORIZATION onemap_owner;
GRANT USAGE ON SCHEMA procrastinate TO onemap_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE onemap_owner IN SCHEMA procrastinate
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO onemap_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE onemap_owner IN SCHEMA procrastinate
    GRANT USAGE, SELECT ON SEQUENCES TO onemap_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE onemap_owner IN SCHEMA procrastinate
    GRANT EXECUTE ON FUNCTIONS TO onemap_writer;
SET LOCAL ROLE onemap_owner;
SET LOCAL search_path = procrastinate;
"""

# attempt grows with every start and never falls: it fences what a lost attempt still writes.
# lost counts the attempts that died; beat_at is the running attempt's sign of life.
JOBS = """
CREATE TABLE onemap.job (
    id uuid PRIMARY KEY,
    process text COLLATE "C" NOT NULL,
    process_version text NOT NULL,
    owner text COLLATE "C" NOT NULL,
    organisation text NOT NULL,
    person text NOT NULL,
    scope jsonb NOT NULL,
    inputs jsonb NOT NULL,
    outputs text[] NOT NULL,
    response text NOT NULL CHECK (response IN ('raw', 'document')),
    catalogue text NOT NULL,
    queue_id bigint,
    status text NOT NULL DEFAULT 'accepted'
        CHECK (status IN ('accepted', 'running', 'successful', 'failed', 'dismissed')),
    attempt integer NOT NULL DEFAULT 0,
    lost integer NOT NULL DEFAULT 0,
    beat_at timestamptz,
    progress integer NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    message text NOT NULL DEFAULT '',
    error jsonb,
    lineage jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL DEFAULT clock_timestamp() + interval '30 days'
);
CREATE INDEX job_owner ON onemap.job (owner, created_at DESC, id DESC);
CREATE INDEX job_created ON onemap.job (created_at DESC, id DESC);
CREATE INDEX job_unfinished ON onemap.job (process, owner)
    WHERE status IN ('accepted', 'running');
CREATE INDEX job_expires ON onemap.job (expires_at);

CREATE TABLE onemap.job_result (
    job uuid NOT NULL REFERENCES onemap.job ON DELETE CASCADE,
    output text COLLATE "C" NOT NULL,
    media_type text NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (job, output)
);

CREATE FUNCTION onemap.tell_job_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('onemap_job', NEW.id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER job_status AFTER UPDATE OF status ON onemap.job
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION onemap.tell_job_status();
REVOKE ALL ON onemap.job, onemap.job_result FROM PUBLIC, onemap_reader;
"""


def upgrade() -> None:
    """Raw driver statements: Procrastinate's text holds % and : that are no binds."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(QUEUE_SCHEMA)
    driver.execute(files("procrastinate").joinpath("sql/schema.sql").read_text("utf-8"))
    driver.execute("RESET search_path")
    driver.execute(JOBS)
    driver.execute("RESET ROLE")
