import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.loader import CatalogueError, load
from config.model import Catalogue, Layer, Style, StyleRule
from config.settings import PACKAGE_ROOT
from config.vocabulary import GeometryKind
from providers.grids import GRIDS, Grid
from server import sprites
from server.legends import legend, picture, style_legend
from server.style_documents import ORDER, Styled, maplibre

CLEAR = "rgba(0,0,0,0)"


def value(expression: Any, properties: dict[str, str]) -> Any:
    """What a MapLibre expression of the kinds that styles use gives for a feature."""
    if not isinstance(expression, list):
        return expression
    match expression:
        case ["get", name]:
            return properties.get(name)
        case ["to-string", inner]:
            found = value(inner, properties)
            return "" if found is None else str(found)
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


def styled(layer: Layer, **more: Any) -> Styled:
    assert layer.style is not None
    return Styled(layer=layer, style=layer.style, collection=layer.id, title=layer.id, **more)


def drawn(catalogue: Catalogue, *names: str, grid: str = "WebMercatorQuad", **more: Any) -> Any:
    layers = [styled(catalogue.layers[name], **more) for name in names]
    return maplibre("", layers, base="http://here", lang="zh", grid=GRIDS[grid])


def with_style(catalogue: Catalogue) -> list[str]:
    return [layer.id for layer in catalogue.layers.values() if layer.style is not None]


def coded_styles(catalogue: Catalogue) -> Iterator[tuple[Layer, Style, list[str]]]:
    for layer in catalogue.layers.values():
        field = layer.field(layer.style.field) if layer.style and layer.style.field else None
        if layer.style is not None and field is not None and field.code_list is not None:
            rules = [code for rule in layer.style.rules for code in rule.codes]
            yield layer, layer.style, [*field.code_list.codes, *rules, "", "no such code"]


def covers(layer: Layer) -> bool:
    assert layer.style is not None
    return any(rule.fill and rule.opacity == 1 for rule in layer.style.rules)


def fills_of(parts: list[dict[str, Any]], properties: dict[str, str]) -> set[str]:
    return {
        value(part["paint"]["fill-color"], properties)
        for part in parts
        if part["type"] == "fill"
        and "fill-color" in part["paint"]
        and value(part.get("filter", True), properties)
    } - {CLEAR}


def test_every_code_is_filled_as_its_first_rule_says(catalogue: Catalogue) -> None:
    found = list(coded_styles(catalogue))
    assert found
    for layer, style, codes in found:
        assert style.field is not None
        parts = drawn(catalogue, layer.id)["layers"]
        for code in codes:
            rule = first_rule(style, code)
            expected = {rule.fill} if rule is not None and rule.fill else set()
            assert fills_of(parts, {style.field: code}) == expected, (style.id, code)


def test_a_coverage_is_filled_for_every_value_and_for_none(catalogue: Catalogue) -> None:
    for layer, style, codes in coded_styles(catalogue):
        if not any(rule.fill for rule in style.rules):
            continue
        parts = drawn(catalogue, layer.id)["layers"]
        assert style.field is not None
        for code in codes:
            assert fills_of(parts, {style.field: code}), (style.id, code)
        assert fills_of(parts, {}), style.id


@pytest.mark.parametrize(
    ("field", "code_list", "style"),
    [
        ("YDYHFLDM", "ydyh", "land_use"),
        ("GHFQDM", "ghfq", "planning_zone"),
        ("GHFQDM", "ghfq_zj", "planning_zone_zhejiang"),
        ("GHFQDM", "czkfbjfq", "control_lines_boundary"),
    ],
)
def test_every_code_of_the_standard_has_a_rule_of_its_own_or_of_its_class(
    catalogue: Catalogue, field: str, code_list: str, style: str
) -> None:
    path = PACKAGE_ROOT / "standards" / "code_lists" / f"{code_list}.yaml"
    codes = yaml.safe_load(path.read_text("utf-8"))["codes"]
    chosen = catalogue.styles[style]

    assert chosen.field == field
    for code in codes:
        rule = first_rule(chosen, code)
        assert rule is not None
        assert rule.codes, f"{code} is drawn as what has no code"


def test_classes_of_the_first_level_are_told_apart_by_their_colours(catalogue: Catalogue) -> None:
    style = catalogue.styles["land_use"]
    firsts = [rule for rule in style.rules if rule.codes and len(rule.codes[0]) == 2]

    assert len(firsts) == len({rule.fill for rule in firsts}) == 24
    assert [rule.codes for rule in style.rules if rule.hatch] == [("16",), ()]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_style_names_no_other_host_and_has_a_legend_entry_per_rule(
    catalogue: Catalogue, lang: str
) -> None:
    for style in catalogue.styles.values():
        layers = [each for each in catalogue.layers.values() if each.style == style]
        document = maplibre("", [styled(each) for each in layers], base="http://here", lang=lang)
        assert "glyphs" not in document
        assert document.get("sprite", "http://here/styles/sprite") == "http://here/styles/sprite"
        for layer in layers:
            assert len(document["metadata"]["onemap:legend"][layer.id]) == len(style.rules)
            (address,) = document["sources"][layer.id]["tiles"]
            assert address.startswith("http://here/")


def test_the_sprite_is_named_where_a_pattern_is_used_and_holds_it(catalogue: Catalogue) -> None:
    known = sprites.sheet(sprites.hatches(catalogue.styles.values()), ratio=1).index
    named = 0
    for name in with_style(catalogue):
        document = drawn(catalogue, name)
        patterns = {p["paint"].get("fill-pattern") for p in document["layers"]} - {None}
        assert patterns <= known.keys()
        assert ("sprite" in document) == bool(patterns)
        named += bool(patterns)
    assert 0 < named < len(with_style(catalogue))


def test_a_hatch_lies_over_its_ground_which_tells_clients_without_sprites(
    catalogue: Catalogue,
) -> None:
    parts = drawn(catalogue, "land_use")["layers"]
    over = [n for n, part in enumerate(parts) if "fill-pattern" in part["paint"]]

    assert len(over) == 2
    for number in over:
        ground = parts[number - 1]
        colour = ground["metadata"]["onemap:hatch"]
        assert parts[number]["paint"]["fill-pattern"] == sprites.hatch_name(colour)
        assert ground["filter"] == parts[number]["filter"]
    assert all("onemap:hatch" not in parts[n]["metadata"] for n in over)


def test_outlines_wait_for_the_scale_that_they_are_for(catalogue: Catalogue) -> None:
    layer = catalogue.layers["land_use"]
    assert layer.style is not None
    assert layer.style.geometry is GeometryKind.POLYGON

    parts = drawn(catalogue, "land_use")["layers"]

    assert all(part["minzoom"] > 10 for part in parts if part["type"] == "line")
    assert not any("minzoom" in part for part in parts if part["type"] == "fill")


@given(below=st.integers(0, 18))
def test_where_tiles_hold_classes_nothing_draws_an_edge_or_a_label(
    catalogue: Catalogue, below: int
) -> None:
    parts = drawn(catalogue, *with_style(catalogue), classes_below=below)["layers"]

    assert all(p.get("minzoom", 0) >= below for p in parts if p["type"] in ("line", "symbol"))


def test_an_area_that_has_an_outline_only_is_seen_from_afar_as_well(catalogue: Catalogue) -> None:
    near = drawn(catalogue, "urban_growth_boundary")["layers"]
    parts = drawn(catalogue, "urban_growth_boundary", classes_below=9)["layers"]

    assert {part["type"] for part in near} == {"line"}
    areas = [part for part in parts if part["type"] == "fill"]
    assert areas
    assert all(part["maxzoom"] == 9 for part in areas)
    assert fills_of(parts, {"GHFQDM": "410"}) == {"#c00000"}


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_zooms_of_a_style_count_the_levels_of_its_grid(catalogue: Catalogue, grid: Grid) -> None:
    plain = drawn(catalogue, "land_use", "county", classes_below=9)
    document = drawn(catalogue, "land_use", "county", grid=grid.id, classes_below=9)

    source = document["sources"]["land_use"]
    assert source["tiles"] == [
        f"http://here/collections/land_use/tiles/{grid.id}/{{z}}/{{y}}/{{x}}?f=mvt"
    ]
    assert source.get("minzoom", 0) == grid.first
    assert source["maxzoom"] + grid.shift <= 18
    for part, other in zip(document["layers"], plain["layers"], strict=True):
        for bound in ("minzoom", "maxzoom"):
            assert (part.get(bound, 0) + grid.shift if bound in part else None) == other.get(bound)


def test_areas_lie_beneath_lines_beneath_labels_and_of_areas_those_that_cover_lowest(
    catalogue: Catalogue,
) -> None:
    names = with_style(catalogue)
    parts = drawn(catalogue, *names)["layers"]

    places = [ORDER.index(part["type"]) for part in parts]
    assert places == sorted(places)
    fills = list(dict.fromkeys(part["source"] for part in parts if part["type"] == "fill"))
    covering = [name for name in fills if covers(catalogue.layers[name])]
    assert 1 < len(covering) < len(fills)
    assert fills[: len(covering)] == covering
    for group in (covering, fills[len(covering) :]):
        assert [name for name in names[::-1] if name in group] == group  # the first uppermost
    assert len({part["id"] for part in parts}) == len(parts)


def test_what_is_not_shown_at_first_is_there_and_hidden(catalogue: Catalogue) -> None:
    layers = [styled(catalogue.layers["county"]), styled(catalogue.layers["land_use"], shown=False)]
    document = maplibre("", layers, base="", lang="zh")

    assert document["metadata"]["onemap:visible"] == ["county"]
    for part in document["layers"]:
        hidden = part.get("layout", {}).get("visibility") == "none"
        assert hidden == (part["source"] == "land_use")


def test_tiles_are_asked_for_the_time_that_the_style_is_asked_for(catalogue: Catalogue) -> None:
    asked = {"datetime": "2020-01-01/.."}
    document = maplibre("", [styled(catalogue.layers["county"])], base="", lang="zh", asked=asked)

    (address,) = document["sources"]["county"]["tiles"]
    assert address.endswith("?f=mvt&datetime=2020-01-01%2F..")


def test_the_legend_lists_every_class_of_the_code_list_once(catalogue: Catalogue) -> None:
    for layer, style, _ in coded_styles(catalogue):
        assert style.field is not None
        field = layer.field(style.field)
        assert field is not None
        assert field.code_list is not None
        entries = style_legend(style, [layer], "en")["entries"]
        listed = [(c["code"], c["title"]) for entry in entries for c in entry["classes"]]
        assert sorted(listed) == sorted((c, t.en) for c, t in field.code_list.codes.items())
        for entry in entries:
            for each in entry["classes"]:
                rule = first_rule(style, each["code"])
                assert rule is not None
                assert rule.title.en == entry["title"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_picture_of_a_legend_is_a_drawing_with_a_sign_per_entry_and_no_script(
    catalogue: Catalogue, lang: str
) -> None:
    for style in catalogue.styles.values():
        document = style_legend(style, [], lang)
        document["title"] = '<script>alert("x")</script>&'
        root = ElementTree.fromstring(picture(document["title"], [document]))

        tags = [each.tag.rpartition("}")[2] for each in root.iter()]
        assert set(tags) <= {"svg", "title", "defs", "pattern", "path", "rect", "circle", "text"}
        texts = [each.text for each in root.iter() if each.tag.endswith("}text")]
        assert texts == [document["title"], *(entry["title"] for entry in legend(style, lang))]
        assert not [n for each in root.iter() for n in each.attrib if n.startswith(("on", "href"))]


@given(
    colours=st.lists(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True), unique=True, max_size=5),
    ratio=st.integers(1, 3),
)
def test_a_sprite_is_a_png_whose_index_covers_it_without_overlap(
    colours: list[str], ratio: int
) -> None:
    sheet = sprites.sheet(colours, ratio=ratio)

    rows = pixels(sheet.picture)
    assert len(sheet.index) == len(colours)
    top = 0
    for colour in colours:
        place = sheet.index[sprites.hatch_name(colour)]
        assert (place["x"], place["y"], place["pixelRatio"]) == (0, top, ratio)
        assert place["width"] == place["height"] == sprites.HATCH_PX * ratio
        cells = [p for row in rows[top : top + place["height"]] for p in row]
        assert {p[:3] for p in cells} == {bytes.fromhex(colour[1:])}
        assert {0, 255} & {p[3] for p in cells} == {0, 255} or ratio == 1
        assert 0 < sum(p[3] for p in cells) / 255 / len(cells) < 0.5
        top += place["height"]
    assert len(rows) == max(top, 1)


def test_copies_of_a_hatch_join_without_a_seam() -> None:
    sheet = sprites.sheet(["#8a8a8a"], ratio=2)
    rows = pixels(sheet.picture)
    side = len(rows)

    for y in range(side):
        for x in range(side):
            up_and_right = rows[(y - 1) % side][(x + 1) % side]
            assert rows[y][x] == up_and_right  # the lines run on, over the edges too


def test_a_style_may_not_take_the_name_of_the_whole_map_nor_leave_a_rule_without_a_symbol(
    tmp_path: Path,
) -> None:
    entry = """
kind: style
id: {id}
title: {{zh: 一, en: one}}
source: {{zh: 二, en: two}}
geometry: polygon
{defaults}
rules:
  - {{title: {{zh: 三, en: three}}{symbol}}}
"""

    def read(**parts: str) -> Catalogue:
        text = entry.format(**{"id": "plain", "defaults": "", "symbol": "", **parts})
        (tmp_path / "style.yaml").write_text(text, "utf-8")
        return load([PACKAGE_ROOT / "catalogue", tmp_path])

    with pytest.raises(CatalogueError, match="one_map"):
        read(id="one_map", symbol=', fill: "#ffffff"')
    with pytest.raises(CatalogueError, match="rules/0"):
        read()
    rule = read(defaults='defaults: {outline: "#102030", dash: [2, 1]}').styles["plain"].rules[0]
    assert (rule.outline, rule.dash) == ("#102030", (2, 1))


def pixels(picture: bytes) -> list[list[bytes]]:
    """Rows of pixels of a PNG of eight bits with alpha and no filter, its checksums proved."""
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        name, content = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        (check,) = struct.unpack_from(">I", picture, at + 8 + length)
        assert check == zlib.crc32(name + content)
        chunks[name] = content
        at += 12 + length
    width, height, *kind = struct.unpack(">2I5B", chunks[b"IHDR"])
    assert kind == [8, 6, 0, 0, 0]
    content = zlib.decompress(chunks[b"IDAT"])
    assert len(content) == height * (1 + 4 * width)
    rows = [content[y * (1 + 4 * width) + 1 :][: 4 * width] for y in range(height)]
    return [[row[4 * x : 4 * x + 4] for x in range(width)] for row in rows]
