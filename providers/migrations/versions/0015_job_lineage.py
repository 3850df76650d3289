"""What a job was made of."""

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Filled in by its owner."""
