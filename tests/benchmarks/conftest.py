"""Rows of the tables by their names: `make bench ROW=jobs_overlay` measures one."""

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let `-k` find a measurement by the row that it makes."""
    for mark in item.iter_markers("row"):
        item.extra_keyword_matches.update(mark.args)
