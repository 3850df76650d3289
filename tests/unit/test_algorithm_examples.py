"""The examples in the docstrings of the algorithms are what really comes out."""

import doctest
import importlib
import pkgutil

import pytest

import processes.algorithms

MODULES = [
    m.name
    for m in pkgutil.walk_packages(
        processes.algorithms.__path__, f"{processes.algorithms.__name__}."
    )
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))

    assert found.failed == 0
