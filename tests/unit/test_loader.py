from pathlib import Path

import pytest

from config.loader import CatalogueError, load
from config.model import Catalogue
from config.settings import PACKAGE_ROOT
from config.vocabulary import GeometryKind

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
