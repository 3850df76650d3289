from typing import Any

import pytest

from config.model import Catalogue, Style, StyleRule
from config.vocabulary import GeometryKind
from server.styles import maplibre


def value(expression: Any, properties: dict[str, str]) -> Any:
    """What a MapLibre expression of the kinds that styles use gives for a feature."""
    if not isinstance(expression, list):
        return expression
    match expression:
        case ["get", name]:
            return properties[name]
        case ["to-string", inner]:
            return str(value(inner, properties))
        case ["slice", inner, start, end]:
            return value(inner, properties)[start:end]
        case ["match", inner, *branches, rest]:
            found = value(inner, properties)
            for keys, result in zip(branches[::2], branches[1::2], strict=True):
                if found in keys:
                    return value(result, properties)
            return value(rest, properties)
    raise AssertionError(f"an expression that the test does not know: {expression}")


def first_rule(style: Style, code: str) -> StyleRule | None:
    for rule in style.rules:
        if not rule.codes:
            return rule
        if code in rule.codes or (rule.match == "prefix" and code.startswith(rule.codes)):
            return rule
    return None


def coded_styles(catalogue: Catalogue) -> list[tuple[Style, list[str]]]:
    found = {}
    for layer in catalogue.layers.values():
        field = layer.field(layer.style.field) if layer.style and layer.style.field else None
        if layer.style is not None and field is not None and field.code_list is not None:
            found[layer.style.id] = (layer.style, [*field.code_list.codes, "", "no such code"])
    return list(found.values())


def test_every_code_is_filled_as_its_first_rule_says(catalogue: Catalogue) -> None:
    styles = coded_styles(catalogue)
    assert styles
    for style, codes in styles:
        assert style.field is not None
        layers = [layer for layer in catalogue.layers.values() if layer.style == style]
        parts = maplibre(style, layers[:1], base="", lang="zh")["layers"]
        for code in codes:
            rule, properties = first_rule(style, code), {style.field: code}
            fills = {
                value(part["paint"]["fill-color"], properties)
                for part in parts
                if part["type"] == "fill" and value(part.get("filter", True), properties)
            } - {"rgba(0,0,0,0)"}
            assert fills == ({rule.fill} if rule is not None and rule.fill else set()), (
                style.id,
                code,
            )


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_style_names_no_other_host_and_has_a_legend_entry_per_rule(
    catalogue: Catalogue, lang: str
) -> None:
    for style in catalogue.styles.values():
        layers = [layer for layer in catalogue.layers.values() if layer.style == style]
        document = maplibre(style, layers, base="http://here", lang=lang)
        assert "glyphs" not in document
        assert "sprite" not in document
        for layer in layers:
            assert len(document["metadata"]["onemap:legend"][layer.id]) == len(style.rules)
            (address,) = document["sources"][layer.id]["tiles"]
            assert address.startswith("http://here/")


def test_outlines_wait_for_the_scale_that_they_are_for(catalogue: Catalogue) -> None:
    layer = catalogue.layers["land_use"]
    assert layer.style is not None
    assert layer.style.geometry is GeometryKind.POLYGON

    parts = maplibre(layer.style, [layer], base="", lang="zh")["layers"]

    assert all(part["minzoom"] > 10 for part in parts if part["type"] == "line")
    assert not any("minzoom" in part for part in parts if part["type"] == "fill")
