"""What a job was made of, and the requests that may make no second one."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """A request under an idempotency key makes one job."""
    op.execute("ALTER TABLE onemap.job ADD COLUMN once_key text, ADD COLUMN once_digest bytea")
    op.execute("ALTER TABLE onemap.job ADD COLUMN steps jsonb")  # null: nothing is nested
    op.execute(
        "CREATE INDEX job_once ON onemap.job (owner, once_key, created_at DESC)"
        " WHERE once_key IS NOT NULL"
    )
