import pyproj
import pytest

from config.model import Catalogue
from config.vocabulary import EditionKey
from providers.crs import CRS84, CRS84_URI, EPSG_URI, Bounds, from_epsg
from providers.dialect import compile_sql
from providers.errors import BadParameter
from providers.frames import (
    content_crs,
    digits,
    offered,
    parse_frame,
    storage_crs,
    stored,
    written,
)
from providers.relations import current

CHANGCHUN: Bounds = (124.3, 43.1, 127.0, 45.2)
CHINA: Bounds = (73.6, 3.4, 135.1, 53.6)


def codes(extent: Bounds | None, srid: int = 4490) -> list[int]:
    return [crs.code for crs in offered(extent, srid)]


def test_crs84_comes_first_and_only_once() -> None:
    uris = [crs.uri for crs in offered(CHANGCHUN)]

    assert uris[:4] == [CRS84_URI, f"{EPSG_URI}4490", f"{EPSG_URI}4326", f"{EPSG_URI}3857"]
    assert len(uris) == len(set(uris))
    assert [uri for uri in uris if "CRS84" in uri] == [CRS84_URI]


def test_zones_are_offered_where_their_registered_area_meets_the_layer() -> None:
    west, south, east, north = CHANGCHUN
    expected = []
    for code in range(4513, 4555):
        area = pyproj.CRS.from_epsg(code).area_of_use
        assert area is not None
        if area.west <= east and west <= area.east and area.south <= north and south <= area.north:
            expected.append(code)

    assert codes(CHANGCHUN)[4:] == expected == [4529, 4530, 4550, 4551]


def test_all_zones_meet_a_layer_of_china_and_none_one_without_a_place() -> None:
    assert codes(CHINA)[4:] == list(range(4513, 4555))
    assert codes(None)[4:] == []
    assert codes((-10.0, 40.0, 0.0, 50.0))[4:] == []


def test_anothers_table_is_offered_in_its_own_system_too() -> None:
    assert codes(CHANGCHUN, 32650)[4:] == [32650, 4529, 4530, 4550, 4551]
    assert codes(None, 4547)[4:] == [4547]
    assert codes(CHANGCHUN, 4551)[4:] == [4551, 4529, 4530, 4550], "and once"
    assert codes(None, 4326) == codes(None)


def test_an_srid_that_no_registry_knows_is_not_offered() -> None:
    assert stored(999_999) is None
    assert codes(None, 999_999) == codes(None)


def test_managed_layers_are_stored_in_4490_and_offered_in_it(catalogue: Catalogue) -> None:
    storage = storage_crs(catalogue.layers["land_use"])

    assert storage == from_epsg(4490)
    assert storage in offered(None)


@pytest.mark.parametrize(
    "text",
    [
        f"{EPSG_URI}4490",
        "https://www.opengis.net/def/crs/EPSG/0/4490",
        "http://www.opengis.net/def/crs/EPSG/9.9.1/4490",
        "urn:ogc:def:crs:EPSG::4490",
        "EPSG:4490",
        "[EPSG:4490]",
    ],
)
def test_a_reference_system_may_be_spelled_as_uri_urn_code_or_safe_curie(text: str) -> None:
    assert parse_frame("crs", text, offered(CHANGCHUN)) == from_epsg(4490)


@pytest.mark.parametrize("text", [CRS84_URI, "OGC:CRS84", "[OGC:CRS84]", "CRS84"])
def test_crs84_may_be_spelled_shortly(text: str) -> None:
    assert parse_frame("crs", text, offered(None)) is CRS84


@pytest.mark.parametrize(
    "text", ["", "[]", "[", "zzz", "4490", f"{EPSG_URI}4547", f"{EPSG_URI}2056", "EPSG:4490]"]
)
def test_what_is_not_offered_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(BadParameter) as refused:
        parse_frame("bbox-crs", text, offered(CHANGCHUN))

    assert refused.value.name == "bbox-crs"
    assert refused.value.expected.startswith(f"one of {CRS84_URI}, {EPSG_URI}4490")


def test_a_long_list_of_what_is_offered_is_cut() -> None:
    with pytest.raises(BadParameter) as refused:
        parse_frame("crs", "zzz", offered(CHINA))

    assert refused.value.expected.endswith("38 more")


def test_degrees_have_nine_decimals_and_metres_four() -> None:
    assert [digits(crs) for crs in (CRS84, from_epsg(4490), from_epsg(3857), from_epsg(4547))] == [
        9,
        9,
        4,
        4,
    ]


def test_the_header_has_the_uri_in_brackets() -> None:
    assert content_crs(CRS84) == f"<{CRS84_URI}>"
    assert content_crs(from_epsg(4547)) == f"<{EPSG_URI}4547>"


def test_degrees_leave_storage_without_a_transformation(catalogue: Catalogue) -> None:
    relation = current(catalogue.layers["land_use"], EditionKey("2024"))
    shape = relation.branches[0].rows.c.geom

    for crs in (CRS84, from_epsg(4490), from_epsg(4326)):
        assert "ST_Transform" not in compile_sql(written(relation, shape, crs)).text
    mercator = compile_sql(written(relation, shape, from_epsg(3857)))
    assert sorted(mercator.constants.values()) == [3857, 4326], "not by the guess from 4490"
