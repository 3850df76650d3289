"""The last job of a schedule is found without looking through all jobs."""

from alembic import op

revision = "0019"
down_revision = "0018"

RUNS = """
SET LOCAL ROLE onemap_owner;
CREATE INDEX job_schedule ON onemap.job (schedule, created_at DESC) WHERE schedule IS NOT NULL;
RESET ROLE;
"""


def upgrade() -> None:
    """Jobs that no schedule made are not in it."""
    op.execute(RUNS)
