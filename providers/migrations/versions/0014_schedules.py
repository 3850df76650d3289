"""Schedules of processes."""

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Filled in by its owner."""
