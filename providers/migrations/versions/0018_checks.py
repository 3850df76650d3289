"""Checks that are kept for good, whose they are, and the opinions that were signed on them."""

from alembic import op

revision = "0018"
down_revision = "0017"

CHECKS = """
SET LOCAL ROLE onemap_owner;
CREATE TABLE onemap.kept_check (
    hash text COLLATE "C" PRIMARY KEY CHECK (hash ~ '^[0-9a-f]{64}$'),
    facts jsonb NOT NULL,
    content bytea NOT NULL,
    bytes bigint NOT NULL CHECK (bytes > 0),
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE onemap.kept_check ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE TABLE onemap.check_owner (
    hash text COLLATE "C" NOT NULL REFERENCES onemap.kept_check,
    owner text COLLATE "C" NOT NULL,
    organisation text NOT NULL DEFAULT '',
    person text NOT NULL DEFAULT '',
    job uuid NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hash, owner, job)
);
CREATE INDEX check_owner_key ON onemap.check_owner (owner);
CREATE INDEX check_owner_person ON onemap.check_owner (organisation, person);
CREATE TABLE onemap.opinion (
    id uuid PRIMARY KEY,
    hash text COLLATE "C" NOT NULL UNIQUE CHECK (hash ~ '^[0-9a-f]{64}$'),
    of_check text COLLATE "C" NOT NULL REFERENCES onemap.kept_check,
    number integer NOT NULL CHECK (number > 0),
    supersedes uuid REFERENCES onemap.opinion,
    content json NOT NULL,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (of_check, number)
);
CREATE INDEX opinion_superseded ON onemap.opinion (supersedes) WHERE supersedes IS NOT NULL;
CREATE TABLE onemap.removed_check (
    hash text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    removed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_by text NOT NULL CHECK (removed_by <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (hash, removed_at)
);
GRANT SELECT ON onemap.kept_check, onemap.check_owner, onemap.opinion, onemap.removed_check
    TO onemap_reader;
REVOKE UPDATE, DELETE ON onemap.kept_check, onemap.check_owner, onemap.opinion FROM onemap_writer;
REVOKE INSERT, UPDATE, DELETE ON onemap.removed_check FROM onemap_writer;
"""

# Whoever is not held back by the lack of a grant: the tables' owner. The functions below may delete.
FOR_GOOD = """
CREATE FUNCTION onemap.kept_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('onemap.removing', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'what % holds is kept for good', TG_TABLE_NAME;
END $$;
CREATE TRIGGER kept_for_good BEFORE UPDATE OR DELETE OR TRUNCATE ON onemap.kept_check
    FOR EACH STATEMENT EXECUTE FUNCTION onemap.kept_for_good();
CREATE TRIGGER kept_for_good BEFORE UPDATE OR DELETE OR TRUNCATE ON onemap.check_owner
    FOR EACH STATEMENT EXECUTE FUNCTION onemap.kept_for_good();
CREATE TRIGGER kept_for_good BEFORE UPDATE OR DELETE OR TRUNCATE ON onemap.opinion
    FOR EACH STATEMENT EXECUTE FUNCTION onemap.kept_for_good();
CREATE TRIGGER kept_for_good BEFORE UPDATE OR DELETE OR TRUNCATE ON onemap.removed_check
    FOR EACH STATEMENT EXECUTE FUNCTION onemap.kept_for_good();
"""

# What only callers without a key made, and nobody signed on. Whoever keeps or signs holds the lock.
EXPIRY = """
CREATE FUNCTION onemap.drop_expired_checks(keep interval, most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    dropped integer := 0;
BEGIN
    IF keep < interval '1 day' THEN
        RAISE EXCEPTION 'a check is kept for a day at least';
    END IF;
    PERFORM set_config('onemap.removing', 'on', true);
    FOR name IN
        SELECT k.hash FROM onemap.kept_check k
        WHERE k.kept_at < clock_timestamp() - keep
          AND NOT EXISTS (SELECT FROM onemap.opinion p WHERE p.of_check = k.hash)
          AND NOT EXISTS (SELECT FROM onemap.check_owner o WHERE o.hash = k.hash
                          AND (o.owner <> 'anonymous' OR o.seen_at > clock_timestamp() - keep))
        ORDER BY k.kept_at LIMIT most
    LOOP
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended('check:' || name, 0));
        CONTINUE WHEN EXISTS (SELECT FROM onemap.opinion p WHERE p.of_check = name)
            OR EXISTS (SELECT FROM onemap.check_owner o WHERE o.hash = name
                       AND (o.owner <> 'anonymous' OR o.seen_at > clock_timestamp() - keep));
        DELETE FROM onemap.check_owner WHERE hash = name;
        DELETE FROM onemap.kept_check WHERE hash = name;
        dropped := dropped + 1;
    END LOOP;
    PERFORM set_config('onemap.removing', 'off', true);
    RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION onemap.drop_expired_checks(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION onemap.drop_expired_checks(interval, integer) TO onemap_writer;
"""

# For an administrator, who is the tables' owner: what is removed leaves its hash, who and why.
REMOVAL = """
CREATE FUNCTION onemap.remove_check(name text, by_whom text, why text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    removed integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('check:' || name, 0));
    PERFORM set_config('onemap.removing', 'on', true);
    INSERT INTO onemap.removed_check (hash, kind, removed_by, reason)
    SELECT hash, 'compliance_opinion', by_whom, why FROM onemap.opinion WHERE of_check = name
    UNION ALL
    SELECT hash, 'compliance_check', by_whom, why FROM onemap.kept_check WHERE hash = name;
    GET DIAGNOSTICS removed = ROW_COUNT;
    DELETE FROM onemap.opinion WHERE of_check = name;
    DELETE FROM onemap.check_owner WHERE hash = name;
    DELETE FROM onemap.kept_check WHERE hash = name;
    PERFORM set_config('onemap.removing', 'off', true);
    RETURN removed;
END $$;
REVOKE ALL ON FUNCTION onemap.remove_check(text, text, text) FROM PUBLIC;
"""


def upgrade() -> None:
    """Rows are added and never changed."""
    op.execute(CHECKS)
    op.execute(FOR_GOOD)
    op.execute(EXPIRY)
    op.execute(REMOVAL)
    op.execute("RESET ROLE")
