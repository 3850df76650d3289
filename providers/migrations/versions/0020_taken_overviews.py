"""Overviews of external tables, taken at a moment."""

from alembic import op

revision = "0020"
down_revision = "0019"

# Each is stored as that of an edition which is never published (revision 0), under a new number.
TAKEN = """
SET LOCAL ROLE onemap_owner;
CREATE SEQUENCE onemap.taken_overview AS integer;
ALTER TABLE onemap.overview
    ADD COLUMN taken_at timestamptz, -- the moment of the rows
    ADD COLUMN made_at timestamptz, -- and when the overview of them was ready
    ADD COLUMN looked_at timestamptz, -- when the table was last known to be the same
    ADD COLUMN table_version text;
RESET ROLE;
"""


def upgrade() -> None:
    """Those of editions follow their revisions and say none of this."""
    op.execute(TAKEN)
