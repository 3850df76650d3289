"""What surrounds every request: its id and log, its limits, its headers."""
