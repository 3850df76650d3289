"""Outputs of a job that are asked for by reference."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """None of the jobs before asked for one."""
    op.execute("ALTER TABLE onemap.job ADD COLUMN by_reference text[] NOT NULL DEFAULT '{}'")
