"""Run-time edits of the catalogue, and which catalogue was put in force when."""

from alembic import op

revision = "0006"
down_revision = "0005"

# An entry is json, not jsonb: the order of a code list's codes is the order of its legend.
EDITS = """
SET LOCAL ROLE onemap_owner;
CREATE TABLE onemap.catalogue_edit (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    entry json,
    base_digest text COLLATE "C",
    author text NOT NULL CHECK (author <> ''),
    note text NOT NULL,
    edited_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX catalogue_edit_latest ON onemap.catalogue_edit (kind, id, number DESC);
CREATE TABLE onemap.catalogue_state (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digests jsonb NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON onemap.catalogue_edit, onemap.catalogue_state TO onemap_reader;
REVOKE UPDATE, DELETE ON onemap.catalogue_edit, onemap.catalogue_state FROM onemap_writer;
RESET ROLE;
"""


def upgrade() -> None:
    """Edits are only ever added: a later one replaces an earlier, none is lost."""
    op.execute(EDITS)
