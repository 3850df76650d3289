"""Everything that talks to a database, a file or another server."""
