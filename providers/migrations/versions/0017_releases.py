"""When an edition was officially released (发布日期): a check says which data are older than the last."""

from alembic import op

revision = "0017"
down_revision = "0016"

RELEASES = """
SET LOCAL ROLE onemap_owner;
ALTER TABLE onemap.edition ADD COLUMN released date;
ALTER TABLE onemap.revision ADD COLUMN released date;
RESET ROLE;
"""


def upgrade() -> None:
    """Of editions that are there already it is not known."""
    op.execute(RELEASES)
