"""How the pages say what a property of a schema is."""

from typing import Any

import pytest

from server.web.values import type_name


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "format": "date"}, "string (date)"),
        ({"type": "string", "oneOf": [{"const": "01", "title": "耕地"}]}, "string"),
        (
            {"type": ["string", "null"], "oneOf": [{"const": "01"}, {"type": "null"}]},
            "string | null",
        ),
        ({"oneOf": [{"type": "string"}, {"type": "number"}]}, "string | number"),
        ({"type": "object", "oneOf": [{"$ref": "#/a/Line"}, {"$ref": "#/a/Area"}]}, "Line | Area"),
        ({"oneOf": [{"const": 1}]}, "any"),
    ],
)
def test_a_property_with_a_code_list_has_the_type_of_its_codes(
    schema: dict[str, Any], said: str
) -> None:
    assert type_name(schema) == said
