"""OGC API - Common, Part 3: Schemas (23-058r2), and Features, Part 9 draft: text search."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from jsonschema import Draft202012Validator

SCHEMAS = "http://www.opengis.net/spec/ogcapi-common-3/1.0/req/"
TEXT_SEARCH = "http://www.opengis.net/spec/ogcapi-features-9/0.0/req/text-search/"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
KINDS = ("schema", "queryables", "sortables")
JSON_SCHEMA_WORDS = {
    "type", "title", "description", "format", "enum", "oneOf", "readOnly", "maxLength", "minimum",
    "exclusiveMinimum", "maximum", "exclusiveMaximum",
}  # fmt: skip

type Schema = dict[str, Any]
type Found = dict[str, dict[str, Schema]]


@pytest.fixture(scope="module")
def collections(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/collections").json()["collections"]
    return found


@pytest.fixture(scope="module")
def schemas(client: httpx.Client, collections: list[dict[str, Any]]) -> Found:
    """Collection -> kind -> document."""

    def had(collection: dict[str, Any], kind: str) -> Schema:
        (link,) = (x for x in collection["links"] if x["rel"] == f"{REL}{kind}")
        answer = client.get(link["href"], headers={"Accept": "application/schema+json"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/schema+json"
        document: Schema = answer.json()
        return document

    return {c["id"]: {kind: had(c, kind) for kind in KINDS} for c in collections}


def every(schemas: Found) -> list[tuple[str, str, Schema]]:
    return [(c, kind, s) for c, kinds in schemas.items() for kind, s in kinds.items()]


def properties(schemas: Found) -> list[tuple[str, str, str, Schema]]:
    return [(c, k, n, p) for c, k, s in every(schemas) for n, p in s["properties"].items()]


def with_role(schema: Schema, *roles: str) -> dict[str, Schema]:
    found = schema["properties"].items()
    return {name: said for name, said in found if said.get("x-ogc-role") in roles}


@pytest.mark.requirement(f"{SCHEMAS}schemas/json-schema")
def test_every_schema_is_a_json_schema_at_its_own_address(
    client: httpx.Client, schemas: Found
) -> None:
    for collection, kind, schema in every(schemas):
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["type"] == "object"
        address = urlsplit(schema["$id"])
        assert (address.path, address.query) == (f"/collections/{collection}/{kind}", "")
        assert client.get(schema["$id"]).json() == schema


@pytest.mark.requirement(f"{SCHEMAS}schemas/properties")
def test_every_property_has_a_type_but_the_spatial_one_and_nothing_is_left_open(
    schemas: Found,
) -> None:
    for _, _, schema in every(schemas):
        assert schema["additionalProperties"] is False
    for _, _, name, said in properties(schemas):
        spatial = str(said.get("format", "")).startswith("geometry-")
        assert spatial == (name == "geometry")
        assert ("type" in said) != spatial
        assert "$ref" not in said
        assert said["title"]


@pytest.mark.requirement(f"{SCHEMAS}schemas/additional-keywords")
def test_every_word_is_of_json_schema_or_begins_with_x(schemas: Found) -> None:
    for _, _, _, said in properties(schemas):
        assert [w for w in said if w not in JSON_SCHEMA_WORDS and not w.startswith("x-")] == []


@pytest.mark.requirement(f"{SCHEMAS}schemas/role")
@pytest.mark.requirement(f"{SCHEMAS}schemas/role-id")
def test_one_property_of_a_schema_is_the_id_and_is_never_missing(schemas: Found) -> None:
    for kinds in schemas.values():
        ((_, said),) = with_role(kinds["schema"], "id").items()
        assert said["type"] in ("string", "integer")
        for kind in ("queryables", "sortables"):
            assert len(with_role(kinds[kind], "id")) <= 1


@pytest.mark.requirement(f"{SCHEMAS}schemas/property-seq")
def test_properties_are_numbered_in_their_order(schemas: Found) -> None:
    for _, _, schema in every(schemas):
        places = [said["x-ogc-propertySeq"] for said in schema["properties"].values()]
        assert places == list(range(1, len(places) + 1))


@pytest.mark.requirement(f"{SCHEMAS}schemas/unit")
def test_units_are_given_in_the_code_they_name_and_of_numbers_only(schemas: Found) -> None:
    measured = [said for _, _, _, said in properties(schemas) if "x-ogc-unit" in said]

    assert {"m2", "{person}"} <= {said["x-ogc-unit"] for said in measured}
    for said in measured:
        assert said["x-ogc-unitLang"] == "UCUM"
        assert {*_types(said)} <= {"number", "integer", "null"}


@pytest.mark.requirement(f"{SCHEMAS}advanced-property-roles/role-primary-geometry")
def test_the_primary_geometry_is_the_one_spatial_property(schemas: Found) -> None:
    for _, kind, schema in every(schemas):
        expected = {"geometry"} & schema["properties"].keys()
        assert with_role(schema, "primary-geometry").keys() == expected
        assert kind != "sortables" or not expected


@pytest.mark.requirement(f"{SCHEMAS}advanced-property-roles/role-primary-interval-start")
@pytest.mark.requirement(f"{SCHEMAS}advanced-property-roles/role-primary-interval-end")
@pytest.mark.requirement(f"{SCHEMAS}advanced-property-roles/primary-temporal-constraints")
def test_at_most_one_date_begins_a_row_and_one_ends_it(schemas: Found) -> None:
    for _, _, schema in every(schemas):
        for role in ("primary-interval-start", "primary-interval-end"):
            found = with_role(schema, role)
            assert len(found) <= 1
            assert all(said["format"] == "date" for said in found.values())
        assert with_role(schema, "primary-instant", "primary-interval") == {}


@pytest.mark.requirement(f"{SCHEMAS}returnables-and-receivables/link")
@pytest.mark.requirement(f"{SCHEMAS}queryables/link")
@pytest.mark.requirement(f"{SCHEMAS}sortables/link")
def test_every_collection_links_to_its_three_schemas(
    client: httpx.Client, collections: list[dict[str, Any]]
) -> None:
    for listed in collections:
        alone = client.get(f"/collections/{listed['id']}").json()
        for document in (listed, alone):
            found = {x["rel"]: urlsplit(x["href"]).path for x in document["links"]}
            for kind in KINDS:
                assert found[f"{REL}{kind}"] == f"/collections/{listed['id']}/{kind}"


@pytest.mark.requirement(f"{SCHEMAS}returnables-and-receivables/op")
@pytest.mark.requirement(f"{SCHEMAS}returnables-and-receivables/response")
def test_features_are_valid_by_their_schema_and_say_nothing_else(
    client: httpx.Client, schemas: Found
) -> None:
    for collection, kinds in schemas.items():
        validator = Draft202012Validator(kinds["schema"])
        ((name, _),) = with_role(kinds["schema"], "id").items()
        page = client.get(f"/collections/{collection}/items", params={"limit": 100}).json()
        assert page["features"]
        for feature in page["features"]:
            logical = {**feature["properties"], name: feature["id"]}
            if feature["geometry"] is not None:
                logical["geometry"] = feature["geometry"]
                kind = kinds["schema"]["properties"]["geometry"]["format"]
                assert kind == f"geometry-{feature['geometry']['type'].lower()}"
            assert list(validator.iter_errors(logical)) == []


@pytest.mark.requirement(f"{SCHEMAS}queryables/op")
@pytest.mark.requirement(f"{SCHEMAS}queryables/response")
def test_what_is_queryable_can_be_asked_for_and_nothing_else(
    client: httpx.Client, schemas: Found
) -> None:
    for collection, kinds in schemas.items():
        names = kinds["queryables"]["properties"].keys()
        assert {"om_area_m2", "om_region", "om_plan", "om_basis"} <= names
        for name in names:
            asked = client.get(
                f"/collections/{collection}/items",
                params={"filter": f"{name} IS NOT NULL", "limit": 1},
            )
            assert asked.status_code == 200
        refused = client.get(
            f"/collections/{collection}/items", params={"filter": "no_such IS NULL"}
        )
        assert refused.status_code == 400


@pytest.mark.requirement(f"{SCHEMAS}sortables/op")
@pytest.mark.requirement(f"{SCHEMAS}sortables/response")
def test_what_is_sortable_can_be_sorted_by_and_nothing_else(
    client: httpx.Client, schemas: Found
) -> None:
    for collection, kinds in schemas.items():
        path = f"/collections/{collection}/items"
        for name, said in kinds["sortables"]["properties"].items():
            assert not {"array", "object"} & {*_types(said)}
            assert client.get(path, params={"sortby": f"-{name}", "limit": 1}).status_code == 200
        for name in ("geometry", "no_such"):
            assert client.get(path, params={"sortby": name}).status_code == 400


def test_codes_are_listed_with_what_they_stand_for_in_both_languages(
    client: httpx.Client,
) -> None:
    said = {
        lang: client.get("/collections/land_use/schema", params={"lang": lang}).json()
        for lang in ("zh", "en")
    }

    for lang, other in (("zh", "en"), ("en", "zh")):
        coded = said[lang]["properties"]["YDYHFLDM"]
        assert [one["const"] for one in coded["oneOf"]] == coded["enum"]
        for one, its in zip(
            coded["oneOf"], said[other]["properties"]["YDYHFLDM"]["oneOf"], strict=True
        ):
            assert one["title"] == one["x-onemap-title"][lang] == its["x-onemap-title"][lang]
            assert its["title"] == one["x-onemap-title"][other]


@pytest.mark.requirement(f"{TEXT_SEARCH}q-definition")
def test_q_is_taken_by_the_items_in_either_case(client: httpx.Client) -> None:
    path = "/collections/detailed_plan_parcel/items"
    name = next(
        f["properties"]["DKBH"]
        for f in client.get(path, params={"limit": 50}).json()["features"]
        if str(f["properties"]["DKBH"]).upper() != str(f["properties"]["DKBH"]).lower()
    )

    def ids(q: str) -> list[str]:
        page = client.get(path, params={"q": q, "limit": 10_000}).json()
        return [feature["id"] for feature in page["features"]]

    assert ids(name.lower()) == ids(name.upper())
    assert ids(name)


@pytest.mark.requirement(f"{TEXT_SEARCH}q-response")
def test_q_finds_the_features_with_one_of_the_terms_and_no_others(client: httpx.Client) -> None:
    path = "/collections/county/items"
    names = {
        f["id"]: f["properties"]["XZQMC"]
        for f in client.get(path, params={"limit": 100}).json()["features"]
    }

    for q, terms in (("农安", ["农安"]), ("农安,德惠", ["农安", "德惠"]), ("区", ["区"])):
        page = client.get(path, params={"q": q, "limit": 100}).json()
        found = {feature["id"] for feature in page["features"]}
        assert found == {i for i, name in names.items() if any(t in name for t in terms)}
        assert found


def _types(said: Schema) -> list[str]:
    kind = said["type"]
    return kind if isinstance(kind, list) else [kind]
