"""Uploaded files, and who is told when a job ends."""

import secrets

from alembic import op

revision = "0011"
down_revision = "0010"

# The content of an upload lies in the store under its id. An anonymous one is nobody's: two
# strangers with the same file must not share it, each could delete the other's.
UPLOADS = """
CREATE TABLE onemap.upload (
    id text COLLATE "C" PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    bytes bigint NOT NULL CHECK (bytes >= 0),
    sha256 text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX upload_content ON onemap.upload (owner, sha256, name, media_type)
    WHERE owner <> 'anonymous';
CREATE INDEX upload_owner ON onemap.upload (owner);
CREATE INDEX upload_expires ON onemap.upload (expires_at);
GRANT SELECT ON onemap.upload TO onemap_reader;
"""

# A subscription's addresses may hold secrets of their own: readers do not see them.
# attempts fences a delivery that is tried twice; due_at is when somebody should have seen to it.
CALLBACKS = """
CREATE TABLE onemap.subscription (
    job uuid PRIMARY KEY REFERENCES onemap.job ON DELETE CASCADE,
    success_uri text,
    in_progress_uri text,
    failed_uri text
);
CREATE TABLE onemap.callback (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    job uuid NOT NULL REFERENCES onemap.job ON DELETE CASCADE,
    event text COLLATE "C" NOT NULL CHECK (event IN ('in_progress', 'success', 'failed')),
    uri text NOT NULL,
    state text COLLATE "C" NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'delivered', 'failed', 'dropped')),
    attempts integer NOT NULL DEFAULT 0,
    problem text,
    queue_id bigint,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    UNIQUE (job, event)
);
CREATE INDEX callback_due ON onemap.callback (due_at) WHERE state = 'waiting';
CREATE TABLE onemap.callback_secret (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    secret bytea NOT NULL
);
REVOKE ALL ON onemap.subscription, onemap.callback, onemap.callback_secret
    FROM PUBLIC, onemap_reader;
"""


def upgrade() -> None:
    """The secret from which every owner's own is derived is made once, here."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute("SET LOCAL ROLE onemap_owner")
    driver.execute(UPLOADS)
    driver.execute(CALLBACKS)
    driver.execute(
        "INSERT INTO onemap.callback_secret (secret) VALUES (%s)", (secrets.token_bytes(32),)
    )
    driver.execute("RESET ROLE")
