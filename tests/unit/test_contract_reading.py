"""The contract as the documentation page shows it: one language, and examples to follow."""

from typing import Any

import pytest

import openapi
from openapi.wording import in_language, told
from server.web import operations


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("首页 / Landing page", "首页", "Landing page"),
        ("甲。\nFirst.\n乙。\nSecond.", "甲。\n乙。", "First.\nSecond."),
        ("HTML", "HTML", "HTML"),
        ("只有中文", "只有中文", "只有中文"),
        ("a / b", "a / b", "a / b"),
    ],
)
def test_a_text_is_reduced_to_the_reader_s_language(text: str, zh: str, en: str) -> None:
    assert (told(text, "zh"), told(text, "en")) == (zh, en)


def test_only_texts_are_touched() -> None:
    document = {"description": "甲 / A", "example": ["乙 / B"], "properties": {"title": {}}}

    assert in_language(document, "en") == {**document, "description": "A"}


def _operation(**parts: Any) -> operations.Operation:
    path = {"name": "id", "in": "path", "example": "a b/c"}
    document = {"paths": {"/x/{id}": {parts.get("method", "get"): {"parameters": [path]}}}}
    document["paths"]["/x/{id}"][parts.get("method", "get")]["parameters"] += parts["query"]
    ((operation,),) = (group.operations for group in operations.groups(document))
    return operation


def test_an_example_can_be_followed_with_the_parameter_that_it_goes_with() -> None:
    box = {"name": "bbox", "in": "query", "example": [1, 2.5]}
    crs = {"name": "bbox-crs", "in": "query", "x-onemap-with": "bbox", "example": "u"}
    flag = {"name": "skip", "in": "query", "example": False}
    operation = _operation(query=[box, crs, flag])

    assert operation.address == "/x/a%20b%2Fc"
    assert operation.trial(box) == "/x/a%20b%2Fc?bbox=1,2.5"
    assert operation.trial(crs) == "/x/a%20b%2Fc?bbox=1,2.5&bbox-crs=u"
    assert operation.trial(flag) == "/x/a%20b%2Fc?skip=false"


def test_what_changes_something_is_not_offered_as_a_link() -> None:
    operation = _operation(method="delete", query=[])

    assert operation.address is None


def test_every_parameter_goes_with_one_that_its_operation_has() -> None:
    for group in operations.groups(openapi.served("/")):
        for operation in group.operations:
            names = {parameter["name"] for parameter in operation.parameters}
            needed = {p["x-onemap-with"] for p in operation.parameters if "x-onemap-with" in p}
            assert needed <= names, operation.path
