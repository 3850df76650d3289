from dataclasses import replace
from pathlib import Path

import pytest

from config.loader import CatalogueError, load
from config.model import Catalogue
from config.settings import PACKAGE_ROOT
from config.tile_options import TileOptions
from config.units import Unit
from config.vocabulary import Classification, DataKind, GeometryKind

TEXT = "{zh: 甲, en: A}"
SPECIFICATION = f"""
kind: specification
id: SPEC
version: "1"
title: {TEXT}
geometry: polygon
source: {TEXT}
fields:
  - {{code: BSM, title: {TEXT}, type: text, required: true}}
  - {{code: DLBM, title: {TEXT}, type: text, code_list: DLBM}}
---
kind: code_list
id: DLBM
version: "1"
title: {TEXT}
source: {TEXT}
codes: {{"0101": {TEXT}, "2024-01-01": {TEXT}}}
---
kind: theme
id: base
title: {TEXT}
order: 1
"""
LAYER = f"""
kind: layer
id: land
title: {TEXT}
description: {TEXT}
theme: base
specification: SPEC
storage: managed
identity: [BSM]
region: none
plan: none
classification: public
source: {TEXT}
keeper: {TEXT}
synthetic: false
"""


def folder(tmp_path: Path, name: str = "catalogue", **files: str) -> Path:
    place = tmp_path / name
    place.mkdir()
    for stem, content in files.items():
        (place / f"{stem}.yaml").write_text(content, "utf-8")
    return place


def findings(*folders: Path) -> tuple[str, ...]:
    with pytest.raises(CatalogueError) as caught:
        load(folders)
    return caught.value.findings


def test_the_demo_catalogue_has_no_findings(catalogue: Catalogue) -> None:
    assert set(catalogue.layers) == {
        "county",
        "census_2020",
        "land_use",
        "planned_land_use",
        "planning_zone",
        "permanent_farmland",
        "ecological_redline",
        "urban_growth_boundary",
        "detailed_plan_parcel",
        "survey_parcel",
        "nature_reserve",
        "green_line",
        "yellow_line",
        "road_line",
        "detailed_plan_unit",
        "major_facility",
        "major_transport",
        "airport_surface",
        "approved_conversion",
        "pending_batch",
        "land_use_permit",
    }


def test_the_product_catalogue_stands_without_the_demo() -> None:
    product = load([PACKAGE_ROOT / "standards", PACKAGE_ROOT / "catalogue"])

    assert not product.layers
    assert product.processes["compliance-check"].bindings
    assert all(binding.layer is None for binding in product.bindings.values())


def test_a_layer_is_linked_to_its_specification_and_codes_stay_text(tmp_path: Path) -> None:
    catalogue = load([folder(tmp_path, spec=SPECIFICATION, layer=LAYER)])

    layer = catalogue.layers["land"]
    assert layer.geometry is GeometryKind.POLYGON
    codes = layer.field("DLBM")
    assert codes is not None
    assert codes.code_list is not None
    assert list(codes.code_list.codes) == ["0101", "2024-01-01"]


def test_a_later_folder_replaces_an_entry_of_the_same_kind_and_id(tmp_path: Path) -> None:
    product = folder(tmp_path, "product", spec=SPECIFICATION, layer=LAYER)
    bureau = folder(tmp_path, "bureau", layer=LAYER.replace("region: none", "region: overlap"))

    assert load([product, bureau]).layers["land"].region == "overlap"


def test_all_problems_of_all_files_are_told_at_once_with_their_places(tmp_path: Path) -> None:
    broken = folder(
        tmp_path,
        layer=LAYER.replace("specification: SPEC", "specification: NONE"),
        spec=SPECIFICATION.replace("geometry: polygon", "geometry: blob"),
        more="kind: nothing\nid: x\n",
        yaml="a: [",
    )

    told = findings(broken)

    assert any(line.startswith("catalogue/spec.yaml: /0/geometry: ") for line in told)
    assert any(line.startswith("catalogue/layer.yaml: /0/specification: ") for line in told)
    assert any(line.startswith("catalogue/more.yaml: /0/kind: ") for line in told)
    assert any(line.startswith("catalogue/yaml.yaml: ") for line in told)


@pytest.mark.parametrize(
    ("old", "new", "pointer"),
    [
        ("identity: [BSM]", "identity: [OTHER]", "/0/identity"),
        ("theme: base", "theme: nowhere", "/0/theme"),
        ("region: none", "region: {field: NONE}", "/0/region"),
        ("id: land", "id: land__use", "/0/id"),
        ("synthetic: false", "synthetic: false\nextra: 1", "/0"),
        ("plan: none", "plan: none\nplan: none", ""),
        ("storage: managed", "storage: managed\nstyle: nowhere", "/0/style"),
        (
            "storage: managed",
            "storage: managed\ntiles: {attributes: {NONE: 12}}",
            "/0/tiles/attributes: 'NONE' is not a field",
        ),
        (
            "storage: managed",
            "storage: managed\ntiles: {attributes: {DLBM: 25}}",
            "/0/tiles/attributes/DLBM",
        ),
        ("storage: managed", "storage: managed\ntiles: {overview: 1}", "/0/tiles/overview"),
        (
            "storage: managed",
            "storage: managed\ntiles: {overview_hours: 24}",
            "/0/tiles/overview_hours: is of an external layer with overview: true",
        ),
    ],
)
def test_a_fault_in_a_layer_entry_is_a_finding(
    tmp_path: Path, old: str, new: str, pointer: str
) -> None:
    told = findings(folder(tmp_path, spec=SPECIFICATION, layer=LAYER.replace(old, new)))

    assert any(line.startswith(f"catalogue/layer.yaml: {pointer}") for line in told)


def test_the_same_entry_twice_in_one_folder_is_a_finding(tmp_path: Path) -> None:
    told = findings(folder(tmp_path, spec=SPECIFICATION, a=LAYER, b=LAYER))

    assert any("catalogue/b.yaml" in line and "also stands in" in line for line in told)


MINIMAL = "kind: layer\nid: land\nspecification: SPEC\n"
DEFAULTS = """\
class: management
defaults: {theme: base, identity: [BSM], region: {field: DLBM}, plan: required, subdivided: true}
fields:"""
EXTERNAL = f"""
kind: layer
id: pipes
title: {TEXT}
theme: base
storage: {{external: gis.nt, version: none}}
"""


def test_a_layer_that_names_a_specification_needs_nothing_else(tmp_path: Path) -> None:
    standard = SPECIFICATION.replace("fields:", DEFAULTS)
    layer = load([folder(tmp_path, spec=standard, layer=MINIMAL)]).layers["land"]

    assert (layer.title.zh, layer.theme.id, layer.identity) == ("甲", "base", ("BSM",))
    assert (layer.region, layer.plan, layer.subdivided) == ("DLBM", "required", True)
    assert layer.classification is Classification.INTERNAL  # what nobody said is not public
    assert layer.specification.kind is DataKind.MANAGEMENT
    assert (layer.external, layer.synthetic, layer.style) == (None, False, None)
    assert (layer.source.zh, layer.keeper.en) == ("未注明", "Not stated")


def test_what_a_layer_says_wins_over_its_specification(tmp_path: Path) -> None:
    standard = SPECIFICATION.replace("fields:", DEFAULTS)
    entry = MINIMAL + "region: none\nplan: none\nsubdivided: false\nidentity: geometry\n"
    layer = load([folder(tmp_path, spec=standard, layer=entry)]).layers["land"]

    assert (layer.region, layer.plan, layer.subdivided, layer.identity) == (
        "none",
        "none",
        False,
        (),
    )


def test_a_layer_without_a_theme_anywhere_is_a_finding(tmp_path: Path) -> None:
    told = findings(folder(tmp_path, spec=SPECIFICATION, layer=MINIMAL))

    assert told == ("catalogue/layer.yaml: /0/theme: is needed: the specification names none",)


def test_an_external_layer_is_five_lines(tmp_path: Path) -> None:
    layer = load([folder(tmp_path, spec=SPECIFICATION, layer=EXTERNAL)]).layers["pipes"]

    assert layer.external is not None
    assert (layer.external.schema, layer.external.table) == ("gis", "nt")
    assert (layer.external.version, layer.external.columns, layer.external.key) == (
        "none",
        (),
        None,
    )
    assert (layer.specification.version, layer.fields, layer.identity) == ("external", (), ())


def test_the_columns_of_an_external_layer_are_chosen_and_described(tmp_path: Path) -> None:
    entry = EXTERNAL.replace(
        "version: none",
        "version: column, column: gxsj, key: gid, columns: [{name: DLBM, column: class,"
        f" title: {TEXT}, code_list: DLBM}}, {{column: len, unit: m}}]",
    )
    external = load([folder(tmp_path, spec=SPECIFICATION, layer=entry)]).layers["pipes"].external

    assert external is not None
    assert (external.version, external.version_column, external.key) == ("column", "gxsj", "gid")
    first, second = external.columns
    assert (first.name, first.column) == ("DLBM", "class")
    assert first.code_list is not None
    assert (second.name, second.unit) == ("len", Unit.METRE)


@pytest.mark.parametrize(
    ("old", "new", "pointer"),
    [
        ("version: none", "version: column", "/0/storage"),  # which column?
        ("gis.nt", "nt", "/0/storage"),
        (
            "version: none",
            "columns: [{column: a, code_list: NONE}]",
            "/0/storage/columns/0/code_list",
        ),
        ("version: none", "columns: [{column: a}, {name: a, column: b}]", "/0/storage/columns"),
        ("theme: base\n", "", "/0"),
        ("theme: base", "theme: base\nspecification: SPEC", "/0"),
        ("theme: base", "theme: base\nsource: nobody", "/0/source"),
    ],
)
def test_a_fault_in_an_external_layer_is_a_finding(
    tmp_path: Path, old: str, new: str, pointer: str
) -> None:
    told = findings(folder(tmp_path, spec=SPECIFICATION, layer=EXTERNAL.replace(old, new)))

    assert any(line.startswith(f"catalogue/layer.yaml: {pointer}") for line in told)


def test_a_managed_layer_has_overviews_and_an_external_one_where_its_entry_asks_for_them(
    tmp_path: Path,
) -> None:
    said = "tiles: {attributes: {DLBM: 12}}\n"
    files = {"spec": SPECIFICATION, "layer": LAYER + said, "pipes": EXTERNAL}
    layers = load([folder(tmp_path, **files)]).layers
    asked = EXTERNAL + "tiles: {overview: true}\n"
    pipes = load([folder(tmp_path, "asked", spec=SPECIFICATION, layer=asked)]).layers["pipes"]

    assert layers["land"].tiles == TileOptions(overview=True, attributes={"DLBM": 12})
    assert (layers["pipes"].tiles.overview, pipes.tiles.overview) == (False, True)


def test_a_layer_names_its_source_and_shows_the_attribution(tmp_path: Path) -> None:
    source = f"""
kind: source
id: survey
title: {TEXT}
organisation: {TEXT}
attribution: {{zh: 丙, en: C}}
"""
    entry = LAYER.replace(f"source: {TEXT}", "source: survey")
    catalogue = load([folder(tmp_path, spec=SPECIFICATION, layer=entry, source=source)])

    assert catalogue.layers["land"].source.en == "C"
    assert catalogue.sources["survey"].organisation.zh == "甲"


def test_a_field_keeps_its_bounds_decimals_and_other_names(tmp_path: Path) -> None:
    more = (
        f"\n  - {{code: RJL, title: {TEXT}, type: decimal, decimals: 2, minimum: 0,"
        " exclusive_maximum: 50, aliases: [容积率上限, FAR]}\n---\nkind: code_list"
    )
    standard = SPECIFICATION.replace("\n---\nkind: code_list", more, 1)
    field = load([folder(tmp_path, spec=standard, layer=LAYER)]).layers["land"].field("RJL")

    assert field is not None
    assert (field.decimals, field.minimum, field.exclusive_maximum) == (2, 0.0, 50.0)
    assert field.aliases == ("容积率上限", "FAR")
    assert (field.maximum, field.exclusive_minimum) == (None, None)


@pytest.mark.parametrize("value", [".nan", ".inf", "!!binary aGk=", "!!set {a}"])
def test_a_value_that_json_does_not_know_is_a_finding(tmp_path: Path, value: str) -> None:
    told = findings(folder(tmp_path, theme=f"kind: theme\nid: a\ntitle: {TEXT}\norder: {value}"))

    assert told[0].startswith("catalogue/theme.yaml: /0")


def test_a_code_without_quotes_is_a_finding_and_no_number(tmp_path: Path) -> None:
    told = findings(folder(tmp_path, spec=SPECIFICATION.replace('"0101"', "0101")))

    assert any("put it in quotes" in line for line in told)


def test_the_four_kinds_of_data_are_the_roots_of_the_tree_and_every_theme_hangs_in_it() -> None:
    themes = load([PACKAGE_ROOT / "standards", PACKAGE_ROOT / "catalogue"]).themes

    roots = sorted((t for t in themes.values() if "." not in t.id), key=lambda t: t.order)
    assert [t.title.zh for t in roots] == [kind.label.zh for kind in DataKind]
    assert [t.id for t in roots] == [kind.value for kind in DataKind]
    assert all(any(name.startswith(f"{root.id}.") for name in themes) for root in roots)


def test_a_layer_may_not_be_named_as_what_tiles_leave_out_of_another(tmp_path: Path) -> None:
    named = LAYER.replace("id: land\n", "id: land_omitted\n")
    told = findings(folder(tmp_path, spec=SPECIFICATION, layer=named))

    assert any("/id: 'land_omitted' ends in _omitted" in line for line in told)


def test_a_layer_that_is_replaced_is_replaced_wherever_it_is_referred_to(
    catalogue: Catalogue,
) -> None:
    layer = catalogue.layers["permanent_farmland"]
    other = catalogue.with_layers({layer.id: replace(layer, classification=Classification.SECRET)})

    bound = other.processes["compliance-check"].bindings["farmland_issued"].layer
    assert bound is other.layers[layer.id]
    assert bound.classification is Classification.SECRET
    assert other.digest != catalogue.digest
    assert other.with_layers({layer.id: other.layers[layer.id]}).digest == other.digest
    assert catalogue.with_layers({}) is catalogue


def test_a_theme_knows_its_branch_from_the_root(catalogue: Catalogue) -> None:
    theme = catalogue.themes["planning.control_lines"]

    assert [t.id for t in catalogue.branch(theme)] == ["planning", "planning.control_lines"]
