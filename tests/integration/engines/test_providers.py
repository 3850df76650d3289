"""The providers that pygeoapi sees, asked in this very process as upstream's core asks them."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pygeoapi.crs import create_crs_transform_spec, modify_pygeofilter
from pygeoapi.provider.base import (
    ProviderConnectionError,
    ProviderInvalidQueryError,
    ProviderItemNotFoundError,
)
from pygeofilter.parsers.cql2_text import parse

from config.vocabulary import Classification
from providers.access import ALL, Scope
from providers.features import MAX_OFFSET
from providers.pygeoapi import source
from providers.pygeoapi.caller import NoCaller, acting_as
from providers.pygeoapi.feature import LayerProvider

CRS = "http://www.opengis.net/def/crs"
type Face = Callable[..., LayerProvider]


@pytest.fixture
def face(live_settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Face]:
    """Makes a layer's feature provider in this very process."""
    for name, value in live_settings.items():
        monkeypatch.setenv(name, value)
    source.catalogue.cache_clear()
    source.pool.cache_clear()

    def made(layer: str, **block: str) -> LayerProvider:
        fixed = {"type": "feature", "name": "face", "data": source.DATABASE_VARIABLE}
        return LayerProvider({**fixed, "layer": layer, **block})

    yield made
    source.pool().close()
    source.catalogue.cache_clear()
    source.pool.cache_clear()


def holding(*regions: str) -> Scope:
    return Scope(
        layers=ALL, regions=regions, areas=ALL, ceiling=Classification.INTERNAL, functions=ALL
    )


def test_a_face_that_nobody_asks_answers_nothing(face: Face) -> None:
    for block in ({}, {"principal": "administrator"}):
        provider = face("land_use", **block)
        with pytest.raises(NoCaller):
            provider.query()
        with pytest.raises(NoCaller):
            provider.get("1")


def test_a_face_shows_its_caller_no_more_than_the_scope(face: Face) -> None:
    provider = face("land_use", principal="anonymous")
    everything = provider.query(limit=10_000)["features"]
    found = {one["properties"]["om_region"] for one in everything}
    region = min(found)
    assert len(found) > 1
    hidden = next(one for one in everything if one["properties"]["om_region"] != region)
    with acting_as(holding(region)):
        seen = provider.query(limit=10_000)["features"]
        with pytest.raises(ProviderItemNotFoundError):
            provider.get(hidden["id"])
    assert seen == [one for one in everything if one["properties"]["om_region"] == region]
    assert provider.get(hidden["id"]) == hidden, "the caller is forgotten with the question"


def test_a_face_tells_no_one_of_a_layer_outside_the_scope(face: Face) -> None:
    narrow = replace(holding("220100"), layers=frozenset({"county"}))
    provider = face("land_use", principal="anonymous")
    with acting_as(narrow), pytest.raises(ProviderItemNotFoundError):
        provider.query()


def test_a_face_takes_offsets_up_to_a_bound(face: Face) -> None:
    provider = face("land_use", principal="anonymous")
    ids = [one["id"] for one in provider.query(limit=50)["features"]]
    assert [one["id"] for one in provider.query(offset=30, limit=20)["features"]] == ids[30:]
    assert provider.query(offset=MAX_OFFSET)["features"] == []
    with pytest.raises(ProviderInvalidQueryError):
        provider.query(offset=MAX_OFFSET + 1)


def test_a_face_answers_from_exactly_one_edition(face: Face) -> None:
    provider = face("land_use", principal="anonymous")
    for date in (None, "2024-06-01", "2023-06-01/2024-06-01"):
        ids = [one["id"] for one in provider.query(limit=10_000, datetime_=date)["features"]]
        assert len(ids) == len(set(ids))
    assert provider.query(datetime_="1949-10-01")["features"] == []
    with pytest.raises(ProviderInvalidQueryError):
        provider.query(datetime_="yesterday")


def test_a_face_gives_only_the_properties_asked_for(face: Face) -> None:
    provider = face("land_use", principal="anonymous")
    given = provider.query(limit=3, select_properties=["BSM"], skip_geometry=True)["features"]
    assert [list(one["properties"]) for one in given] == [["BSM"]] * 3
    assert {one["geometry"] for one in given} == {None}


def test_a_block_must_name_a_layer_and_the_variable_of_the_address(face: Face) -> None:
    for wrong in ({"layer": "nowhere"}, {"data": "postgresql://someone:secret@somewhere/db"}):
        with pytest.raises(ProviderConnectionError) as raised:
            face(**{"layer": "land_use", **wrong})
        assert "secret" not in raised.value.message


def test_a_face_sorts_before_it_takes_a_page(face: Face) -> None:
    provider = face("land_use", principal="anonymous")
    by_area = [{"property": "TBMJ", "order": "-"}, {"property": "BSM", "order": "+"}]
    everything = provider.query(limit=10_000)["features"]
    largest = sorted(everything, key=lambda one: (-one["properties"]["TBMJ"], one["id"]))
    assert provider.query(limit=20, offset=5, sortby=by_area)["features"] == largest[5:25]
    with pytest.raises(ProviderInvalidQueryError):
        provider.query(sortby=[by_area[0]] * 2)


def test_a_face_counts_what_its_caller_may_see(face: Face) -> None:
    provider = face("land_use", principal="anonymous")
    every = provider.query(limit=10_000)
    region = min(one["properties"]["om_region"] for one in every["features"])
    within = [one for one in every["features"] if one["properties"]["om_region"] == region]
    hits = provider.query(resulttype="hits")
    assert (hits["features"], hits["numberMatched"]) == ([], len(every["features"]))
    assert provider.query(limit=1)["numberMatched"] == len(every["features"])
    with acting_as(holding(region)):
        assert provider.query(resulttype="hits")["numberMatched"] == len(within)
        assert "numberMatched" not in provider.query(limit=1), "it would have to be counted"
    with pytest.raises(ProviderInvalidQueryError):
        provider.query(resulttype="both")


def test_a_face_writes_in_the_reference_system_that_upstream_names(face: Face) -> None:
    block = {"crs": [f"{CRS}/OGC/1.3/CRS84", f"{CRS}/EPSG/0/4490"]}
    provider = face("land_use", principal="anonymous")
    spec = create_crs_transform_spec(block, f"{CRS}/EPSG/0/4490")
    (plain,), (turned,) = (
        provider.query(limit=1, crs_transform_spec=s)["features"] for s in (None, spec)
    )
    assert provider.get(plain["id"], crs_transform_spec=spec) == turned
    corners, turned_corners = (f["geometry"]["coordinates"][0][0] for f in (plain, turned))
    assert turned_corners == [[y, x] for x, y in corners]


def test_a_face_answers_filters_within_the_scope(face: Face) -> None:
    provider = face("land_use", principal="anonymous")
    asked = moved("om_area_m2 > 9000 AND CASEI(YDYHFLMC) LIKE CASEI('%地')")
    found = provider.query(limit=10_000, filterq=asked)["features"]
    assert {one["properties"]["YDYHFLMC"][-1] for one in found} == {"地"}
    assert min(one["properties"]["om_area_m2"] for one in found) > 9000
    region = min(one["properties"]["om_region"] for one in found)
    with acting_as(holding(region)):
        seen = provider.query(limit=10_000, filterq=moved("om_area_m2 > 9000 OR om_area_m2 > 0"))
    assert {one["properties"]["om_region"] for one in seen["features"]} == {region}


@pytest.mark.parametrize(
    "text",
    [
        "S_INTERSECTS(geometry, BBOX(125, 43, 126, 44))",
        "S_INTERSECTS(geometry, ENVELOPE(125 126 43 44))",
        "BBOX(geometry, 125, 43, 126, 44)",
        "BHKSSJ T_INTERSECTS DATE('2020-01-01')",
        "BHKSSJ T_OVERLAPS INTERVAL('2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z')",
        "INCLUDE",
        "COLOUR = 'red'",
        "TBMJ = 'wide'",
        "BHKSSJ > TIMESTAMP('2020-01-01T00:00:00')",
    ],
)
def test_a_face_refuses_a_filter_that_upstream_cannot_have_handed_on_rightly(
    text: str, face: Face
) -> None:
    provider = face("permanent_farmland", principal="anonymous")
    with pytest.raises(ProviderInvalidQueryError):
        provider.query(filterq=moved(text))


def test_a_face_refuses_a_geometry_whose_reference_system_nobody_named(face: Face) -> None:
    provider = face("land_use", principal="anonymous")
    unmoved = parse("S_INTERSECTS(geometry, POINT(125.3 43.9))")
    with pytest.raises(ProviderInvalidQueryError):
        provider.query(filterq=unmoved)
    assert provider.query(filterq=moved("S_INTERSECTS(geometry, POINT(125.3 43.9))"))["features"]


def moved(text: str) -> object:
    """A filter as upstream's core hands it to a provider of CRS84."""
    crs = f"{CRS}/OGC/1.3/CRS84"
    return modify_pygeofilter(parse(text), filter_crs_uri=crs, storage_crs_uri=crs)
