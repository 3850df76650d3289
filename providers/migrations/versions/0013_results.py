"""Results kept as tables and files, and how long."""

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Filled in by its owner."""
