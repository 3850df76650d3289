"""Changes of external tables, counted by a trigger that their owner creates."""

from alembic import op

revision = "0007"
down_revision = "0006"

# The counter is a row and no sequence: it is read in the same snapshot as the rows it counts.
COUNTER = """
SET LOCAL ROLE onemap_owner;
CREATE TABLE onemap.external_version (
    relation text COLLATE "C" PRIMARY KEY,
    number bigint NOT NULL,
    changed_at timestamptz NOT NULL
);
GRANT SELECT ON onemap.external_version TO onemap_reader;
REVOKE INSERT, UPDATE, DELETE ON onemap.external_version FROM onemap_writer;
CREATE FUNCTION onemap.bump(relation text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO onemap.external_version AS held VALUES ($1, 1, clock_timestamp())
    ON CONFLICT (relation) DO UPDATE
        SET number = held.number + 1, changed_at = clock_timestamp();
    SELECT pg_notify('onemap_revision', '');
$$;
CREATE FUNCTION onemap.count_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM onemap.bump(coalesce(TG_ARGV[0], TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME));
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION onemap.bump(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION onemap.bump(text) TO onemap_writer;
RESET ROLE;
"""


def upgrade() -> None:
    """A counter per external relation, the function that counts, and the trigger's own."""
    op.execute(COUNTER)
