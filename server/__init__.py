"""Composition root and HTTP: the command line, the application, the route table."""
