"""A tileset says what is done to its features and what is left out, and nothing that is not so."""

from dataclasses import replace
from typing import Any

import pytest

from config.model import Catalogue, Layer
from config.vocabulary import GeometryKind, LayerId
from providers.grids import CGCS2000_QUAD, WEB_MERCATOR_QUAD, Grid
from providers.overview_sources import CLASS_RULE, RULES, Counts, Overview
from server.guide import render
from server.snapshot import Resolved
from server.tileset_facts import Part, facts

POLYGON = GeometryKind.POLYGON
kinds = pytest.mark.parametrize("kind", [POLYGON, GeometryKind.LINE, GeometryKind.POINT])
languages = pytest.mark.parametrize("lang", ["zh", "en"])


@pytest.fixture
def land_use(catalogue: Catalogue) -> Layer:
    return catalogue.layers[LayerId("land_use")]


def told(
    layer: Layer,
    overview: Overview | None,
    lang: str,
    grid: Grid = CGCS2000_QUAD,
    *,
    counted: bool = True,
) -> dict[str, Any]:
    resolved = Resolved(layer=layer, state=None, pinned=False)
    part = Part(resolved=resolved, box=None, overview=overview, counted=counted)
    return facts(part, grid, lang)


@kinds
@languages
def test_where_every_level_draws_the_rows_no_generalisation_is_stated(
    land_use: Layer, kind: GeometryKind, lang: str
) -> None:
    layer = replace(land_use, specification=replace(land_use.specification, geometry=kind))
    for overview in (None, Overview(revision=1, classes_below=0, levels=())):
        found = told(layer, overview, lang)

        assert {each["features"] for each in found["tileMatrices"]} == {"rows"}
        assert found["generalisation"] is None


@kinds
@languages
def test_where_a_level_is_generalised_its_rule_is_stated(
    land_use: Layer, kind: GeometryKind, lang: str
) -> None:
    layer = replace(land_use, specification=replace(land_use.specification, geometry=kind))
    found = told(layer, Overview(revision=1, classes_below=0, levels=(9,)), lang)

    assert found["generalisation"].startswith(RULES[kind].in_language(lang))


@languages
def test_classes_are_spoken_of_where_there_are_some(land_use: Layer, lang: str) -> None:
    both = told(land_use, Overview(revision=1, classes_below=9, levels=(10,)), lang)
    only = told(land_use, Overview(revision=1, classes_below=9, levels=()), lang)
    none = told(land_use, Overview(revision=1, classes_below=0, levels=(10,)), lang)
    shapes, classes = (one.in_language(lang) for one in (RULES[POLYGON], CLASS_RULE))

    assert shapes in both["generalisation"]
    assert classes in both["generalisation"]
    assert only["generalisation"] == classes
    assert classes not in none["generalisation"]
    assert "500" in none["generalisation"]  # of so many features on, there would be some


def test_what_is_not_counted_is_not_zero(land_use: Layer) -> None:
    counts = Counts(recipe="c", by_tiling={"degrees": {13: 5_759, 14: None}})
    overview = Overview(revision=1, classes_below=9, levels=(10,), omitted=counts)

    def omitted(grid: Grid, *, counted: bool = True) -> dict[str, int | None]:
        levels = told(land_use, overview, "en", grid, counted=counted)["tileMatrices"]
        return {each["tileMatrix"]: each["omitted"] for each in levels}

    assert [omitted(CGCS2000_QUAD)[level] for level in ("8", "12", "13", "14", "15")] == [
        *(0, 0, 5_759, None, 0)
    ]
    assert [omitted(WEB_MERCATOR_QUAD)[level] for level in ("8", "13")] == [0, None]
    unlike = omitted(CGCS2000_QUAD, counted=False)  # of what others see, or of other attributes
    assert [unlike[level] for level in ("7", "12", "13")] == [0, None, None]


@pytest.mark.parametrize(
    ("lang", "unit", "few"),
    [
        ("zh", "十六分之一像元", "不足五百个的图层除外"),
        ("en", "a sixteenth of a pixel", "fewer than five hundred"),
    ],
)
def test_what_is_too_small_or_too_few_is_named_as_an_exception(
    land_use: Layer, lang: str, unit: str, few: str
) -> None:
    (path,) = (render.FOLDER / lang).glob("*-operating.md")
    guide = path.read_text("utf-8")

    assert unit in told(land_use, None, lang)["omission"]["rule"]
    assert unit in guide
    assert few in guide
