"""The contract between the engines: what both are asked, they answer alike or as the table explains.

`questions.yaml` holds the questions, `differences.yaml` each difference with its cause.
A difference that the table does not know fails, and so does one that no longer shows.
"""

import csv
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import asinh, pi, radians, tan
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import numpy as np
import pyproj
import pytest
import shapely
import yaml

from providers.tiles import MVT

HERE = Path(__file__).parent
ASKED = yaml.safe_load((HERE / "questions.yaml").read_text("utf-8"))
DIFFERENCES = yaml.safe_load((HERE / "differences.yaml").read_text("utf-8"))
CRS = ASKED["crs"]
ITEMS = {
    f"items: {name}": (f"/collections/{layer}/items", given)
    for name, (layer, given) in ASKED["items"].items()
}
QUESTIONS: dict[str, tuple[Any, ...]] = ITEMS | ASKED["paths"]
GUIDE = HERE.parents[2] / "server" / "guide"
HEADINGS = {"zh": "## 两种引擎", "en": "## Two engines"}
ABSENT = "(absent)"
KEYED = ("collections", "processes", "tileMatrixSets")  # lists of what has an id
type Aspects = dict[str, Any]
type Answers = Callable[[str], tuple[Aspects, Aspects]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: in which aspect the answers to which questions differ, and how."""

    difference: str
    questions: str  # a name, or a pattern of names
    aspect: str  # likewise
    said: list[Any] | None  # by ours and by stock; None: whatever they say

    def asks(self, question: str) -> bool:
        return fnmatchcase(question, self.questions)

    def explains(self, aspect: str, mine: Aspects, theirs: Aspects) -> bool:
        here = [mine.get(aspect, ABSENT), theirs.get(aspect, ABSENT)]
        return fnmatchcase(aspect, self.aspect) and self.said in (None, here)


LINES = [
    Line(name, questions, aspect, said)
    for name, entry in DIFFERENCES.items()
    for questions, aspects in entry["shows"].items()
    for aspect, said in aspects.items()
]


@pytest.fixture(scope="module")
def answers(ours: httpx.Client, stock: httpx.Client) -> Answers:
    """Asks both engines a question, once."""
    known = facts(ours)
    kept: dict[str, tuple[Aspects, Aspects]] = {}

    def asked(name: str) -> tuple[Aspects, Aspects]:
        if name not in kept:
            path, given, *body = QUESTIONS[name]
            path = path.format_map(known)
            params = {key: str(value).format_map(known) for key, value in given.items()}
            if body:
                mine, theirs = (c.post(path, params=params, json=body[0]) for c in (ours, stock))
            else:
                mine, theirs = (c.get(path, params=params) for c in (ours, stock))
            kept[name] = aspects(mine, ours), aspects(theirs, stock, escaped=True)
        return kept[name]

    return asked


@pytest.mark.parametrize("question", QUESTIONS)
def test_both_engines_answer_alike_but_for_what_the_table_explains(
    question: str, answers: Answers
) -> None:
    mine, theirs = answers(question)
    lines = [line for line in LINES if line.asks(question)]
    new = {
        aspect: (mine.get(aspect, ABSENT), theirs.get(aspect, ABSENT))
        for aspect in differing(mine, theirs)
        if not any(line.explains(aspect, mine, theirs) for line in lines)
    }
    assert not new, "ours and stock differ, and differences.yaml does not say why"


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.questions} / {line.aspect}")
def test_each_difference_of_the_table_shows(line: Line, answers: Answers) -> None:
    pairs = [answers(question) for question in QUESTIONS if line.asks(question)]
    assert any(line.explains(a, *pair) for pair in pairs for a in differing(*pair))


def test_no_answer_fails_inside(answers: Answers) -> None:
    failed = [q for q in QUESTIONS if any(one["status"] >= 500 for one in answers(q))]
    assert not failed


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_guide_tells_exactly_the_differences_of_the_table(lang: str) -> None:
    told = (GUIDE / lang / "5-operating.md").read_text("utf-8")
    rows = re.findall(
        r"^\| (.+) \| (.+) \|$", told.split(HEADINGS[lang])[1].split("\n## ")[0], re.M
    )
    assert rows[2:] == [tuple(entry[lang]) for entry in DIFFERENCES.values()]


def test_both_engines_write_right_coordinates_in_every_reference_system(
    ours: httpx.Client, stock: httpx.Client
) -> None:
    path = f"/collections/county/items/{first(ours, 'county')['id']}"
    offered = ours.get("/collections/county").json()["crs"]
    assert len(offered) >= 8, "degrees, Web Mercator and the zones that it meets, with and without"
    plain = shapely.get_coordinates(shapely.from_geojson(ours.get(path).text))
    for uri in offered:
        name = uri.rsplit("/", 1)[1]
        # by the datum that is stored: no shift lies between
        way = pyproj.Transformer.from_crs(
            "OGC:CRS84", "OGC:CRS84" if name == "CRS84" else f"EPSG:{name}"
        )
        right = list(zip(*way.transform(*plain.T), strict=True))
        for engine in (ours, stock):
            told = engine.get(path, params={"crs": uri}).raise_for_status()
            found = shapely.get_coordinates(shapely.from_geojson(told.text))
            near = 1e-9 if way.target_crs.is_geographic else 1e-3
            assert abs(found - right).max() <= near, (uri, engine.base_url)
            assert told.headers["content-crs"] == f"<{uri}>"


def aspects(response: httpx.Response, client: httpx.Client, *, escaped: bool = False) -> Aspects:
    """What an answer says, piece by piece; of a refusal the status, for each has its own form."""
    found: Aspects = {"status": response.status_code}
    if response.status_code != 200:
        return found
    media_type = response.headers["content-type"]
    found |= {name: response.headers.get(name) for name in ("content-type", "content-crs")}
    found["etag"] = "etag" in response.headers
    if media_type == MVT:
        return found | {"tile": mapbox_vector_tile.decode(response.content)}
    if media_type.startswith("text/csv"):
        columns, *rows = csv.reader(response.text.splitlines())
        return found | {"columns": columns, "rows": len(rows)}
    text = response.text.replace(str(client.base_url).rstrip("/"), "{base}")
    found["escaped"] = "&lt;" in text or "&gt;" in text
    if escaped:  # upstream does so to every JSON text: the one difference that is undone
        text = text.replace("&lt;", "<").replace("&gt;", ">")
    for name, value in json.loads(text).items():
        found |= pieces(name, value)
    return {name: said for name, said in found.items() if "x-onemap" not in name}  # ours by name


def pieces(name: str, value: Any) -> Aspects:
    """One member of a document, in as many aspects as can differ for reasons of their own."""
    match value:
        case list() if name == "links":
            return {"next": any(link["rel"] == "next" for link in value)}
        case list() if name == "features":
            plain = [{k: v for k, v in one.items() if k != "links"} for one in value]
            return {"ids": [one["id"] for one in value], "features": plain}
        case list() if name in KEYED:
            rows = {one["id"]: one for one in value}
        case dict() if name == "properties" and all(isinstance(v, dict) for v in value.values()):
            rows = value
        case dict() if name == "extent":
            return {f"extent.{part}": said for part, said in value.items()}
        case _:
            return {name: value}
    members = dict.fromkeys(m for row in rows.values() for m in row if m != "links")
    said = {m: {key: row[m] for key, row in rows.items() if m in row} for m in members}
    return {name: list(rows), **{f"{name}.{member}": values for member, values in said.items()}}


def differing(mine: Aspects, theirs: Aspects) -> set[str]:
    """In which aspects two answers differ; beside a refusal there is nothing more to compare."""
    if mine["status"] != theirs["status"]:
        return {"status"}
    return {a for a in mine.keys() | theirs.keys() if mine.get(a, ABSENT) != theirs.get(a, ABSENT)}


def facts(ours: httpx.Client) -> Mapping[str, str]:
    """What the questions take from the data: places in several reference systems, and values."""
    one = first(ours, "land_use")
    farmland, attributes = first(ours, "permanent_farmland")["properties"], one["properties"]
    spot = shapely.from_geojson(json.dumps(one["geometry"])).representative_point()
    west, south, east, north = box = middle(ours, "land_use")
    window, plane = shapely.box(*box), placed(spot, "4551")
    north_m, east_m = plane.x, plane.y
    level, row, column = tile_at((west + east) / 2, (south + north) / 2, 12)
    said = {
        "crs": CRS,
        "id": one["id"],
        "code": attributes["YDYHFLDM"],
        "area": attributes["TBMJ"],
        "district": attributes["XZQDM"],
        "day": farmland["BHKSSJ"],
        "census_rows": len(
            answered(ours, "/collections/census_2020/items", limit=1000)["features"]
        ),
        "wide_4551": numbers(north_m - 1000, east_m - 100_000, north_m + 1000, east_m + 100_000),
        "line_4551": f"LINESTRING({north_m} {east_m - 100_000}, {north_m} {east_m + 100_000})",
        "tile": f"{level}/{row}/{column}",
        "terms": " OR ".join(f"BSM = '{number}'" for number in range(300)),
        "json": '{"op": ">", "args": [{"property": "TBMJ"}, 20000]}',
        "window": numbers(*box),
        "window_with_heights": numbers(west, south, 0, east, north, 9),
        "place": window.wkt,
    }
    for code in ("4490", "4326", "3857"):
        moved = placed(window, code)
        said |= {f"window_{code}": numbers(*moved.bounds), f"place_{code}": moved.wkt}
    for code in ("4551", "4530"):
        moved = placed(spot, code)
        x, y = moved.x, moved.y
        said |= {f"metre_{code}": numbers(x, y, x + 1, y + 1), f"place_{code}": moved.wkt}
        said |= {f"swapped_{code}": numbers(y, x, y + 1, x + 1)}
    return {name: str(value) for name, value in said.items()}


def first(client: httpx.Client, layer: str) -> dict[str, Any]:
    found: dict[str, Any] = answered(client, f"/collections/{layer}/items", limit=1)["features"][0]
    return found


def answered(client: httpx.Client, path: str, **given: Any) -> Any:
    return client.get(path, params=given).raise_for_status().json()


def middle(client: httpx.Client, layer: str) -> tuple[float, float, float, float]:
    """The middle ninth of a layer's extent: west, south, east, north."""
    west, south, east, north = answered(client, f"/collections/{layer}")["extent"]["spatial"][
        "bbox"
    ][0]
    third, half = (east - west) / 3, (north - south) / 3
    return west + third, south + half, east - third, north - half


def placed(shape: shapely.Geometry, code: str) -> shapely.Geometry:
    """A shape of longitude and latitude in a reference system, in its axis order."""
    way = pyproj.Transformer.from_crs("OGC:CRS84", f"EPSG:{code}")
    return shapely.transform(shape, lambda points: np.column_stack(way.transform(*points.T)))


def numbers(*values: float) -> str:
    return ",".join(map(repr, values))


def tile_at(longitude: float, latitude: float, level: int) -> tuple[int, int, int]:
    """The WebMercatorQuad tile that holds a place: level, row, column."""
    size = 2**level
    column = int((longitude + 180) / 360 * size)
    row = int((1 - asinh(tan(radians(latitude))) / pi) / 2 * size)
    return level, row, column
