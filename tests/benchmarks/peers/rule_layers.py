"""The layers that the compliance rules read, with generated features, and parcels to be checked."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from peers.table import run_onemap

from config.loader import load
from config.model import Field, Layer
from config.settings import PACKAGE_ROOT
from config.vocabulary import FieldType
from processes.workflows.feature_table import FeatureTable

# binding of the rules -> specification of the layer behind it
BINDINGS = {
    "farmland_issued": "YJJBNT",
    "redline_issued": "STBHHX",
    "boundary_issued": "CZKFBJ",
    "nature_reserve": "ZRBHD",
    "survey_latest": "DLTB",
    "zone_plan": "GHFQ",
    "farmland_reserve": "YJJBNTCBQ",
    "use_plan": "GHYDYH",
    "heritage_line": "LSWHBHX",
    "flood_line": "HLFXKZX",
    "basic_grassland": "JBCY",
    "wetland": "SD",
}
ISSUED = ("farmland_issued", "redline_issued", "boundary_issued")
LARGE = {
    "redline_issued": 400,
    "boundary_issued": 100,
    "zone_plan": 1_500,
}  # features; of many vertices
FEATURES = 200_000  # of all twelve together
ORIGIN, WIDE, HIGH = (124.8, 43.4), 0.4, 0.32  # degrees
SURVEY = "survey_latest"
LAYER = """\
kind: layer
id: bench_{binding}
title: {{zh: 测试图层, en: Layer of the benchmark}}
theme: present
specification: {specification}
storage: managed
identity: [BSM]
region: none
plan: none
classification: public
tiles: {{overview: false}}
---
kind: binding
id: {binding}
title: {{zh: 测试图层, en: Layer of the benchmark}}
layer: bench_{binding}
edition: {{{issuer}status: in_force, at: check_date}}
"""


def layer_id(binding: str) -> str:
    return f"bench_{binding}"


def write_rule_catalogue(folder: Path) -> None:
    """A bureau's folder that connects twelve bindings."""
    (folder / "layers").mkdir(parents=True, exist_ok=True)
    for binding, specification in BINDINGS.items():
        issuer = "issuer: above, " if binding in ISSUED else ""
        text = LAYER.format(binding=binding, specification=specification, issuer=issuer)
        (folder / "layers" / f"{binding}.yaml").write_text(text, "utf-8")


def rule_layers(folder: Path) -> dict[str, Layer]:
    """The layers by binding."""
    folders = [PACKAGE_ROOT / part for part in ("standards", "catalogue")]
    layers = load([*folders, folder]).layers
    return {binding: layers[layer_id(binding)] for binding in BINDINGS}  # type: ignore[index]


def load_rule_layers(
    url: str, home: Path, catalogue: Path, features: int = FEATURES
) -> dict[str, Layer]:
    """All twelve with `onemap load`; the three lines as issued copies."""
    layers = rule_layers(catalogue)
    each = (features - sum(LARGE.values())) // (len(BINDINGS) - len(LARGE))
    for number, (binding, layer) in enumerate(layers.items()):
        count, vertices = LARGE.get(binding, each), 600 if binding in LARGE else 24
        load_rows(url, home, catalogue, layer, "a", stars(count, vertices, number), number)
    return layers


def load_rows(
    url: str,
    home: Path,
    catalogue: Path,
    layer: Layer,
    edition: str,
    shapes: NDArray[np.object_],
    seed: int,
) -> None:
    """Shapes as an edition of a layer that says all there is in their neighbourhood."""
    file, covers = home / f"{layer.id}.gpkg", home / "covers.geojson"
    table(layer, shapes, seed).of(layer).write(file, layer)
    area = shapely.box(ORIGIN[0] - 1, ORIGIN[1] - 1, ORIGIN[0] + 2, ORIGIN[1] + 2)
    covers.write_text(shapely.to_geojson(area), "utf-8")
    said = ["--edition", edition, "--valid-from", "2024-01-01", "--covers", str(covers)]
    if layer.id in map(layer_id, ISSUED):
        said.append("--issued-from-above")
    run_onemap(url, home, catalogue, "load", layer.id, str(file), *said)
    file.unlink()


def stars(count: int, vertices: int, seed: int) -> NDArray[np.object_]:
    """Star-shaped rings, one in each cell of a grid over the area; shifted for each seed."""
    random = np.random.default_rng(seed)
    columns = int(np.ceil(np.sqrt(count)))
    cell = np.array([WIDE, HIGH]) / columns
    number = np.arange(count)
    centre = np.stack([number % columns, number // columns], axis=-1) + 0.5
    turn = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    radius = random.uniform(0.38, 0.49, (count, vertices))
    offset = np.stack([np.cos(turn) * radius, np.sin(turn) * radius], axis=-1)
    shift = np.array(ORIGIN) + random.uniform(0, 0.001, 2)
    shapes: NDArray[np.object_] = shapely.polygons((centre[:, None, :] + offset) * cell + shift)
    return shapes


def parcels(count: int, seed: int = 5) -> NDArray[np.object_]:
    """Parcels of ten corners and about half a hectare, anywhere in the area."""
    random = np.random.default_rng(seed)
    centre = np.array(ORIGIN) + random.uniform(0.01, 0.99, (count, 2)) * [WIDE, HIGH]
    turn = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    radius = random.uniform(0.6, 1.0, (count, 10)) * 0.0005
    offset = np.stack([np.cos(turn) * radius * 1.35, np.sin(turn) * radius], axis=-1)
    shapes: NDArray[np.object_] = shapely.polygons(centre[:, None, :] + offset)
    return shapes


def feature_collection(shapes: NDArray[np.object_]) -> Mapping[str, Any]:
    """Parcels as a check takes them."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": json.loads(shapely.to_geojson(one)),
                "properties": {"name": f"P{number}"},
            }
            for number, one in enumerate(shapes)
        ],
    }


def table(layer: Layer, shapes: NDArray[np.object_], seed: int) -> FeatureTable:
    """Features with every required field, and those that rules read, filled."""
    random, count = np.random.default_rng(seed), len(shapes)
    values: dict[str, Sequence[Any]] = {}
    for field in layer.fields:
        if field.code_list is not None and not field.required and field.code != "KCXS":
            codes = list(field.code_list.codes)[:6]
            values[field.code] = [codes[n] for n in random.integers(0, len(codes), count)]
        elif field.required:
            values[field.code] = [_value(field)] * count
    values["BSM"] = [f"{number:018d}"[: _length(layer.field("BSM"))] for number in range(count)]
    return FeatureTable(values=values, geometry=shapes)


def _length(field: Field | None) -> int:
    return 18 if field is None or field.length is None else field.length


def _value(field: Field) -> Any:
    if field.code_list is not None:
        return next(iter(field.code_list.codes))
    if field.code == "XZQDM":
        return "220102"
    return {
        FieldType.TEXT: "1",
        FieldType.INTEGER: 1,
        FieldType.DECIMAL: 1.5,
        FieldType.DATE: date(2023, 1, 1),
        FieldType.BOOLEAN: True,
    }[field.type]
