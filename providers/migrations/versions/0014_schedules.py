"""Schedules of processes."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """How far each schedule has been followed, and which jobs were made by one."""
    op.execute(
        """
        SET LOCAL ROLE onemap_owner;
        CREATE TABLE onemap.schedule (
            id text COLLATE "C" PRIMARY KEY,
            cron text NOT NULL,
            due timestamptz NOT NULL
        );
        REVOKE ALL ON onemap.schedule FROM PUBLIC, onemap_reader;
        ALTER TABLE onemap.job ADD COLUMN schedule text COLLATE "C";
        RESET ROLE;
        """
    )
